//! `[sessions]`: how sessions stay connected.

use serde::Deserialize;
use warbler_whatsapp::HistoryLimits;

use super::Span;

/// How sessions stay connected.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// First pause before a lost connection is sought again.
    pub reconnect_first: Span,
    /// Longest such pause.
    pub reconnect_max: Span,
    /// Sessions that may be connecting at the same time.
    pub connecting_at_once: usize,
    /// Sessions that a user who is no admin may have.
    pub per_user: u32,
    /// How long a connection may be silent.
    pub silence: Span,
    /// How long it has to give a sign of life.
    pub ping_timeout: Span,
    /// How long a session offers to be linked.
    pub pairing_window: Span,
    history_days: u16,
    history_messages: u32,
}

impl Sessions {
    /// How much of what the phone remembers is taken over.
    pub fn history(&self) -> HistoryLimits {
        HistoryLimits {
            days: self.history_days,
            messages: self.history_messages,
        }
    }
}
