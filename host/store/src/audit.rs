//! The log of changes: who changed what, when, from where, and what came of it.

use std::net::IpAddr;

use rusqlite::{Row, params};
use warbler_domain::Timestamp;
use warbler_domain::page::{Page, PageRequest};

use crate::rows::{collect, parsed_opt, prepare};
use crate::{Reader, Result, Writer};

/// One change. Holds no secret and no text of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// What the one who did it had shown: `host`, `master-key`, `key`, `user`, `session-token`;
    /// `nobody` for a login that failed and for an API that is open to everybody.
    pub actor_kind: String,
    /// The id of that key, user or session.
    pub actor: Option<String>,
    /// What it was called then.
    pub actor_name: Option<String>,
    /// Where the request came from, where that is known.
    pub address: Option<IpAddr>,
    /// What was done, such as `session.create`.
    pub action: String,
    /// The id of what it was done to.
    pub target: Option<String>,
    /// What that was called then.
    pub name: Option<String>,
    /// `done`, or the code of the refusal.
    pub outcome: String,
}

/// Which entries are wanted; all where nothing is said.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// This action only; `session.` for all that begin so.
    pub action: Option<String>,
    /// Done by the key, user or session with this id.
    pub actor: Option<String>,
    /// Done to the one with this id.
    pub target: Option<String>,
    /// From then on.
    pub since: Option<Timestamp>,
    /// Before then.
    pub until: Option<Timestamp>,
}

/// Reading half.
pub struct Audit<'a>(&'a Reader<'a>);

/// Writing half.
pub struct AuditMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// The log of changes.
    pub fn audit(&'a self) -> Audit<'a> {
        Audit(self)
    }
}

impl<'a> Writer<'a> {
    /// The log of changes, to add to.
    pub fn audit_mut(&'a self) -> AuditMut<'a> {
        AuditMut(self)
    }
}

impl Audit<'_> {
    /// Those the filter lets through, newest first.
    pub fn list(&self, filter: &AuditFilter, page: PageRequest) -> Result<Page<AuditEntry>> {
        let mut sql = "SELECT seq, at, actor_kind, actor, actor_name, address, action, target,
                              name, outcome
                       FROM audit WHERE seq < ?1"
            .to_owned();
        let mut only = |wanted: bool, clause: &str| {
            if wanted {
                sql.push_str(" AND ");
                sql.push_str(clause);
            }
        };
        let family = filter
            .action
            .as_deref()
            .is_some_and(|action| action.ends_with('.'));
        only(family, "substr(action, 1, length(?2)) = ?2");
        only(filter.action.is_some() && !family, "action = ?2");
        only(filter.actor.is_some(), "actor = ?3");
        only(filter.target.is_some(), "target = ?4");
        only(filter.since.is_some(), "at >= ?5");
        only(filter.until.is_some(), "at < ?6");
        sql.push_str(" ORDER BY seq DESC LIMIT ?7");
        let params = params![
            page.after().map_or(i64::MAX, |cursor| cursor.0),
            filter.action,
            filter.actor,
            filter.target,
            filter.since.map(Timestamp::as_millis),
            filter.until.map(Timestamp::as_millis),
            page.limit() + 1,
        ];
        let rows = collect(&mut prepare(self.0.conn, &sql)?, params, read)?;
        Ok(Page::of_rows(rows, page.limit()))
    }
}

impl AuditMut<'_> {
    /// Adds an entry.
    pub fn insert(&self, entry: &AuditEntry) -> Result<()> {
        let sql = "INSERT INTO audit (at, actor_kind, actor, actor_name, address, action, target,
                                      name, outcome)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        prepare(self.0.conn, sql)?.execute(params![
            entry.at.as_millis(),
            entry.actor_kind,
            entry.actor,
            entry.actor_name,
            entry.address.map(|address| address.to_string()),
            entry.action,
            entry.target,
            entry.name,
            entry.outcome,
        ])?;
        Ok(())
    }

    /// Forgets at most `limit` entries from before `time`, the oldest first; how many there were.
    pub fn delete_before(&self, time: Timestamp, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM audit
                   WHERE seq IN (SELECT seq FROM audit WHERE at < ?1 ORDER BY at LIMIT ?2)";
        Ok(prepare(self.0.conn, sql)?.execute(params![time.as_millis(), limit])? as u64)
    }
}

fn read(row: &Row<'_>) -> Result<(i64, AuditEntry)> {
    let entry = AuditEntry {
        at: Timestamp::from_millis(row.get(1)?),
        actor_kind: row.get(2)?,
        actor: row.get(3)?,
        actor_name: row.get(4)?,
        address: parsed_opt(row, 5, "audit.address")?,
        action: row.get(6)?,
        target: row.get(7)?,
        name: row.get(8)?,
        outcome: row.get(9)?,
    };
    Ok((row.get(0)?, entry))
}
