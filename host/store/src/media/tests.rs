//! What is taken away, and what stays, on a real file.

use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;
use warbler_domain::media::{Media as Medium, MediaKind, MediaSource};
use warbler_domain::{
    Content, Direction, Jid, Message, MessageStatus, Random, SessionId, WhatsAppId,
};

use super::*;
use crate::{Store, StoreOptions};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);
const DIGEST: Digest = Digest::new([1; 32]);
const PREVIEW: Digest = Digest::new([2; 32]);

struct Bench {
    store: Store,
    random: Random,
    _dir: TempDir,
}

impl Bench {
    /// A store with one picture and its preview in it, stored at [`NOW`].
    async fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let store = Store::open(&StoreOptions::new(dir.path().join("warbler.db")))?;
        let bench = Self {
            store,
            random: Random::seeded(5),
            _dir: dir,
        };
        bench
            .write(|tx| {
                tx.media_mut().keep(&medium(PREVIEW, None))?;
                tx.media_mut().keep(&medium(DIGEST, Some(PREVIEW)))
            })
            .await?;
        Ok(bench)
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Writer<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T> {
        Ok(self.store.write(job).await?)
    }

    /// What a sweep takes away so long after [`NOW`]: loose contents after one day, held ones
    /// after thirty.
    async fn swept_after(&self, passed: Duration) -> Result<Vec<Digest>> {
        let now = NOW.plus(passed);
        let cutoffs = Cutoffs {
            now,
            loose: before(now, DAY),
            held: before(now, 30 * DAY),
        };
        let seen = self
            .store
            .read(move |db| db.media().unused(cutoffs, 10))
            .await?;
        self.write(move |tx| {
            tx.media_mut().delete_expired_uploads(now, 10)?;
            let gone = seen.into_iter().filter_map(|digest| {
                match tx.media_mut().forget_unused(&digest, cutoffs) {
                    Ok(gone) => gone.then_some(Ok(digest)),
                    Err(err) => Some(Err(err)),
                }
            });
            gone.collect()
        })
        .await
    }

    async fn accept(&self) -> Result<Message> {
        let chat: Jid = "15550100@s.whatsapp.net".parse()?;
        let source = MediaSource::Stored { digest: DIGEST };
        let mut picture = Medium::new(MediaKind::Image, "image/png", 3, source);
        picture.thumbnail = Some(PREVIEW);
        let message = Message {
            id: MessageId::new(NOW, &self.random),
            session: SessionId::new(NOW, &self.random),
            whatsapp_id: WhatsAppId::new(&self.random),
            sender: chat.clone(),
            chat,
            chat_alt: None,
            sender_alt: None,
            sender_name: None,
            direction: Direction::Outbound,
            timestamp: NOW,
            content: Content::Media(picture),
            quoted: None,
            forwarded: 0,
            audience: Vec::new(),
            status: MessageStatus::Queued,
            error: None,
            scheduled_for: None,
            error_code: None,
            sender_saved_name: None,
        };
        let stored = message.clone();
        self.write(move |tx| {
            tx.messages_mut().insert(&stored)?;
            tx.outbox_mut().enqueue(&stored, NOW, None)
        })
        .await?;
        Ok(message)
    }

    async fn sent(&self, message: &Message) -> Result<()> {
        let (session, whatsapp_id) = (message.session, message.whatsapp_id.clone());
        self.write(move |tx| {
            let row = tx.outbox().by_whatsapp_id(session, &whatsapp_id)?;
            row.map_or(Ok(()), |row| tx.outbox_mut().finish(&row))
        })
        .await
    }

    async fn upload(&self, lasts: Duration) -> Result<Upload> {
        let upload = Upload {
            id: UploadId::new(NOW, &self.random),
            digest: DIGEST,
            name: "unguessable".to_owned(),
            file_name: Some("a.png".to_owned()),
            made_by: "host".to_owned(),
            owner: None,
            created_at: NOW,
            expires_at: NOW.plus(lasts),
        };
        let stored = upload.clone();
        self.write(move |tx| tx.media_mut().add_upload(&stored))
            .await?;
        Ok(upload)
    }
}

