//! The thread that makes commits durable, so that the writing thread never waits for the disk.
//!
//! A commit is in the write-ahead log when SQLite answers (`synchronous = NORMAL` asks the disk
//! only at checkpoints); one `fdatasync` of that log then makes it, and every commit before it,
//! durable. While the disk works the writing thread commits on, and all that gathers meanwhile
//! shares the next call.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tracing::error;

use crate::writer::Answer;
use crate::{Error, Result};

/// Groups that may wait for the disk; the writing thread waits beyond that.
const QUEUE: usize = 64;

/// Whether the disk ever failed to confirm. What it dropped then it may confirm later, so nothing
/// it says is worth anything until the database is opened again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Failed(Arc<AtomicBool>);

impl Failed {
    /// Refuses when it did.
    pub(crate) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Acquire) {
            return Err(Error::Unconfirmed);
        }
        Ok(())
    }
}

/// The writing thread's end.
pub(crate) struct Disk {
    waiting: SyncSender<Vec<Answer>>,
    failed: Failed,
}

/// The other end, to be run on a thread of its own.
pub(crate) struct Thread {
    log: File,
    waiting: Receiver<Vec<Answer>>,
    failed: Failed,
}

/// Both ends, for the database at `path`, which must be open in WAL mode.
pub(crate) fn ends(path: &Path) -> Result<(Disk, Thread)> {
    let log = open_log(path).map_err(|err| {
        Error::Sqlite(format!(
            "the write-ahead log beside {} cannot be opened: {err}",
            path.display()
        ))
    })?;
    Ok(ends_over(log))
}

fn ends_over(log: File) -> (Disk, Thread) {
    let (sender, waiting) = sync_channel(QUEUE);
    let failed = Failed::default();
    let disk = Disk {
        waiting: sender,
        failed: failed.clone(),
    };
    let thread = Thread {
        log,
        waiting,
        failed,
    };
    (disk, thread)
}

fn open_log(path: &Path) -> io::Result<File> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log = PathBuf::from(log);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&log)?;
    // The entry of a log that was just made has to last, too.
    if let Some(folder) = log.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

impl Disk {
    /// Answers when everything committed so far is durable.
    pub(crate) fn wait(&self, answers: Vec<Answer>) {
        if let Err(lost) = self.waiting.send(answers) {
            tell(lost.0, &Err(Error::Closed));
        }
    }

    /// Whether it can still be relied on.
    pub(crate) fn failed(&self) -> &Failed {
        &self.failed
    }
}

impl Thread {
    /// Runs until the writing thread is gone.
    pub(crate) fn run(self) {
        while let Ok(mut answers) = self.waiting.recv() {
            answers.extend(self.waiting.try_iter().flatten());
            let confirmed = self.confirm();
            tell(answers, &confirmed);
        }
    }

    fn confirm(&self) -> Result<()> {
        self.failed.check()?;
        self.log.sync_data().map_err(|err| {
            self.failed.0.store(true, Ordering::Release);
            error!(%err, "The disk did not confirm a write; nothing more is written until the host is started again");
            Error::Unconfirmed
        })
    }
}

/// Tells every caller how it ended.
pub(crate) fn tell(answers: Vec<Answer>, ended: &Result<()>) {
    for answer in answers {
        answer(ended.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_disk_that_does_not_confirm_is_never_believed_again() -> anyhow::Result<()> {
        // What is no file cannot be made durable, and says so.
        let (disk, thread) = ends_over(File::open("/dev/null")?);
        let running = std::thread::spawn(move || thread.run());
        for _ in 0..2 {
            let (told, answer) = channel();
            disk.wait(vec![Box::new(move |ended| drop(told.send(ended)))]);
            assert!(matches!(answer.recv()?, Err(Error::Unconfirmed)));
            assert!(disk.failed().check().is_err());
        }
        drop(disk);
        assert!(running.join().is_ok());
        Ok(())
    }
}
