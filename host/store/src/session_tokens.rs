//! Tokens of sessions: at most one each, kept as a digest.

use rusqlite::{Row, params};
use warbler_domain::{Scope, Scopes, SessionId, Timestamp};

use crate::rows::{first, id_bytes, parsed, prepare};
use crate::{Reader, Result, Writer};

const COLUMNS: &str = "t.session, t.prefix, t.scope, t.created_at, t.last_used_at";

/// The token of a session, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionToken {
    /// The session it acts for.
    pub session: SessionId,
    /// Its first characters, to recognise it by.
    pub prefix: String,
    /// What it may do with that session.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, give or take a minute.
    pub last_used_at: Option<Timestamp>,
}

/// Reading half.
pub struct SessionTokens<'a>(&'a Reader<'a>);

/// Writing half.
pub struct SessionTokensMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Tokens of sessions.
    pub fn session_tokens(&'a self) -> SessionTokens<'a> {
        SessionTokens(self)
    }
}

impl<'a> Writer<'a> {
    /// Tokens of sessions, to change.
    pub fn session_tokens_mut(&'a self) -> SessionTokensMut<'a> {
        SessionTokensMut(self)
    }
}

impl SessionTokens<'_> {
    /// The token whose secret has this SHA-256; not that of a disabled user's session.
    pub fn by_digest(&self, digest: &[u8; 32]) -> Result<Option<SessionToken>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM session_tokens t JOIN sessions s ON s.id = t.session
             LEFT JOIN users u ON u.id = s.owner
             WHERE t.digest = ?1 AND u.disabled_at IS NULL"
        );
        first(&mut prepare(self.0.conn, &sql)?, params![digest], read)
    }

    /// The token of a session.
    pub fn of(&self, session: SessionId) -> Result<Option<SessionToken>> {
        let sql = format!("SELECT {COLUMNS} FROM session_tokens t WHERE t.session = ?1");
        let mut statement = prepare(self.0.conn, &sql)?;
        first(&mut statement, params![session.as_bytes()], read)
    }
}

impl SessionTokensMut<'_> {
    /// Puts a token in the place of the one there was.
    pub fn put(&self, token: &SessionToken, digest: &[u8; 32]) -> Result<()> {
        let sql =
            "INSERT OR REPLACE INTO session_tokens (session, digest, prefix, scope, created_at)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        prepare(self.0.conn, sql)?.execute(params![
            token.session.as_bytes(),
            digest,
            token.prefix,
            token.scopes.highest().as_str(),
            token.created_at.as_millis(),
        ])?;
        Ok(())
    }

    /// Takes the token of a session away; `false` when there was none.
    pub fn delete(&self, session: SessionId) -> Result<bool> {
        let sql = "DELETE FROM session_tokens WHERE session = ?1";
        Ok(prepare(self.0.conn, sql)?.execute(params![session.as_bytes()])? > 0)
    }

    /// Notes when tokens were last used.
    pub fn used(&self, uses: &[(SessionId, Timestamp)]) -> Result<()> {
        let sql = "UPDATE session_tokens SET last_used_at = ?2 WHERE session = ?1";
        let mut statement = prepare(self.0.conn, sql)?;
        for (session, at) in uses {
            statement.execute(params![session.as_bytes(), at.as_millis()])?;
        }
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<SessionToken> {
    let last_used: Option<i64> = row.get(4)?;
    Ok(SessionToken {
        session: SessionId::from_bytes(id_bytes(row, 0, "session_tokens.session")?),
        prefix: row.get(1)?,
        scopes: Scopes::up_to(parsed::<Scope>(row, 2, "session_tokens.scope")?),
        created_at: Timestamp::from_millis(row.get(3)?),
        last_used_at: last_used.map(Timestamp::from_millis),
    })
}
