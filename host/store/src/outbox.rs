//! The outbox: what is on its way to the network.
//!
//! A row exists from acceptance until the server has taken the message over. The rows of a chat
//! that are due form its *lane*; only the oldest of a lane, its *head*, may be claimed, so a chat
//! stays in order whatever fails. A claim is a lease: a worker that dies loses it by time, and the
//! row is sent again under the same WhatsApp id. A scheduled row belongs to no lane before its
//! time; then it enters at the end. A row that is given up stays as a dead letter and makes way
//! for the next; replayed, it enters at the end.
//!
//! Invariant: each lane has exactly one head, and that is its row with the smallest `seq`.

mod again;
mod dead;
mod view;

use rusqlite::{Row, params};
use warbler_domain::{Jid, Message, MessageId, SessionId, Timestamp, WhatsAppId};

use crate::rows::{collect, first, id_bytes, parsed, prepare};
use crate::{Reader, Result, Writer};

pub use again::RECENT;
pub use dead::DeadLetter;
pub use view::{Counts, Standing, Waiting};

/// One message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its place in the order of becoming due.
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

    /// Whether the time of a scheduled row has come.
    pub fn is_scheduled_due(&self, now: Timestamp) -> Result<bool> {
        let sql = "SELECT 1 FROM outbox WHERE scheduled = 1 AND due_at <= ?1 LIMIT 1";
        let found = first(
            &mut prepare(self.0.conn, sql)?,
            params![now.as_millis()],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    /// Up to `limit` due and free heads of a session, oldest first.
    pub fn due(&self, session: SessionId, now: Timestamp, limit: u32) -> Result<Vec<OutboxRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE session = ?1 AND head = 1 AND due_at <= ?2 AND (lease_until IS NULL OR lease_until <= ?2)
             ORDER BY seq LIMIT ?3"
        );
        let params = params![session.as_bytes(), now.as_millis(), limit];
        collect(&mut prepare(self.0.conn, &sql)?, params, read)
    }

    /// Up to `limit` free heads that entered their lane before `entered`.
    pub fn older_than(
        &self,
        entered: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<OutboxRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE head = 1 AND entered_at < ?1 AND (lease_until IS NULL OR lease_until <= ?2) LIMIT ?3"
        );
        let params = params![entered.as_millis(), now.as_millis(), limit];
        collect(&mut prepare(self.0.conn, &sql)?, params, read)
    }

    /// Up to `limit` rows of a session that are in a lane, newest first.
    pub fn live(&self, session: SessionId, limit: u32) -> Result<Vec<OutboxRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE session = ?1 AND dead = 0 AND scheduled = 0 ORDER BY seq DESC LIMIT ?2"
        );
        let params = params![session.as_bytes(), limit];
        collect(&mut prepare(self.0.conn, &sql)?, params, read)
    }
}

