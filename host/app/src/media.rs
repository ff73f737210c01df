//! Media: what callers upload, what messages carry, and what is served by name.
//!
//! A content is stored once, under the SHA-256 of its bytes, whoever brings it and however often.
//! What it is is told from its bytes, never from its name or from what its sender claims. Uploads
//! name a content for their owner; their public names, which cannot be guessed, for whoever is
//! told. The media of messages have such names too, if the operator wants it ([`public`]). What
//! nothing needs any more is taken away by [`retain`].
//!
//! Invariant: a content that a message on its way out needs is never taken away.

mod admit;
mod data_url;
mod error;
mod file_name;
mod files;
mod format;
mod percent;
mod picture;
mod public;
mod retain;
mod sound;
mod store;
mod upload;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use warbler_domain::media::MediaKind;
use warbler_domain::{Caller, MessageId, Scope, UploadId};
use warbler_store::Error as StoreError;
use warbler_store::media::{Media as StoredMedia, StoredMedium, Upload};

use crate::audit;
use crate::core::Shared;
use crate::messages::{ReadError, served};

pub use admit::{Admitted, NewMedium, Origin};
pub use data_url::{BadData, parse as parse_data_url};
pub use error::MediaError;
pub use file_name::FileName;
pub use format::{Format, HEAD};
pub(crate) use public::PublicNames;
pub(crate) use retain::retain;
pub(crate) use store::MediaStore;
pub use upload::{NameForm, UploadRules, Uploading};

use upload::is_name;

/// How much is taken, and for how long it is kept.
#[derive(Debug, Clone)]
pub struct MediaSettings {
    /// Largest picture, film, sound or sticker, in bytes.
    pub max_bytes: u64,
    /// Largest document, in bytes.
    pub max_document_bytes: u64,
    /// How long what a message has is kept after it was last used.
    pub keep: Duration,
    /// How long an upload, and whatever else no message has, is kept.
    pub keep_unused: Duration,
    /// How long fetching a URL may take.
    pub fetch_timeout: Duration,
    /// Whether the media that messages carry are given to whoever knows their names.
    pub public: bool,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self {
            max_bytes: 64 * 1024 * 1024,
            max_document_bytes: 100 * 1024 * 1024,
            keep: Duration::from_secs(30 * 24 * 3600),
            keep_unused: Duration::from_secs(24 * 3600),
            fetch_timeout: Duration::from_secs(60),
            public: false,
        }
    }
}

impl MediaSettings {
    /// Largest content of this kind, in bytes.
    pub fn limit(&self, kind: MediaKind) -> u64 {
        match kind {
            MediaKind::Document => self.largest(),
            _ => self.max_bytes,
        }
    }

    /// Largest content of all, in bytes.
    pub fn largest(&self) -> u64 {
        self.max_bytes.max(self.max_document_bytes)
    }
}

/// An upload, and what is known of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedMedium {
    /// The upload.
    pub upload: Upload,
    /// Its content.
    pub medium: StoredMedium,
}

impl UploadedMedium {
    /// What it is sent as when nobody says which.
    pub fn kind(&self) -> MediaKind {
        Format::of_mime(&self.medium.mime).kind()
    }
}

/// A content to be served.
#[derive(Debug)]
pub struct ServedMedium {
    /// What is known of it.
    pub medium: StoredMedium,
    /// What its file is called, where it has a name.
    pub file_name: Option<String>,
    /// Its bytes.
    pub file: tokio::fs::File,
}

/// Media.
pub struct Media {
    shared: Arc<Shared>,
}

impl Media {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Largest upload, in bytes.
    pub fn largest(&self) -> u64 {
        self.shared.media.settings().largest()
    }

    /// An upload of this caller that has not expired.
    pub async fn upload(
        &self,
        caller: &Caller,
        id: UploadId,
    ) -> Result<UploadedMedium, MediaError> {
        caller.require(Scope::Read)?;
        self.usable(caller, id).await
    }

