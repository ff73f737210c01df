//! What nothing needs any more is taken away.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};
use warbler_domain::Timestamp;
use warbler_domain::media::Digest;
use warbler_store::media::Cutoffs;

use super::MediaError;
use super::store::MediaStore;
use crate::core::Shared;

/// Longest pause between two sweeps.
const PAUSE: Duration = Duration::from_secs(600);
/// Shortest one.
const SHORTEST: Duration = Duration::from_millis(50);
/// Contents that one look finds.
const FOUND: u32 = 1024;
/// Contents that one transaction takes away: it holds up all other writing.
const TAKEN: usize = 32;
/// Uploads that one transaction takes away.
const UPLOADS: u32 = 1000;

/// Sweeps now and then, until the host stops.
pub(crate) async fn retain(shared: Arc<Shared>) {
    let settings = shared.media.settings();
    let shortest = settings.keep.min(settings.keep_unused);
    let pause = (shortest / 4).clamp(SHORTEST, PAUSE);
    loop {
        match shared.media.sweep().await {
            Ok(0) => {}
            Ok(gone) => info!(gone, "{gone} media that nothing used were taken away"),
            Err(err) => warn!(%err, "Unused media could not be taken away; later"),
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl MediaStore {
    /// Takes away what is unused now; how many contents that were.
    pub(super) async fn sweep(&self) -> Result<usize, MediaError> {
        let now = self.clock.now();
        while self.sweep_uploads(now).await? >= UPLOADS as usize {}
        let settings = self.settings();
        let cutoffs = Cutoffs {
            now,
            loose: before(now, settings.keep_unused),
            held: before(now, settings.keep),
        };
        let mut gone = 0;
        loop {
            let found = self
                .store
                .read(move |db| db.media().unused(cutoffs, FOUND))
                .await
                .map_err(MediaError::Store)?;
            let before = gone;
            for batch in found.chunks(TAKEN) {
                gone += self.take_away(batch.to_vec(), cutoffs).await?;
            }
            if found.len() < FOUND as usize || gone == before {
                return Ok(gone);
            }
        }
    }

    async fn sweep_uploads(&self, now: Timestamp) -> Result<usize, MediaError> {
        let deleting = self
            .store
            .write_relaxed(move |tx| tx.media_mut().delete_expired_uploads(now, UPLOADS));
        deleting.await.map_err(MediaError::Store)
    }

    /// Removes the files inside the transaction: see [`super::store`]. A file that is gone already
    /// is none to remove.
    async fn take_away(&self, batch: Vec<Digest>, cutoffs: Cutoffs) -> Result<usize, MediaError> {
        let files = self.files.clone();
        let taking = self.store.write_relaxed(move |tx| {
            let mut gone = 0;
            for digest in batch {
                if !tx.media_mut().forget_unused(&digest, cutoffs)? {
                    continue;
                }
                gone += 1;
                if let Err(err) = files.remove(&digest) {
                    warn!(%digest, %err, "A medium that nothing uses could not be removed from the disk");
                }
            }
            Ok(gone)
        });
        taking.await.map_err(MediaError::Store)
    }
}

fn before(now: Timestamp, passed: Duration) -> Timestamp {
    let passed = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(passed))
}
