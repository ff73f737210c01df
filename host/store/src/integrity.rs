//! Whether a database file is damaged.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{Error, Result};

/// How much of a file was looked at; nothing bad was found in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// All of it.
    Whole,
    /// What could be looked at in the time there was.
    InPart,
}

/// Looks whether the database at `path` is damaged, for at most `within`. A host may be using it.
pub fn look_at(path: &Path, within: Duration) -> Result<Looked> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    look(&conn, within)
}

/// [`look_at`] through a connection there is.
pub(crate) fn look(conn: &Connection, within: Duration) -> Result<Looked> {
    let interrupt = conn.get_interrupt_handle();
    let (over, waiting) = channel::<()>();
    std::thread::scope(|scope| {
        let watchdog = std::thread::Builder::new().name("store-check".to_owned());
        let watchdog = watchdog.spawn_scoped(scope, move || {
            if waiting.recv_timeout(within) == Err(RecvTimeoutError::Timeout) {
                interrupt.interrupt();
            }
        });
        watchdog.map_err(|err| Error::Sqlite(format!("no thread to time the check: {err}")))?;
        let found = quick_check(conn);
        drop(over);
        found
    })
}

fn quick_check(conn: &Connection) -> Result<Looked> {
    match conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)) {
        Ok(text) if text == "ok" => Ok(Looked::Whole),
        Ok(text) => Err(Error::Damaged(text.trim().replace('\n', "; "))),
        Err(err) if err.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            Ok(Looked::InPart)
        }
        Err(err) => Err(err.into()),
    }
}

/// The schema of the database at `path`; 0 when it is not one of this program.
pub fn schema_of(path: &Path) -> Result<u32> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}
