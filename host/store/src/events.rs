//! Events, and what the extensions made of each.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use warbler_domain::extension::TraceStep;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{Event, EventId, EventKind, SessionId, Timestamp};

use crate::rows::{collect, first, json, prepare, to_json};
use crate::{Error, Reader, Result, Writer};

/// How an event went through the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// When it was done.
    pub done_at: Timestamp,
    /// The extensions that were called, in order.
    pub steps: Vec<TraceStep>,
}

/// An event with its place in the order of arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its place: later events have larger ones.
    pub seq: i64,
    /// The event.
    pub event: Event,
    /// Whether the chain is through with it.
    pub done: bool,
}

/// Which events are wanted.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Of these sessions only.
    pub sessions: Option<Vec<SessionId>>,
    /// Of this kind only.
    pub kind: Option<EventKind>,
}

/// Reading half.
pub struct Events<'a>(&'a Reader<'a>);

/// Writing half.
pub struct EventsMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Events.
    pub fn events(&'a self) -> Events<'a> {
        Events(self)
    }
}

impl<'a> Writer<'a> {
    /// Events, to change.
    pub fn events_mut(&'a self) -> EventsMut<'a> {
        EventsMut(self)
    }
}

impl Events<'_> {
    /// One by id.
    pub fn get(&self, id: EventId) -> Result<Option<Stored>> {
        let sql = "SELECT seq, body, done FROM events WHERE id = ?1";
        first(
            &mut prepare(self.0.conn, sql)?,
            params![id.as_bytes()],
            read,
        )
    }

    /// What the chain made of an event; nothing while it is not through.
    pub fn trace(&self, id: EventId) -> Result<Option<Trace>> {
        let sql = "SELECT trace FROM events WHERE id = ?1 AND trace IS NOT NULL";
        first(
            &mut prepare(self.0.conn, sql)?,
            params![id.as_bytes()],
            |row| json(row, 0, "events.trace"),
        )
    }

    /// The oldest events behind `after` that the chain is not through with.
    pub fn pending(&self, after: i64, limit: u32) -> Result<Vec<Stored>> {
        let sql =
            "SELECT seq, body, done FROM events WHERE done = 0 AND seq > ?1 ORDER BY seq LIMIT ?2";
        collect(&mut prepare(self.0.conn, sql)?, params![after, limit], read)
    }

    /// Those the filter lets through, newest first.
    pub fn list(&self, filter: &EventFilter, page: PageRequest) -> Result<Page<Stored>> {
        let before = page.after().map_or(i64::MAX, |cursor| cursor.0);
        let kind = filter.kind.as_ref().map(EventKind::as_str);
        let limit = page.limit() + 1;
        let rows = match &filter.sessions {
            // One walk down the index per session, so that a caller with few of them never reads
            // past everybody else's events.
            Some(sessions) => {
                let sql = "SELECT seq, body, done FROM events
                           WHERE session = ?1 AND seq < ?2 AND (?3 IS NULL OR kind = ?3)
                           ORDER BY seq DESC LIMIT ?4";
                let mut statement = prepare(self.0.conn, sql)?;
                let mut rows = Vec::new();
                for session in sessions {
                    let params = params![session.as_bytes(), before, kind, limit];
                    rows.extend(collect(&mut statement, params, read)?);
                    rows.sort_by_key(|stored: &Stored| std::cmp::Reverse(stored.seq));
                    rows.truncate(limit as usize);
                }
                rows
            }
            None => {
                let sql = "SELECT seq, body, done FROM events
                           WHERE seq < ?1 AND (?2 IS NULL OR kind = ?2) ORDER BY seq DESC LIMIT ?3";
                collect(
                    &mut prepare(self.0.conn, sql)?,
                    params![before, kind, limit],
                    read,
                )?
            }
        };
        let rows = rows
            .into_iter()
            .map(|stored| (stored.seq, stored))
            .collect();
        Ok(Page::of_rows(rows, page.limit()))
    }

    /// Events behind `after`, oldest first: how a stream catches up.
    pub fn since(&self, after: i64, limit: u32) -> Result<Vec<Stored>> {
        let sql = "SELECT seq, body, done FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        collect(&mut prepare(self.0.conn, sql)?, params![after, limit], read)
    }

    /// The place of the newest event; 0 when there is none.
    pub fn newest(&self) -> Result<i64> {
        let sql = "SELECT coalesce(max(seq), 0) FROM events";
        Ok(first(&mut prepare(self.0.conn, sql)?, [], |row| Ok(row.get(0)?))?.unwrap_or(0))
    }
}

impl EventsMut<'_> {
    /// Adds an event; nothing when the same happening is there already.
    pub fn insert(&self, event: &Event, done: bool) -> Result<Option<i64>> {
        let sql = "INSERT INTO events (id, session, kind, at, dedupe, done, body)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
        let changed = prepare(self.0.conn, sql)?.execute(params![
            event.id.as_bytes(),
            event.session.as_bytes(),
            event.kind().as_str(),
            event.at.as_millis(),
            event.body.dedupe_key(),
            done,
            to_json(event, "events.body")?,
        ])?;
        Ok((changed > 0).then(|| self.0.conn.last_insert_rowid()))
    }

    /// Notes that the chain is through with an event; `false` when it was already.
    pub fn finish(&self, id: EventId, trace: &Trace) -> Result<bool> {
        let sql = "UPDATE events SET done = 1, trace = ?2 WHERE id = ?1 AND done = 0";
        let trace = if trace.steps.is_empty() {
            None
        } else {
            Some(to_json(trace, "events.trace")?)
        };
        let changed = prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), trace])?;
        Ok(changed > 0)
    }
}

fn read(row: &Row<'_>) -> Result<Stored> {
    let event = json(row, 1, "events.body")?;
    let done: i64 = row
        .get(2)
        .map_err(|err| Error::corrupt("events.done", err))?;
    Ok(Stored {
        seq: row.get(0)?,
        event,
        done: done != 0,
    })
}
