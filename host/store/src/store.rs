//! The handle to the database, and what a job sees of it.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::durable::Failed;
use crate::room::Room;
use crate::tally::Tally;
use crate::writer::{self, Answer, Durability, Job, Undo};
use crate::{Error, Result, checkpoint, connection, durable};

/// How to open the database.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The file; it is made when absent.
    pub path: PathBuf,
    /// Reading threads.
    pub readers: usize,
    /// Largest size of the file, in bytes; beyond it the disk counts as full. The file may be a
    /// page larger, and its write-ahead log comes on top.
    pub max_bytes: Option<u64>,
    /// How long the file may be looked at for damage before it is opened; a file too large for
    /// that is looked at in part.
    pub check_within: Duration,
}

impl StoreOptions {
    /// The database at `path`, with two reading threads, no bound on its size and at most a second
    /// for looking at it.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            readers: 2,
            max_bytes: None,
            check_within: Duration::from_secs(1),
        }
    }
}

type ReadJob = Box<dyn FnOnce(&Reader<'_>) + Send>;

/// What to wait for when the database is closed.
struct Threads {
    /// Hands its connection back, which has to be the last one to be closed.
    writer: JoinHandle<Connection>,
    others: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Waits for all of them, and closes the last connection when there is no other. Only then
    /// SQLite moves the whole log into the database and takes it away; connections that are closed
    /// at the same time take each other for one that still reads, and leave it.
    fn join(self) {
        let last = self.writer.join();
        let others = self.others.into_iter().map(JoinHandle::join);
        if others.filter(Result::is_err).count() > 0 || last.is_err() {
            tracing::error!("A database thread panicked");
        }
    }
}

/// Jobs that may wait at one reading thread; callers wait for room beyond that.
const READ_QUEUE: usize = 1024;

/// The database. Clones are handles to the same one.
#[derive(Clone)]
pub struct Store {
    writer: mpsc::Sender<Job>,
    readers: Arc<[mpsc::Sender<ReadJob>]>,
    turn: Arc<AtomicUsize>,
    threads: Arc<Mutex<Option<Threads>>>,
    room: Room,
    failed: Failed,
}

impl Store {
    /// Opens the file, looks whether it is damaged, brings its schema up to date and starts the
    /// threads.
    pub fn open(options: &StoreOptions) -> Result<Self> {
        let conn = connection::open_writer(options)?;
        let (writer, jobs) = mpsc::channel(writer::QUEUE);
        let room = Room::default();
        let noted = room.clone();
        let (disk, confirming) = durable::ends(&options.path)?;
        let failed = disk.failed().clone();
        let (mover, moving) = checkpoint::ends(&options.path)?;
        let mut others = vec![
            spawn("store-disk", move || confirming.run())?,
            spawn("store-mover", move || moving.run())?,
        ];
        let writing = spawn("store-writer", move || {
            writer::Thread::new(conn, jobs, disk, mover, noted).run()
        })?;
        let mut readers = Vec::new();
        for _ in 0..options.readers.max(1) {
            let (sender, thread) = reader(&options.path)?;
            readers.push(sender);
            others.push(thread);
        }
        Ok(Self {
            writer,
            readers: readers.into(),
            turn: Arc::default(),
            threads: Arc::new(Mutex::new(Some(Threads {
                writer: writing,
                others,
            }))),
            room,
            failed,
        })
    }

    /// Whether there is room on the disk.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Jobs that wait for the writer.
    pub fn waiting_writes(&self) -> usize {
        self.writer.max_capacity() - self.writer.capacity()
    }

    /// Refuses with [`Error::Unconfirmed`] when the disk once failed to confirm a write: nothing is
    /// written any more then.
    pub fn check(&self) -> Result<()> {
        self.failed.check()
    }

    /// Runs `job` in a transaction and answers when it, and all before it, is durable on disk. An
    /// error of the job undoes all it did.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Writer<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + std::error::Error + Send + 'static,
    {
        self.submit(Durability::Durable, Undo::Alone, job).await
    }

    /// As [`Self::write`], but answers when others can see it: it is durable no later than the
    /// next durable write. For steps that nothing irrevocable follows but through such a write.
    pub async fn write_relaxed<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Writer<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + std::error::Error + Send + 'static,
    {
        self.submit(Durability::Relaxed, Undo::Alone, job).await
    }

    /// As [`Self::write`], for a job on the way of every message that fails only when the database
    /// does: faster, but should it fail after it changed something, all jobs committed with it are
    /// undone, too, and fail with [`Error::Undone`].
    pub async fn write_together<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Writer<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + std::error::Error + Send + 'static,
    {
        self.submit(Durability::Durable, Undo::Together, job).await
    }

    /// As [`Self::write_together`], but answers when others can see it, as
    /// [`Self::write_relaxed`] does.
    pub async fn write_relaxed_together<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Writer<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + std::error::Error + Send + 'static,
    {
        self.submit(Durability::Relaxed, Undo::Together, job).await
    }

    async fn submit<T, E, F>(&self, durability: Durability, undo: Undo, job: F) -> Result<T, E>
    where
        F: FnOnce(&Writer<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + std::error::Error + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let room = self.room.clone();
        let run: writer::Run = Box::new(move |tx| {
            let result = tx.map_err(E::from).and_then(job);
            if let Err(err) = &result {
                room.note(err);
            }
            let keep = result.is_ok();
            let answer: Answer = Box::new(move |committed| {
                let result = match (committed, result) {
                    (Err(lost), Ok(_)) => Err(E::from(lost)),
                    (_, result) => result,
                };
                // A caller that went away has nobody to tell.
                drop(sender.send(result));
            });
            (keep, answer)
        });
        self.writer
            .send(Job {
                durability,
                undo,
                run,
            })
            .await
            .map_err(|_| Error::Closed)?;
        receiver.await.map_err(|_| E::from(Error::Panicked))?
    }

    /// Runs `job` on a reading thread; it sees everything committed before.
    pub async fn read<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Reader<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.readers.len();
        let Some(reader) = self.readers.get(turn) else {
            return Err(Error::Closed.into());
        };
        // A caller that went away has nobody to tell.
        let job: ReadJob = Box::new(move |db| drop(sender.send(job(db))));
        reader.send(job).await.map_err(|_| Error::Closed)?;
        receiver.await.map_err(|_| E::from(Error::Panicked))?
    }

    /// Waits until everything accepted is written, the threads are gone and the file holds all of
    /// it, with no log beside it. All other handles must be dropped, or this waits for them.
    pub async fn close(self) {
        let threads = {
            let mut threads = self
                .threads
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            threads.take()
        };
        drop(self);
        let joined = tokio::task::spawn_blocking(move || threads.map(Threads::join));
        if joined.await.is_err() {
            tracing::error!("Waiting for the database threads was interrupted");
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("readers", &self.readers.len())
            .finish_non_exhaustive()
    }
}

fn reader(path: &Path) -> Result<(mpsc::Sender<ReadJob>, JoinHandle<()>)> {
    let conn = connection::open_reader(path)?;
    let (sender, mut jobs) = mpsc::channel::<ReadJob>(READ_QUEUE);
    let thread = spawn("store-reader", move || {
        while let Some(job) = jobs.blocking_recv() {
            // A panicking job drops its channel, which its caller sees; the thread goes on.
            drop(catch_unwind(AssertUnwindSafe(|| job(&Reader::new(&conn)))));
        }
    })?;
    Ok((sender, thread))
}

fn spawn<T: Send + 'static>(
    name: &str,
    f: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(f)
        .map_err(|err| Error::Sqlite(format!("no thread for {name}: {err}")))
}

/// The database as a reading job sees it.
pub struct Reader<'a> {
    pub(crate) conn: &'a Connection,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(conn: &'a Connection) -> Self {
        Self { conn }
    }
}

/// The database as a writing job sees it: all a reader sees, and more.
pub struct Writer<'a> {
    reader: Reader<'a>,
    pub(crate) tally: &'a Tally,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(conn: &'a Connection, tally: &'a Tally) -> Self {
        Self {
            reader: Reader::new(conn),
            tally,
        }
    }
}

impl<'a> Deref for Writer<'a> {
    type Target = Reader<'a>;

    fn deref(&self) -> &Reader<'a> {
        &self.reader
    }
}
