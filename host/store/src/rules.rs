//! Rules: answers that need no program.

use rusqlite::{Row, params};
use warbler_domain::{Rule, RuleId, SessionId, Timestamp, UserId};

use crate::rows::{collect, first, id_bytes, id_bytes_opt, json, prepare, to_json};
use crate::{Reader, Result, Writer};

const COLUMNS: &str = "id, owner, session, enabled, spec, created_at, updated_at";

/// Reading half.
pub struct Rules<'a>(&'a Reader<'a>);

/// Writing half.
pub struct RulesMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Answers that need no program.
    pub fn rules(&'a self) -> Rules<'a> {
        Rules(self)
    }
}

impl<'a> Writer<'a> {
    /// Answers that need no program, to change.
    pub fn rules_mut(&'a self) -> RulesMut<'a> {
        RulesMut(self)
    }
}

impl Rules<'_> {
    /// All of them, the oldest first.
    pub fn all(&self) -> Result<Vec<Rule>> {
        let sql = format!("SELECT {COLUMNS} FROM rules ORDER BY id");
        collect(&mut prepare(self.0.conn, &sql)?, [], read)
    }

    /// How many there are, and how large what they say is altogether, in bytes.
    pub fn size(&self) -> Result<(usize, u64)> {
        let sql = "SELECT count(*), coalesce(sum(length(spec)), 0) FROM rules";
        let found = first(&mut prepare(self.0.conn, sql)?, [], |row| {
            let (count, bytes): (u32, i64) = (row.get(0)?, row.get(1)?);
            Ok((count as usize, bytes.unsigned_abs()))
        })?;
        Ok(found.unwrap_or_default())
    }

    /// Whether it is there.
    pub fn exists(&self, id: RuleId) -> Result<bool> {
        let sql = "SELECT 1 FROM rules WHERE id = ?1";
        let params = params![id.as_bytes()];
        let found = first(&mut prepare(self.0.conn, sql)?, params, |_| Ok(()))?;
        Ok(found.is_some())
    }

    /// The rule that has this name among those for the same sessions.
    pub fn named(&self, rule: &Rule) -> Result<Option<RuleId>> {
        let sql = "SELECT id FROM rules
                   WHERE coalesce(session, owner, x'') = coalesce(?1, ?2, x'') AND name = ?3";
        let params = params![
            rule.session.as_ref().map(SessionId::as_bytes),
            rule.owner.as_ref().map(UserId::as_bytes),
            rule.spec.name.as_str(),
        ];
        first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(RuleId::from_bytes(id_bytes(row, 0, "rules.id")?))
        })
    }
}

impl RulesMut<'_> {
    /// Puts one there, new or instead of the one with its id.
    pub fn put(&self, rule: &Rule) -> Result<()> {
        let sql =
            "INSERT INTO rules (id, owner, session, name, enabled, spec, created_at, updated_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                   ON CONFLICT (id) DO UPDATE SET
                       name = excluded.name, enabled = excluded.enabled, spec = excluded.spec,
                       updated_at = excluded.updated_at";
        prepare(self.0.conn, sql)?.execute(params![
            rule.id.as_bytes(),
            rule.owner.as_ref().map(UserId::as_bytes),
            rule.session.as_ref().map(SessionId::as_bytes),
            rule.spec.name.as_str(),
            rule.enabled,
            to_json(&rule.spec, "rules.spec")?,
            rule.created_at.as_millis(),
            rule.updated_at.as_millis(),
        ])?;
        Ok(())
    }

    /// Takes one away; whether it was there.
    pub fn delete(&self, id: RuleId) -> Result<bool> {
        let sql = "DELETE FROM rules WHERE id = ?1";
        Ok(prepare(self.0.conn, sql)?.execute(params![id.as_bytes()])? > 0)
    }
}

fn read(row: &Row<'_>) -> Result<Rule> {
    let owner = id_bytes_opt(row, 1, "rules.owner")?;
    let session = id_bytes_opt(row, 2, "rules.session")?;
    Ok(Rule {
        id: RuleId::from_bytes(id_bytes(row, 0, "rules.id")?),
        owner: owner.map(UserId::from_bytes),
        session: session.map(SessionId::from_bytes),
        enabled: row.get(3)?,
        spec: json(row, 4, "rules.spec")?,
        created_at: Timestamp::from_millis(row.get(5)?),
        updated_at: Timestamp::from_millis(row.get(6)?),
    })
}
