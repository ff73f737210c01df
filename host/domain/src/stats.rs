//! How many messages there were.

use std::collections::BTreeMap;

use crate::clock::Timestamp;

/// Counts of messages, all that ever passed: deleting one does not change them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageStats {
    /// Received.
    pub inbound: u64,
    /// Written by the account, here or on another device.
    pub outbound: u64,
    /// By kind, as [`crate::Content::word`] names them.
    pub by_kind: BTreeMap<String, u64>,
    /// By status: how many stand there now.
    pub by_status: BTreeMap<String, u64>,
    /// The last 24 hours, the oldest first; 25 entries, since the first and last are not whole.
    pub hours: Vec<HourCount>,
    /// Those of these hours by kind.
    pub hours_by_kind: BTreeMap<String, u64>,
    /// Those of these hours by status: how many of them stand there now.
    pub hours_by_status: BTreeMap<String, u64>,
}

/// Counts of one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourCount {
    /// When it began.
    pub from: Timestamp,
    /// Received.
    pub inbound: u64,
    /// Written by the account.
    pub outbound: u64,
}

impl MessageStats {
    /// All messages.
    pub fn total(&self) -> u64 {
        self.inbound + self.outbound
    }
}
