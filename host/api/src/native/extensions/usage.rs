//! What an extension has done and used, as it is shown.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use warbler_domain::extension::ExtensionUsage;

/// What the running version of an extension has done and used since it was loaded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExtensionUsage)]
pub(in crate::native) struct UsageView {
    /// Calls that went well.
    succeeded: u64,
    /// Calls that failed, by the code of their fault.
    failed: BTreeMap<String, u64>,
    /// Waiting for their turn, in microseconds.
    queue_micros: u64,
    /// Making instances, in microseconds.
    start_micros: u64,
    /// Computing, in microseconds.
    guest_micros: u64,
    /// Waiting for the host, in microseconds.
    host_micros: u64,
    /// The most memory one call had, in bytes.
    peak_memory_bytes: u64,
    /// What calls asked for.
    actions: u64,
    /// HTTP requests.
    fetches: u64,
    /// What was refused because it is not granted.
    denials: u64,
    /// Calls under way.
    running: u64,
    /// Calls that wait for their turn.
    waiting: u64,
    /// Instances kept between calls.
    warm: u64,
    /// How often another version took the place of one, since the host started.
    reloads: u64,
    /// How often it was left out after repeated failure, since the host started.
    quarantines: u64,
}

impl From<ExtensionUsage> for UsageView {
    fn from(usage: ExtensionUsage) -> Self {
        Self {
            succeeded: usage.succeeded,
            failed: usage.failed,
            queue_micros: usage.cost.queue_micros,
            start_micros: usage.cost.start_micros,
            guest_micros: usage.cost.guest_micros,
            host_micros: usage.cost.host_micros,
            peak_memory_bytes: usage.cost.peak_memory,
            actions: usage.actions,
            fetches: usage.cost.fetches,
            denials: usage.cost.denials,
            running: usage.running,
            waiting: usage.waiting,
            warm: usage.warm,
            reloads: usage.reloads,
            quarantines: usage.quarantines,
        }
    }
}
