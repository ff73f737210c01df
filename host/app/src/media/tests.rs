//! Contents and their retention, on a real disk and a real database.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;
use warbler_domain::caller::Reach;
use warbler_domain::media::Digest;
use warbler_domain::{
    KeyId, ManualClock, Random, Refusal as _, Scopes, SessionId, Timestamp, UserId,
};
use warbler_store::{Store, StoreOptions};

use super::admit::as_kind;
use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

struct Bench {
    media: MediaStore,
    clock: Arc<ManualClock>,
    dir: TempDir,
}

impl Bench {
    fn new() -> Result<Self> {
        Self::with(MediaSettings::default())
    }

    fn with(settings: MediaSettings) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_800_000_000_000)));
        let store = Store::open(&StoreOptions::new(dir.path().join("warbler.db")))?;
        let at = Arc::clone(&clock) as _;
        let media = MediaStore::open(&dir.path().join("media"), store, at, settings)?;
        Ok(Self { media, clock, dir })
    }

    async fn take(&self, bytes: &[u8]) -> Result<StoredMedium, MediaError> {
        let max = self.media.settings().largest();
        self.media.take(bytes, max).await
    }

    /// Every file below the media folder, by its path in it.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let root = self.dir.path().join("media");
        let mut found = Vec::new();
        collect(&root, &mut found)?;
        found.sort();
        Ok(found)
    }
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

