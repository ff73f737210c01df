//! Rows that were given up.

use rusqlite::{Row, params};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{FailureCode, MessageId, SessionId, Timestamp};

use super::{COLUMNS, Outbox, OutboxMut, OutboxRow, read};
use crate::rows::{collect, first, parsed_opt, prepare};
use crate::{Error, Result};

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The row.
    pub row: OutboxRow,
    /// Why it was given up.
    pub code: FailureCode,
    /// When.
    pub failed_at: Timestamp,
}

impl Outbox<'_> {
    /// Dead letters of these sessions, or of all, newest first.
    pub fn dead_letters(
        &self,
        sessions: Option<&[SessionId]>,
        page: PageRequest,
    ) -> Result<Page<DeadLetter>> {
        let before = page.after().map_or(i64::MAX, |cursor| cursor.0);
        let limit = page.limit() + 1;
        let mut rows = Vec::new();
        match sessions {
            Some(sessions) => {
                let sql = format!(
                    "SELECT {COLUMNS}, error_code, failed_at FROM outbox
                     WHERE dead = 1 AND session = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
                );
                let mut statement = prepare(self.0.conn, &sql)?;
                for session in sessions {
                    let params = params![session.as_bytes(), before, limit];
                    rows.extend(collect(&mut statement, params, read_dead)?);
                    rows.sort_by_key(|dead: &DeadLetter| std::cmp::Reverse(dead.row.seq));
                    rows.truncate(limit as usize);
                }
            }
            None => {
                let sql = format!(
                    "SELECT {COLUMNS}, error_code, failed_at FROM outbox
                     WHERE dead = 1 AND seq < ?1 ORDER BY seq DESC LIMIT ?2"
                );
                let params = params![before, limit];
                rows = collect(&mut prepare(self.0.conn, &sql)?, params, read_dead)?;
            }
        }
        let rows = rows.into_iter().map(|dead| (dead.row.seq, dead)).collect();
        Ok(Page::of_rows(rows, page.limit()))
    }

    /// The dead letter of a message.
    pub fn dead_letter(&self, message: MessageId) -> Result<Option<DeadLetter>> {
        let sql = format!(
            "SELECT {COLUMNS}, error_code, failed_at FROM outbox WHERE message = ?1 AND dead = 1"
        );
        first(
            &mut prepare(self.0.conn, &sql)?,
            params![message.as_bytes()],
            read_dead,
        )
    }

    /// Up to `limit` dead letters of a session, oldest first.
    pub fn dead(&self, session: SessionId, limit: u32) -> Result<Vec<OutboxRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox WHERE dead = 1 AND session = ?1 ORDER BY seq LIMIT ?2"
        );
        let params = params![session.as_bytes(), limit];
        collect(&mut prepare(self.0.conn, &sql)?, params, read)
    }
}

impl OutboxMut<'_> {
    /// Gives a row up: it stays as a dead letter, the next of the chat becomes head.
    pub fn bury(
        &self,
        row: &OutboxRow,
        code: FailureCode,
        error: &str,
        now: Timestamp,
    ) -> Result<()> {
        let sql = "UPDATE outbox SET dead = 1, head = 0, scheduled = 0, lease_owner = NULL, lease_until = NULL,
                       delayed = NULL, last_error = ?2, error_code = ?3, failed_at = ?4
                   WHERE seq = ?1";
        let params = params![row.seq, error, code.as_str(), now.as_millis()];
        prepare(self.0.conn, sql)?.execute(params)?;
        self.promote(row)
    }

    /// Lets a dead letter enter its lane again, as if it had never been tried.
    pub fn replay(&self, row: &OutboxRow, now: Timestamp) -> Result<()> {
        self.reenter(row, now)
    }

    /// Forgets a dead letter; the message stays as it is.
    pub fn discard(&self, row: &OutboxRow) -> Result<()> {
        let sql = "DELETE FROM outbox WHERE seq = ?1 AND dead = 1";
        prepare(self.0.conn, sql)?.execute(params![row.seq])?;
        Ok(())
    }
}

fn read_dead(row: &Row<'_>) -> Result<DeadLetter> {
    let code = parsed_opt(row, 7, "outbox.error_code")?;
    let failed_at: Option<i64> = row.get(8)?;
    Ok(DeadLetter {
        row: read(row)?,
        code: code.ok_or_else(|| Error::corrupt("outbox.error_code", "none"))?,
        failed_at: Timestamp::from_millis(failed_at.unwrap_or_default()),
    })
}
