//! People a session knows of.

use rusqlite::{Row, params};
use warbler_domain::contact::{Contact, NamePart};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{Jid, SessionId, Timestamp};

use crate::rows::{collect, first, id_bytes, parsed, parsed_opt, prepare};
use crate::{Reader, Result, Writer};

/// Reading half.
pub struct Contacts<'a>(&'a Reader<'a>);

/// Writing half.
pub struct ContactsMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// People.
    pub fn contacts(&'a self) -> Contacts<'a> {
        Contacts(self)
    }
}

impl<'a> Writer<'a> {
    /// People, to change.
    pub fn contacts_mut(&'a self) -> ContactsMut<'a> {
        ContactsMut(self)
    }
}

const COLUMNS: &str = "number, jid, alt, name, push_name, seen_at, saved_name";

impl Contacts<'_> {
    /// Whether a session knows somebody under this address.
    pub fn is_known(&self, session: SessionId, jid: &Jid) -> Result<bool> {
        let sql = "SELECT 1 FROM contacts WHERE session = ?1 AND jid = ?2";
        let params = params![session.as_bytes(), jid.to_string()];
        Ok(first(&mut prepare(self.0.conn, sql)?, params, |_| Ok(()))?.is_some())
    }

    /// Somebody, by either address.
    pub fn get(&self, session: SessionId, jid: &Jid) -> Result<Option<Contact>> {
        for column in ["jid", "alt"] {
            let sql =
                format!("SELECT {COLUMNS} FROM contacts WHERE session = ?1 AND {column} = ?2");
            let params = params![session.as_bytes(), jid.to_string()];
            if let Some((_, found)) = first(&mut prepare(self.0.conn, &sql)?, params, read)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The address somebody's chat is kept under: of two, the one with the number.
    pub fn canonical(&self, session: SessionId, jid: &Jid) -> Result<Option<Jid>> {
        let sql = "SELECT jid FROM contacts WHERE session = ?1 AND alt = ?2";
        let params = params![session.as_bytes(), jid.to_string()];
        first(&mut prepare(self.0.conn, sql)?, params, |row| {
            parsed(row, 0, "contacts.jid")
        })
    }

    /// Every name that was saved, with the session and the address it was saved for.
    pub fn saved_names(&self) -> Result<Vec<(SessionId, Jid, String)>> {
        let sql = "SELECT session, jid, saved_name FROM contacts WHERE saved_name IS NOT NULL";
        collect(&mut prepare(self.0.conn, sql)?, [], |row| {
            let session = SessionId::from_bytes(id_bytes(row, 0, "contacts.session")?);
            Ok((session, parsed(row, 1, "contacts.jid")?, row.get(2)?))
        })
    }

    /// A session's people, those it came to know last first; with `name` only those with that in a
    /// name or in the number.
    pub fn list(
        &self,
        session: SessionId,
        name: Option<&NamePart>,
        page: PageRequest,
    ) -> Result<Page<Contact>> {
        let before = page.after().map_or(i64::MAX, |cursor| cursor.0);
        let limit = page.limit() + 1;
        let sql = format!(
            "SELECT {COLUMNS} FROM contacts WHERE session = ?1 AND number < ?2
               AND (?3 IS NULL OR name LIKE ?3 ESCAPE '\\' OR push_name LIKE ?3 ESCAPE '\\'
                    OR saved_name LIKE ?3 ESCAPE '\\' OR jid LIKE ?3 ESCAPE '\\')
             ORDER BY number DESC LIMIT ?4"
        );
        let params = params![
            session.as_bytes(),
            before,
            name.map(|part| containing(part.as_str())),
            limit
        ];
        let rows = collect(&mut prepare(self.0.conn, &sql)?, params, read)?;
        Ok(Page::of_rows(rows, page.limit()))
    }
}

impl ContactsMut<'_> {
    /// Notes what a message tells of its author; what it does not tell stays.
    pub(crate) fn see(
        &self,
        session: SessionId,
        jid: &Jid,
        alt: Option<&Jid>,
        push_name: Option<&str>,
        seen_at: Timestamp,
    ) -> Result<()> {
        let sql = "INSERT INTO contacts (session, jid, alt, push_name, seen_at)
                   VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (session, jid) DO UPDATE SET
                       alt = coalesce(excluded.alt, alt),
                       push_name = coalesce(excluded.push_name, push_name),
                       seen_at = excluded.seen_at
                   WHERE coalesce(excluded.alt, alt) IS NOT alt
                      OR coalesce(excluded.push_name, push_name) IS NOT push_name";
        prepare(self.0.conn, sql)?.execute(params![
            session.as_bytes(),
            jid.to_string(),
            alt.map(ToString::to_string),
            push_name,
            seen_at.as_millis(),
        ])?;
        Ok(())
    }

    /// Notes all that is known of somebody; what is not known stays as it was.
    pub fn note(&self, session: SessionId, contact: &Contact) -> Result<()> {
        let (jid, alt) = (&contact.jid, contact.alt.as_ref());
        let push_name = contact.push_name.as_deref();
        self.see(session, jid, alt, push_name, contact.seen_at)?;
        if let Some(name) = &contact.name {
            self.set_name(session, jid, Some(name), contact.seen_at)?;
        }
        match alt {
            Some(alt) => crate::arrival::merge_if_split(self.0, session, alt, jid),
            None => Ok(()),
        }
    }

    /// Notes the name in the account's address book, or that there is none.
    pub fn set_name(
        &self,
        session: SessionId,
        jid: &Jid,
        name: Option<&str>,
        seen_at: Timestamp,
    ) -> Result<()> {
        let sql = "INSERT INTO contacts (session, jid, name, seen_at) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (session, jid) DO UPDATE SET
                       name = excluded.name, seen_at = excluded.seen_at";
        let params = params![
            session.as_bytes(),
            jid.to_string(),
            name,
            seen_at.as_millis()
        ];
        prepare(self.0.conn, sql)?.execute(params)?;
        Ok(())
    }

    /// Notes the name that a caller saves for somebody.
    pub fn save_name(
        &self,
        session: SessionId,
        jid: &Jid,
        name: &str,
        seen_at: Timestamp,
    ) -> Result<()> {
        let sql = "INSERT INTO contacts (session, jid, saved_name, seen_at) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (session, jid) DO UPDATE SET saved_name = excluded.saved_name";
        let params = params![
            session.as_bytes(),
            jid.to_string(),
            name,
            seen_at.as_millis()
        ];
        prepare(self.0.conn, sql)?.execute(params)?;
        Ok(())
    }

    /// Forgets the name that a caller has saved for somebody, and whom only that made known;
    /// whether there was one.
    pub fn forget_saved_name(&self, session: SessionId, jid: &Jid) -> Result<bool> {
        let sql = "UPDATE contacts SET saved_name = NULL
                   WHERE session = ?1 AND jid = ?2 AND saved_name IS NOT NULL";
        let jid = jid.to_string();
        let changed = prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), jid])?;
        let sql = "DELETE FROM contacts WHERE session = ?1 AND jid = ?2
                   AND coalesce(alt, name, push_name, saved_name) IS NULL";
        prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), jid])?;
        Ok(changed > 0)
    }

    /// Makes one of two entries that are the same person's.
    pub(crate) fn merge(&self, session: &[u8], hidden: &str, number: &str) -> Result<()> {
        for sql in [
            "INSERT INTO contacts (session, jid, alt, name, push_name, seen_at, saved_name)
                 SELECT session, ?3, ?2, name, push_name, seen_at, saved_name
                 FROM contacts WHERE session = ?1 AND jid = ?2
                 ON CONFLICT (session, jid) DO UPDATE SET
                     alt = excluded.alt, name = coalesce(name, excluded.name),
                     push_name = coalesce(push_name, excluded.push_name),
                     saved_name = coalesce(saved_name, excluded.saved_name)",
            "DELETE FROM contacts WHERE session = ?1 AND jid = ?2 AND ?3 <> ?2",
        ] {
            prepare(self.0.conn, sql)?.execute(params![session, hidden, number])?;
        }
        Ok(())
    }
}

/// A pattern for `LIKE … ESCAPE '\'` that any text with `part` in it fits.
pub(crate) fn containing(part: &str) -> String {
    let mut pattern = String::from("%");
    for c in part.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn read(row: &Row<'_>) -> Result<(i64, Contact)> {
    let contact = Contact {
        jid: parsed(row, 1, "contacts.jid")?,
        alt: parsed_opt(row, 2, "contacts.alt")?,
        name: row.get(3)?,
        push_name: row.get(4)?,
        seen_at: Timestamp::from_millis(row.get(5)?),
        saved_name: row.get(6)?,
    };
    Ok((row.get(0)?, contact))
}
