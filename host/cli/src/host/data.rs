//! The data folder: one host at a time, and the admin key in a file only its owner reads.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use warbler_domain::{Random, Secret};

use super::StartError;

/// The database, in the data folder.
pub const DATABASE: &str = "warbler.db";
/// The media, in the data folder.
pub const MEDIA: &str = "media";
/// The admin key the host made, in the data folder.
pub const KEY_FILE: &str = "admin.key";
/// What the keys that their owners may read again are encrypted with, in the data folder.
const SEAL_FILE: &str = "seal.key";
/// Held by the running host.
const LOCK: &str = "lock";
/// A key is far shorter.
const MAX_KEY: u64 = 1024;

/// The folder, for as long as this host has it to itself.
#[derive(Debug)]
pub struct DataFolder {
    root: PathBuf,
    /// Unlocked when dropped, and by the system when the process dies.
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if need be and takes it.
    pub fn open(root: &Path) -> Result<Self, StartError> {
        let unusable = |source| StartError::DataFolder {
            path: root.to_owned(),
            source,
        };
        make_private(root).map_err(unusable)?;
        let root = std::path::absolute(root).map_err(unusable)?;
        let lock = take(&root, unusable)?;
        Ok(Self { root, _lock: lock })
    }

    /// Which process has the folder, if one has: `Some(None)` when it does not say who it is.
    pub fn user_of(root: &Path) -> Option<Option<u32>> {
        let mut file = File::open(root.join(LOCK)).ok()?;
        match file.try_lock() {
            Ok(()) => None,
            Err(_) => Some(process_in(&mut file)),
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Something in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The key written down here.
    pub fn read_key(&self) -> Option<Secret> {
        read_key(&self.path(KEY_FILE)).ok().flatten()
    }

    /// What the keys that their owners may read again are encrypted with; it is made at the first
    /// start.
    pub fn seal(&self, random: &Random) -> Result<Secret, StartError> {
        let path = self.path(SEAL_FILE);
        if let Some(seal) = read_key(&path).ok().flatten() {
            return Ok(seal);
        }
        let mut bytes = [0u8; 32];
        random.fill(&mut bytes);
        let seal = data_encoding::HEXLOWER.encode(&bytes);
        match write_private(&path, &format!("{seal}\n")) {
            Ok(()) => Ok(Secret::new(seal)),
            Err(source) => Err(StartError::KeyFile { path, source }),
        }
    }

    /// Writes `key` down, readable for this user only.
    pub fn write_key(&self, key: &Secret) -> Result<(), StartError> {
        let path = self.path(KEY_FILE);
        let written = write_private(&path, &format!("{}\n", key.expose()));
        written.map_err(|source| StartError::KeyFile { path, source })
    }
}

/// The key in a file; none when the file is empty.
pub(crate) fn read_key(path: &Path) -> io::Result<Option<Secret>> {
    let mut text = String::new();
    File::open(path)?.take(MAX_KEY).read_to_string(&mut text)?;
    let text = text.trim();
    Ok((!text.is_empty()).then(|| Secret::new(text)))
}

fn take(root: &Path, unusable: impl Fn(io::Error) -> StartError) -> Result<File, StartError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut lock = options.open(root.join(LOCK)).map_err(&unusable)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StartError::DataLocked {
                path: root.to_owned(),
                by: process_in(&mut lock),
            });
        }
        Err(TryLockError::Error(err)) => return Err(unusable(err)),
    }
    let written = lock
        .set_len(0)
        .and_then(|()| lock.rewind())
        .and_then(|()| writeln!(lock, "{}", std::process::id()));
    written.map_err(unusable)?;
    Ok(lock)
}

fn process_in(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(unix)]
fn make_private(root: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(root)
}

#[cfg(not(unix))]
fn make_private(root: &Path) -> io::Result<()> {
    std::fs::create_dir_all(root)
}

/// Writes aside and renames, so that the file is whole or not there.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let aside = path.with_extension("key.new");
    match std::fs::remove_file(&aside) {
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
    let mut file = options.open(&aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&aside, path)
}

#[cfg(test)]
mod tests {
    use warbler_domain::Secret;

    use super::{DataFolder, KEY_FILE};
    use crate::host::StartError;

    #[test]
    fn a_folder_serves_one_host_at_a_time() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let first = DataFolder::open(dir.path())?;
        let second = DataFolder::open(dir.path());
        assert!(
            matches!(&second, Err(StartError::DataLocked { by: Some(id), .. }) if *id == std::process::id()),
            "{second:?}"
        );
        assert_eq!(
            DataFolder::user_of(dir.path()),
            Some(Some(std::process::id()))
        );
        drop(first);
        assert_eq!(DataFolder::user_of(dir.path()), None);
        DataFolder::open(dir.path())?;
        Ok(())
    }

    #[test]
    fn the_key_file_is_for_its_owner_only() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let folder = DataFolder::open(&dir.path().join("data"))?;
        assert_eq!(folder.read_key(), None);
        folder.write_key(&Secret::new("wbl_one"))?;
        folder.write_key(&Secret::new("wbl_two"))?;
        assert_eq!(folder.read_key(), Some(Secret::new("wbl_two")));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.path(KEY_FILE))?
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        Ok(())
    }
}
