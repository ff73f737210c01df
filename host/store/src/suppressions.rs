//! Who does not want campaigns.

use rusqlite::{Row, params};
use warbler_domain::campaign::Suppression;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{Jid, SessionId, Timestamp, UserId};

use crate::rows::{collect, first, parsed, prepare};
use crate::{Error, Reader, Result, Writer};

/// Reading half.
pub struct Suppressions<'a>(&'a Reader<'a>);

/// Writing half.
pub struct SuppressionsMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Who does not want campaigns.
    pub fn suppressions(&'a self) -> Suppressions<'a> {
        Suppressions(self)
    }
}

impl<'a> Writer<'a> {
    /// Who does not want campaigns, to change.
    pub fn suppressions_mut(&'a self) -> SuppressionsMut<'a> {
        SuppressionsMut(self)
    }
}

const COLUMNS: &str = "seq, owner, session, jid, reason, created_at";

impl Suppressions<'_> {
    /// Whether a session of `owner` leaves this person out.
    pub fn covers(&self, owner: Option<UserId>, session: SessionId, jid: &Jid) -> Result<bool> {
        let sql = "SELECT 1 FROM suppressions
                   WHERE owner = ?1 AND jid = ?2 AND session IN (x'', ?3) LIMIT 1";
        let params = params![
            bytes_of(owner.as_ref().map(UserId::as_bytes)),
            jid.to_string(),
            session.as_bytes()
        ];
        Ok(first(&mut prepare(self.0.conn, sql)?, params, |_| Ok(()))?.is_some())
    }

    /// How many an owner has.
    pub fn count(&self, owner: Option<UserId>) -> Result<u64> {
        let sql = "SELECT count(*) FROM suppressions WHERE owner = ?1";
        let params = params![bytes_of(owner.as_ref().map(UserId::as_bytes))];
        let count = first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(row.get::<_, i64>(0)?.unsigned_abs())
        })?;
        Ok(count.unwrap_or(0))
    }

    /// A page of those for which `seen` holds, newest first; of one person, if one is named.
    pub fn list(
        &self,
        jid: Option<&Jid>,
        seen: impl Fn(&Suppression) -> bool,
        page: PageRequest,
    ) -> Result<Page<Suppression>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM suppressions
             WHERE seq < ?1 AND (?2 IS NULL OR jid = ?2) ORDER BY seq DESC"
        );
        let before = page.after().map_or(i64::MAX, |cursor| cursor.0);
        let mut statement = prepare(self.0.conn, &sql)?;
        let mut rows = statement.query(params![before, jid.map(ToString::to_string)])?;
        let mut found = Vec::new();
        while found.len() <= page.limit() as usize
            && let Some(row) = rows.next()?
        {
            let (seq, one) = read(row)?;
            if seen(&one) {
                found.push((seq, one));
            }
        }
        Ok(Page::of_rows(found, page.limit()))
    }

    /// All entries of a person, of whoever made them.
    pub fn of(&self, jid: &Jid) -> Result<Vec<Suppression>> {
        let sql = format!("SELECT {COLUMNS} FROM suppressions WHERE jid = ?1 ORDER BY seq");
        let rows = collect(&mut prepare(self.0.conn, &sql)?, [jid.to_string()], read)?;
        Ok(rows.into_iter().map(|(_, one)| one).collect())
    }
}

impl SuppressionsMut<'_> {
    /// Adds an entry; `false` when it was there.
    pub fn add(&self, one: &Suppression) -> Result<bool> {
        let sql = "INSERT INTO suppressions (owner, session, jid, reason, created_at)
                   VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
        let params = params![
            bytes_of(one.owner.as_ref().map(UserId::as_bytes)),
            bytes_of(one.session.as_ref().map(SessionId::as_bytes)),
            one.jid.to_string(),
            one.reason,
            one.created_at.as_millis(),
        ];
        Ok(prepare(self.0.conn, sql)?.execute(params)? > 0)
    }

    /// Takes an entry away if it has this reason still; whether it did.
    pub fn take_back(&self, one: &Suppression) -> Result<bool> {
        let sql = "DELETE FROM suppressions
                   WHERE owner = ?1 AND session = ?2 AND jid = ?3 AND reason = ?4";
        let params = params![
            bytes_of(one.owner.as_ref().map(UserId::as_bytes)),
            bytes_of(one.session.as_ref().map(SessionId::as_bytes)),
            one.jid.to_string(),
            one.reason,
        ];
        Ok(prepare(self.0.conn, sql)?.execute(params)? > 0)
    }

    /// Takes an entry away; whether it was there.
    pub fn remove(&self, one: &Suppression) -> Result<bool> {
        let sql = "DELETE FROM suppressions WHERE owner = ?1 AND session = ?2 AND jid = ?3";
        let params = params![
            bytes_of(one.owner.as_ref().map(UserId::as_bytes)),
            bytes_of(one.session.as_ref().map(SessionId::as_bytes)),
            one.jid.to_string(),
        ];
        Ok(prepare(self.0.conn, sql)?.execute(params)? > 0)
    }
}

/// Stored bytes of an id; none for nobody.
fn bytes_of(id: Option<&[u8; 16]>) -> Vec<u8> {
    id.map_or_else(Vec::new, |id| id.to_vec())
}

fn read(row: &Row<'_>) -> Result<(i64, Suppression)> {
    let id = |column: usize| -> Result<Option<[u8; 16]>> {
        let bytes: Vec<u8> = row.get(column)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let id = bytes.try_into();
        id.map(Some)
            .map_err(|_| Error::corrupt("suppressions", "an id that is none"))
    };
    let one = Suppression {
        owner: id(1)?.map(UserId::from_bytes),
        session: id(2)?.map(SessionId::from_bytes),
        jid: parsed(row, 3, "suppressions.jid")?,
        reason: row.get(4)?,
        created_at: Timestamp::from_millis(row.get(5)?),
    };
    Ok((row.get(0)?, one))
}
