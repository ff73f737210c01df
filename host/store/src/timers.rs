//! Timers of extensions.

use rusqlite::{Row, params};
use warbler_domain::{ExtensionName, Jid, SessionId, Timestamp};

use crate::rows::{collect, first, prepare};
use crate::{Error, Reader, Result, Writer};

/// What an extension wants to be reminded of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Whose it is.
    pub extension: ExtensionName,
    /// The session it was set in.
    pub session: SessionId,
    /// The chat it was set in.
    pub chat: Option<Jid>,
    /// What it is called; once per extension and chat.
    pub name: String,
    /// When.
    pub due_at: Timestamp,
    /// What it is to say, as one JSON object.
    pub data: String,
}

/// One change an extension asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimerWrite {
    /// Set one; one of the same name in the same chat is replaced.
    Set(Timer),
    /// Take one away.
    Cancel {
        /// Whose it is.
        extension: ExtensionName,
        /// The session it was set in.
        session: SessionId,
        /// The chat it was set in.
        chat: Option<Jid>,
        /// What it is called.
        name: String,
    },
}

/// Reading half.
pub struct Timers<'a>(&'a Reader<'a>);

/// Writing half.
pub struct TimersMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Timers of extensions.
    pub fn timers(&'a self) -> Timers<'a> {
        Timers(self)
    }
}

impl<'a> Writer<'a> {
    /// Timers of extensions, to change.
    pub fn timers_mut(&'a self) -> TimersMut<'a> {
        TimersMut(self)
    }
}

impl Timers<'_> {
    /// When the next one is due.
    pub fn next(&self) -> Result<Option<Timestamp>> {
        let sql = "SELECT due_at FROM timers ORDER BY due_at LIMIT 1";
        first(&mut prepare(self.0.conn, sql)?, [], |row| {
            Ok(Timestamp::from_millis(row.get(0)?))
        })
    }

    /// Those that are due, the oldest first.
    pub fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Timer>> {
        let sql = "SELECT extension, session, chat, name, due_at, data FROM timers
                   WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2";
        collect(
            &mut prepare(self.0.conn, sql)?,
            params![now.as_millis(), limit],
            read,
        )
    }

    /// How many an extension has.
    pub fn count(&self, extension: &ExtensionName) -> Result<u32> {
        let sql = "SELECT count(*) FROM timers WHERE extension = ?1";
        let count = first(
            &mut prepare(self.0.conn, sql)?,
            params![extension.as_str()],
            |row| Ok(row.get(0)?),
        )?;
        Ok(count.unwrap_or(0))
    }
}

impl TimersMut<'_> {
    /// Carries out one change.
    pub fn apply(&self, write: &TimerWrite) -> Result<()> {
        match write {
            TimerWrite::Set(timer) => {
                let sql = "INSERT INTO timers (extension, session, chat, name, due_at, data)
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                           ON CONFLICT DO UPDATE SET due_at = excluded.due_at, data = excluded.data";
                prepare(self.0.conn, sql)?.execute(params![
                    timer.extension.as_str(),
                    timer.session.as_bytes(),
                    written(timer.chat.as_ref()),
                    timer.name,
                    timer.due_at.as_millis(),
                    timer.data,
                ])?;
            }
            TimerWrite::Cancel {
                extension,
                session,
                chat,
                name,
            } => self.delete(extension, *session, chat.as_ref(), name)?,
        }
        Ok(())
    }

    /// Takes away one that has come due, unless it was set anew meanwhile; whether it was there.
    pub fn take(&self, timer: &Timer) -> Result<bool> {
        let sql = "DELETE FROM timers WHERE extension = ?1 AND session = ?2 AND chat = ?3
                   AND name = ?4 AND due_at = ?5";
        let taken = prepare(self.0.conn, sql)?.execute(params![
            timer.extension.as_str(),
            timer.session.as_bytes(),
            written(timer.chat.as_ref()),
            timer.name,
            timer.due_at.as_millis(),
        ])?;
        Ok(taken > 0)
    }

    fn delete(
        &self,
        extension: &ExtensionName,
        session: SessionId,
        chat: Option<&Jid>,
        name: &str,
    ) -> Result<()> {
        let sql = "DELETE FROM timers WHERE extension = ?1 AND session = ?2 AND chat = ?3
                   AND name = ?4";
        prepare(self.0.conn, sql)?.execute(params![
            extension.as_str(),
            session.as_bytes(),
            written(chat),
            name,
        ])?;
        Ok(())
    }
}

fn written(chat: Option<&Jid>) -> String {
    chat.map(ToString::to_string).unwrap_or_default()
}

fn read(row: &Row<'_>) -> Result<Timer> {
    let extension: String = row.get(0)?;
    let session: [u8; 16] = row.get(1)?;
    let chat: String = row.get(2)?;
    let chat = (!chat.is_empty()).then(|| chat.parse()).transpose();
    Ok(Timer {
        extension: extension
            .parse()
            .map_err(|err| Error::corrupt("timers.extension", err))?,
        session: SessionId::from_bytes(session),
        chat: chat.map_err(|err| Error::corrupt("timers.chat", err))?,
        name: row.get(3)?,
        due_at: Timestamp::from_millis(row.get(4)?),
        data: row.get(5)?,
    })
}