    /// Takes an upload away; its content goes when nothing else needs it.
    pub async fn delete(&self, caller: &Caller, id: UploadId) -> Result<(), MediaError> {
        caller.require(Scope::Send)?;
        let found = self.usable(caller, id).await?;
        let name = found.upload.file_name.unwrap_or_default();
        let entry = audit::done(&self.shared, caller, "upload.delete", id, &name);
        let deleting = self.shared.store.write(move |tx| {
            let deleted = tx.media_mut().delete_upload(id)?;
            if deleted {
                tx.audit_mut().insert(&entry)?;
            }
            Ok(deleted)
        });
        if deleting.await.map_err(MediaError::Store)? {
            return Ok(());
        }
        Err(MediaError::UnknownUpload(id))
    }

    /// The content served under a public name, for whoever knows it: an upload, or the medium of a
    /// message, which is fetched from the network the first time.
    pub async fn named(&self, name: &str) -> Result<ServedMedium, ReadError> {
        if let Some(message) = self.shared.public_names.message_of(name) {
            return self.carried(message).await;
        }
        if !is_name(name) {
            return Err(MediaError::UnknownName.into());
        }
        let now = self.shared.clock.now();
        let asked = name.to_owned();
        let found = self
            .shared
            .store
            .read(move |db| db.media().upload_named(&asked))
            .await
            .map_err(ReadError::Store)?;
        let upload = found
            .filter(|upload| upload.expires_at > now)
            .ok_or(MediaError::UnknownName)?;
        let (medium, file) = self.shared.media.open_medium(&upload.digest).await?;
        Ok(ServedMedium {
            medium,
            file_name: upload.file_name,
            file,
        })
    }

    /// The medium that a message carries.
    async fn carried(&self, message: MessageId) -> Result<ServedMedium, ReadError> {
        match served(&self.shared, message).await {
            Err(ReadError::Unknown(_) | ReadError::NoMedia(_)) => {
                Err(MediaError::UnknownName.into())
            }
            found => found,
        }
    }

    /// An upload of this caller that has not expired, by the name it is served under.
    pub async fn upload_named(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<UploadedMedium, MediaError> {
        caller.require(Scope::Read)?;
        if !is_name(name) {
            return Err(MediaError::UnknownName);
        }
        let name = name.to_owned();
        let found = self.found(move |media| media.upload_named(&name)).await?;
        found
            .filter(|found| self.is_usable(caller, &found.upload))
            .ok_or(MediaError::UnknownName)
    }

    async fn usable(&self, caller: &Caller, id: UploadId) -> Result<UploadedMedium, MediaError> {
        let found = self.found(move |media| media.upload(id)).await?;
        found
            .filter(|found| self.is_usable(caller, &found.upload))
            .ok_or(MediaError::UnknownUpload(id))
    }

    fn is_usable(&self, caller: &Caller, upload: &Upload) -> bool {
        upload.expires_at > self.shared.clock.now() && is_of(caller, upload)
    }

    async fn found(
        &self,
        find: impl FnOnce(&StoredMedia<'_>) -> Result<Option<Upload>, StoreError> + Send + 'static,
    ) -> Result<Option<UploadedMedium>, MediaError> {
        let reading = self.shared.store.read(move |db| {
            let Some(upload) = find(&db.media())? else {
                return Ok(None);
            };
            let medium = db.media().get(&upload.digest)?;
            Ok(medium.map(|medium| UploadedMedium { upload, medium }))
        });
        reading.await.map_err(MediaError::Store)
    }
}

/// Whether an upload is the caller's: by its credential, by its user, or because everything is.
fn is_of(caller: &Caller, upload: &Upload) -> bool {
    let by_user = upload.owner.is_some() && upload.owner == caller.user_id();
    by_user || upload.made_by == caller.label() || caller.reaches_all()
}

/// Runs what would hold up the runtime on a thread of its own.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MediaError> + Send + 'static,
) -> Result<T, MediaError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|err| MediaError::Io(std::io::Error::other(err)))?
}
