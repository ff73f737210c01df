//! The one writing thread, and group commit.
//!
//! Jobs that wait are run one after the other inside one transaction and committed together; then
//! every caller is answered. So a hundred callers at once cost one commit instead of a hundred.
//!
//! Invariant: what is durable is always a prefix of what was committed. A *durable* job is
//! answered when the disk has it, which covers every commit before it; a *relaxed* job is answered
//! when its commit is visible, and becomes durable with the next durable one. So of a chain of
//! commits only the one before an irrevocable act (an acknowledgement, a stanza on the wire, an
//! answer to a caller) needs to be durable. Waiting for the disk is another thread's work
//! ([`crate::durable`]).
//!
//! A job runs in a savepoint of its own, so that one that fails undoes itself alone. Savepoints
//! cost a copy of every page a job touches, so jobs that fail only when the database does run
//! without; should one fail after it changed something, the whole group is undone and told so
//! ([`Error::Undone`]), and for a while every job gets a savepoint.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::mpsc;
use tracing::error;

use crate::checkpoint::Mover;
use crate::durable::{Disk, tell};
use crate::room::Room;
use crate::store::Writer;
use crate::tally::Tally;
use crate::{Error, Result};

/// Jobs that may wait; senders wait for room beyond that.
pub(crate) const QUEUE: usize = 4096;
/// Most jobs in one transaction.
const GROUP: usize = 1024;
/// Longest a transaction collects jobs, so that the first of a group is not kept waiting.
const COLLECT: Duration = Duration::from_millis(20);
/// How long every job gets a savepoint after one without took its group with it.
const CAREFUL: Duration = Duration::from_secs(60);

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

/// What a job that fails takes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undo {
    /// What it did itself.
    Alone,
    /// If it had changed something, what its whole group did.
    Together,
}

/// One caller's work.
pub(crate) struct Job {
    pub(crate) durability: Durability,
    pub(crate) undo: Undo,
    pub(crate) run: Run,
}

/// The writing thread's own state.
pub(crate) struct Thread {
    conn: Connection,
    jobs: mpsc::Receiver<Job>,
    disk: Disk,
    mover: Mover,
    room: Room,
    tally: Tally,
    careful_until: Option<Instant>,
}

/// Who waits for a group.
#[derive(Default)]
struct Answers {
    durable: Vec<Answer>,
    relaxed: Vec<Answer>,
}

impl Answers {
    fn len(&self) -> usize {
        self.durable.len() + self.relaxed.len()
    }

    fn tell(self, ended: &Result<()>) {
        tell(self.relaxed, ended);
        tell(self.durable, ended);
    }
}

impl Thread {
    pub(crate) fn new(
        conn: Connection,
        jobs: mpsc::Receiver<Job>,
        disk: Disk,
        mover: Mover,
        room: Room,
    ) -> Self {
        Self {
            conn,
            jobs,
            disk,
            mover,
            room,
            tally: Tally::default(),
            careful_until: None,
        }
    }

    /// Runs until every sender is gone, and hands back its connection.
    pub(crate) fn run(mut self) -> Connection {
        while let Some(first) = self.jobs.blocking_recv() {
            self.run_group(first);
        }
        if let Err(err) = self.conn.execute_batch("PRAGMA optimize") {
            error!(%err, "The database could not be optimised at the end");
        }
        self.conn
    }

    fn run_group(&mut self, first: Job) {
        if let Err(err) = self.begin() {
            error!(%err, "A transaction could not begin");
            self.room.note(&err);
            let (_, answer) = (first.run)(Err(err.clone()));
            answer(Err(err));
            return;
        }
        let began = Instant::now();
        let mut answers = Answers::default();
        let mut next = Some(first);
        while let Some(job) = next.take() {
            let durability = job.durability;
            match self.run_one(job) {
                Ok(answer) => match durability {
                    Durability::Durable => answers.durable.extend(answer),
                    Durability::Relaxed => answers.relaxed.extend(answer),
                },
                Err(err) => {
                    // Nobody's work stands.
                    self.room.note(&err);
                    self.roll_back();
                    answers.tell(&Err(err));
                    return;
                }
            }
            if answers.len() < GROUP && began.elapsed() < COLLECT {
                next = self.jobs.try_recv().ok();
            }
        }
        let committed = self.commit();
        if let Err(err) = &committed {
            error!(%err, "A transaction could not be committed");
            self.room.note(err);
            self.roll_back();
            answers.tell(&committed);
            return;
        }
        self.mover.note(answers.len());
        tell(answers.relaxed, &committed);
        if !answers.durable.is_empty() {
            self.disk.wait(answers.durable);
        }
    }

    fn begin(&mut self) -> Result<()> {
        self.disk.failed().check()?;
        if self
            .careful_until
            .is_some_and(|until| until < Instant::now())
        {
            self.careful_until = None;
        }
        execute(&self.conn, "BEGIN IMMEDIATE")
    }

    fn commit(&self) -> Result<()> {
        self.tally.write(&self.conn)?;
        execute(&self.conn, "COMMIT")
    }

    fn roll_back(&self) {
        self.tally.back_to(0);
        // SQLite may have done it by itself.
        if self.conn.is_autocommit() {
            return;
        }
        if let Err(err) = execute(&self.conn, "ROLLBACK") {
            error!(%err, "A transaction could not be rolled back");
        }
    }

    /// Runs one job. An error means that the whole transaction has to go.
    fn run_one(&mut self, job: Job) -> Result<Option<Answer>> {
        let alone = job.undo == Undo::Alone || self.careful_until.is_some();
        if alone {
            execute(&self.conn, "SAVEPOINT job")?;
        }
        let (before, mark) = (self.conn.total_changes(), self.tally.mark());
        let run = job.run;
        let ran = catch_unwind(AssertUnwindSafe(|| {
            run(Ok(&Writer::new(&self.conn, &self.tally)))
        }));
        let (keep, answer) = match ran {
            Ok((keep, answer)) => (keep, Some(answer)),
            // The caller's channel was dropped with the job; it sees `Panicked`.
            Err(_panic) => (false, None),
        };
        if self.conn.is_autocommit() {
            // SQLite rolled everything back by itself.
            return Err(refuse(answer, Error::DiskFull));
        }
        if alone {
            if !keep {
                execute(&self.conn, "ROLLBACK TO job")?;
                self.tally.back_to(mark);
            }
            execute(&self.conn, "RELEASE job")?;
        } else if !keep && self.conn.total_changes() != before {
            error!(
                "A change failed halfway and took those with it that were to be committed together with it"
            );
            self.careful_until = Some(Instant::now() + CAREFUL);
            return Err(refuse(answer, Error::Undone));
        }
        Ok(answer)
    }
}

/// Tells the caller of a job that took the whole transaction with it, before the others are.
fn refuse(answer: Option<Answer>, err: Error) -> Error {
    if let Some(answer) = answer {
        answer(Err(err.clone()));
    }
    err
}

fn execute(conn: &Connection, sql: &str) -> Result<()> {
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}
