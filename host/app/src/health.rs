//! Whether the host can do its work, and the way back when the disk was full.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, error, info};
use warbler_store::Error;

use crate::core::{App, Shared};

/// How often there is a look whether there is room again.
const LOOK: Duration = Duration::from_secs(2);

impl App {
    /// Whether the host can do its work: its database answers, and takes what is written. What a
    /// readiness probe asks.
    pub async fn ready(&self) -> Result<(), Error> {
        let store = &self.shared().store;
        if store.room().is_full() {
            return Err(Error::DiskFull);
        }
        store.check()?;
        store.read(|db| db.events().newest()).await.map(drop)
    }
}

/// The worker: notices when the disk is full and when it no longer is, until the host stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.store.room().runs_out() => {}
            () = shared.stop.cancelled() => return,
        }
        error!(
            "The disk is full: nothing new is accepted until there is room; what was accepted is kept"
        );
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = shared.stop.cancelled() => return,
            }
            match shared.store.find_room().await {
                Ok(()) => break,
                Err(err) => debug!(%err, "There is still no room"),
            }
        }
        info!("There is room on the disk again");
    }
}