fn before(now: Timestamp, passed: Duration) -> Timestamp {
    let passed = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis() - passed)
}

fn medium(digest: Digest, thumbnail: Option<Digest>) -> StoredMedium {
    StoredMedium {
        digest,
        size: 3,
        mime: "image/png".to_owned(),
        width: Some(4),
        height: None,
        seconds: None,
        animated: false,
        thumbnail,
        created_at: NOW,
        used_at: NOW,
    }
}

#[tokio::test]
async fn what_nobody_uses_goes_after_a_day_and_its_preview_with_the_next_sweep() -> Result<()> {
    let bench = Bench::new().await?;
    assert_eq!(bench.swept_after(DAY / 2).await?, []);
    assert_eq!(bench.swept_after(2 * DAY).await?, [DIGEST]);
    assert_eq!(bench.swept_after(2 * DAY).await?, [PREVIEW]);
    assert_eq!(bench.swept_after(2 * DAY).await?, []);
    Ok(())
}

#[tokio::test]
async fn what_a_queued_message_needs_stays_for_ever() -> Result<()> {
    let bench = Bench::new().await?;
    let message = bench.accept().await?;
    assert_eq!(bench.swept_after(300 * DAY).await?, []);
    bench.sent(&message).await?;
    assert_eq!(bench.swept_after(29 * DAY).await?, []);
    assert_eq!(bench.swept_after(31 * DAY).await?, [DIGEST]);
    Ok(())
}

#[tokio::test]
async fn an_upload_keeps_its_content_until_it_expires() -> Result<()> {
    let bench = Bench::new().await?;
    let upload = bench.upload(10 * DAY).await?;
    assert_eq!(bench.swept_after(9 * DAY).await?, []);
    let (id, until) = (upload.id, NOW.plus(40 * DAY));
    bench
        .write(move |tx| tx.media_mut().extend_upload(id, until))
        .await?;
    assert_eq!(bench.swept_after(39 * DAY).await?, []);
    assert_eq!(bench.swept_after(41 * DAY).await?, [DIGEST]);
    let found = bench.store.read(move |db| db.media().upload(id)).await?;
    assert_eq!(found, None);
    Ok(())
}

#[tokio::test]
async fn an_upload_is_found_by_id_and_by_name_until_it_is_deleted() -> Result<()> {
    let bench = Bench::new().await?;
    let upload = bench.upload(DAY).await?;
    let id = upload.id;
    let by_id = bench.store.read(move |db| db.media().upload(id)).await?;
    let by_name = bench
        .store
        .read(|db| db.media().upload_named("unguessable"))
        .await?;
    assert_eq!((by_id, by_name), (Some(upload.clone()), Some(upload)));
    assert!(
        bench
            .write(move |tx| tx.media_mut().delete_upload(id))
            .await?
    );
    assert!(
        !bench
            .write(move |tx| tx.media_mut().delete_upload(id))
            .await?
    );
    Ok(())
}

#[tokio::test]
async fn using_a_content_again_keeps_it_and_its_preview() -> Result<()> {
    let bench = Bench::new().await?;
    let later = NOW.plus(2 * DAY);
    assert!(
        bench
            .write(move |tx| tx.media_mut().touch(&DIGEST, later))
            .await?
    );
    assert_eq!(bench.swept_after(2 * DAY).await?, []);
    let preview = bench.store.read(|db| db.media().get(&PREVIEW)).await?;
    assert_eq!(preview.context("the preview")?.used_at, later);
    let again = medium(DIGEST, None);
    bench.write(move |tx| tx.media_mut().keep(&again)).await?;
    let known = bench.store.read(|db| db.media().get(&DIGEST)).await?;
    let known = known.context("the picture")?;
    assert_eq!((known.used_at, known.thumbnail), (later, Some(PREVIEW)));
    Ok(())
}
