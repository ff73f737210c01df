//! Contents: their files, and what the database knows of them, kept in step.
//!
//! A content is noted as used in the database first, and given its file then. Taking one away
//! ([`super::retain`]) removes its file within the very transaction that finds it unused. So a
//! content that is just being stored is either noted already, and stays, or gets its file anew.
//! What a crash leaves is at worst a note without a file, which reads as missing and goes with
//! time.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use warbler_domain::Clock;
use warbler_domain::media::Digest;
use warbler_store::Store;
use warbler_store::media::StoredMedium;

use super::files::{Files, Intake, Taken};
use super::format::Format;
use super::{MediaError, MediaSettings, beside, picture, sound};

/// Contents that come in at the same time; each may take its limit on the disk.
const AT_ONCE: usize = 32;
/// How long one waits for its turn.
const TURN: Duration = Duration::from_secs(30);
/// Pictures that are decoded at the same time; each may take 256 MiB of memory.
const LOOKS_AT_ONCE: usize = 1;
/// Media of messages that are fetched from the network at the same time; each may take its limit
/// on the disk.
const FETCHES_AT_ONCE: usize = 4;
/// Uses within this time of the last one are not noted again.
const NOTED: Duration = Duration::from_secs(3600);

/// The contents of this host. Clones are handles to the same ones.
#[derive(Clone)]
pub(crate) struct MediaStore {
    pub(super) files: Files,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    settings: MediaSettings,
    coming: Arc<Semaphore>,
    looking: Arc<Semaphore>,
    fetching: Arc<Semaphore>,
}

/// A content that comes in, and its turn.
pub(super) struct Incoming {
    intake: Intake,
    _turn: OwnedSemaphorePermit,
}

impl Incoming {
    pub(super) async fn push(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        self.intake.push(bytes).await
    }
}

impl MediaStore {
    /// The store in `dir`, which is made when absent and must be nobody else's.
    pub(crate) fn open(
        dir: &Path,
        store: Store,
        clock: Arc<dyn Clock>,
        settings: MediaSettings,
    ) -> io::Result<Self> {
        Ok(Self {
            files: Files::open(dir)?,
            store,
            clock,
            settings,
            coming: Arc::new(Semaphore::new(AT_ONCE)),
            looking: Arc::new(Semaphore::new(LOOKS_AT_ONCE)),
            fetching: Arc::new(Semaphore::new(FETCHES_AT_ONCE)),
        })
    }

    /// How much is taken, and for how long it is kept.
    pub(crate) fn settings(&self) -> &MediaSettings {
        &self.settings
    }

    /// A turn to fetch the medium of a message, when it comes.
    pub(crate) async fn turn_to_fetch(&self) -> Result<OwnedSemaphorePermit, MediaError> {
        let turn = Arc::clone(&self.fetching).acquire_owned();
        match tokio::time::timeout(TURN, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(MediaError::Busy),
        }
    }

    /// Stores what `fetch` writes into an empty file, without looking at it closely: for what comes
    /// over the network, which has its preview in its message.
    pub(crate) async fn fetch<E, F>(&self, fetch: impl FnOnce(File) -> F) -> Result<StoredMedium, E>
    where
        F: Future<Output = Result<(), E>>,
        E: From<MediaError>,
    {
        let (place, file) = self.files.aside().await?;
        fetch(file).await?;
        let taken = place.taken(self.settings.largest()).await?;
        Ok(self.file(taken, About::default()).await?)
    }

    /// Stores bytes as they are, without looking at them closely.
    pub(super) async fn put(&self, bytes: Bytes) -> Result<Digest, MediaError> {
        let mut intake = self.files.begin(self.settings.largest()).await?;
        intake.push(&bytes).await?;
        let taken = intake.finish().await?;
        Ok(self.file(taken, About::default()).await?.digest)
    }

    /// Reads the content with this digest.
    pub(crate) async fn get(&self, digest: &Digest) -> Result<Bytes, MediaError> {
        let bytes = self.files.read(digest).await?;
        self.use_now(digest).await?;
        Ok(bytes)
    }

    /// Opens the content with this digest.
    pub(crate) async fn open_medium(
        &self,
        digest: &Digest,
    ) -> Result<(StoredMedium, tokio::fs::File), MediaError> {
        let medium = self.use_now(digest).await?.ok_or(MediaError::Missing)?;
        Ok((medium, self.files.open_file(digest).await?))
    }