impl OutboxMut<'_> {
    /// Adds a message: due at its `scheduled_for` if that lies behind `now`, else at once. With a
    /// lease it is claimed at once if it is itself its chat's head, and comes back as the claimed
    /// row; behind another message, free or not, it waits.
    pub fn enqueue(
        &self,
        message: &Message,
        now: Timestamp,
        lease: Option<&Lease>,
    ) -> Result<Option<OutboxRow>> {
        if let Some(due_at) = message.scheduled_for.filter(|at| *at > now) {
            let sql =
                "INSERT INTO outbox (message, session, chat, whatsapp_id, due_at, entered_at, head, scheduled)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0, 1)";
            prepare(self.0.conn, sql)?.execute(params![
                message.id.as_bytes(),
                message.session.as_bytes(),
                message.chat.to_string(),
                message.whatsapp_id.as_str(),
                due_at.as_millis(),
            ])?;
            return Ok(None);
        }
        self.enter(
            &message.id,
            message.session,
            &message.chat,
            &message.whatsapp_id,
            now,
        )?;
        match lease {
            Some(lease) => self.claim_if_head(&message.id, lease),
            None => Ok(None),
        }
    }

    /// Puts a message at the end of its lane.
    fn enter(
        &self,
        message: &MessageId,
        session: SessionId,
        chat: &Jid,
        whatsapp_id: &WhatsAppId,
        now: Timestamp,
    ) -> Result<()> {
        let sql =
            "INSERT INTO outbox (message, session, chat, whatsapp_id, due_at, entered_at, head)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?5, NOT EXISTS (
                       SELECT 1 FROM outbox
                       WHERE session = ?2 AND chat = ?3 AND dead = 0 AND scheduled = 0))";
        prepare(self.0.conn, sql)?.execute(params![
            message.as_bytes(),
            session.as_bytes(),
            chat.to_string(),
            whatsapp_id.as_str(),
            now.as_millis(),
        ])?;
        Ok(())
    }

    /// Takes a row that is in no lane out and puts it at the end of its lane.
    fn reenter(&self, row: &OutboxRow, now: Timestamp) -> Result<()> {
        prepare(self.0.conn, "DELETE FROM outbox WHERE seq = ?1")?.execute(params![row.seq])?;
        self.enter(&row.message, row.session, &row.chat, &row.whatsapp_id, now)
    }

    /// Lets up to `limit` scheduled rows whose time has come enter their lanes, in the order of
    /// their times; how many did.
    pub fn enter_scheduled(&self, now: Timestamp, limit: u32) -> Result<usize> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox WHERE scheduled = 1 AND due_at <= ?1
             ORDER BY due_at, seq LIMIT ?2"
        );
        let params = params![now.as_millis(), limit];
        let rows = collect(&mut prepare(self.0.conn, &sql)?, params, read)?;
        for row in &rows {
            self.reenter(row, now)?;
        }
        Ok(rows.len())
    }

    /// Leases the head of one chat, if it is due and free.
    pub fn claim_head(
        &self,
        session: SessionId,
        chat: &Jid,
        lease: &Lease,
    ) -> Result<Option<OutboxRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox INDEXED BY outbox_lanes
             WHERE session = ?1 AND chat = ?2 AND dead = 0 AND scheduled = 0 AND head = 1
               AND due_at <= ?3 AND (lease_until IS NULL OR lease_until <= ?3)
             ORDER BY seq LIMIT 1"
        );
        let params = params![session.as_bytes(), chat.to_string(), lease.now.as_millis()];
        let row = first(&mut prepare(self.0.conn, &sql)?, params, read)?;
        row.map(|row| self.lease(row, lease)).transpose()
    }

    /// Leases the row of a message, if it is its chat's head.
    fn claim_if_head(&self, message: &MessageId, lease: &Lease) -> Result<Option<OutboxRow>> {
        let sql = format!("SELECT {COLUMNS} FROM outbox WHERE message = ?1 AND head = 1");
        let row = first(
            &mut prepare(self.0.conn, &sql)?,
            params![message.as_bytes()],
            read,
        )?;
        row.map(|row| self.lease(row, lease)).transpose()
    }

    /// Leases up to `limit` due heads of a session, oldest first.
    pub fn claim(&self, session: SessionId, lease: &Lease, limit: u32) -> Result<Vec<OutboxRow>> {
        let rows = self.0.outbox().due(session, lease.now, limit)?;
        rows.into_iter().map(|row| self.lease(row, lease)).collect()
    }

    /// Leases a row that was found due.
    pub fn lease(&self, mut row: OutboxRow, lease: &Lease) -> Result<OutboxRow> {
        let sql = "UPDATE outbox SET lease_owner = ?2, lease_until = ?3, attempts = attempts + 1, delayed = NULL
                   WHERE seq = ?1";
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

    /// Moves the time at which a free row is due, and says why.
    pub fn delay(&self, seq: i64, due_at: Timestamp, why: &str) -> Result<()> {
        let sql = "UPDATE outbox SET due_at = ?2, delayed = ?3 WHERE seq = ?1";
        prepare(self.0.conn, sql)?.execute(params![seq, due_at.as_millis(), why])?;
        Ok(())
    }

    /// Makes everything that pacing has delayed due again: its rules have changed.
    pub fn undelay(&self, session: SessionId, now: Timestamp) -> Result<()> {
        let sql = "UPDATE outbox SET due_at = ?2, delayed = NULL
                   WHERE session = ?1 AND head = 1 AND delayed IS NOT NULL";
        prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), now.as_millis()])?;
        Ok(())
    }

    /// The row goes, since the network has the message or nobody wants it sent any more; the next
    /// of the chat becomes head.
    pub fn finish(&self, row: &OutboxRow) -> Result<()> {
        prepare(self.0.conn, "DELETE FROM outbox WHERE seq = ?1")?.execute(params![row.seq])?;
        self.promote(row)
    }

    fn promote(&self, row: &OutboxRow) -> Result<()> {
        self.promote_lane(row.session, &row.chat)
    }

    fn promote_lane(&self, session: SessionId, chat: &Jid) -> Result<()> {
        let sql = "UPDATE outbox SET head = 1 WHERE seq = (
                       SELECT min(seq) FROM outbox
                       WHERE session = ?1 AND chat = ?2 AND dead = 0 AND scheduled = 0)";
        prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), chat.to_string()])?;
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
