//! Media on their way, there and back.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use ::wa_rs::download::MediaType;
use ::wa_rs::upload::UploadResponse;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use warbler_app::driver::{MediaFailure, SendFailure};
use warbler_domain::media::MediaKind;

use super::link::WaRsLink;
use super::network::ANSWERED;
use crate::inbound::Locator;
use crate::link::asking::ANSWER;
use crate::link::composing::Uploads;
use crate::outbound::Uploaded;

/// Uploads of all sessions at the same time: the engine holds a file in memory twice.
pub(super) const UPLOADS: usize = 4;

#[async_trait]
impl Uploads for WaRsLink {
    async fn upload(&self, file: File, kind: MediaKind) -> Result<Uploaded, SendFailure> {
        let refuse = |reason: String| SendFailure::Media { kind, reason };
        let _room = self.uploads.acquire().await;
        let read = spawn_blocking(move || whole(file)).await;
        let bytes = read
            .unwrap_or_else(|err| Err(io::Error::other(err)))
            .map_err(|err| refuse(err.to_string()))?;
        let last = Arc::new(AtomicU16::new(0));
        let upload = Box::pin(self.client.upload(bytes, media_type(kind)));
        let done = ANSWERED.scope(Arc::clone(&last), upload).await;
        match (done, last.load(Ordering::Relaxed)) {
            (Ok(done), _) => {
                let now = self.clock.now().as_millis().div_euclid(1000);
                uploaded(done, now).ok_or_else(|| refuse("its keys have another size".to_owned()))
            }
            (Err(_), status @ (400 | 413 | 415)) => {
                Err(refuse(format!("the media server answered {status}")))
            }
            (Err(err), _) => Err(SendFailure::Temporary(format!("the upload failed: {err}"))),
        }
    }
}

fn whole(mut file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn uploaded(from: UploadResponse, key_at: i64) -> Option<Uploaded> {
    Some(Uploaded {
        url: from.url,
        path: from.direct_path,
        key: from.media_key.try_into().ok()?,
        sha256: from.file_sha256.try_into().ok()?,
        enc_sha256: from.file_enc_sha256.try_into().ok()?,
        size: from.file_length,
        key_at,
        sidecar: None,
    })
}

fn media_type(kind: MediaKind) -> MediaType {
    match kind {
        MediaKind::Image => MediaType::Image,
        MediaKind::Video => MediaType::Video,
        MediaKind::Audio => MediaType::Audio,
        MediaKind::Document => MediaType::Document,
        MediaKind::Sticker => MediaType::Sticker,
    }
}

impl WaRsLink {
    pub(super) async fn download(&self, locator: &str) -> Result<Bytes, MediaFailure> {
        let at: Locator = serde_json::from_str(locator).map_err(|_| MediaFailure::BadLocator)?;
        let last = Arc::new(AtomicU16::new(0));
        let kind = media_type(at.kind);
        let download = self.client.download_from_params(
            &at.path,
            &at.key,
            &at.sha256,
            &at.enc_sha256,
            at.size,
            kind,
        );
        let done = ANSWERED.scope(Arc::clone(&last), Box::pin(download));
        match timeout(10 * ANSWER, done).await {
            Ok(Ok(bytes)) => Ok(bytes.into()),
            Ok(Err(err)) => Err(match last.load(Ordering::Relaxed) {
                404 | 410 => MediaFailure::Gone,
                200 => MediaFailure::Damaged(err.to_string()),
                0 => MediaFailure::Temporary(err.to_string()),
                status => MediaFailure::Temporary(format!("the media server answered {status}")),
            }),
            Err(_) => Err(MediaFailure::Temporary("it took too long".to_owned())),
        }
    }
}