    /// Begins a content of at most `max` bytes, when it is its turn.
    pub(super) async fn begin(&self, max: u64) -> Result<Incoming, MediaError> {
        let turn = Arc::clone(&self.coming).acquire_owned();
        match tokio::time::timeout(TURN, turn).await {
            Ok(Ok(turn)) => Ok(Incoming {
                intake: self.files.begin(max).await?,
                _turn: turn,
            }),
            _ => Err(MediaError::Busy),
        }
    }

    /// Stores bytes and looks at them, if there are at most `max`.
    pub(super) async fn take(&self, bytes: &[u8], max: u64) -> Result<StoredMedium, MediaError> {
        let mut incoming = self.begin(max).await?;
        incoming.push(bytes).await?;
        self.keep(incoming).await
    }

    /// Stores what has come in and looks at it.
    pub(super) async fn keep(&self, incoming: Incoming) -> Result<StoredMedium, MediaError> {
        let Incoming { intake, _turn } = incoming;
        let taken = intake.finish().await?;
        if taken.size == 0 {
            return Err(MediaError::Empty);
        }
        let (taken, about) = self.look(taken).await?;
        self.file(taken, about).await
    }

    /// Notes a use, unless one was noted lately; what is known of the content.
    async fn use_now(&self, digest: &Digest) -> Result<Option<StoredMedium>, MediaError> {
        let (asked, now) = (*digest, self.clock.now());
        let found = self.store.read(move |db| db.media().get(&asked)).await;
        let found = found.map_err(MediaError::Store)?;
        if found
            .as_ref()
            .is_some_and(|medium| now.since(medium.used_at) > NOTED)
        {
            let touching = self
                .store
                .write_relaxed(move |tx| tx.media_mut().touch(&asked, now));
            touching.await.map_err(MediaError::Store)?;
        }
        Ok(found)
    }

    /// What there is to see and hear, unless that is known already.
    async fn look(&self, taken: Taken) -> Result<(Taken, About), MediaError> {
        let format = Format::of(&taken.head);
        let digest = taken.digest;
        let known = self.store.read(move |db| db.media().get(&digest)).await;
        let known = known.map_err(MediaError::Store)?;
        if let Some(known) = known.filter(|known| known.thumbnail.is_some()) {
            return Ok((taken, About::of(&known)));
        }
        if !format.is_picture() {
            return beside(move || {
                let seconds = sound::seconds(taken.path(), format, &taken.head, taken.size);
                let about = About {
                    seconds,
                    ..About::default()
                };
                Ok((taken, about))
            })
            .await;
        }
        let turn = Arc::clone(&self.looking).acquire_owned().await;
        let (taken, look) = beside(move || {
            let _turn = turn;
            let look = picture::look(taken.path(), format, &taken.head);
            Ok((taken, look))
        })
        .await?;
        let thumbnail = match look.preview {
            Some(jpeg) => Some(self.put(jpeg.into()).await?),
            None => None,
        };
        let about = About {
            width: look.size.map(|(width, _)| width),
            height: look.size.map(|(_, height)| height),
            animated: look.animated,
            thumbnail,
            ..About::default()
        };
        Ok((taken, about))
    }

    /// Notes a content as used and gives it its place, in this order.
    async fn file(&self, taken: Taken, about: About) -> Result<StoredMedium, MediaError> {
        let now = self.clock.now();
        let medium = StoredMedium {
            digest: taken.digest,
            size: taken.size,
            mime: Format::of(&taken.head).mime().to_owned(),
            width: about.width,
            height: about.height,
            seconds: about.seconds,
            animated: about.animated,
            thumbnail: about.thumbnail,
            created_at: now,
            used_at: now,
        };
        let row = medium.clone();
        let noting = self
            .store
            .write_relaxed(move |tx| tx.media_mut().keep(&row));
        noting.await.map_err(MediaError::Store)?;
        self.files.place(taken).await?;
        Ok(medium)
    }
}

/// What a closer look at a content tells.
#[derive(Debug, Default)]
struct About {
    width: Option<u32>,
    height: Option<u32>,
    seconds: Option<u32>,
    animated: bool,
    thumbnail: Option<Digest>,
}

impl About {
    fn of(known: &StoredMedium) -> Self {
        Self {
            width: known.width,
            height: known.height,
            seconds: known.seconds,
            animated: known.animated,
            thumbnail: known.thumbnail,
        }
    }
}
