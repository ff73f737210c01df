//! Putting the words of messages into the search index, behind their writing.
//!
//! The worker follows the events at its own pace, so that a burst of messages is stored at full
//! speed; a search first waits for what is missing.

use std::sync::Arc;
use std::time::Duration;

use tracing::error;
use warbler_store::Error;

use crate::core::Shared;

/// Messages the worker takes at once: a few milliseconds of the writing thread.
const BATCH: u32 = 128;
/// How long it lets messages gather, and how long it pauses between batches: each batch costs the
/// same, small or large, beside its words.
const PAUSE: Duration = Duration::from_millis(200);
/// How long it waits after the database refused.
const RETRY: Duration = Duration::from_secs(5);
/// Messages a search takes at once, and how often: what is missing beyond that is not found yet.
const CATCH_UP: (u32, u32) = (256, 32);

/// The worker: until the host stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut newest = shared.bus.watch();
    loop {
        let pause = match shared
            .store
            .write_relaxed(|tx| tx.search_mut().catch_up(BATCH))
            .await
        {
            Ok(true) => PAUSE,
            Ok(false) => {
                tokio::select! {
                    changed = newest.changed() => if changed.is_err() { return },
                    () = shared.stop.cancelled() => return,
                }
                PAUSE
            }
            Err(err) => {
                error!(%err, "The words of new messages could not be stored");
                RETRY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.stop.cancelled() => return,
        }
    }
}

/// Puts in what is missing before a search looks.
pub(crate) async fn catch_up(shared: &Shared) -> Result<(), Error> {
    let (batch, rounds) = CATCH_UP;
    for _ in 0..rounds {
        if !shared.store.read(|db| db.search().is_behind()).await? {
            break;
        }
        shared
            .store
            .write_relaxed::<_, Error, _>(move |tx| tx.search_mut().catch_up(batch))
            .await?;
    }
    Ok(())
}