fn picture() -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    image::RgbImage::new(320, 200).write_to(&mut bytes, image::ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

#[tokio::test]
async fn a_content_is_stored_once_however_often_it_comes() -> Result<()> {
    let bench = Bench::new()?;
    let (first, second) = (bench.take(b"hello").await?, bench.take(b"hello").await?);
    assert_eq!(first.digest, second.digest);
    assert_eq!((first.size, first.mime.as_str()), (5, "text/plain"));
    assert_eq!(bench.files()?.len(), 1);
    assert_eq!(&bench.media.get(&first.digest).await?[..], b"hello");
    Ok(())
}

#[tokio::test]
async fn a_picture_is_looked_at_and_its_preview_stored() -> Result<()> {
    let bench = Bench::new()?;
    let medium = bench.take(&picture()?).await?;
    assert_eq!((medium.width, medium.height), (Some(320), Some(200)));
    let preview = bench
        .media
        .get(&medium.thumbnail.context("a preview")?)
        .await?;
    assert_eq!(Format::of(&preview), Format::JPEG);
    let again = bench.take(&picture()?).await?;
    assert_eq!(
        (again.width, again.thumbnail),
        (medium.width, medium.thumbnail)
    );
    Ok(())
}

#[tokio::test]
async fn what_is_empty_or_too_large_is_refused_and_leaves_nothing() -> Result<()> {
    let bench = Bench::with(MediaSettings {
        max_document_bytes: 10,
        max_bytes: 10,
        ..MediaSettings::default()
    })?;
    for (bytes, expected) in [
        (&b""[..], "empty_media"),
        (b"eleven byte", "media_too_large"),
    ] {
        let refused = bench.take(bytes).await.err().context("a refusal")?;
        assert_eq!(refused.code(), expected);
    }
    assert!(bench.take(b"ten bytes.").await.is_ok());
    assert_eq!(bench.files()?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn what_is_dropped_on_its_way_in_leaves_nothing() -> Result<()> {
    let bench = Bench::new()?;
    let mut incoming = bench.media.begin(1024 * 1024).await?;
    incoming.push(&[b'x'; 600_000]).await?;
    assert_eq!(bench.files()?.len(), 1);
    drop(incoming);
    assert_eq!(bench.files()?, Vec::<PathBuf>::new());
    Ok(())
}

#[tokio::test]
async fn what_a_crash_left_aside_is_removed_at_the_next_start() -> Result<()> {
    let bench = Bench::new()?;
    let left = bench.dir.path().join("media/incoming/7.part");
    std::fs::write(&left, "half a file")?;
    let store = bench.media.store.clone();
    let clock = Arc::clone(&bench.clock) as _;
    let dir = bench.dir.path().join("media");
    MediaStore::open(&dir, store, clock, MediaSettings::default())?;
    assert!(!left.exists());
    Ok(())
}

#[tokio::test]
async fn what_nothing_needs_is_taken_from_the_disk() -> Result<()> {
    let bench = Bench::new()?;
    bench.take(&picture()?).await?;
    let kept = bench.take(b"kept").await?;
    assert_eq!(bench.media.sweep().await?, 0);
    bench.clock.advance(DAY * 2);
    bench.media.get(&kept.digest).await?;
    assert_eq!(bench.media.sweep().await?, 1);
    assert_eq!(
        bench.media.sweep().await?,
        1,
        "the preview goes after its picture"
    );
    assert_eq!(bench.files()?.len(), 1);
    assert_eq!(&bench.media.get(&kept.digest).await?[..], b"kept");
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_gone_is_missed_and_swept_all_the_same() -> Result<()> {
    let bench = Bench::new()?;
    let medium = bench.take(b"hello").await?;
    for path in bench.files()? {
        std::fs::remove_file(path)?;
    }
    let missed = bench.media.get(&medium.digest).await.err();
    assert_eq!(missed.context("a refusal")?.code(), "media_expired");
    bench.clock.advance(DAY * 2);
    assert_eq!(bench.media.sweep().await?, 1);
    let again = bench.take(b"hello").await?;
    assert_eq!(&bench.media.get(&again.digest).await?[..], b"hello");
    Ok(())
}

#[tokio::test]
async fn what_is_stored_while_it_is_swept_is_there_afterwards() -> Result<()> {
    let bench = Bench::new()?;
    for round in 0..20 {
        bench.take(b"contended").await?;
        bench.clock.advance(DAY * 2);
        let (stored, swept) = tokio::join!(bench.take(b"contended"), bench.media.sweep());
        let (digest, swept) = (stored?.digest, swept?);
        let bytes = bench.media.get(&digest).await?;
        assert_eq!(&bytes[..], b"contended", "round {round}, swept {swept}");
    }
    Ok(())
}

#[test]
fn a_name_is_one_segment_of_letters_and_digits() {
    assert!(is_name("abcdefghijklmnopqrstuvwxyz234567"));
    for text in [
        "",
        "..",
        "../../../../etc/passwd",
        "abcdefghijklmnopqrstuvwxyz23456",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "abcdefghijklmnopqrstuvwxyz23456/",
    ] {
        assert!(!is_name(text), "{text}");
    }
}

#[test]
fn a_content_is_only_sent_as_what_it_is() -> Result<()> {
    let medium = |format: Format| StoredMedium {
        digest: Digest::new([0; 32]),
        size: 1,
        mime: format.mime().to_owned(),
        width: None,
        height: None,
        seconds: None,
        animated: false,
        thumbnail: None,
        created_at: Timestamp::from_millis(0),
        used_at: Timestamp::from_millis(0),
    };
    let refused = as_kind(&medium(Format::PDF), Some(MediaKind::Image)).err();
    assert_eq!(
        refused.context("a refusal")?.to_string(),
        "the file is application/pdf, which cannot be sent as an image; send it as a document"
    );
    let document = as_kind(&medium(Format::PNG), Some(MediaKind::Document))?;
    assert_eq!(
        document.file_name.as_ref().map(FileName::as_str),
        Some("file.png")
    );
    let sound = as_kind(&medium(Format::MP4), Some(MediaKind::Audio))?;
    assert_eq!((sound.mime, sound.file_name), ("audio/mp4", None));
    assert_eq!(as_kind(&medium(Format::WEBP), None)?.kind, MediaKind::Image);
    Ok(())
}

#[test]
fn an_upload_is_its_owners_and_nobody_elses() {
    let random = Random::seeded(9);
    let at = Timestamp::from_millis(1);
    let key = || KeyId::new(at, &random);
    let (ada, bob) = (UserId::new(at, &random), UserId::new(at, &random));
    let of = |user: UserId, key: KeyId| {
        let reach = Reach {
            owner: Some(user),
            only: None,
        };
        Caller::key(key, "n8n", Scopes::up_to(Scope::Send), reach).acting_for(Some(user))
    };
    let first = of(ada, key());
    let upload = Upload {
        id: UploadId::new(at, &random),
        digest: Digest::new([0; 32]),
        name: String::new(),
        file_name: None,
        made_by: first.label(),
        owner: first.user_id(),
        created_at: at,
        expires_at: at,
    };
    assert!(is_of(&first, &upload) && is_of(&of(ada, key()), &upload));
    assert!(is_of(&Caller::host(), &upload));
    assert!(!is_of(&of(bob, key()), &upload));
    let limited = Caller::session_token(SessionId::new(at, &random), Scopes::up_to(Scope::Send));
    assert!(!is_of(&limited, &upload));
}
