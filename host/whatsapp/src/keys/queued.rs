//! Key material that is on its way to the disk.
//!
//! The engine writes what reading and sending have changed while nobody can read or send on the
//! session, so it is not kept waiting for the disk. What waits is the wire ([`crate::wire`]):
//! nothing leaves before all that was queued until then is on disk.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Some of the keys could not be stored. What was written with them must not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("keys of the session could not be stored")]
pub(crate) struct NotStored;

/// The writes that are under way.
#[derive(Default)]
pub(super) struct Queued {
    open: Mutex<Open>,
    /// The number of the oldest that is under way, or of the next one.
    oldest: watch::Sender<u64>,
}

#[derive(Default)]
struct Open {
    next: u64,
    numbers: BTreeSet<u64>,
    failed: bool,
}

/// One write under way. The engine knows of one that fails before it was told to go on; dropped
/// later, without having ended, it has failed.
pub(super) struct Turn {
    queued: Arc<Queued>,
    number: u64,
    believed: bool,
    stored: bool,
}

impl Queued {
    /// A write begins.
    pub(super) fn begin(self: &Arc<Self>) -> Turn {
        let mut open = self.open();
        let number = open.next;
        open.next += 1;
        open.numbers.insert(number);
        Turn {
            queued: Arc::clone(self),
            number,
            believed: false,
            stored: false,
        }
    }

    /// Whether nothing is under way, so that readers see everything.
    pub(super) fn is_empty(&self) -> bool {
        self.open().numbers.is_empty()
    }

    /// Waits until everything that has begun is on disk.
    pub(super) async fn stored(&self) -> Result<(), NotStored> {
        let mut oldest = self.oldest.subscribe();
        let all = self.open().next;
        // The sender is ours.
        drop(oldest.wait_for(|oldest| *oldest >= all).await);
        match self.open().failed {
            true => Err(NotStored),
            false => Ok(()),
        }
    }

    fn end(&self, number: u64, failed: bool) {
        let mut open = self.open();
        open.numbers.remove(&number);
        open.failed |= failed;
        let oldest = open.numbers.first().copied().unwrap_or(open.next);
        self.oldest.send_replace(oldest);
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// The engine is told to go on: it takes the keys for stored.
    pub(super) fn believed(&mut self) {
        self.believed = true;
    }

    /// The write has ended.
    pub(super) fn end(mut self, stored: bool) {
        self.stored = stored;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let failed = self.believed && !self.stored;
        self.queued.end(self.number, failed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn what_leaves_waits_for_what_was_queued_before_it_only() {
        let queued = Arc::<Queued>::default();
        assert_eq!(queued.stored().await, Ok(()));
        let (first, second) = (queued.begin(), queued.begin());
        let mut waiting = Box::pin(queued.stored());
        assert_eq!((&mut waiting).now_or_never(), None);
        second.end(true);
        assert_eq!((&mut waiting).now_or_never(), None, "the first is open");
        let _third = queued.begin();
        first.end(true);
        assert_eq!(waiting.await, Ok(()));
        assert!(!queued.is_empty());
    }

    #[tokio::test]
    async fn nothing_leaves_after_a_write_that_failed_and_was_believed() {
        let queued = Arc::<Queued>::default();
        queued.begin().end(false);
        drop(queued.begin());
        assert_eq!(queued.stored().await, Ok(()), "the engine writes it again");
        let mut believed = queued.begin();
        believed.believed();
        believed.end(false);
        queued.begin().end(true);
        assert_eq!(queued.stored().await, Err(NotStored));
        let given_up = Arc::<Queued>::default();
        given_up.begin().believed();
        assert_eq!(given_up.stored().await, Err(NotStored));
    }
}
