//! What a call takes: the time it holds a thread, the time it waits, and for what.
//!
//! A call is driven in turns. A turn ends when the guest waits for the host, or at the epoch's next
//! tick, where it lets others go first; so the time of its turns is what it computed, and the time
//! between them what it waited. Only the former counts against the limit of computing: a guest is
//! not charged for a slow disk, and cannot hide a loop behind many short waits either, since what
//! it computes between them adds up.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::ticker::TICK;
use crate::effects::Halt;

/// The most that one turn is charged for: it ends at a tick, and whatever the clock shows beyond
/// that the thread was not running.
const TURN: Duration = TICK.saturating_mul(2);

/// Whether the last turn ended at a tick; the store's epoch callback says so.
#[derive(Clone, Default)]
pub(super) struct Ticked(Arc<AtomicBool>);

impl Ticked {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// What one call took.
#[derive(Default)]
pub(super) struct Meter {
    /// Making the instance.
    pub(super) start: Time,
    /// All turns.
    turns: Time,
    /// Between turns, for the host.
    pub(super) host: Time,
    /// Between turns, for others' turns.
    pub(super) queue: Time,
}

/// A time that only the call itself changes, but that travels between threads with it.
#[derive(Default)]
pub(super) struct Time(AtomicU64);

impl Time {
    pub(super) fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn add(&self, more: Duration) {
        let nanos = (self.get() + more).as_nanos();
        self.0
            .store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Meter {
    /// What the guest computed, beside the making of its instance.
    pub(super) fn guest(&self) -> Duration {
        self.turns.get().saturating_sub(self.start.get())
    }

    /// Notes how long the making of the instance took.
    pub(super) async fn starting<T>(&self, start: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let made = start.await;
        self.start.add(began.elapsed());
        made
    }

    /// Drives a call that may compute for `budget`.
    pub(super) async fn drive<T>(
        &self,
        budget: Duration,
        ticked: &Ticked,
        run: impl Future<Output = wasmtime::Result<T>>,
    ) -> wasmtime::Result<T> {
        let mut run = std::pin::pin!(run);
        let mut charged = Duration::ZERO;
        let mut rested: Option<(Instant, bool)> = None;
        poll_fn(|context| {
            let began = Instant::now();
            if let Some((since, by_tick)) = rested.take() {
                let of = if by_tick { &self.queue } else { &self.host };
                of.add(began.saturating_duration_since(since));
            }
            let polled = run.as_mut().poll(context);
            let ended = Instant::now();
            let turn = ended.saturating_duration_since(began);
            self.turns.add(turn);
            charged += turn.min(TURN);
            if polled.is_pending() {
                if charged > budget {
                    return Poll::Ready(Err(wasmtime::Error::new(Halt {
                        code: "cpu",
                        message: format!("computed for more than {} ms", budget.as_millis()),
                    })));
                }
                rested = Some((ended, ticked.take()));
            }
            polled
        })
        .await
    }
}
