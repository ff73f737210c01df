//! `[sessions]`: how sessions stay connected.

use serde::Deserialize;

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
    /// How long a connection may be silent.
    pub silence: Span,
    /// How long it has to give a sign of life.
    pub ping_timeout: Span,
    /// How long a session offers to be linked.
    pub pairing_window: Span,
}
