//! The outbox: what is on its way to the network.
//!
//! A row exists from acceptance until the server has taken the message over. Only the oldest live
//! row of a chat, its *head*, may be claimed; so a chat stays in order whatever fails. A claim is
//! a lease: a worker that dies loses it by time, and the row is sent again under the same
//! WhatsApp id. A row that is given up stays as a dead letter and makes way for the next.

use rusqlite::{Row, params};
use warbler_domain::{Jid, Message, MessageId, SessionId, Timestamp, WhatsAppId};

use crate::rows::{collect, first, id_bytes, parsed, prepare};
use crate::{Reader, Result, Writer};

/// One message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its place in the order of acceptance.
    pub seq: i64,
    /// The message.
    pub message: MessageId,
    /// The session that sends it.
    pub session: SessionId,
    /// Where it goes.
    pub chat: Jid,
    /// The id it has on the wire.
    pub whatsapp_id: WhatsAppId,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// A worker's hold on what it claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it: one word per running host.
    pub owner: String,
    /// When it was taken.
    pub now: Timestamp,
    /// When it runs out by itself.
    pub until: Timestamp,
}

/// Reading half.
pub struct Outbox<'a>(&'a Reader<'a>);

/// Writing half.
pub struct OutboxMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Outbox.
    pub fn outbox(&'a self) -> Outbox<'a> {
        Outbox(self)
    }
}

impl<'a> Writer<'a> {
    /// Outbox, to change.
    pub fn outbox_mut(&'a self) -> OutboxMut<'a> {
        OutboxMut(self)
    }
}

const COLUMNS: &str = "seq, message, session, chat, whatsapp_id, attempts, last_error";

impl Outbox<'_> {
    /// A session's live row with this network id.
    pub fn by_whatsapp_id(&self, session: SessionId, id: &WhatsAppId) -> Result<Option<OutboxRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox WHERE session = ?1 AND whatsapp_id = ?2 AND dead = 0"
        );
        first(
            &mut prepare(self.0.conn, &sql)?,
            params![session.as_bytes(), id.as_str()],
            read,
        )
    }

    /// The sessions that have a head which is due and free.
    pub fn sessions_due(&self, now: Timestamp) -> Result<Vec<SessionId>> {
        let sql = "SELECT DISTINCT session FROM outbox
                   WHERE head = 1 AND due_at <= ?1 AND (lease_until IS NULL OR lease_until <= ?1)";
        collect(
            &mut prepare(self.0.conn, sql)?,
            params![now.as_millis()],
            |row| id_bytes(row, 0, "outbox.session").map(SessionId::from_bytes),
        )
    }

    /// How many of a session's messages wait, and how many are dead letters.
    pub fn counts(&self, session: SessionId) -> Result<(u64, u64)> {
        let sql = "SELECT count(*) FILTER (WHERE dead = 0), count(*) FILTER (WHERE dead = 1)
                   FROM outbox WHERE session = ?1";
        let counts = first(
            &mut prepare(self.0.conn, sql)?,
            params![session.as_bytes()],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )?;
        let (live, dead) = counts.unwrap_or_default();
        Ok((
            u64::try_from(live).unwrap_or(0),
            u64::try_from(dead).unwrap_or(0),
        ))
    }
}

