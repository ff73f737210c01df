//! The thread that moves the write-ahead log into the database, so that the writing thread need
//! not stop for it.
//!
//! It moves what nobody reads any more and holds nobody up. SQLite starts the log anew when all of
//! it has been moved; where writes never pause, the writing thread moves the little that is left
//! when the log has grown to [`LOG_PAGES`].

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rusqlite::Connection;
use tracing::warn;

use crate::{Result, connection};

/// Jobs between two moves: some thousand pages.
const EVERY: u32 = 2048;
/// Pages (of 4 KiB) in the log at which the writing thread itself moves the rest.
pub(crate) const LOG_PAGES: u32 = 16 * 1024;

/// The writing thread's end.
pub(crate) struct Mover {
    wake: SyncSender<()>,
    jobs: u32,
}

/// The other end, to be run on a thread of its own.
pub(crate) struct Thread {
    conn: Connection,
    wake: Receiver<()>,
}

/// Both ends, for the database at `path`.
pub(crate) fn ends(path: &Path) -> Result<(Mover, Thread)> {
    let conn = connection::open_mover(path)?;
    let (sender, wake) = sync_channel(1);
    Ok((
        Mover {
            wake: sender,
            jobs: 0,
        },
        Thread { conn, wake },
    ))
}

impl Mover {
    /// So many jobs have been committed.
    pub(crate) fn note(&mut self, jobs: usize) {
        self.jobs = self
            .jobs
            .saturating_add(u32::try_from(jobs).unwrap_or(u32::MAX));
        // When it is still at work there will be a next time.
        if self.jobs >= EVERY && self.wake.try_send(()).is_ok() {
            self.jobs = 0;
        }
    }
}

impl Thread {
    /// Runs until the writing thread is gone.
    pub(crate) fn run(self) {
        while self.wake.recv().is_ok() {
            let moved = self
                .conn
                .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            if let Err(err) = moved {
                warn!(%err, "The write-ahead log could not be moved into the database; it will be tried again");
            }
        }
    }
}
