//! The outbox as it is looked at.

use rusqlite::{Row, params};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{MessageId, SessionId, Timestamp};

use super::{COLUMNS, Outbox, OutboxRow, read};
use crate::Result;
use crate::rows::{collect, first, prepare};

/// A row and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The row.
    pub row: OutboxRow,
    /// Where it stands.
    pub standing: Standing,
    /// When it may be sent.
    pub due_at: Timestamp,
    /// When it entered its lane; for a scheduled one, when it will.
    pub entered_at: Timestamp,
    /// Why pacing moved its time, if it did.
    pub delayed: Option<String>,
}

/// Where a row of the outbox stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Waits for its time.
    Scheduled,
    /// Waits for its turn.
    Queued,
    /// Is being handed to the network.
    UnderWay,
    /// Was given up.
    Dead,
}

/// What a session has in its outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows that wait for their turn.
    pub queued: u64,
    /// Rows that wait for their time.
    pub scheduled: u64,
    /// Rows being handed to the network.
    pub under_way: u64,
    /// Rows that were given up.
    pub dead: u64,
    /// When the oldest of those that wait for their turn entered.
    pub oldest: Option<Timestamp>,
    /// When the next scheduled one is due.
    pub next_scheduled: Option<Timestamp>,
}

const MORE: &str = "dead, scheduled, lease_until, due_at, entered_at, delayed";

impl Outbox<'_> {
    /// The row of a message, live or dead.
    pub fn of_message(&self, message: MessageId, now: Timestamp) -> Result<Option<Waiting>> {
        let sql = format!("SELECT {COLUMNS}, {MORE} FROM outbox WHERE message = ?1");
        first(
            &mut prepare(self.0.conn, &sql)?,
            params![message.as_bytes()],
            |row| read_waiting(row, now),
        )
    }

    /// A session's live rows, newest first.
    pub fn waiting(
        &self,
        session: SessionId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<Waiting>> {
        let before = page.after().map_or(i64::MAX, |cursor| cursor.0);
        let sql = format!(
            "SELECT {COLUMNS}, {MORE} FROM outbox
             WHERE session = ?1 AND dead = 0 AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
        );
        let params = params![session.as_bytes(), before, page.limit() + 1];
        let rows = collect(&mut prepare(self.0.conn, &sql)?, params, |row| {
            read_waiting(row, now)
        })?;
        let rows = rows
            .into_iter()
            .map(|waiting| (waiting.row.seq, waiting))
            .collect();
        Ok(Page::of_rows(rows, page.limit()))
    }

    /// What a session has in its outbox.
    pub fn counts(&self, session: SessionId, now: Timestamp) -> Result<Counts> {
        let sql = "SELECT
                count(*) FILTER (WHERE dead = 0 AND scheduled = 0 AND (lease_until IS NULL OR lease_until <= ?2)),
                count(*) FILTER (WHERE scheduled = 1),
                count(*) FILTER (WHERE dead = 0 AND lease_until > ?2),
                count(*) FILTER (WHERE dead = 1),
                min(entered_at) FILTER (WHERE dead = 0 AND scheduled = 0),
                min(due_at) FILTER (WHERE scheduled = 1)
            FROM outbox WHERE session = ?1";
        let params = params![session.as_bytes(), now.as_millis()];
        let counts = first(&mut prepare(self.0.conn, sql)?, params, |row| {
            let number = |column| {
                let count: i64 = row.get(column)?;
                Ok::<_, crate::Error>(u64::try_from(count).unwrap_or(0))
            };
            let time = |column| {
                let millis: Option<i64> = row.get(column)?;
                Ok::<_, crate::Error>(millis.map(Timestamp::from_millis))
            };
            Ok::<_, crate::Error>(Counts {
                queued: number(0)?,
                scheduled: number(1)?,
                under_way: number(2)?,
                dead: number(3)?,
                oldest: time(4)?,
                next_scheduled: time(5)?,
            })
        })?;
        Ok(counts.unwrap_or_default())
    }
}

fn read_waiting(row: &Row<'_>, now: Timestamp) -> Result<Waiting> {
    let (dead, scheduled): (bool, bool) = (row.get(7)?, row.get(8)?);
    let lease_until: Option<i64> = row.get(9)?;
    let standing = match (dead, scheduled) {
        (true, _) => Standing::Dead,
        (_, true) => Standing::Scheduled,
        _ if lease_until.is_some_and(|until| until > now.as_millis()) => Standing::UnderWay,
        _ => Standing::Queued,
    };
    Ok(Waiting {
        row: read(row)?,
        standing,
        due_at: Timestamp::from_millis(row.get(10)?),
        entered_at: Timestamp::from_millis(row.get(11)?),
        delayed: row.get(12)?,
    })
}
