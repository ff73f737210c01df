//! Whether there is room for more: how a full disk shows, and how it ends.
//!
//! A write that the disk has no room for fails with [`Error::DiskFull`] and changes nothing. From
//! then on the store counts as full, until a larger write than most has succeeded
//! ([`Store::find_room`](crate::Store::find_room)); small ones may fit where it has ended already.

use std::error::Error as StdError;

use rusqlite::params;
use tokio::sync::watch;

use crate::rows::prepare;
use crate::{Error, Store, Writer};

/// Bytes of the write that proves that there is room again.
const PROOF: i64 = 64 * 1024;
/// The row that proof is written to: no extension has the empty name.
const NOBODY: &str = "";

/// Whether the disk is full, as the last writes showed.
#[derive(Debug, Clone)]
pub struct Room {
    full: watch::Sender<bool>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            full: watch::Sender::new(false),
        }
    }
}

impl Room {
    /// Whether the last writes found the disk full.
    pub fn is_full(&self) -> bool {
        *self.full.borrow()
    }

    /// Waits until the disk is full.
    pub async fn runs_out(&self) {
        let mut full = self.full.subscribe();
        // The sender is `self`, so it is there for as long as this waits.
        drop(full.wait_for(|full| *full).await);
    }

    /// Takes note of why a write failed.
    pub(crate) fn note(&self, err: &(dyn StdError + 'static)) {
        if is_full(err) {
            self.full
                .send_if_modified(|full| !std::mem::replace(full, true));
        }
    }
}

/// Whether a full disk is what it comes from.
fn is_full(err: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(err);
    while let Some(err) = next {
        if matches!(err.downcast_ref(), Some(Error::DiskFull)) {
            return true;
        }
        next = err.source();
    }
    false
}

impl Store {
    /// Looks whether there is room again, by writing something and taking it away.
    pub async fn find_room(&self) -> crate::Result<()> {
        self.write(|tx| tx.put_proof()).await?;
        self.write(|tx| tx.take_proof()).await?;
        self.room().full.send_replace(false);
        Ok(())
    }
}

impl Writer<'_> {
    fn put_proof(&self) -> crate::Result<()> {
        let sql = "INSERT INTO kv (extension, key, value) VALUES (?1, 'room', zeroblob(?2))
                   ON CONFLICT DO UPDATE SET value = excluded.value";
        prepare(self.conn, sql)?.execute(params![NOBODY, PROOF])?;
        Ok(())
    }

    fn take_proof(&self) -> crate::Result<()> {
        let sql = "DELETE FROM kv WHERE extension = ?1";
        prepare(self.conn, sql)?.execute(params![NOBODY])?;
        Ok(())
    }
}
