//! Media on disk, each stored once under the digest of its content.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use warbler_domain::media::{Digest, MediaKind};

/// The folder of media. Files are written aside, synced and renamed, so a name never shows half a
/// file.
#[derive(Debug, Clone)]
pub struct MediaStore {
    dir: PathBuf,
    max: usize,
}

/// Why a medium was not stored or read.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is too large.
    #[error("the file has {size} bytes; at most {max} are accepted")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// It is not there.
    #[error("the file is not in the media store")]
    Missing,
    /// The disk.
    #[error("the media store failed: {0}")]
    Io(#[from] io::Error),
}

impl MediaStore {
    /// The store in `dir`, which is made when absent; `max` bytes per file.
    pub fn open(dir: &Path, max: usize) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            max,
        })
    }

    /// Stores `bytes`.
    pub async fn put(&self, bytes: Bytes) -> Result<Digest, MediaError> {
        if bytes.is_empty() {
            return Err(MediaError::Empty);
        }
        if bytes.len() > self.max {
            return Err(MediaError::TooLarge {
                size: bytes.len(),
                max: self.max,
            });
        }
        let dir = self.dir.clone();
        run(move || {
            let digest = Digest::new(Sha256::digest(&bytes).into());
            let path = path_of(&dir, &digest);
            if !path.exists() {
                write_aside(&path, &bytes)?;
            }
            Ok(digest)
        })
        .await
    }

    /// Reads the content with this digest.
    pub async fn get(&self, digest: &Digest) -> Result<Bytes, MediaError> {
        let path = path_of(&self.dir, digest);
        run(move || match std::fs::read(&path) {
            Ok(bytes) => Ok(Bytes::from(bytes)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Err(MediaError::Missing),
            Err(err) => Err(err.into()),
        })
        .await
    }
}

async fn run<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, MediaError> + Send + 'static,
) -> Result<T, MediaError> {
    tokio::task::spawn_blocking(f)
        .await
        .map_err(|err| MediaError::Io(io::Error::other(err)))?
}

fn path_of(dir: &Path, digest: &Digest) -> PathBuf {
    let name = digest.to_string();
    let (shard, _) = name.split_at(2);
    dir.join(shard).join(&name)
}

fn write_aside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path
        .parent()
        .ok_or_else(|| io::Error::other("a media path has a parent"))?;
    std::fs::create_dir_all(dir)?;
    let aside = path.with_extension(format!("{:?}.part", std::thread::current().id()));
    let mut file = std::fs::File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&aside, path)
}

/// What a content is, told from its first bytes; `None` when it is not known.
pub fn sniff(bytes: &[u8]) -> Option<(MediaKind, &'static str)> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let at = |offset: usize, magic: &[u8]| {
        bytes
            .get(offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    };
    if starts(b"\x89PNG\r\n\x1a\n") {
        Some((MediaKind::Image, "image/png"))
    } else if starts(b"\xff\xd8\xff") {
        Some((MediaKind::Image, "image/jpeg"))
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Some((MediaKind::Image, "image/gif"))
    } else if starts(b"RIFF") && at(8, b"WEBP") {
        Some((MediaKind::Image, "image/webp"))
    } else {
        None
    }
}
