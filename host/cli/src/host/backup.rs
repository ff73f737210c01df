//! Backups of a data folder, and the way back.
//!
//! A backup is one file with the database, made while a host runs or not, and beside it, if that
//! is wanted, a folder with the media. Putting it back needs the host stopped; what was there
//! before is kept aside.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use warbler_domain::Timestamp;
use warbler_store::backup::{self, BackupError, Progress};
use warbler_store::integrity;

use super::{DATABASE, DataFolder, MEDIA, StartError};

/// How long a backup may be looked at before it is put back.
const LOOK: Duration = Duration::from_secs(600);
/// What media being taken in are called; they are of no use to anybody else.
const INCOMING: &str = "incoming";

/// Why a backup was not made or not put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupFailure {
    /// The database.
    #[error(transparent)]
    Copy(#[from] BackupError),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] StartError),
    /// A file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The backup is none, or damaged.
    #[error("{} cannot be put back: {why}", path.display())]
    NoBackup {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// What was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// Bytes of the database.
    pub database: u64,
    /// Media copied; those that were there from an earlier backup are not counted.
    pub media: u64,
}

/// Where the media of the backup `file` are.
pub fn media_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".media");
    name.into()
}

/// Copies the database in the data folder `data` to the new `file`, and its media beside it if
/// `with_media`. A host may be running on the folder.
pub fn back_up(
    data: &Path,
    file: &Path,
    with_media: bool,
    tell: impl FnMut(Progress),
) -> Result<BackedUp, BackupFailure> {
    let database = backup::copy(&data.join(DATABASE), file, tell)?;
    // Media come second: what the copied database names is there already.
    let media = match with_media {
        true => copy_media(&data.join(MEDIA), &media_of(file))?,
        false => 0,
    };
    Ok(BackedUp { database, media })
}

/// Puts the backup `file`, and the media beside it, into the data folder `data`, where no host may
/// be running. Where the database that was there is now, if there was one.
pub fn restore(file: &Path, data: &Path, now: Timestamp) -> Result<Option<PathBuf>, BackupFailure> {
    let useless = |why: String| BackupFailure::NoBackup {
        path: file.to_owned(),
        why,
    };
    if !file.is_file() {
        return Err(useless("it is not there".to_owned()));
    }
    integrity::look_at(file, LOOK).map_err(|err| useless(err.to_string()))?;
    match integrity::schema_of(file) {
        Ok(0) => return Err(useless("it is not a database of Warbler".to_owned())),
        Ok(_) => {}
        Err(err) => return Err(useless(err.to_string())),
    }
    let folder = DataFolder::open(data)?;
    let target = folder.path(DATABASE);
    let part = folder.path("warbler.db.restored");
    copy_file(file, &part)?;
    let aside = set_aside(&folder, now)?;
    std::fs::rename(&part, &target).map_err(failed(&target))?;
    sync_folder(folder.root())?;
    let media = media_of(file);
    if media.is_dir() {
        copy_media(&media, &folder.path(MEDIA))?;
    }
    Ok(aside)
}

fn failed(path: &Path) -> impl Fn(io::Error) -> BackupFailure {
    move |source| BackupFailure::File {
        path: path.to_owned(),
        source,
    }
}

/// Moves the database that is there out of the way, with its write-ahead log.
fn set_aside(folder: &DataFolder, now: Timestamp) -> Result<Option<PathBuf>, BackupFailure> {
    let there: Vec<String> = ["", "-wal", "-shm"]
        .map(|ending| format!("{DATABASE}{ending}"))
        .into_iter()
        .filter(|name| folder.path(name).exists())
        .collect();
    if there.is_empty() {
        return Ok(None);
    }
    let name = now
        .to_jiff()
        .strftime("replaced-%Y%m%dT%H%M%S%3fZ")
        .to_string();
    let aside = folder.path(&name);
    std::fs::create_dir(&aside).map_err(failed(&aside))?;
    for name in there {
        let from = folder.path(&name);
        std::fs::rename(&from, aside.join(&name)).map_err(failed(&from))?;
    }
    Ok(Some(aside))
}

/// Copies the media that are not there yet: a content never changes, so a name is enough.
fn copy_media(from: &Path, to: &Path) -> Result<u64, BackupFailure> {
    let mut copied = 0;
    if !from.is_dir() {
        return Ok(copied);
    }
    std::fs::create_dir_all(to).map_err(failed(to))?;
    for entry in std::fs::read_dir(from).map_err(failed(from))? {
        let entry = entry.map_err(failed(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(failed(&source))?;
        if kind.is_dir() && entry.file_name() != INCOMING {
            copied += copy_media(&source, &target)?;
        } else if kind.is_file() && !target.exists() {
            match copy_file(&source, &target) {
                Ok(()) => copied += 1,
                // Retention took it away meanwhile.
                Err(BackupFailure::File { source, .. })
                    if source.kind() == io::ErrorKind::NotFound => {}
                Err(err) => return Err(err),
            }
        }
    }
    Ok(copied)
}

/// Copies aside, syncs and renames, so that a name never shows half a file.
fn copy_file(from: &Path, to: &Path) -> Result<(), BackupFailure> {
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    std::fs::copy(from, &part).map_err(failed(from))?;
    File::open(&part)
        .and_then(|file| file.sync_all())
        .map_err(failed(&part))?;
    std::fs::rename(&part, to).map_err(failed(to))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), BackupFailure> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed(folder))
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<(), BackupFailure> {
    Ok(())
}
