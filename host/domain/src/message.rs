//! Messages, as this host keeps them.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::content::Content;
use crate::failure::FailureCode;
use crate::ids::{MessageId, SessionId, WhatsAppId};
use crate::jid::Jid;

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
    /// The chat's other address (LID when `chat` is a PN), where known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub chat_alt: Option<Jid>,
    /// Who wrote it; the phone-number address where it is known.
    pub sender: Jid,
    /// The sender's other address (LID when `sender` is a PN), where known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sender_alt: Option<Jid>,
    /// The name the sender shows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sender_name: Option<String>,
    /// What callers have saved the sender as, where they have.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sender_saved_name: Option<String>,
    /// Which way it goes.
    pub direction: Direction,
    /// When it was written, by the network's clock; when it was accepted, for outbound ones.
    pub timestamp: Timestamp,
    /// What it says.
    pub content: Content,
    /// The message it answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quoted: Option<Quoted>,
    /// How often it has been forwarded, as far as the network tells; 0 when it is original.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub forwarded: u32,
    /// Who sees it, when it is a status post of this session.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub audience: Vec<Jid>,
    /// When it is to go out, if that was said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scheduled_for: Option<Timestamp>,
    /// How far it has come.
    pub status: MessageStatus,
    /// Why it failed, when it did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// The same as one stable word.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error_code: Option<FailureCode>,
}

impl Message {
    /// Most people who see one status post.
    pub const MAX_AUDIENCE: usize = 5000;

    /// Who wrote it, by phone number where that is known.
    pub fn author(&self) -> &Jid {
        let mut known = [Some(&self.sender), self.sender_alt.as_ref()]
            .into_iter()
            .flatten();
        let numbered = known.find(|jid| jid.phone_number().is_some());
        numbered.unwrap_or(&self.sender)
    }

    /// What to call the sender: as they were saved, else as they call themselves.
    pub fn sender_display_name(&self) -> Option<&str> {
        let saved = self.sender_saved_name.as_deref();
        saved.or(self.sender_name.as_deref())
    }
}

fn is_zero(count: &u32) -> bool {
    *count == 0
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
    /// Taken out of the outbox by the caller, before it was sent.
    Cancelled,
}

impl MessageStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Played,
        Self::Received,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Those of messages that went out.
    pub const GONE: [Self; 4] = [Self::Sent, Self::Delivered, Self::Read, Self::Played];

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
            Self::Cancelled => "cancelled",
        }
    }

    /// The status with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether it says that the message never went out.
    pub fn is_unsent(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled)
    }

    /// The status after news of `next`: receipts may come late and in any order, and a message
    /// never goes back.
    #[must_use]
    pub fn advance(self, next: Self) -> Self {
        match (self, next) {
            (Self::Received, _) | (_, Self::Received) => self,
            (Self::Delivered | Self::Read | Self::Played, Self::Failed) => self,
            (Self::Sent | Self::Delivered | Self::Read | Self::Played, Self::Cancelled) => self,
            (Self::Failed | Self::Cancelled, Self::Failed | Self::Cancelled) => self,
            // What was given up had gone out after all.
            (Self::Failed | Self::Cancelled, later) => later.max(Self::Sent),
            (now, next) => now.max(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(
            MessageStatus::Sent.advance(MessageStatus::Cancelled),
            MessageStatus::Sent
        );
        assert_eq!(
            MessageStatus::Cancelled.advance(MessageStatus::Delivered),
            MessageStatus::Delivered
        );
    }
}