impl OutboxMut<'_> {
    /// Adds a message, due at `due_at`. With a lease it is claimed at once if it is its chat's
    /// head, and comes back as the claimed row.
    pub fn enqueue(
        &self,
        message: &Message,
        due_at: Timestamp,
        lease: Option<&Lease>,
    ) -> Result<Option<OutboxRow>> {
        let sql = "INSERT INTO outbox (message, session, chat, whatsapp_id, due_at, head)
                   VALUES (?1, ?2, ?3, ?4, ?5, NOT EXISTS (
                       SELECT 1 FROM outbox WHERE session = ?2 AND chat = ?3 AND dead = 0))";
        prepare(self.0.conn, sql)?.execute(params![
            message.id.as_bytes(),
            message.session.as_bytes(),
            message.chat.to_string(),
            message.whatsapp_id.as_str(),
            due_at.as_millis(),
        ])?;
        match lease {
            Some(lease) => self.claim_head(message.session, &message.chat, lease),
            None => Ok(None),
        }
    }

    /// Leases the head of one chat, if it is due and free.
    pub fn claim_head(
        &self,
        session: SessionId,
        chat: &Jid,
        lease: &Lease,
    ) -> Result<Option<OutboxRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE session = ?1 AND chat = ?2 AND dead = 0 AND head = 1
               AND due_at <= ?3 AND (lease_until IS NULL OR lease_until <= ?3)
             ORDER BY seq LIMIT 1"
        );
        let params = params![session.as_bytes(), chat.to_string(), lease.now.as_millis()];
        let row = first(&mut prepare(self.0.conn, &sql)?, params, read)?;
        row.map(|row| self.lease(row, lease)).transpose()
    }

    /// Leases up to `limit` due heads of a session, oldest first.
    pub fn claim(&self, session: SessionId, lease: &Lease, limit: u32) -> Result<Vec<OutboxRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE session = ?1 AND head = 1 AND due_at <= ?2 AND (lease_until IS NULL OR lease_until <= ?2)
             ORDER BY seq LIMIT ?3"
        );
        let params = params![session.as_bytes(), lease.now.as_millis(), limit];
        let rows = collect(&mut prepare(self.0.conn, &sql)?, params, read)?;
        rows.into_iter().map(|row| self.lease(row, lease)).collect()
    }

    fn lease(&self, mut row: OutboxRow, lease: &Lease) -> Result<OutboxRow> {
        let sql = "UPDATE outbox SET lease_owner = ?2, lease_until = ?3, attempts = attempts + 1 WHERE seq = ?1";
        prepare(self.0.conn, sql)?.execute(params![
            row.seq,
            lease.owner,
            lease.until.as_millis()
        ])?;
        row.attempts += 1;
        Ok(row)
    }

    /// Gives a row back untried.
    pub fn release(&self, seq: i64) -> Result<()> {
        let sql = "UPDATE outbox SET lease_owner = NULL, lease_until = NULL, attempts = max(attempts - 1, 0)
                   WHERE seq = ?1 AND dead = 0";
        prepare(self.0.conn, sql)?.execute(params![seq])?;
        Ok(())
    }

    /// Gives every lease of a session back: its connection is new, nothing is under way.
    pub fn release_all(&self, session: SessionId) -> Result<u64> {
        let sql = "UPDATE outbox SET lease_owner = NULL, lease_until = NULL
                   WHERE session = ?1 AND lease_until IS NOT NULL";
        Ok(prepare(self.0.conn, sql)?.execute(params![session.as_bytes()])? as u64)
    }

    /// Gives a row back, to be tried again at `due_at`.
    pub fn retry(&self, seq: i64, due_at: Timestamp, error: &str) -> Result<()> {
        let sql =
            "UPDATE outbox SET lease_owner = NULL, lease_until = NULL, due_at = ?2, last_error = ?3
                   WHERE seq = ?1";
        prepare(self.0.conn, sql)?.execute(params![seq, due_at.as_millis(), error])?;
        Ok(())
    }

    /// The network has the message: the row goes, the next of the chat becomes head.
    pub fn finish(&self, row: &OutboxRow) -> Result<()> {
        prepare(self.0.conn, "DELETE FROM outbox WHERE seq = ?1")?.execute(params![row.seq])?;
        self.promote(row)
    }

    /// Gives a row up: it stays as a dead letter, the next of the chat becomes head.
    pub fn bury(&self, row: &OutboxRow, error: &str) -> Result<()> {
        let sql = "UPDATE outbox SET dead = 1, head = 0, lease_owner = NULL, lease_until = NULL, last_error = ?2
                   WHERE seq = ?1";
        prepare(self.0.conn, sql)?.execute(params![row.seq, error])?;
        self.promote(row)
    }

    fn promote(&self, row: &OutboxRow) -> Result<()> {
        let sql = "UPDATE outbox SET head = 1 WHERE seq = (
                       SELECT min(seq) FROM outbox WHERE session = ?1 AND chat = ?2 AND dead = 0)";
        prepare(self.0.conn, sql)?
            .execute(params![row.session.as_bytes(), row.chat.to_string()])?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<OutboxRow> {
    Ok(OutboxRow {
        seq: row.get(0)?,
        message: MessageId::from_bytes(id_bytes(row, 1, "outbox.message")?),
        session: SessionId::from_bytes(id_bytes(row, 2, "outbox.session")?),
        chat: parsed(row, 3, "outbox.chat")?,
        whatsapp_id: parsed(row, 4, "outbox.whatsapp_id")?,
        attempts: row.get(5)?,
        last_error: row.get(6)?,
    })
}
