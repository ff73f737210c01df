//! The files: one per content, named by its digest, in folders by its first two digits.
//!
//! A content is written aside, synced and renamed, so that a name never shows half a file. What a
//! crash left aside is removed at the next start.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};
use warbler_domain::media::Digest;

use super::format::HEAD;
use super::{MediaError, beside};

/// Where contents are while they come in.
const INCOMING: &str = "incoming";
/// How much is gathered before it is written.
const GATHERED: usize = 256 * 1024;

/// The folder of contents.
#[derive(Debug, Clone)]
pub(super) struct Files {
    dir: Arc<Path>,
    next: Arc<AtomicU64>,
}

impl Files {
    /// The folder `dir`, made when absent. No other host may use it.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let incoming = dir.join(INCOMING);
        match std::fs::remove_dir_all(&incoming) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
            _ => {}
        }
        std::fs::create_dir_all(&incoming)?;
        Ok(Self {
            dir: dir.into(),
            next: Arc::default(),
        })
    }

    /// Begins a content of at most `max` bytes.
    pub(super) async fn begin(&self, max: u64) -> Result<Intake, MediaError> {
        let (aside, file) = self.aside().await?;
        Ok(Intake {
            aside,
            pen: Some(Pen {
                file,
                hash: Sha256::new(),
            }),
            gathered: BytesMut::new(),
            head: Vec::new(),
            size: 0,
            max,
        })
    }

    /// An empty file for a content that somebody else writes.
    pub(super) async fn aside(&self) -> Result<(Aside, File), MediaError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(INCOMING).join(format!("{number}.part"));
        let aside = Aside(path);
        beside(move || {
            let file = File::create_new(&aside.0)?;
            Ok((aside, file))
        })
        .await
    }

    /// Gives a content its place; one that is there already stays.
    pub(super) async fn place(&self, taken: Taken) -> Result<(), MediaError> {
        let path = self.path_of(&taken.digest);
        beside(move || {
            let there = std::fs::metadata(&path).is_ok_and(|found| found.len() == taken.size);
            if there {
                return Ok(());
            }
            let dir = path.parent().ok_or_else(|| io::Error::other("no folder"))?;
            std::fs::create_dir_all(dir)?;
            std::fs::rename(&taken.aside.0, &path)?;
            sync_folder(dir)?;
            Ok(())
        })
        .await
    }

    /// A whole content.
    pub(super) async fn read(&self, digest: &Digest) -> Result<Bytes, MediaError> {
        let path = self.path_of(digest);
        beside(move || Ok(std::fs::read(path).map_err(missing)?.into())).await
    }

    /// A content to read from.
    pub(super) async fn open_file(&self, digest: &Digest) -> Result<tokio::fs::File, MediaError> {
        let opened = tokio::fs::File::open(self.path_of(digest)).await;
        opened.map_err(missing)
    }

    /// Removes a content; one that is gone already is no error.
    pub(super) fn remove(&self, digest: &Digest) -> io::Result<()> {
        match std::fs::remove_file(self.path_of(digest)) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
            _ => Ok(()),
        }
    }

    fn path_of(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        let (shard, _) = name.split_at(2);
        self.dir.join(shard).join(&name)
    }
}

fn missing(err: io::Error) -> MediaError {
    if err.kind() == io::ErrorKind::NotFound {
        return MediaError::Missing;
    }
    err.into()
}

#[cfg(unix)]
fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_dir: &Path) -> io::Result<()> {
    Ok(())
}

/// A file that is removed when nobody gave it a place.
#[derive(Debug)]
pub(super) struct Aside(PathBuf);

impl Aside {
    /// Ends the content that somebody wrote, if it has at most `max` bytes; it is durable from then
    /// on.
    pub(super) async fn taken(self, max: u64) -> Result<Taken, MediaError> {
        beside(move || {
            let mut file = File::open(&self.0)?;
            let size = file.metadata()?.len();
            if size > max {
                return Err(MediaError::TooLarge { max });
            }
            let mut head = Vec::new();
            (&mut file).take(HEAD as u64).read_to_end(&mut head)?;
            let mut hash = Sha256::new();
            hash.update(&head);
            let mut rest = BufReader::with_capacity(GATHERED, &file);
            loop {
                let piece = rest.fill_buf()?;
                let length = piece.len();
                if length == 0 {
                    break;
                }
                hash.update(piece);
                rest.consume(length);
            }
            file.sync_all()?;
            Ok(Taken {
                aside: self,
                digest: Digest::new(hash.finalize().into()),
                size,
                head,
            })
        })
        .await
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        match std::fs::remove_file(&self.0) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%err, "What was written aside could not be removed");
            }
            _ => {}
        }
    }
}

/// A content that comes in, piece by piece. Dropped before its end, it leaves nothing.
#[derive(Debug)]
pub(super) struct Intake {
    aside: Aside,
    /// Away while something is being written.
    pen: Option<Pen>,
    gathered: BytesMut,
    head: Vec<u8>,
    size: u64,
    max: u64,
}

#[derive(Debug)]
struct Pen {
    file: File,
    hash: Sha256,
}

impl Pen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.file.write_all(bytes)
    }
}

/// A content that has come in and has no place yet.
#[derive(Debug)]
pub(super) struct Taken {
    aside: Aside,
    /// Its digest.
    pub(super) digest: Digest,
    /// Its size in bytes.
    pub(super) size: u64,
    /// Its first bytes.
    pub(super) head: Vec<u8>,
}

impl Taken {
    /// Where it is for now.
    pub(super) fn path(&self) -> &Path {
        &self.aside.0
    }
}

impl Intake {
    /// Adds a piece.
    pub(super) async fn push(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > self.max {
            return Err(MediaError::TooLarge { max: self.max });
        }
        let wanted = HEAD.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(wanted));
        for piece in bytes.chunks(GATHERED) {
            self.gathered.extend_from_slice(piece);
            if self.gathered.len() >= GATHERED {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), MediaError> {
        let bytes = self.gathered.split();
        let mut pen = self.take_pen()?;
        let pen = beside(move || {
            pen.write(&bytes)?;
            Ok(pen)
        });
        self.pen = Some(pen.await?);
        Ok(())
    }

    fn take_pen(&mut self) -> Result<Pen, MediaError> {
        let gone = || io::Error::other("an earlier piece could not be written");
        self.pen.take().ok_or_else(|| gone().into())
    }

    /// Ends the content, which is durable from then on.
    pub(super) async fn finish(mut self) -> Result<Taken, MediaError> {
        let mut pen = self.take_pen()?;
        let Self {
            aside,
            gathered,
            head,
            size,
            ..
        } = self;
        beside(move || {
            pen.write(&gathered)?;
            pen.file.sync_all()?;
            Ok(Taken {
                aside,
                digest: Digest::new(pen.hash.finalize().into()),
                size,
                head,
            })
        })
        .await
    }
}
