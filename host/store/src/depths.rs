//! How much waits, in all: for those who watch the host.

use crate::rows::{first, prepare};
use crate::{Reader, Result};

/// How much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depths {
    /// Events that the chain is not through with.
    pub events: u64,
    /// Messages on their way out.
    pub outbox: u64,
    /// Messages for a later time.
    pub scheduled: u64,
    /// Messages that were given up.
    pub dead: u64,
}

impl Reader<'_> {
    /// How much waits, by way of the indices that the workers use.
    pub fn depths(&self) -> Result<Depths> {
        let count = |sql: &str| {
            let found = first(&mut prepare(self.conn, sql)?, [], |row| {
                let count: i64 = row.get(0)?;
                Ok::<_, crate::Error>(u64::try_from(count).unwrap_or(0))
            })?;
            Ok::<_, crate::Error>(found.unwrap_or(0))
        };
        Ok(Depths {
            events: count("SELECT count(*) FROM events WHERE done = 0")?,
            outbox: count("SELECT count(*) FROM outbox WHERE dead = 0 AND scheduled = 0")?,
            scheduled: count("SELECT count(*) FROM outbox WHERE scheduled = 1")?,
            dead: count("SELECT count(*) FROM outbox WHERE dead = 1")?,
        })
    }
}
