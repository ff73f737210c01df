//! Messages, as this host keeps them.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{MessageId, SessionId, WhatsAppId};
use crate::jid::Jid;
use crate::media::{Media, MediaKind};

/// One message of one session, inbound or outbound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Our id.
    pub id: MessageId,
    /// The session that received or sends it.
    pub session: SessionId,
    /// The network's id.
    pub whatsapp_id: WhatsAppId,
    /// Person or group; the phone-number address where it is known.
    pub chat: Jid,
    /// Who wrote it; the phone-number address where it is known.
    pub sender: Jid,
    /// The sender's other address (LID when `sender` is a PN), where known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sender_alt: Option<Jid>,
    /// The name the sender shows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sender_name: Option<String>,
    /// Which way it goes.
    pub direction: Direction,
    /// When it was written, by the network's clock; when it was accepted, for outbound ones.
    pub timestamp: Timestamp,
    /// What it says.
    pub content: Content,
    /// The message it answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quoted: Option<Quoted>,
    /// How far it has come.
    pub status: MessageStatus,
    /// Why it failed, when it did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Somebody wrote to the session.
    Inbound,
    /// The session's account wrote, through this host or on another of its devices.
    Outbound,
}

/// The message that another one answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quoted {
    /// The network's id of it.
    pub whatsapp_id: WhatsAppId,
    /// Who wrote it, where known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sender: Option<Jid>,
    /// Its text, as far as known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Content {
    /// Text.
    Text {
        /// The text; at most [`Content::MAX_TEXT`] bytes when this host sends it.
        text: String,
    },
    /// A picture, film, sound, document or sticker.
    Media(Media),
    /// A reaction to a message; an empty emoji takes it back.
    Reaction {
        /// The message reacted to.
        target: WhatsAppId,
        /// Who wrote that message.
        target_sender: Jid,
        /// The emoji, or nothing.
        emoji: String,
    },
    /// A new text for an earlier message of the same sender.
    Edit {
        /// The message that changes.
        target: WhatsAppId,
        /// Its new text.
        text: String,
    },
    /// An earlier message taken back.
    Revoke {
        /// The message taken back.
        target: WhatsAppId,
    },
    /// Something this version does not read.
    Unsupported {
        /// The network's word for it.
        what: String,
    },
}

impl Content {
    /// Longest text that is sent, in bytes (WhatsApp's own limit).
    pub const MAX_TEXT: usize = 65_536;

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// What a person would read in it: the text or the caption.
    pub fn readable(&self) -> Option<&str> {
        match self {
            Self::Text { text } | Self::Edit { text, .. } => Some(text),
            Self::Media(media) => media.caption.as_deref(),
            Self::Reaction { .. } | Self::Revoke { .. } | Self::Unsupported { .. } => None,
        }
    }

    /// One word for it: `text`, `image`, `reaction`, …
    pub fn word(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Media(media) => match media.kind {
                MediaKind::Image => "image",
                MediaKind::Video => "video",
                MediaKind::Audio => "audio",
                MediaKind::Document => "document",
                MediaKind::Sticker => "sticker",
            },
            Self::Reaction { .. } => "reaction",
            Self::Edit { .. } => "edit",
            Self::Revoke { .. } => "revoke",
            Self::Unsupported { .. } => "unsupported",
        }
    }
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageStatus {
    /// Accepted, waiting in the outbox.
    Queued,
    /// Taken over by the network.
    Sent,
    /// On the recipient's phone.
    Delivered,
    /// Read there.
    Read,
    /// Heard or seen there (voice notes, view-once).
    Played,
    /// Received by this session.
    Received,
    /// Given up; `error` says why.
    Failed,
}

impl MessageStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Played,
        Self::Received,
        Self::Failed,
    ];

    /// The word for it, as on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Received => "received",
            Self::Failed => "failed",
        }
    }

    /// The status with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// The status after news of `next`: receipts may come late and in any order, and a message
    /// never goes back.
    #[must_use]
    pub fn advance(self, next: Self) -> Self {
        match (self, next) {
            (Self::Received, _) | (_, Self::Received) => self,
            (Self::Delivered | Self::Read | Self::Played, Self::Failed) => self,
            (Self::Failed, later) => later.max(Self::Sent),
            (now, next) => now.max(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::MediaSource;

    #[test]
    fn every_content_is_read_back_as_it_was_stored() -> Result<(), Box<dyn std::error::Error>> {
        let media = Media {
            kind: MediaKind::Image,
            mime: "image/png".to_owned(),
            size: 3,
            caption: Some("look".to_owned()),
            source: MediaSource::Remote {
                locator: "there".to_owned(),
            },
        };
        let target: WhatsAppId = "3EB0A1B2C3".parse()?;
        for content in [
            Content::text("hello"),
            Content::Media(media),
            Content::Reaction {
                target: target.clone(),
                target_sender: "15550100@c.us".parse()?,
                emoji: "👍".to_owned(),
            },
            Content::Edit {
                target: target.clone(),
                text: "better".to_owned(),
            },
            Content::Revoke { target },
            Content::Unsupported {
                what: "poll".to_owned(),
            },
        ] {
            let stored = serde_json::to_string(&content)?;
            assert_eq!(
                serde_json::from_str::<Content>(&stored)?,
                content,
                "{stored}"
            );
        }
        Ok(())
    }

    #[test]
    fn a_late_receipt_takes_nothing_back() {
        assert_eq!(
            MessageStatus::Read.advance(MessageStatus::Delivered),
            MessageStatus::Read
        );
        assert_eq!(
            MessageStatus::Delivered.advance(MessageStatus::Failed),
            MessageStatus::Delivered
        );
        assert_eq!(
            MessageStatus::Queued.advance(MessageStatus::Failed),
            MessageStatus::Failed
        );
        assert_eq!(
            MessageStatus::Received.advance(MessageStatus::Read),
            MessageStatus::Received
        );
    }
}
