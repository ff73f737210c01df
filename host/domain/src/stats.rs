//! How many messages there were.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::message::MessageStatus;

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
    /// Those by kind that came in or went out: without what waits, failed or was cancelled.
    pub passed_by_kind: BTreeMap<String, u64>,
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
    /// Messages of this account that went out.
    pub fn sent(&self) -> u64 {
        went(&self.by_status)
    }

    /// Messages of this account that went out within the last 24 hours.
    pub fn sent_lately(&self) -> u64 {
        went(&self.hours_by_status)
    }

    /// Messages that came in within the last 24 hours.
    pub fn received_lately(&self) -> u64 {
        self.hours.iter().map(|hour| hour.inbound).sum()
    }

    /// How many stand at one of these.
    pub fn standing_at(&self, statuses: &[MessageStatus]) -> u64 {
        at(&self.by_status, statuses)
    }

    /// All messages.
    pub fn total(&self) -> u64 {
        self.inbound + self.outbound
    }
}

fn went(counts: &BTreeMap<String, u64>) -> u64 {
    at(counts, &MessageStatus::GONE)
}

fn at(counts: &BTreeMap<String, u64>, statuses: &[MessageStatus]) -> u64 {
    let counts = statuses.iter().map(|status| counts.get(status.as_str()));
    counts.flatten().sum()
}
