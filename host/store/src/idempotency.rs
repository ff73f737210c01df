//! Answers given under a key of the caller's own, so that the same request is answered the same
//! and done once.

use rusqlite::params;
use warbler_domain::Timestamp;

use crate::rows::{first, prepare};
use crate::{Reader, Result, Writer};

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// SHA-256 of the request.
    pub digest: [u8; 32],
    /// The answer, as JSON.
    pub answer: String,
    /// When it was given.
    pub created_at: Timestamp,
}

/// Reading half.
pub struct Idempotency<'a>(&'a Reader<'a>);

/// Writing half.
pub struct IdempotencyMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Answers under keys.
    pub fn idempotency(&'a self) -> Idempotency<'a> {
        Idempotency(self)
    }
}

impl<'a> Writer<'a> {
    /// Answers under keys, to change.
    pub fn idempotency_mut(&'a self) -> IdempotencyMut<'a> {
        IdempotencyMut(self)
    }
}

impl Idempotency<'_> {
    /// What `caller` was answered under `key`, not before `since`.
    pub fn get(&self, caller: &str, key: &str, since: Timestamp) -> Result<Option<Answered>> {
        let sql = "SELECT digest, answer, created_at FROM idempotency
                   WHERE caller = ?1 AND key = ?2 AND created_at >= ?3";
        let params = params![caller, key, since.as_millis()];
        first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(Answered {
                digest: row.get(0)?,
                answer: row.get(1)?,
                created_at: Timestamp::from_millis(row.get(2)?),
            })
        })
    }
}

impl IdempotencyMut<'_> {
    /// Notes what `caller` is answered under `key`; an answer that has expired makes way.
    pub fn put(&self, caller: &str, key: &str, answered: &Answered) -> Result<()> {
        let sql = "INSERT INTO idempotency (caller, key, digest, answer, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (caller, key) DO UPDATE SET digest = excluded.digest, answer = excluded.answer,
                       created_at = excluded.created_at";
        prepare(self.0.conn, sql)?.execute(params![
            caller,
            key,
            answered.digest,
            answered.answer,
            answered.created_at.as_millis(),
        ])?;
        Ok(())
    }

    /// Forgets answers given before `before`, at most `limit`; how many.
    pub fn delete_before(&self, before: Timestamp, limit: u32) -> Result<usize> {
        let sql = "DELETE FROM idempotency WHERE (caller, key) IN (
                       SELECT caller, key FROM idempotency WHERE created_at < ?1 LIMIT ?2)";
        let params = params![before.as_millis(), limit];
        Ok(prepare(self.0.conn, sql)?.execute(params)?)
    }

    /// Forgets the oldest answers beyond the newest `keep`.
    pub fn keep_newest(&self, keep: u32) -> Result<usize> {
        let sql = "DELETE FROM idempotency WHERE created_at < (
                       SELECT created_at FROM idempotency ORDER BY created_at DESC LIMIT 1 OFFSET ?1)";
        Ok(prepare(self.0.conn, sql)?.execute(params![keep])?)
    }
}
