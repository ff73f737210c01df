//! Counts of messages, gathered while a transaction runs and written once at its end.
//!
//! Invariant: at the end of each transaction `message_totals` holds how many messages ever passed
//! by what they are, and `message_hours` the same of each hour that is still kept. Every change of
//! `messages` that adds a row or moves a status tells the tally.

use std::cell::RefCell;
use std::collections::HashMap;

use rusqlite::{Connection, params};
use warbler_domain::SessionId;

use crate::Result;
use crate::rows::{first, prepare};

/// What a message is counted under, but for its status.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    pub(crate) session: SessionId,
    pub(crate) hour: i64,
    pub(crate) own: bool,
    pub(crate) kind: String,
}

struct Change {
    kind: Kind,
    /// Nothing for a new message.
    from: Option<&'static str>,
    to: &'static str,
}

/// What is to be counted when the transaction ends.
#[derive(Default)]
pub(crate) struct Tally(RefCell<Vec<Change>>);

/// What became of the messages of one kind, session and hour.
#[derive(Default)]
struct Sum {
    added: bool,
    by_status: HashMap<&'static str, i64>,
}

impl Tally {
    /// A message was added.
    pub(crate) fn added(&self, kind: Kind, status: &'static str) {
        self.note(kind, None, status);
    }

    /// A message's status changed.
    pub(crate) fn moved(&self, kind: Kind, from: &'static str, to: &'static str) {
        self.note(kind, Some(from), to);
    }

    fn note(&self, kind: Kind, from: Option<&'static str>, to: &'static str) {
        self.0.borrow_mut().push(Change { kind, from, to });
    }

    /// Where the tally stands, for [`Self::back_to`].
    pub(crate) fn mark(&self) -> usize {
        self.0.borrow().len()
    }

    /// Forgets what was noted behind a mark: it was undone.
    pub(crate) fn back_to(&self, mark: usize) {
        self.0.borrow_mut().truncate(mark);
    }

    /// Writes what was gathered.
    pub(crate) fn write(&self, conn: &Connection) -> Result<()> {
        let mut sums: HashMap<Kind, Sum> = HashMap::new();
        for Change { kind, from, to } in self.0.take() {
            let sum = sums.entry(kind).or_default();
            match from {
                Some(from) => *sum.by_status.entry(from).or_default() -= 1,
                None => sum.added = true,
            }
            *sum.by_status.entry(to).or_default() += 1;
        }
        for (kind, sum) in &sums {
            let hour_is_kept = sum.added || is_kept(conn, kind)?;
            for (status, by) in sum.by_status.iter().filter(|(_, by)| **by != 0) {
                put(conn, kind, status, *by, hour_is_kept)?;
            }
        }
        Ok(())
    }
}

/// Whether the hour is still counted; what an old message counts for is forgotten with its hour.
fn is_kept(conn: &Connection, kind: &Kind) -> Result<bool> {
    let sql = "SELECT 1 FROM message_hours
               WHERE session = ?1 AND hour = ?2 AND own = ?3 AND kind = ?4 LIMIT 1";
    let params = params![kind.session.as_bytes(), kind.hour, kind.own, kind.kind];
    Ok(first(&mut prepare(conn, sql)?, params, |_| Ok(()))?.is_some())
}

fn put(conn: &Connection, kind: &Kind, status: &str, by: i64, hour_is_kept: bool) -> Result<()> {
    let sql =
        "INSERT INTO message_totals (session, own, kind, status, n) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (session, own, kind, status) DO UPDATE SET n = n + excluded.n";
    let params = params![kind.session.as_bytes(), kind.own, kind.kind, status, by];
    prepare(conn, sql)?.execute(params)?;
    if hour_is_kept {
        let sql = "INSERT INTO message_hours (session, hour, own, kind, status, n)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT (session, hour, own, kind, status) DO UPDATE SET n = n + excluded.n";
        prepare(conn, sql)?.execute(params![
            kind.session.as_bytes(),
            kind.hour,
            kind.own,
            kind.kind,
            status,
            by
        ])?;
    }
    Ok(())
}
