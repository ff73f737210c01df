//! What the calls of one generation have done and used: counters that cost a call nanoseconds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use warbler_domain::extension::{CallCost, ExtensionUsage, TotalCost};

/// Most codes of faults that are told apart.
const CODES: usize = 64;

/// The counters of one generation.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    calls: AtomicU64,
    failed: Mutex<BTreeMap<String, u64>>,
    queue: AtomicU64,
    start: AtomicU64,
    guest: AtomicU64,
    host: AtomicU64,
    memory: AtomicU64,
    fetches: AtomicU64,
    denials: AtomicU64,
    actions: AtomicU64,
    running: AtomicU64,
    waiting: AtomicU64,
    warm: AtomicU64,
    quarantines: AtomicU64,
}

/// One more of something, as long as this lives.
pub(crate) struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    fn new(counter: &'a AtomicU64) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Usage {
    /// A call has ended, well or not.
    pub(crate) fn called(&self, cost: &CallCost, actions: usize) {
        let add = |counter: &AtomicU64, more: u64| {
            if more > 0 {
                counter.fetch_add(more, Ordering::Relaxed);
            }
        };
        add(&self.calls, 1);
        add(&self.queue, nanos(cost.queue));
        add(&self.start, nanos(cost.start));
        add(&self.guest, nanos(cost.guest));
        add(&self.host, nanos(cost.host));
        add(&self.fetches, u64::from(cost.fetches));
        add(&self.denials, u64::from(cost.denials));
        add(&self.actions, actions as u64);
        if cost.memory > self.memory.load(Ordering::Relaxed) {
            self.memory.fetch_max(cost.memory, Ordering::Relaxed);
        }
    }

    /// A call turned out to have failed.
    pub(crate) fn failed(&self, code: &str) {
        let mut failed = self.lock();
        if failed.len() < CODES || failed.contains_key(code) {
            *failed.entry(code.to_owned()).or_default() += 1;
        }
    }

    /// It is left out for a while.
    pub(crate) fn quarantined(&self) {
        self.quarantines.fetch_add(1, Ordering::Relaxed);
    }

    /// A call is under way.
    pub(crate) fn running(&self) -> Counted<'_> {
        Counted::new(&self.running)
    }

    /// A call waits for its turn.
    pub(crate) fn waiting(&self) -> Counted<'_> {
        Counted::new(&self.waiting)
    }

    /// So many instances are kept.
    pub(crate) fn keeps(&self, warm: usize) {
        self.warm.store(warm as u64, Ordering::Relaxed);
    }

    /// What it comes to now.
    pub(crate) fn shown(&self) -> ExtensionUsage {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let micros = |counter: &AtomicU64| read(counter) / 1000;
        let failed = self.lock().clone();
        ExtensionUsage {
            succeeded: read(&self.calls).saturating_sub(failed.values().sum()),
            failed,
            cost: TotalCost {
                queue_micros: micros(&self.queue),
                start_micros: micros(&self.start),
                guest_micros: micros(&self.guest),
                host_micros: micros(&self.host),
                peak_memory: read(&self.memory),
                fetches: read(&self.fetches),
                denials: read(&self.denials),
            },
            actions: read(&self.actions),
            running: read(&self.running),
            waiting: read(&self.waiting),
            warm: read(&self.warm),
            reloads: 0,
            quarantines: read(&self.quarantines),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.failed
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 4)
}
