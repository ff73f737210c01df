//! A consistent copy of the database while it is in use.
//!
//! The copy is what the database held at one moment, written into one file without its free
//! pages. It is made through a connection of its own, so it neither needs the running host nor
//! holds it up: the host goes on reading and writing; only its write-ahead log cannot be cut short
//! until the copy is done. The file appears under its name when it is whole and on the disk.
//!
//! The copy holds everything: messages, keys of the linked devices, digests of API keys.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::{Error, integrity};

/// How often progress is told.
const TELL: Duration = Duration::from_millis(200);
/// How long the finished copy may be looked at.
const CHECK: Duration = Duration::from_secs(600);

/// How far a copy has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes written.
    pub written: u64,
    /// Bytes there will be, about.
    pub total: u64,
}

/// Why there is no copy. Nothing is left behind under its name.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("{} is not there", .0.display())]
    NoDatabase(PathBuf),
    /// There is something under that name already.
    #[error("{} exists already; a backup never replaces a file", .0.display())]
    Exists(PathBuf),
    /// The copy could not be written.
    #[error("{} cannot be written: {source}", path.display())]
    Target {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database could not be read, or the copy is damaged.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Copies the database at `source` to the new file `target`, readable for this user only, and
/// tells how far it is. Blocks until the copy is whole, checked and on the disk; its size in bytes.
pub fn copy(
    source: &Path,
    target: &Path,
    mut tell: impl FnMut(Progress),
) -> Result<u64, BackupError> {
    if !source.is_file() {
        return Err(BackupError::NoDatabase(source.to_owned()));
    }
    if target.exists() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    let mut part = target.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let made = make(source, &part, &mut tell).and_then(|size| {
        put(&part, target).map_err(unwritable(target))?;
        Ok(size)
    });
    if made.is_err() {
        // The failure that matters is told already.
        drop(std::fs::remove_file(&part));
    }
    made
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> BackupError {
    move |source| BackupError::Target {
        path: path.to_owned(),
        source,
    }
}

fn make(source: &Path, part: &Path, tell: &mut impl FnMut(Progress)) -> Result<u64, BackupError> {
    private_file(part).map_err(unwritable(part))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(source, flags).map_err(Error::from)?;
    conn.busy_timeout(Duration::from_secs(30))
        .map_err(Error::from)?;
    let total = used_bytes(&conn)?;
    let size = || std::fs::metadata(part).map_or(0, |meta| meta.len());
    tell(Progress { written: 0, total });
    std::thread::scope(|scope| {
        let (over, copying) = std::sync::mpsc::channel::<()>();
        let copy = std::thread::Builder::new()
            .name("store-backup".to_owned())
            .spawn_scoped(scope, move || {
                let name = part.to_string_lossy();
                let copied = conn.execute("VACUUM INTO ?1", [name.as_ref()]);
                drop(over);
                copied.map_err(Error::from)
            })
            .map_err(unwritable(part))?;
        while copying.recv_timeout(TELL) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let written = size().min(total);
            tell(Progress { written, total });
        }
        copy.join().map_err(|_| Error::Panicked)??;
        Ok::<_, BackupError>(())
    })?;
    integrity::look_at(part, CHECK)?;
    File::open(part)
        .and_then(|file| file.sync_all())
        .map_err(unwritable(part))?;
    let written = size();
    tell(Progress {
        written,
        total: written,
    });
    Ok(written)
}

/// Bytes of the pages in use.
fn used_bytes(conn: &Connection) -> Result<u64, Error> {
    let ask = |name| conn.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    let pages = ask("page_count")?.saturating_sub(ask("freelist_count")?);
    Ok(u64::from(pages) * u64::from(ask("page_size")?))
}

/// An empty file; one left behind by a copy that was interrupted is taken over.
fn private_file(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map(drop)
}

/// Gives the finished copy its name, without ever replacing a file.
fn put(part: &Path, target: &Path) -> io::Result<()> {
    std::fs::hard_link(part, target).or_else(|err| match err.kind() {
        io::ErrorKind::AlreadyExists => Err(err),
        // File systems without links.
        _ => std::fs::rename(part, target),
    })?;
    match std::fs::remove_file(part) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        _ => {}
    }
    #[cfg(unix)]
    if let Some(folder) = target
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
