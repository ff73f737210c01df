//! Groups, as the network described them last.

use rusqlite::params;
use warbler_domain::group::Group;
use warbler_domain::{Jid, SessionId};

use crate::rows::{collect, first, json, parsed, prepare, to_json};
use crate::{Reader, Result, Writer};

/// Reading half.
pub struct Groups<'a>(&'a Reader<'a>);

/// Writing half.
pub struct GroupsMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Groups.
    pub fn groups(&'a self) -> Groups<'a> {
        Groups(self)
    }
}

impl<'a> Writer<'a> {
    /// Groups, to change.
    pub fn groups_mut(&'a self) -> GroupsMut<'a> {
        GroupsMut(self)
    }
}

impl Groups<'_> {
    /// A group as the network described it last; `None` when it never has.
    pub fn get(&self, session: SessionId, group: &Jid) -> Result<Option<Group>> {
        let sql = "SELECT body FROM groups WHERE session = ?1 AND jid = ?2 AND body IS NOT NULL";
        let params = params![session.as_bytes(), group.to_string()];
        first(&mut prepare(self.0.conn, sql)?, params, |row| {
            json(row, 0, "groups.body")
        })
    }

    /// All groups the network has described to a session, by subject.
    pub fn list(&self, session: SessionId) -> Result<Vec<Group>> {
        let sql =
            "SELECT body FROM groups WHERE session = ?1 AND body IS NOT NULL ORDER BY subject, jid";
        collect(
            &mut prepare(self.0.conn, sql)?,
            params![session.as_bytes()],
            |row| json(row, 0, "groups.body"),
        )
    }

    /// The addresses of all groups a session knows of.
    pub fn known(&self, session: SessionId) -> Result<Vec<Jid>> {
        let sql = "SELECT jid FROM groups WHERE session = ?1";
        collect(
            &mut prepare(self.0.conn, sql)?,
            params![session.as_bytes()],
            |row| parsed(row, 0, "groups.jid"),
        )
    }
}

impl GroupsMut<'_> {
    /// Keeps a group as the network describes it.
    pub fn put(&self, session: SessionId, group: &Group) -> Result<()> {
        let sql = "INSERT INTO groups (session, jid, subject, body) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (session, jid) DO UPDATE SET
                       subject = excluded.subject, body = excluded.body";
        prepare(self.0.conn, sql)?.execute(params![
            session.as_bytes(),
            group.jid.to_string(),
            group.subject,
            to_json(group, "groups.body")?,
        ])?;
        Ok(())
    }

    /// Notes a group's subject.
    pub fn set_subject(&self, session: SessionId, group: &Jid, subject: &str) -> Result<()> {
        let sql = "INSERT INTO groups (session, jid, subject) VALUES (?1, ?2, ?3)
                   ON CONFLICT (session, jid) DO UPDATE SET subject = excluded.subject,
                       body = json_set(body, '$.subject', excluded.subject)";
        let params = params![session.as_bytes(), group.to_string(), subject];
        prepare(self.0.conn, sql)?.execute(params)?;
        Ok(())
    }

    /// Notes that a group is no longer as it was described; its subject stays known.
    pub fn forget_details(&self, session: SessionId, group: &Jid) -> Result<()> {
        let sql = "UPDATE groups SET body = NULL WHERE session = ?1 AND jid = ?2";
        prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), group.to_string()])?;
        Ok(())
    }
}
