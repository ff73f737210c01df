//! Calls: this host cannot take one, but it sees them and can refuse them.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::jid::Jid;

/// A call a session has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The network's id of it.
    pub id: String,
    /// Who calls.
    pub by: Jid,
    /// Whether with pictures.
    pub video: bool,
    /// Whether several people are called.
    pub group: bool,
    /// What has become of it.
    pub state: CallState,
    /// When it began, as far as this host knows.
    pub at: Timestamp,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallState {
    /// It rings.
    Ringing,
    /// It was taken on another device of the account.
    Accepted,
    /// It was refused, here or on another device.
    Rejected,
    /// The caller gave up, or it ended.
    Ended,
}

impl CallState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Ringing, Self::Accepted, Self::Rejected, Self::Ended];

    /// The state with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Ended => "ended",
        }
    }
}
