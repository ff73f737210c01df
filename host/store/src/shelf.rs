//! A file of its own for what can be made again: bytes by a key, up to a size.
//!
//! It is no part of the database: it may be taken away at any time, and several processes may use it
//! at once.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use crate::{Error, Result};

/// How long another process may hold the file.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many go at once when there is no room.
const TAKEN: i64 = 4096;

const SCHEMA: &str = "
    PRAGMA journal_mode = wal;
    PRAGMA synchronous = normal;
    CREATE TABLE IF NOT EXISTS shelf (key BLOB NOT NULL UNIQUE, value BLOB NOT NULL) STRICT;";

/// Bytes by their keys, in a file.
pub struct Shelf {
    file: Mutex<Connection>,
    room: u64,
}

impl Shelf {
    /// The file at `path`, which is made when it is absent, and made anew when it is damaged. Beyond
    /// `room` bytes, what came first goes.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(path: &Path, room: u64) -> Result<Self> {
        let file = match open(path) {
            Err(Error::Damaged(_)) => {
                take_away(path).map_err(|error| Error::Sqlite(error.to_string()))?;
                open(path)?
            }
            opened => opened?,
        };
        Ok(Self {
            file: Mutex::new(file),
            room,
        })
    }

    /// What is kept under `key`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let file = self.file();
        let mut find = file.prepare_cached("SELECT value FROM shelf WHERE key = ?1")?;
        Ok(find.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Keeps all of `entries`, or nothing when it fails. What is there under a key stays.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put(&self, entries: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
        let mut file = self.file();
        let transaction = file.transaction()?;
        {
            let sql = "INSERT OR IGNORE INTO shelf (key, value) VALUES (?1, ?2)";
            let mut insert = transaction.prepare_cached(sql)?;
            for (key, value) in entries {
                insert.execute((key, value))?;
            }
        }
        while size(&transaction)? > self.room {
            let sql = "DELETE FROM shelf WHERE rowid IN (SELECT rowid FROM shelf ORDER BY rowid LIMIT ?1)";
            if transaction.execute(sql, [TAKEN])? == 0 {
                break;
            }
        }
        Ok(transaction.commit()?)
    }

    fn file(&self) -> MutexGuard<'_, Connection> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(path: &Path) -> Result<Connection> {
    let file = Connection::open(path)?;
    file.busy_timeout(PATIENCE)?;
    file.execute_batch(SCHEMA)?;
    Ok(file)
}

/// Removes the file with what SQLite has beside it.
fn take_away(path: &Path) -> io::Result<()> {
    for ending in ["-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        match fs::remove_file(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// What its entries take up in the file.
fn size(file: &Connection) -> Result<u64> {
    let number = |pragma: &str| file.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let pages = number("page_count")? - number("freelist_count")?;
    Ok(pages.saturating_mul(number("page_size")?).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use anyhow::Result;

    use super::*;

    fn entry(key: u32, bytes: usize) -> (Vec<u8>, Vec<u8>) {
        (key.to_le_bytes().to_vec(), vec![7; bytes])
    }

    #[test]
    fn what_is_kept_is_there_after_it_is_opened_again() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("shelf.db");
        Shelf::open(&path, 1 << 20)?.put(&[entry(1, 3)])?;
        let shelf = Shelf::open(&path, 1 << 20)?;
        assert_eq!(shelf.get(&1_u32.to_le_bytes())?, Some(vec![7; 3]));
        assert_eq!(shelf.get(&2_u32.to_le_bytes())?, None);
        Ok(())
    }

    #[test]
    fn what_came_first_goes_when_there_is_no_room() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let shelf = Shelf::open(&dir.path().join("shelf.db"), 4 << 20)?;
        for hundred in 0..100 {
            let entries: Vec<_> = (0..100).map(|n| entry(hundred * 100 + n, 1000)).collect();
            shelf.put(&entries)?;
        }
        assert!(size(&shelf.file())? <= 4 << 20);
        assert_eq!(shelf.get(&0_u32.to_le_bytes())?, None);
        assert!(shelf.get(&9_999_u32.to_le_bytes())?.is_some());
        Ok(())
    }

    #[test]
    fn a_damaged_file_is_made_anew() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("shelf.db");
        fs::write(
            &path,
            "this is no database, and long enough to be looked at as one".repeat(40),
        )?;
        let shelf = Shelf::open(&path, 1 << 20)?;
        shelf.put(&[entry(1, 3)])?;
        assert!(shelf.get(&1_u32.to_le_bytes())?.is_some());
        Ok(())
    }
}
