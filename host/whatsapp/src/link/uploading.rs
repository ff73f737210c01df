//! Media on their way to the network's media servers.

use std::fs::File;
use std::io::{self, Read as _};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use wacore::download::MediaDecryptionError;
use waproto::whatsapp as wa;
use warbler_app::driver::{MediaFailure, SendFailure};
use warbler_domain::media::{Digest, Media, MediaKind, MediaSource};
use whatsapp_rust::{ErrorChainExt, anyhow};

use super::WhatsappLink;
use super::composing::{Composer, Uploads};
use crate::outbound::{self, Around, Uploaded};
use crate::sealing::Sealing;

/// Longest time for an upload.
const UPLOAD: Duration = Duration::from_secs(300);
/// Largest thumbnail that is put into a message, in bytes.
const MAX_THUMBNAIL: usize = 64 * 1024;
/// Uploads of all sessions at the same time. Each has a thread that reads and encrypts.
pub(crate) const UPLOADS: usize = 32;

impl Composer<'_> {
    pub(super) async fn upload(
        &self,
        media: &Media,
        caption: Option<String>,
        around: Around,
    ) -> Result<wa::Message, SendFailure> {
        let kind = media.kind;
        let refuse = |reason: String| SendFailure::Media { kind, reason };
        let MediaSource::Stored { digest } = &media.source else {
            return Err(refuse("it is not stored on this host".to_owned()));
        };
        let thumbnail = self.thumbnail(media.thumbnail.as_ref()).await;
        let file = self.inbox.media(digest).await;
        let file = file.map_err(|err| refuse(err.to_string()))?;
        let uploaded = timeout(UPLOAD, self.uploads.upload(file, kind)).await;
        let uploaded = uploaded.unwrap_or_else(|_| {
            let late = "the upload took too long".to_owned();
            Err(SendFailure::Temporary(late))
        })?;
        Ok(outbound::media(media, caption, thumbnail, uploaded, around))
    }

    /// The bytes of a thumbnail. One that is too large for a message, or gone, is left out.
    pub(super) async fn thumbnail(&self, digest: Option<&Digest>) -> Option<Vec<u8>> {
        let digest = digest?;
        let reading = async {
            let file = self.inbox.media(digest).await.map_err(io::Error::other)?;
            spawn_blocking(move || small(&file)).await?
        };
        match reading.await {
            Ok(bytes) => Some(bytes).filter(|bytes| bytes.len() <= MAX_THUMBNAIL),
            Err(err) => {
                tracing::debug!(%err, "A thumbnail is left out");
                None
            }
        }
    }
}

#[async_trait]
impl Uploads for WhatsappLink {
    async fn upload(&self, file: File, kind: MediaKind) -> Result<Uploaded, SendFailure> {
        let _room = self.uploads.acquire().await;
        let kind_of_upload = outbound::media_type(kind);
        let uploading = async {
            let sealing = spawn_blocking(move || Sealing::of(file, kind_of_upload));
            let (source, info) = sealing.await??;
            self.client
                .upload_stream(source, info, kind_of_upload)
                .await
        };
        match Box::pin(uploading).await {
            Ok(upload) => Ok(Uploaded::from(upload)),
            Err(err) => Err(upload_failure(&err, kind)),
        }
    }
}

/// A file, and one byte more than a thumbnail may have.
fn small(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_THUMBNAIL as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn upload_failure(error: &anyhow::Error, kind: MediaKind) -> SendFailure {
    let cause: &(dyn std::error::Error + 'static) = error.as_ref();
    match cause.http_status() {
        Some(status @ (400 | 413 | 415)) => SendFailure::Media {
            kind,
            reason: format!("the media server answered {status}"),
        },
        _ => SendFailure::Temporary(format!("the upload failed: {error}")),
    }
}

/// What a failed download means for the medium.
pub(super) fn media_failure(error: &anyhow::Error) -> MediaFailure {
    let cause: &(dyn std::error::Error + 'static) = error.as_ref();
    match cause.http_status() {
        Some(404 | 410) => return MediaFailure::Gone,
        Some(status) => {
            return MediaFailure::Temporary(format!("the media server answered {status}"));
        }
        None => {}
    }
    let damaged = ErrorChainExt::sources(cause).any(|cause| cause.is::<MediaDecryptionError>());
    if damaged {
        MediaFailure::Damaged(error.to_string())
    } else {
        MediaFailure::Temporary(error.to_string())
    }
}
