//! A plugin's turns: some of its calls run, some wait, the oldest first, and no more.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::fault::Fault;
use crate::limits::PluginLimits;
use crate::usage::Usage;

/// The turns of one plugin.
pub(super) struct Turns {
    own: Semaphore,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// A call that runs; others get their turn when it is dropped.
pub(super) struct Turn<'a> {
    _own: SemaphorePermit<'a>,
    _all: SemaphorePermit<'a>,
}

/// A call that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turns {
    pub(super) fn new(limits: &PluginLimits) -> Self {
        Self {
            own: Semaphore::new(limits.concurrent_of_one.max(1)),
            waiting: AtomicUsize::new(0),
            most_waiting: limits.waiting,
        }
    }

    /// Waits for a turn among the plugin's own calls, then among `all`.
    pub(super) async fn next<'a>(
        &'a self,
        all: &'a Semaphore,
        usage: &Usage,
    ) -> Result<Turn<'a>, Fault> {
        if let (Ok(own), Ok(all)) = (self.own.try_acquire(), all.try_acquire()) {
            return Ok(Turn {
                _own: own,
                _all: all,
            });
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.most_waiting {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            let message = format!("more than {} calls wait for their turn", self.most_waiting);
            return Err(Fault::new("busy", message));
        }
        let _waiting = Waiting(&self.waiting);
        let _shown = usage.waiting();
        let stopping = |_closed| Fault::new("busy", "the host is stopping");
        Ok(Turn {
            _own: self.own.acquire().await.map_err(stopping)?,
            _all: all.acquire().await.map_err(stopping)?,
        })
    }
}
