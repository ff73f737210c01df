//! Sessions.

use rusqlite::{Row, params};
use warbler_domain::session::{Account, SessionSettings, Wanted};
use warbler_domain::{
    EngineName, Session, SessionId, SessionName, SessionState, Timestamp, UserId,
};

use crate::rows::{
    collect, first, id_bytes, id_bytes_opt, json, parsed, parsed_opt, prepare, to_json,
};
use crate::{Error, Reader, Result, Writer};

const COLUMNS: &str = "id, name, state, reason, changed_at, wanted, jid, lid, push_name, created_at, owner, \
     engine";

/// Reading half.
pub struct Sessions<'a>(&'a Reader<'a>);

/// Writing half.
pub struct SessionsMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Sessions.
    pub fn sessions(&'a self) -> Sessions<'a> {
        Sessions(self)
    }
}

impl<'a> Writer<'a> {
    /// Sessions, to change.
    pub fn sessions_mut(&'a self) -> SessionsMut<'a> {
        SessionsMut(self)
    }
}

impl Sessions<'_> {
    /// All of them, by name.
    pub fn list(&self) -> Result<Vec<Session>> {
        let sql = format!("SELECT {COLUMNS} FROM sessions ORDER BY name");
        collect(&mut prepare(self.0.conn, &sql)?, [], read)
    }

    /// One by its id.
    pub fn get(&self, session: SessionId) -> Result<Option<Session>> {
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE id = ?1");
        let params = params![session.as_bytes()];
        first(&mut prepare(self.0.conn, &sql)?, params, read)
    }

    /// All of a name: one of each owner at most, and one that is nobody's.
    pub fn named(&self, name: &SessionName) -> Result<Vec<Session>> {
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE name = ?1");
        collect(
            &mut prepare(self.0.conn, &sql)?,
            params![name.as_str()],
            read,
        )
    }
}

impl Sessions<'_> {
    /// What a session does by itself; nothing when there is no such session.
    pub fn settings(&self, session: SessionId) -> Result<Option<SessionSettings>> {
        let sql = "SELECT coalesce(settings, '{}') FROM sessions WHERE id = ?1";
        first(
            &mut prepare(self.0.conn, sql)?,
            params![session.as_bytes()],
            |row| json(row, 0, "sessions.settings"),
        )
    }

    /// How many belong to a user.
    pub fn count_of(&self, owner: UserId) -> Result<u32> {
        let sql = "SELECT count(*) FROM sessions WHERE owner = ?1";
        let params = params![owner.as_bytes()];
        let count = first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(row.get(0)?)
        })?;
        Ok(count.unwrap_or(0))
    }

    /// The URL of the proxy a session goes through, with its password, if it goes through one.
    pub fn proxy(&self, session: SessionId) -> Result<Option<String>> {
        let sql = "SELECT settings ->> '$.proxy' FROM sessions WHERE id = ?1";
        let found = first(
            &mut prepare(self.0.conn, sql)?,
            params![session.as_bytes()],
            |row| Ok(row.get(0)?),
        );
        Ok(found?.flatten())
    }
}

