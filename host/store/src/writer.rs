//! The one writing thread, and group commit.
//!
//! Jobs that wait are run one after the other inside one transaction, each in a savepoint of its
//! own, and committed with one fsync; then every caller is answered. So a job that fails undoes
//! itself alone, and a hundred callers at once cost one fsync instead of a hundred.
//!
//! Invariant: what is durable is always a prefix of what was committed. A *durable* job is
//! answered after an fsync, which covers every commit before it; a *relaxed* job is answered when
//! its commit is visible, and becomes durable with the next durable one. So of a chain of commits
//! only the one before an irrevocable act (an acknowledgement, a stanza on the wire, an answer to
//! a caller) needs to be durable.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::mpsc;
use tracing::error;

use crate::room::Room;
use crate::store::Writer;
use crate::{Error, Result};

/// Jobs that may wait; senders wait for room beyond that.
pub(crate) const QUEUE: usize = 4096;
/// Most jobs in one transaction.
const GROUP: usize = 1024;
/// Longest a transaction collects jobs, so that the first of a group is not kept waiting.
const COLLECT: Duration = Duration::from_millis(20);

/// Tells a caller how it ended, after the commit.
pub(crate) type Answer = Box<dyn FnOnce(Result<()>) + Send>;
/// Runs a caller's code, or tells it why it cannot run; says whether to keep what it did.
pub(crate) type Run = Box<dyn FnOnce(Result<&Writer<'_>>) -> (bool, Answer) + Send>;

/// When a job's caller is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// When the disk has it.
    Durable,
    /// When others can see it.
    Relaxed,
}

/// One caller's work.
pub(crate) struct Job {
    pub(crate) durability: Durability,
    pub(crate) run: Run,
}

/// The writing thread's own state.
pub(crate) struct Thread {
    conn: Connection,
    jobs: mpsc::Receiver<Job>,
    /// The job that ended the last group, because the next group is of the other durability.
    waiting: Option<Job>,
    synced: Durability,
    room: Room,
}

impl Thread {
    pub(crate) fn new(conn: Connection, jobs: mpsc::Receiver<Job>, room: Room) -> Self {
        Self {
            conn,
            jobs,
            waiting: None,
            synced: Durability::Durable,
            room,
        }
    }

    /// Runs until every sender is gone.
    pub(crate) fn run(mut self) {
        while let Some(first) = self.waiting.take().or_else(|| self.jobs.blocking_recv()) {
            self.run_group(first);
        }
        if let Err(err) = self.conn.execute_batch("PRAGMA optimize") {
            error!(%err, "The database could not be optimised at the end");
        }
    }

    fn run_group(&mut self, first: Job) {
        let durability = first.durability;
        if let Err(err) = self.begin(durability) {
            error!(%err, "A transaction could not begin");
            self.room.note(&err);
            let (_, answer) = (first.run)(Err(err.clone()));
            answer(Err(err));
            return;
        }
        let began = Instant::now();
        let mut answers: Vec<Answer> = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next.take() {
            match run_one(&self.conn, job.run) {
                Ok(answer) => answers.extend(answer),
                Err(err) => {
                    // SQLite rolled everything back (disk full, I/O error): nobody's work stands.
                    self.room.note(&err);
                    tell(answers, &Err(err));
                    return;
                }
            }
            if answers.len() < GROUP && began.elapsed() < COLLECT {
                next = self.next_of(durability);
            }
        }
        let committed = execute(&self.conn, "COMMIT");
        if let Err(err) = &committed {
            error!(%err, "A transaction could not be committed");
            self.room.note(err);
            if let Err(err) = execute(&self.conn, "ROLLBACK") {
                error!(%err, "A transaction could not be rolled back");
            }
        }
        tell(answers, &committed);
    }

    /// The next waiting job, if it fits into a group of this durability. A durable group takes
    /// relaxed jobs too: they lose nothing by it.
    fn next_of(&mut self, durability: Durability) -> Option<Job> {
        let job = self.jobs.try_recv().ok()?;
        if durability == Durability::Relaxed && job.durability == Durability::Durable {
            self.waiting = Some(job);
            return None;
        }
        Some(job)
    }

    fn begin(&mut self, durability: Durability) -> Result<()> {
        if self.synced != durability {
            let level = match durability {
                Durability::Durable => "FULL",
                Durability::Relaxed => "NORMAL",
            };
            self.conn.pragma_update(None, "synchronous", level)?;
            self.synced = durability;
        }
        execute(&self.conn, "BEGIN IMMEDIATE")
    }
}

fn tell(answers: Vec<Answer>, committed: &Result<()>) {
    for answer in answers {
        answer(committed.clone());
    }
}

/// Runs one job in its savepoint. An error means that the whole transaction is gone.
fn run_one(conn: &Connection, run: Run) -> Result<Option<Answer>> {
    execute(conn, "SAVEPOINT job")?;
    let ran = catch_unwind(AssertUnwindSafe(|| run(Ok(&Writer::new(conn)))));
    let (keep, answer) = match ran {
        Ok((keep, answer)) => (keep, Some(answer)),
        // The caller's channel was dropped with the job; it sees `Panicked`.
        Err(_panic) => (false, None),
    };
    if conn.is_autocommit() {
        let err = Error::DiskFull;
        if let Some(answer) = answer {
            answer(Err(err.clone()));
        }
        return Err(err);
    }
    if !keep {
        execute(conn, "ROLLBACK TO job")?;
    }
    execute(conn, "RELEASE job")?;
    Ok(answer)
}

fn execute(conn: &Connection, sql: &str) -> Result<()> {
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}
