//! What dialects call a session besides its id and its name.

use rusqlite::{Row, params};
use warbler_domain::{PhoneNumber, SessionId, Timestamp};

use crate::rows::{collect, first, id_bytes, parsed_opt, prepare};
use crate::{Reader, Result, Writer};

const COLUMNS: &str = "session, number, label, phone, changed_at";

/// What dialects call a session. It is there as long as its session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionMarks {
    /// Which session.
    pub session: SessionId,
    /// Its number: 1 for the first session of the host, never given twice.
    pub number: i64,
    /// What its owner calls it, in any words.
    pub label: Option<String>,
    /// The number of the phone that is to be linked.
    pub phone: Option<PhoneNumber>,
    /// When it was last called otherwise.
    pub changed_at: Option<Timestamp>,
}

/// Reading half.
pub struct AllSessionMarks<'a>(&'a Reader<'a>);

/// Writing half.
pub struct AllSessionMarksMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// What dialects call sessions.
    pub fn session_marks(&'a self) -> AllSessionMarks<'a> {
        AllSessionMarks(self)
    }
}

impl<'a> Writer<'a> {
    /// What dialects call sessions, to change.
    pub fn session_marks_mut(&'a self) -> AllSessionMarksMut<'a> {
        AllSessionMarksMut(self)
    }
}

impl AllSessionMarks<'_> {
    /// Those of every session, by number.
    pub fn all(&self) -> Result<Vec<SessionMarks>> {
        let sql = format!("SELECT {COLUMNS} FROM session_marks ORDER BY number");
        collect(&mut prepare(self.0.conn, &sql)?, [], read)
    }

    /// Those of one session.
    pub fn of(&self, session: SessionId) -> Result<Option<SessionMarks>> {
        let sql = format!("SELECT {COLUMNS} FROM session_marks WHERE session = ?1");
        let params = params![session.as_bytes()];
        first(&mut prepare(self.0.conn, &sql)?, params, read)
    }

    /// Those of the session with this number.
    pub fn numbered(&self, number: i64) -> Result<Option<SessionMarks>> {
        let sql = format!("SELECT {COLUMNS} FROM session_marks WHERE number = ?1");
        first(&mut prepare(self.0.conn, &sql)?, params![number], read)
    }
}

impl AllSessionMarksMut<'_> {
    /// Notes the label and the phone of a session.
    pub fn set(
        &self,
        session: SessionId,
        label: Option<&str>,
        phone: Option<&PhoneNumber>,
        now: Timestamp,
    ) -> Result<()> {
        let sql = "UPDATE session_marks SET label = ?2, phone = ?3, changed_at = ?4
                   WHERE session = ?1";
        let (phone, now) = (phone.map(PhoneNumber::as_str), now.as_millis());
        prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), label, phone, now])?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<SessionMarks> {
    let changed_at: Option<i64> = row.get(4)?;
    Ok(SessionMarks {
        session: SessionId::from_bytes(id_bytes(row, 0, "session_marks.session")?),
        number: row.get(1)?,
        label: row.get(2)?,
        phone: parsed_opt(row, 3, "session_marks.phone")?,
        changed_at: changed_at.map(Timestamp::from_millis),
    })
}
