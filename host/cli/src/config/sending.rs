//! `[sending]`: how messages go out.

use serde::Deserialize;

use super::Span;

/// How messages go out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    /// How long the server may take to acknowledge.
    pub ack_timeout: Span,
    /// How often a message is tried.
    pub attempts: u32,
    /// Actions of extensions per chat and minute; 0 is no guard.
    pub loop_guard: u32,
}
