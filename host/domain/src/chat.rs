//! Chats: conversations with people and groups, as a session sees them.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::jid::Jid;

/// What the account has set for a chat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatSettings {
    /// Put away.
    pub archived: bool,
    /// Kept on top.
    pub pinned: bool,
    /// Quiet until then; the far future when for good.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub muted_until: Option<Timestamp>,
}

/// One change to a chat's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "what",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ChatChange {
    /// Put away, or taken out again.
    Archived {
        /// Which.
        archived: bool,
    },
    /// Kept on top, or no longer.
    Pinned {
        /// Which.
        pinned: bool,
    },
    /// Quiet, or loud again.
    Muted {
        /// Until when; `None` when it is loud.
        until: Option<Timestamp>,
    },
    /// Read, or marked unread.
    Read {
        /// Which.
        read: bool,
    },
    /// Removed from the account's list.
    Deleted,
}

impl ChatSettings {
    /// The settings after `change`.
    pub fn apply(&mut self, change: &ChatChange) {
        match change {
            ChatChange::Archived { archived } => self.archived = *archived,
            ChatChange::Pinned { pinned } => self.pinned = *pinned,
            ChatChange::Muted { until } => self.muted_until = *until,
            ChatChange::Read { .. } | ChatChange::Deleted => {}
        }
    }
}

/// What this account shows in a chat while it does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatState {
    /// Writes.
    Composing,
    /// Records a voice note.
    Recording,
    /// Has stopped.
    Paused,
}

impl ChatState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Composing => "composing",
            Self::Recording => "recording",
            Self::Paused => "paused",
        }
    }
}

/// A word that is no state of a chat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a chat shows composing, recording or paused")]
pub struct BadChatState;

impl std::str::FromStr for ChatState {
    type Err = BadChatState;

    fn from_str(text: &str) -> Result<Self, BadChatState> {
        let all = [Self::Composing, Self::Recording, Self::Paused];
        let found = all.into_iter().find(|state| state.as_str() == text);
        found.ok_or(BadChatState)
    }
}

/// A chat as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// Its address; the phone-number address where it is known.
    pub jid: Jid,
    /// The other address, where known.
    pub alt: Option<Jid>,
    /// What to call it: the group's subject, the person's name.
    pub name: Option<String>,
    /// What the account has set for it.
    pub settings: ChatSettings,
    /// Inbound messages since it was last read.
    pub unread: u32,
    /// When the newest message was written.
    pub last_at: Timestamp,
}
