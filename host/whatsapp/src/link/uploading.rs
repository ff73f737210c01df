//! Media on their way to the network's media servers.

use std::time::Duration;

use tokio::time::timeout;
use wacore::download::MediaDecryptionError;
use waproto::whatsapp as wa;
use warbler_app::driver::{MediaFailure, SendFailure};
use warbler_domain::media::{Digest, Media, MediaKind, MediaSource};
use whatsapp_rust::upload::UploadOptions;
use whatsapp_rust::{ErrorChainExt, anyhow};

use super::WhatsappLink;
use crate::outbound::{self, Around, Uploaded};

/// Longest time for an upload.
const UPLOAD: Duration = Duration::from_secs(300);
/// Largest thumbnail that is put into a message, in bytes.
const MAX_THUMBNAIL: usize = 64 * 1024;
/// One piece of the room that uploads of all sessions share, in bytes.
const PIECE: usize = 1024 * 1024;
/// Pieces of that room: uploads are held in memory, plain and encrypted.
pub(crate) const PIECES: usize = 128;

impl WhatsappLink {
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
        let pieces = usize::try_from(media.size).unwrap_or(usize::MAX) / PIECE;
        let pieces = u32::try_from(pieces.clamp(1, PIECES)).unwrap_or(1);
        let room = self.uploads.acquire_many(pieces).await;
        let bytes = self.inbox.media(digest).await;
        let bytes = bytes.map_err(|err| refuse(err.to_string()))?;
        let kind_of_upload = outbound::media_type(kind);
        let uploading = self
            .client
            .upload(bytes.into(), kind_of_upload, UploadOptions::new());
        let uploaded = timeout(UPLOAD, Box::pin(uploading)).await;
        drop(room);
        match uploaded {
            Ok(Ok(upload)) => {
                let uploaded = Uploaded::from(upload);
                Ok(outbound::media(media, caption, thumbnail, uploaded, around))
            }
            Ok(Err(err)) => Err(upload_failure(&err, kind)),
            Err(_) => Err(SendFailure::Temporary(
                "the upload took too long".to_owned(),
            )),
        }
    }

    /// The bytes of a thumbnail. One that is too large for a message, or gone, is left out.
    pub(super) async fn thumbnail(&self, digest: Option<&Digest>) -> Option<Vec<u8>> {
        match self.inbox.media(digest?).await {
            Ok(bytes) => Some(bytes.into()).filter(|bytes: &Vec<u8>| bytes.len() <= MAX_THUMBNAIL),
            Err(err) => {
                tracing::debug!(%err, "A thumbnail is left out");
                None
            }
        }
    }
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
