//! Timers of extensions: each comes back, once, as an event for the extension that set it.
//!
//! A timer is a row from the commit of the event it was set at; taking it away and storing its
//! event is one transaction, so that a crash neither loses nor doubles it. One that came due while
//! the host was down comes at the next start.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tracing::error;
use warbler_domain::EventBody;
use warbler_store::Error as StoreError;

use crate::core::Shared;
use crate::ingest::{announce, is_wanted, new_event};

/// Longest time until the next look, whatever is due: clocks are set.
const LOOK: Duration = Duration::from_secs(30);
/// Pause before a failed look is repeated.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// Timers that come due in one transaction.
const BATCH: u32 = 256;

/// The worker's shared state.
#[derive(Default)]
pub(crate) struct Timers {
    wake: Notify,
}

impl Timers {
    /// Timers were set.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }
}

/// The worker: until the host stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let pause = match fire(&shared).await {
            Ok(pause) => pause,
            Err(err) => {
                error!(%err, "Timers of extensions could not be read");
                STORE_RETRY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.timers.wake.notified() => {}
            () = shared.stop.cancelled() => return,
        }
    }
}

/// Turns what is due into events; how long until more may be.
async fn fire(shared: &Arc<Shared>) -> Result<Duration, StoreError> {
    let now = shared.clock.now();
    let due = shared.store.read(move |db| db.timers().due(now, BATCH));
    let due = due.await?;
    if due.is_empty() {
        let next = shared.store.read(|db| db.timers().next()).await?;
        // A millisecond more, since times are whole ones.
        let pause = next.map(|next| next.since(now) + Duration::from_millis(1));
        return Ok(pause.unwrap_or(LOOK).min(LOOK));
    }
    let due: Vec<_> = due
        .into_iter()
        .map(|timer| {
            let body = EventBody::Timer {
                extension: timer.extension.clone(),
                name: timer.name.clone(),
                chat: timer.chat.clone(),
                data: timer.data.clone(),
            };
            let event = new_event(shared, timer.session, body);
            let done = !is_wanted(shared, &event);
            (timer, event, done)
        })
        .collect();
    let newest = shared
        .store
        .write(move |tx| {
            let mut newest = None;
            for (timer, event, done) in &due {
                if tx.timers_mut().take(timer)? {
                    newest = tx.events_mut().insert(event, *done)?.or(newest);
                }
            }
            Ok::<_, StoreError>(newest)
        })
        .await?;
    if let Some(seq) = newest {
        announce(shared, seq);
    }
    Ok(Duration::ZERO)
}
