//! Why a medium was not taken, found or given.

use std::io;

use warbler_domain::media::MediaKind;
use warbler_domain::{Refusal, RefusalKind, ScopeRequired, UploadId};
use warbler_store::Error as StoreError;

use super::data_url::BadData;
use crate::fetch::FetchError;

/// Why a medium was not taken, found or given.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is too large.
    #[error("the file is larger than the {max} bytes that are accepted")]
    TooLarge {
        /// The limit in bytes.
        max: u64,
    },
    /// It is something else than what it is to be sent as.
    #[error("the file is {found}, which cannot be sent as {}; send it as {}", a(*.wanted), a(*.fits))]
    WrongType {
        /// What it was to be.
        wanted: MediaKind,
        /// What its content is.
        found: &'static str,
        /// What it can be sent as.
        fits: MediaKind,
    },
    /// Its type is not among those that are taken here.
    #[error("the file is {found}, which is not taken here")]
    TypeNotTaken {
        /// What its content is.
        found: &'static str,
    },
    /// Not base64, or not a data URL.
    #[error(transparent)]
    BadData(#[from] BadData),
    /// No such upload, or not for this caller, or expired.
    #[error("upload {0} does not exist, or has expired")]
    UnknownUpload(UploadId),
    /// Nothing is served under this name, or no longer.
    #[error("there is no file of this name, or it has expired")]
    UnknownName,
    /// It was stored once and is no longer.
    #[error("the file is no longer kept")]
    Missing,
    /// The URL did not give it.
    #[error(transparent)]
    Url(#[from] FetchError),
    /// The caller may not.
    #[error(transparent)]
    Scope(#[from] ScopeRequired),
    /// Too many come in at the same time.
    #[error("too many files are coming in at the moment; try again soon")]
    Busy,
    /// No room on the disk.
    #[error("the disk is full; nothing was stored")]
    DiskFull,
    /// The disk.
    #[error("the media store failed")]
    Io(#[source] io::Error),
    /// The database.
    #[error("the media could not be read or written")]
    Store(#[from] StoreError),
}

fn a(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "an image",
        MediaKind::Video => "a video",
        MediaKind::Audio => "an audio",
        MediaKind::Document => "a document",
        MediaKind::Sticker => "a sticker",
    }
}

impl From<io::Error> for MediaError {
    fn from(err: io::Error) -> Self {
        match err.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io(err),
        }
    }
}

impl Refusal for MediaError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Empty
            | Self::TooLarge { .. }
            | Self::WrongType { .. }
            | Self::TypeNotTaken { .. }
            | Self::BadData(_) => RefusalKind::Invalid,
            Self::UnknownUpload(_) | Self::UnknownName | Self::Missing => RefusalKind::NotFound,
            Self::Url(err) => err.kind(),
            Self::Scope(err) => err.kind(),
            Self::Busy | Self::DiskFull | Self::Store(_) => RefusalKind::Unavailable,
            Self::Io(_) => RefusalKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty_media",
            Self::TooLarge { .. } => "media_too_large",
            Self::WrongType { .. } | Self::TypeNotTaken { .. } => "media_wrong_type",
            Self::BadData(_) => "bad_media_data",
            Self::UnknownUpload(_) => "unknown_upload",
            Self::UnknownName => "unknown_media",
            Self::Missing => "media_expired",
            Self::Url(err) => err.code(),
            Self::Scope(err) => err.code(),
            Self::Busy => "media_busy",
            Self::DiskFull => "disk_full",
            Self::Io(_) => "media_store",
            Self::Store(_) => "store_unavailable",
        }
    }
}
