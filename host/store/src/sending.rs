//! How each session sends: its pacing, whether its outbox rests, and what it has sent lately.

use rusqlite::params;
use warbler_domain::pacing::Pacing;
use warbler_domain::{Jid, SessionId, Timestamp};

use crate::rows::{collect, first, id_bytes, parsed, prepare, to_json};
use crate::{Error, Reader, Result, Writer};

/// What is set for one session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionSending {
    /// Its pacing instead of the host's.
    pub pacing: Option<Pacing>,
    /// Since when its outbox rests, if it does.
    pub paused_at: Option<Timestamp>,
}

/// Reading half.
pub struct Sending<'a>(&'a Reader<'a>);

/// Writing half.
pub struct SendingMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// How sessions send.
    pub fn sending(&'a self) -> Sending<'a> {
        Sending(self)
    }
}

impl<'a> Writer<'a> {
    /// How sessions send, to change.
    pub fn sending_mut(&'a self) -> SendingMut<'a> {
        SendingMut(self)
    }
}

impl Sending<'_> {
    /// Every session for which something is set.
    pub fn all(&self) -> Result<Vec<(SessionId, SessionSending)>> {
        let sql = "SELECT session, pacing, paused_at FROM sending";
        collect(&mut prepare(self.0.conn, sql)?, [], |row| {
            let session = SessionId::from_bytes(id_bytes(row, 0, "sending.session")?);
            let pacing: Option<String> = row.get(1)?;
            let pacing = pacing
                .map(|text| serde_json::from_str(&text))
                .transpose()
                .map_err(|err| Error::corrupt("sending.pacing", err))?;
            let paused_at: Option<i64> = row.get(2)?;
            let sending = SessionSending {
                pacing,
                paused_at: paused_at.map(Timestamp::from_millis),
            };
            Ok((session, sending))
        })
    }

    /// When a session was paired with its phone, where known.
    pub fn paired_at(&self, session: SessionId) -> Result<Option<Timestamp>> {
        let sql = "SELECT paired_at FROM sessions WHERE id = ?1";
        let found = first(
            &mut prepare(self.0.conn, sql)?,
            params![session.as_bytes()],
            |row| Ok::<_, Error>(row.get::<_, Option<i64>>(0)?),
        )?;
        Ok(found.flatten().map(Timestamp::from_millis))
    }

    /// What a session has sent behind `after`, oldest first; at most `limit`, the newest.
    pub fn sent_since(
        &self,
        session: SessionId,
        after: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Timestamp, Jid)>> {
        let sql =
            "SELECT at, chat FROM sends WHERE session = ?1 AND at > ?2 ORDER BY at DESC LIMIT ?3";
        let params = params![session.as_bytes(), after.as_millis(), limit];
        let mut sent = collect(&mut prepare(self.0.conn, sql)?, params, |row| {
            let at = Timestamp::from_millis(row.get(0)?);
            Ok((at, parsed(row, 1, "sends.chat")?))
        })?;
        sent.reverse();
        Ok(sent)
    }
}

impl SendingMut<'_> {
    /// Sets what holds for a session.
    pub fn set(&self, session: SessionId, sending: &SessionSending) -> Result<()> {
        let sql = "INSERT INTO sending (session, pacing, paused_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (session) DO UPDATE SET pacing = excluded.pacing, paused_at = excluded.paused_at";
        let pacing = sending
            .pacing
            .as_ref()
            .map(|pacing| to_json(pacing, "sending.pacing"))
            .transpose()?;
        let paused_at = sending.paused_at.map(Timestamp::as_millis);
        prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), pacing, paused_at])?;
        Ok(())
    }

    /// Notes that a session is paired since `at`, unless it was before; or that it is not.
    pub fn note_pairing(&self, session: SessionId, at: Option<Timestamp>) -> Result<()> {
        let sql = "UPDATE sessions SET paired_at = CASE WHEN ?2 IS NULL THEN NULL ELSE coalesce(paired_at, ?2) END
                   WHERE id = ?1";
        let at = at.map(Timestamp::as_millis);
        prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), at])?;
        Ok(())
    }

    /// Notes that `host` has a link of a session; who had the one before, if that has not ended
    /// properly.
    pub fn begin_link(&self, session: SessionId, host: &str) -> Result<Option<String>> {
        let sql = "SELECT linked_by FROM sessions WHERE id = ?1";
        let before = first(
            &mut prepare(self.0.conn, sql)?,
            params![session.as_bytes()],
            |row| Ok::<_, Error>(row.get::<_, Option<String>>(0)?),
        )?;
        let sql = "UPDATE sessions SET linked_by = ?2 WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), host])?;
        Ok(before.flatten())
    }

    /// Notes that the link `host` had of a session, if it had one, has ended properly.
    pub fn end_link(&self, session: SessionId, host: &str) -> Result<()> {
        let sql = "UPDATE sessions SET linked_by = NULL WHERE id = ?1 AND linked_by = ?2";
        prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), host])?;
        Ok(())
    }

    /// Notes that a paced session has sent something.
    pub fn note_sent(&self, session: SessionId, at: Timestamp, chat: &Jid) -> Result<()> {
        let sql = "INSERT INTO sends (session, at, chat) VALUES (?1, ?2, ?3)";
        let params = params![session.as_bytes(), at.as_millis(), chat.to_string()];
        prepare(self.0.conn, sql)?.execute(params)?;
        Ok(())
    }

    /// Forgets what was sent before `before`, at most `limit` entries; how many.
    pub fn forget_sent(&self, before: Timestamp, limit: u32) -> Result<usize> {
        let sql = "DELETE FROM sends WHERE seq IN (SELECT seq FROM sends WHERE at < ?1 LIMIT ?2)";
        let params = params![before.as_millis(), limit];
        Ok(prepare(self.0.conn, sql)?.execute(params)?)
    }
}
