//! Media as contacts send and receive them: sealed with a key that travels in the message.
//!
//! The server keeps sealed bodies only and can check no more than the digest in their name.
//! Sealing returns a `Result` because the engine's does; with a 32-byte key it does not fail.

use sha2::{Digest, Sha256};
use wacore::download::{DownloadUtils, MediaType};
use wacore::upload::encrypt_media_with_key_and_sidecar;

use super::PhoneError;
use super::content::body::Locator;

/// What the body is; each kind derives other keys from the same media key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    Image,
    Video,
    Audio,
    Document,
    Sticker,
}

impl MediaKind {
    fn engine(self) -> MediaType {
        match self {
            MediaKind::Image => MediaType::Image,
            MediaKind::Video => MediaType::Video,
            MediaKind::Audio => MediaType::Audio,
            MediaKind::Document => MediaType::Document,
            MediaKind::Sticker => MediaType::Sticker,
        }
    }
}

/// A body ready for upload, and what the message must say to open it again.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub body: Vec<u8>,
    /// Of the plain bytes.
    pub sha256: [u8; 32],
    /// Of the body, which is also its name on the server.
    pub enc_sha256: [u8; 32],
    pub key: [u8; 32],
    /// Of the plain bytes.
    pub length: u64,
}

/// Seals plain bytes; the key must be used for nothing else.
pub(crate) fn encrypt(kind: MediaKind, plain: &[u8], key: [u8; 32]) -> Result<Sealed, PhoneError> {
    let sealed = encrypt_media_with_key_and_sidecar(plain, kind.engine(), Some(&key), Some(false))
        .map_err(|error| PhoneError::Media(error.into()))?;
    Ok(Sealed {
        sha256: sealed.file_sha256,
        enc_sha256: sealed.file_enc_sha256,
        body: sealed.data_to_upload,
        key: sealed.media_key,
        length: plain.len() as u64,
    })
}

/// Opens a body and checks that it is the one the message means.
pub(crate) fn open(kind: MediaKind, body: &[u8], locator: &Locator) -> Result<Vec<u8>, PhoneError> {
    let plain = decrypt(kind, body, &locator.key)?;
    let digest: [u8; 32] = Sha256::digest(&plain).into();
    let right = locator.sha256.is_none_or(|told| told == digest)
        && locator
            .length
            .is_none_or(|length| length == plain.len() as u64);
    if right {
        Ok(plain)
    } else {
        Err(PhoneError::Malformed("the media body"))
    }
}

/// Checks and opens a body.
pub(crate) fn decrypt(kind: MediaKind, body: &[u8], key: &[u8; 32]) -> Result<Vec<u8>, PhoneError> {
    DownloadUtils::verify_and_decrypt(body, key, kind.engine())
        .map_err(|error| PhoneError::Media(error.into()))
}
