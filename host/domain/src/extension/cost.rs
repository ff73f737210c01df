//! What calls of extensions use: time by where it went, memory, requests.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::micros;

/// What one call used. The times add up to how long it took, but for what is lost in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallCost {
    /// Waiting for its turn, in microseconds.
    #[serde(with = "micros", rename = "queueMicros")]
    pub queue: Duration,
    /// Making the instance, in microseconds; nothing for a script, or an instance that was kept.
    #[serde(with = "micros", rename = "startMicros")]
    pub start: Duration,
    /// Computing, in microseconds.
    #[serde(with = "micros", rename = "guestMicros")]
    pub guest: Duration,
    /// Waiting for the host: its store, the network, a clock; in microseconds.
    #[serde(with = "micros", rename = "hostMicros")]
    pub host: Duration,
    /// The most memory it had, in bytes; nothing for a script.
    pub memory: u64,
    /// HTTP requests it made.
    pub fetches: u32,
    /// What it asked for and was refused because it is not granted.
    pub denials: u32,
}

/// What one generation of an extension has done and used since it was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExtensionUsage {
    /// Calls that went well.
    pub succeeded: u64,
    /// Calls that failed, by the code of their fault.
    pub failed: BTreeMap<String, u64>,
    /// Time of all calls together, with the most memory one of them had.
    pub cost: TotalCost,
    /// What calls asked for and was carried out.
    pub actions: u64,
    /// Calls under way.
    pub running: u64,
    /// Calls that wait for their turn.
    pub waiting: u64,
    /// Instances kept between calls.
    pub warm: u64,
    /// How often another version took the place of one, since the host started.
    pub reloads: u64,
    /// How often it was left out after repeated failure, since the host started.
    pub quarantines: u64,
}

/// The cost of many calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TotalCost {
    /// Waiting for their turn, in microseconds.
    pub queue_micros: u64,
    /// Making instances, in microseconds.
    pub start_micros: u64,
    /// Computing, in microseconds.
    pub guest_micros: u64,
    /// Waiting for the host, in microseconds.
    pub host_micros: u64,
    /// The most memory one call had, in bytes.
    pub peak_memory: u64,
    /// HTTP requests.
    pub fetches: u64,
    /// What was refused because it is not granted.
    pub denials: u64,
}
