//! Forgetting what is old, a little at a time.
//!
//! Rows are walked in the order in which they came, which is the order of their age, from where the
//! last step ended; a step looks at so many rows and stops at the first that is young enough. So a
//! step costs the same however much there is, and one that finds nothing costs one row.

use rusqlite::{Row, params};
use warbler_domain::{MessageId, Timestamp};

use crate::rows::{collect, id_bytes, prepare};
use crate::{Reader, Result, Writer};

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// Rows that are gone, or lost what was to be forgotten.
    pub forgotten: u64,
    /// Where the next step goes on; nothing when this one came to the end of what is old.
    pub next: Option<i64>,
}

/// Forgetting.
pub struct Retention<'a>(&'a Writer<'a>);

impl<'a> Writer<'a> {
    /// Forgetting what is old.
    pub fn retention(&'a self) -> Retention<'a> {
        Retention(self)
    }
}

/// A row as the walk sees it.
struct Seen {
    seq: i64,
    at: i64,
    /// Whether it is still needed.
    kept: bool,
}

impl Retention<'_> {
    /// Forgets events from before `time` that the chain is through with, behind `after`.
    pub fn events(&self, time: Timestamp, after: i64, limit: u32) -> Result<Step> {
        let mut delete = prepare(self.0.conn, "DELETE FROM events WHERE seq = ?1")?;
        let rows = self.of_events(after, limit)?;
        step(rows, time, limit, |row| Ok(delete.execute([row.seq])? > 0))
    }

    /// Forgets what the extensions did with events from before `time`, behind `after`.
    pub fn traces(&self, time: Timestamp, after: i64, limit: u32) -> Result<Step> {
        let sql = "UPDATE events SET trace = NULL WHERE seq = ?1 AND trace IS NOT NULL";
        let mut update = prepare(self.0.conn, sql)?;
        let rows = self.of_events(after, limit)?;
        step(rows, time, limit, |row| Ok(update.execute([row.seq])? > 0))
    }

    /// Forgets messages that were stored before `time` and are not on their way out, behind
    /// `after`.
    pub fn messages(&self, time: Timestamp, after: i64, limit: u32) -> Result<Step> {
        let sql = "SELECT seq, id, EXISTS (SELECT 1 FROM outbox WHERE outbox.message = messages.id)
                   FROM messages WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let mut ids = Vec::new();
        let rows = collect(
            &mut prepare(self.0.conn, sql)?,
            params![after, limit],
            |row| {
                let id = MessageId::from_bytes(id_bytes(row, 1, "messages.id")?);
                ids.push(id);
                Ok(Seen {
                    seq: row.get(0)?,
                    // Our ids begin with the time they were made.
                    at: id.time().map_or(i64::MAX, Timestamp::as_millis),
                    kept: row.get(2)?,
                })
            },
        )?;
        let mut ids = rows
            .iter()
            .map(|row| row.seq)
            .zip(ids)
            .collect::<Vec<_>>()
            .into_iter();
        step(rows, time, limit, |row| {
            match ids.find(|(seq, _)| *seq == row.seq) {
                Some((_, id)) => self.0.messages_mut().delete(id),
                None => Ok(false),
            }
        })
    }

    /// Forgets at most `limit` dead letters from before `time`; their messages stay, and say why.
    pub fn dead_letters(&self, time: Timestamp, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM outbox WHERE seq IN
                   (SELECT seq FROM outbox WHERE dead = 1 AND failed_at < ?1 LIMIT ?2)";
        Ok(prepare(self.0.conn, sql)?.execute(params![time.as_millis(), limit])? as u64)
    }

    /// Forgets at most `limit` calls from before `time`.
    pub fn calls(&self, time: Timestamp, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM calls WHERE number IN
                   (SELECT number FROM calls WHERE at < ?1 LIMIT ?2)";
        Ok(prepare(self.0.conn, sql)?.execute(params![time.as_millis(), limit])? as u64)
    }

    /// Forgets the counts of at most `limit` hours that ended before `time`.
    pub fn hours(&self, time: Timestamp, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM message_hours WHERE hour IN
                   (SELECT DISTINCT hour FROM message_hours WHERE hour < ?1 LIMIT ?2)";
        let hour = time.as_millis().div_euclid(crate::stats::HOUR);
        Ok(prepare(self.0.conn, sql)?.execute(params![hour, limit])? as u64)
    }

    fn of_events(&self, after: i64, limit: u32) -> Result<Vec<Seen>> {
        let sql = "SELECT seq, at, done = 0 FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        collect(&mut prepare(self.0.conn, sql)?, params![after, limit], seen)
    }
}

/// Forgets those of `rows` that are old and not needed, and says where to go on.
fn step(
    rows: Vec<Seen>,
    time: Timestamp,
    limit: u32,
    mut forget: impl FnMut(&Seen) -> Result<bool>,
) -> Result<Step> {
    let mut step = Step::default();
    let full = rows.len() >= limit as usize;
    for row in rows {
        if row.at >= time.as_millis() {
            return Ok(Step { next: None, ..step });
        }
        step.next = Some(row.seq);
        if !row.kept && forget(&row)? {
            step.forgotten += 1;
        }
    }
    if !full {
        step.next = None;
    }
    Ok(step)
}

impl Reader<'_> {
    /// The place of the newest event from before `time`; 0 when there is none.
    pub fn last_event_before(&self, time: Timestamp) -> Result<i64> {
        let at_or_behind = "SELECT seq, at, 0 FROM events WHERE seq >= ?1 ORDER BY seq LIMIT 1";
        let mut look = prepare(self.conn, at_or_behind)?;
        // Events come in the order of their times, so halving finds it without an index.
        let (mut low, mut high) = (0, self.events().newest()?);
        while low < high {
            let middle = low + (high - low + 1) / 2;
            let found = collect(&mut look, [middle], seen)?;
            match found.first() {
                Some(row) if row.at < time.as_millis() => low = row.seq,
                _ => high = middle - 1,
            }
        }
        Ok(low)
    }
}

fn seen(row: &Row<'_>) -> Result<Seen> {
    Ok(Seen {
        seq: row.get(0)?,
        at: row.get(1)?,
        kept: row.get(2)?,
    })
}
