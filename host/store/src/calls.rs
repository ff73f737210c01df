//! Calls a session has seen.

use rusqlite::{Row, params};
use warbler_domain::call::{Call, CallState};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{SessionId, Timestamp};

use crate::rows::{collect, first, parsed, prepare};
use crate::{Error, Reader, Result, Writer};

/// Calls of one session that are kept; of more, the oldest are forgotten.
const KEPT: u32 = 1_000;

/// Reading half.
pub struct Calls<'a>(&'a Reader<'a>);

/// Writing half.
pub struct CallsMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Calls.
    pub fn calls(&'a self) -> Calls<'a> {
        Calls(self)
    }
}

impl<'a> Writer<'a> {
    /// Calls, to change.
    pub fn calls_mut(&'a self) -> CallsMut<'a> {
        CallsMut(self)
    }
}

const COLUMNS: &str = "number, call, caller, video, grouped, state, at";

impl Calls<'_> {
    /// One call by the network's id.
    pub fn get(&self, session: SessionId, call: &str) -> Result<Option<Call>> {
        let sql = format!("SELECT {COLUMNS} FROM calls WHERE session = ?1 AND call = ?2");
        let params = params![session.as_bytes(), call];
        let found = first(&mut prepare(self.0.conn, &sql)?, params, read)?;
        Ok(found.map(|(_, call)| call))
    }

    /// A session's calls, the newest first.
    pub fn list(&self, session: SessionId, page: PageRequest) -> Result<Page<Call>> {
        let before = page.after().map_or(i64::MAX, |cursor| cursor.0);
        let sql = format!(
            "SELECT {COLUMNS} FROM calls WHERE session = ?1 AND number < ?2
             ORDER BY number DESC LIMIT ?3"
        );
        let params = params![session.as_bytes(), before, page.limit() + 1];
        let rows = collect(&mut prepare(self.0.conn, &sql)?, params, read)?;
        Ok(Page::of_rows(rows, page.limit()))
    }
}

impl CallsMut<'_> {
    /// Notes a call, or what has become of it.
    pub fn note(&self, session: SessionId, call: &Call) -> Result<()> {
        let sql = "INSERT INTO calls (session, call, caller, video, grouped, state, at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                   ON CONFLICT (session, call) DO UPDATE SET state = excluded.state
                   WHERE state = 'ringing' OR excluded.state <> 'ended'";
        let noted = prepare(self.0.conn, sql)?.execute(params![
            session.as_bytes(),
            call.id,
            call.by.to_string(),
            call.video,
            call.group,
            call.state.as_str(),
            call.at.as_millis(),
        ])?;
        if noted > 0 {
            let sql = "DELETE FROM calls WHERE session = ?1 AND number <= (
                           SELECT number FROM calls WHERE session = ?1
                           ORDER BY number DESC LIMIT 1 OFFSET ?2)";
            prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), KEPT])?;
        }
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<(i64, Call)> {
    let state: String = row.get(5)?;
    let call = Call {
        id: row.get(1)?,
        by: parsed(row, 2, "calls.caller")?,
        video: row.get(3)?,
        group: row.get(4)?,
        state: CallState::parse(&state).ok_or_else(|| Error::corrupt("calls.state", &state))?,
        at: Timestamp::from_millis(row.get(6)?),
    };
    Ok((row.get(0)?, call))
}
