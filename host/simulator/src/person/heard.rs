//! What a person has heard and seen.

use bytes::Bytes;

use crate::phone::content::parts::{ContactCard, LinkPreview, Marks, Place, Poll};

/// A message that has arrived and could be read.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    /// The stanza id.
    pub id: String,
    /// The author's address by phone number.
    pub from: String,
    /// The author's device.
    pub device: u16,
    /// The other person's address by phone number, or the group.
    pub chat: String,
    /// The group, or `status@broadcast` for a status.
    pub group: Option<String>,
    pub push_name: String,
    pub content: HeardContent,
    /// What stands around the content: a quote, mentions, forwarding.
    pub marks: Marks,
    /// When the server took it, in seconds since 1970.
    pub at: u64,
    /// How often it has arrived again.
    pub duplicates: u32,
}

impl Heard {
    /// The text, caption, question or emoji; empty if there is none.
    pub fn text(&self) -> &str {
        match &self.content {
            HeardContent::Text { body, .. } | HeardContent::Edit { body, .. } => body,
            HeardContent::Image { caption, .. }
            | HeardContent::Video { caption, .. }
            | HeardContent::Document { caption, .. } => caption.as_deref().unwrap_or_default(),
            HeardContent::Poll(poll) => &poll.name,
            HeardContent::Reaction { emoji, .. } => emoji,
            HeardContent::Audio { .. }
            | HeardContent::Sticker { .. }
            | HeardContent::Location(_)
            | HeardContent::Contacts { .. }
            | HeardContent::Vote { .. }
            | HeardContent::Revoke { .. }
            | HeardContent::Other { .. } => "",
        }
    }

    /// Whether it was said to everybody who knows the author.
    pub fn is_status(&self) -> bool {
        self.group.as_deref() == Some(super::STATUS)
    }

    /// The plain body of an image, video, audio, document or sticker.
    pub fn media(&self) -> Option<&Bytes> {
        self.content.media()
    }
}

/// What a message says. Bodies of media are here already fetched, opened and checked.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum HeardContent {
    #[serde(rename_all = "camelCase")]
    Text {
        body: String,
        /// The id of the message it replies to.
        quoted: Option<String>,
        preview: Option<LinkPreview>,
        /// The ground of a status, 0xAARRGGBB.
        color: Option<u32>,
    },
    Image {
        #[serde(serialize_with = "length")]
        bytes: Bytes,
        mime: String,
        caption: Option<String>,
    },
    Video {
        #[serde(serialize_with = "length")]
        bytes: Bytes,
        mime: String,
        caption: Option<String>,
        seconds: Option<u32>,
        /// Whether it plays by itself, over and over.
        gif: bool,
    },
    Audio {
        #[serde(serialize_with = "length")]
        bytes: Bytes,
        mime: String,
        seconds: Option<u32>,
        /// Whether it was spoken into the phone.
        voice: bool,
        waveform: Vec<u8>,
    },
    #[serde(rename_all = "camelCase")]
    Document {
        #[serde(serialize_with = "length")]
        bytes: Bytes,
        mime: String,
        caption: Option<String>,
        file_name: Option<String>,
    },
    Sticker {
        #[serde(serialize_with = "length")]
        bytes: Bytes,
        mime: String,
        animated: bool,
    },
    Location(Place),
    Contacts {
        cards: Vec<ContactCard>,
    },
    Poll(Poll),
    Vote {
        /// The id of the poll.
        poll: String,
        /// The names of the options chosen; none takes an earlier vote back.
        options: Vec<String>,
    },
    Reaction {
        target: String,
        emoji: String,
    },
    Edit {
        target: String,
        body: String,
    },
    Revoke {
        target: String,
    },
    /// Something a simulated phone does not show, or could not open.
    Other {
        kind: String,
    },
}

impl HeardContent {
    pub(super) fn media(&self) -> Option<&Bytes> {
        match self {
            HeardContent::Image { bytes, .. }
            | HeardContent::Video { bytes, .. }
            | HeardContent::Audio { bytes, .. }
            | HeardContent::Document { bytes, .. }
            | HeardContent::Sticker { bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn other(kind: &str) -> HeardContent {
        HeardContent::Other {
            kind: kind.to_owned(),
        }
    }
}

/// Bodies are shown by their length.
fn length<S: serde::Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(bytes.len() as u64)
}

/// A receipt for something the person has sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptSeen {
    /// The ids it is about.
    pub ids: Vec<String>,
    /// Who confirms, by phone number.
    pub from: String,
    pub device: u16,
    /// `delivered`, `read`, `played`, `retry`, …
    pub kind: String,
    pub group: Option<String>,
    pub at: u64,
}

/// Somebody has come or gone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PresenceSeen {
    pub from: String,
    pub online: bool,
}

/// What somebody is seen doing in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ChatState {
    Typing,
    Recording,
    Paused,
}

/// Somebody has begun to type or record, or has stopped.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatStateSeen {
    /// Who, by the address the network named.
    pub from: String,
    /// The group, if it was in one.
    pub group: Option<String>,
    pub state: ChatState,
}