impl SessionsMut<'_> {
    /// Notes through which proxy a session is to go; none is the direct way.
    pub fn set_proxy(&self, session: SessionId, proxy: Option<&str>) -> Result<()> {
        let sql = "UPDATE sessions SET settings = \
                   json_patch(coalesce(settings, '{}'), json_object('proxy', ?2)) WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), proxy])?;
        Ok(())
    }

    /// Notes what a session is to do by itself; its proxy stays.
    pub fn set_settings(&self, session: SessionId, settings: &SessionSettings) -> Result<()> {
        let sql = "UPDATE sessions SET settings = \
                   json_patch(?2, json_object('proxy', settings ->> '$.proxy')) WHERE id = ?1";
        let settings = to_json(settings, "sessions.settings")?;
        prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), settings])?;
        Ok(())
    }

    /// Adds a session; `false` when its owner has one of its name.
    pub fn insert(&self, session: &Session) -> Result<bool> {
        let sql = "INSERT INTO sessions
                   (id, name, state, reason, changed_at, wanted, created_at, owner, engine)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING";
        let changed = prepare(self.0.conn, sql)?.execute(params![
            session.id.as_bytes(),
            session.name.as_str(),
            session.state.as_str(),
            session.reason,
            session.changed_at.as_millis(),
            wanted_word(session.wanted),
            session.created_at.as_millis(),
            session.owner.as_ref().map(UserId::as_bytes),
            session.engine.as_str(),
        ])?;
        Ok(changed > 0)
    }

    /// Notes a new state.
    pub fn set_state(
        &self,
        session: SessionId,
        state: SessionState,
        reason: Option<&str>,
        at: Timestamp,
    ) -> Result<()> {
        let sql = "UPDATE sessions SET state = ?2, reason = ?3, changed_at = ?4 WHERE id = ?1";
        let params = params![session.as_bytes(), state.as_str(), reason, at.as_millis()];
        prepare(self.0.conn, sql)?.execute(params)?;
        Ok(())
    }

    /// Notes whether the session is to run.
    pub fn set_wanted(&self, session: SessionId, wanted: Wanted) -> Result<()> {
        let sql = "UPDATE sessions SET wanted = ?2 WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), wanted_word(wanted)])?;
        Ok(())
    }

    /// Notes on which engine a session runs from now on.
    pub fn set_engine(&self, session: SessionId, engine: EngineName) -> Result<()> {
        let sql = "UPDATE sessions SET engine = ?2 WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), engine.as_str()])?;
        Ok(())
    }

    /// Gives a session another name; `false` when its owner has one of that name.
    pub fn set_name(&self, session: SessionId, name: &SessionName) -> Result<bool> {
        let sql = "UPDATE OR IGNORE sessions SET name = ?2 WHERE id = ?1";
        let params = params![session.as_bytes(), name.as_str()];
        Ok(prepare(self.0.conn, sql)?.execute(params)? > 0)
    }

    /// Notes the account the session is linked to, or that it is linked to none.
    pub fn set_account(&self, session: SessionId, account: Option<&Account>) -> Result<()> {
        let sql = "UPDATE sessions SET jid = ?2, lid = ?3, push_name = ?4 WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![
            session.as_bytes(),
            account.map(|a| a.jid.to_string()),
            account
                .and_then(|a| a.lid.as_ref())
                .map(ToString::to_string),
            account.and_then(|a| a.push_name.as_deref()),
        ])?;
        Ok(())
    }

    /// Gives all sessions of a user to another, or to nobody; their ids and what they are called now.
    /// One whose name the new owner has given already gets the end of its id behind its name.
    pub fn pass_on(
        &self,
        from: UserId,
        to: Option<UserId>,
    ) -> Result<Vec<(SessionId, SessionName)>> {
        let to = to.as_ref().map(UserId::as_bytes);
        let sql =
            "UPDATE sessions SET name = substr(name, 1, 51) || '-' || lower(substr(hex(id), -12))
                   WHERE owner = ?1 AND name IN (SELECT name FROM sessions WHERE owner IS ?2)";
        prepare(self.0.conn, sql)?.execute(params![from.as_bytes(), to])?;
        let sql = "UPDATE sessions SET owner = ?2 WHERE owner = ?1 RETURNING id, name";
        collect(
            &mut prepare(self.0.conn, sql)?,
            params![from.as_bytes(), to],
            |row| {
                let id = SessionId::from_bytes(id_bytes(row, 0, "sessions.id")?);
                Ok((id, parsed(row, 1, "sessions.name")?))
            },
        )
    }

    /// Gives a session to a user, or to nobody; `false` when there is one of its name already.
    pub fn set_owner(&self, session: SessionId, owner: Option<UserId>) -> Result<bool> {
        let sql = "UPDATE OR IGNORE sessions SET owner = ?2 WHERE id = ?1";
        let owner = owner.as_ref().map(UserId::as_bytes);
        Ok(prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), owner])? > 0)
    }

    /// Deletes a session and all it has: messages, events, outbox and keys.
    pub fn delete(&self, session: SessionId) -> Result<()> {
        for sql in [
            "DELETE FROM outbox WHERE session = ?1",
            "DELETE FROM messages WHERE session = ?1",
            "DELETE FROM events WHERE session = ?1",
            "DELETE FROM chats WHERE session = ?1",
            "DELETE FROM contacts WHERE session = ?1",
            "DELETE FROM groups WHERE session = ?1",
            "DELETE FROM calls WHERE session = ?1",
            "DELETE FROM annotations WHERE session = ?1",
            "DELETE FROM message_totals WHERE session = ?1",
            "DELETE FROM message_hours WHERE session = ?1",
            "DELETE FROM device_keys WHERE session = ?1",
            "DELETE FROM session_tokens WHERE session = ?1",
            "DELETE FROM sending WHERE session = ?1",
            "DELETE FROM sends WHERE session = ?1",
            "DELETE FROM timers WHERE session = ?1",
            "DELETE FROM deliveries WHERE session = ?1",
            "DELETE FROM webhooks WHERE session = ?1",
            "DELETE FROM suppressions WHERE session = ?1",
            "UPDATE campaign_recipients
             SET state = 'failed', code = 'session_deleted', error = 'the session was deleted'
             WHERE session = ?1 AND state = 'queued'",
            "DELETE FROM schedule_runs WHERE schedule IN (SELECT id FROM schedules WHERE session = ?1)",
            "DELETE FROM kept_media WHERE keeper IN (SELECT id FROM schedules WHERE session = ?1)",
            "DELETE FROM schedules WHERE session = ?1",
            "DELETE FROM rules WHERE session = ?1",
            "DELETE FROM sessions WHERE id = ?1",
        ] {
            prepare(self.0.conn, sql)?.execute(params![session.as_bytes()])?;
        }
        self.0.kv_mut().delete_of_session(session)
    }
}

fn wanted_word(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Running => "running",
        Wanted::Stopped => "stopped",
    }
}

fn read(row: &Row<'_>) -> Result<Session> {
    let state: String = row.get(2)?;
    let wanted: String = row.get(5)?;
    let account = match parsed_opt(row, 6, "sessions.jid")? {
        Some(jid) => Some(Account {
            jid,
            lid: parsed_opt(row, 7, "sessions.lid")?,
            push_name: row.get(8)?,
        }),
        None => None,
    };
    Ok(Session {
        id: SessionId::from_bytes(id_bytes(row, 0, "sessions.id")?),
        name: parsed::<SessionName>(row, 1, "sessions.name")?,
        state: SessionState::parse(&state)
            .ok_or_else(|| Error::corrupt("sessions.state", &state))?,
        reason: row.get(3)?,
        changed_at: Timestamp::from_millis(row.get(4)?),
        wanted: if wanted == "running" {
            Wanted::Running
        } else {
            Wanted::Stopped
        },
        account,
        owner: id_bytes_opt(row, 10, "sessions.owner")?.map(UserId::from_bytes),
        created_at: Timestamp::from_millis(row.get(9)?),
        engine: parsed(row, 11, "sessions.engine")?,
    })
}
