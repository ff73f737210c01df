//! What an extension asks the host to do.
//!
//! Actions are collected while an extension runs and carried out only when the whole chain is
//! through, in one transaction with "this event is done".

use serde::{Deserialize, Serialize};

use crate::ids::WhatsAppId;
use crate::jid::Jid;

/// Whether the chain goes on after an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The next extension is asked.
    Next,
    /// Nobody else is asked.
    Stop,
}

/// One thing an extension asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "action",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Action {
    /// A text into the chat the event came from.
    Reply {
        /// The text.
        text: String,
        /// Whether it quotes the message it answers.
        quote: bool,
    },
    /// A text to anybody; needs the grant `send`.
    SendText {
        /// To whom.
        to: Jid,
        /// The text.
        text: String,
    },
    /// A reaction to a message of the chat the event came from.
    React {
        /// The message; the event's own when absent.
        target: Option<WhatsAppId>,
        /// The emoji; empty takes a reaction back.
        emoji: String,
    },
}

impl Action {
    /// Bytes that count against an event's limit.
    pub fn weight(&self) -> usize {
        match self {
            Self::Reply { text, .. } | Self::SendText { text, .. } => text.len(),
            Self::React { emoji, .. } => emoji.len(),
        }
    }

    /// The word for it: `reply`, `send-text`, `react`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Reply { .. } => "reply",
            Self::SendText { .. } => "send-text",
            Self::React { .. } => "react",
        }
    }
}
