//! Media, known by its content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::content::Mentions;

/// SHA-256 of a content; the name it is stored under.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// A text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest in hexadecimal")]
pub struct BadDigest;

impl Digest {
    /// The digest with these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE
            .decode(text.as_bytes())
            .map_err(|_| BadDigest)?;
        bytes.try_into().map(Self).map_err(|_| BadDigest)
    }
}

impl TryFrom<String> for Digest {
    type Error = BadDigest;

    fn try_from(text: String) -> Result<Self, BadDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// What kind of media a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// A still picture.
    Image,
    /// A film.
    Video,
    /// Sound, voice notes among it.
    Audio,
    /// Any file.
    Document,
    /// A sticker.
    Sticker,
}

impl MediaKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Image,
        Self::Video,
        Self::Audio,
        Self::Document,
        Self::Sticker,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }
}

/// What a medium is sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaForm {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// A film that repeats without sound.
    Gif,
    /// Sound.
    Audio,
    /// Sound recorded for this message.
    Voice,
    /// Any file.
    Document,
    /// A sticker.
    Sticker,
}

/// A word that is no form of a medium.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a medium is sent as image, video, gif, audio, voice, document or sticker")]
pub struct BadForm;

impl MediaForm {
    /// Every form.
    pub const ALL: [Self; 7] = [
        Self::Image,
        Self::Video,
        Self::Gif,
        Self::Audio,
        Self::Voice,
        Self::Document,
        Self::Sticker,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gif => "gif",
            Self::Voice => "voice",
            plain => plain.kind().as_str(),
        }
    }

    /// The kind of media it is.
    pub fn kind(self) -> MediaKind {
        match self {
            Self::Image => MediaKind::Image,
            Self::Video | Self::Gif => MediaKind::Video,
            Self::Audio | Self::Voice => MediaKind::Audio,
            Self::Document => MediaKind::Document,
            Self::Sticker => MediaKind::Sticker,
        }
    }

    /// Whether a text can stand below it.
    pub fn can_have_caption(self) -> bool {
        matches!(self, Self::Image | Self::Video | Self::Gif | Self::Document)
    }

    /// Whether it can be shown once only.
    pub fn can_be_seen_once(self) -> bool {
        matches!(self, Self::Image | Self::Video | Self::Voice)
    }
}

impl FromStr for MediaForm {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        let found = Self::ALL.into_iter().find(|form| form.as_str() == text);
        found.ok_or(BadForm)
    }
}

/// One medium of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Its content type, such as `image/png`.
    pub mime: String,
    /// Its size in bytes, as far as known.
    pub size: u64,
    /// The text below it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caption: Option<String>,
    /// Who is mentioned in the caption.
    #[serde(skip_serializing_if = "Mentions::is_nobody", default)]
    pub mentions: Mentions,
    /// The name its sender gave the file: the sender's word, never a path.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file_name: Option<String>,
    /// How long it plays, in seconds, where known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds: Option<u32>,
    /// Width in pixels, where known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub width: Option<u32>,
    /// Height in pixels, where known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub height: Option<u32>,
    /// Sound recorded for this message.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub voice: bool,
    /// A film without sound that repeats.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub gif: bool,
    /// A sticker that moves.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub animated: bool,
    /// Shown once, then gone.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub view_once: bool,
    /// A small JPEG of it, in this host's media store.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub thumbnail: Option<Digest>,
    /// The name under which anybody who knows it is given the bytes, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub public_name: Option<String>,
    /// Where its bytes are.
    pub source: MediaSource,
}

impl Media {
    /// A medium with nothing said about it but what it is.
    pub fn new(kind: MediaKind, mime: impl Into<String>, size: u64, source: MediaSource) -> Self {
        Self {
            kind,
            mime: mime.into(),
            size,
            caption: None,
            mentions: Mentions::default(),
            file_name: None,
            seconds: None,
            width: None,
            height: None,
            voice: false,
            gif: false,
            animated: false,
            view_once: false,
            thumbnail: None,
            public_name: None,
            source,
        }
    }
}

/// Where the bytes of a medium are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MediaSource {
    /// In this host's media store.
    Stored {
        /// The content's digest.
        digest: Digest,
    },
    /// On the network; the driver that wrote the locator can fetch it.
    Remote {
        /// Key, path and hashes, in the driver's own form. Holds the media key: never shown.
        locator: String,
    },
}

impl MediaSource {
    /// The digest, when this host has the bytes.
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Self::Stored { digest } => Some(*digest),
            Self::Remote { .. } => None,
        }
    }
}
