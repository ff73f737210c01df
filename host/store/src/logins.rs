//! Logins of users, and the refresh tokens each has had.

use rusqlite::params;
use warbler_domain::{LoginId, Timestamp, User, UserId};

use crate::rows::{collect, first, id_bytes, prepare};
use crate::{Reader, Result, Writer};

/// A user logged in once, until it logs out or the time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// Its id.
    pub id: LoginId,
    /// Who.
    pub user: UserId,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when at most.
    pub expires_at: Timestamp,
}

/// A refresh token as it was found by its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// The login it stands for.
    pub login: Login,
    /// Whether it has been used before.
    pub used: bool,
}

/// Reading half.
pub struct Logins<'a>(&'a Reader<'a>);

/// Writing half.
pub struct LoginsMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Logins.
    pub fn logins(&'a self) -> Logins<'a> {
        Logins(self)
    }

    /// A secret of the host itself.
    pub fn host_secret(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT value FROM host_secrets WHERE name = ?1";
        first(&mut prepare(self.conn, sql)?, params![name], |row| {
            Ok(row.get(0)?)
        })
    }
}

impl<'a> Writer<'a> {
    /// Logins, to change.
    pub fn logins_mut(&'a self) -> LoginsMut<'a> {
        LoginsMut(self)
    }

    /// Keeps a secret of the host itself, unless there is one; the one there is then.
    pub fn keep_host_secret(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        let sql = "INSERT INTO host_secrets (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        prepare(self.conn, sql)?.execute(params![name, value])?;
        Ok(self.host_secret(name)?.unwrap_or_else(|| value.to_vec()))
    }
}

impl Logins<'_> {
    /// Who has this login, if it holds at `now` and its user may log in.
    pub fn user_of(&self, id: LoginId, now: Timestamp) -> Result<Option<User>> {
        let sql = "SELECT user FROM logins WHERE id = ?1 AND expires_at > ?2";
        let params = params![id.as_bytes(), now.as_millis()];
        let user = first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(UserId::from_bytes(id_bytes(row, 0, "logins.user")?))
        })?;
        let found = match user {
            Some(user) => self.0.users().get(user)?,
            None => None,
        };
        Ok(found.filter(|user| user.disabled_at.is_none()))
    }

    /// A login, whether it holds or not.
    pub fn get(&self, id: LoginId) -> Result<Option<Login>> {
        let sql = "SELECT id, user, created_at, expires_at FROM logins WHERE id = ?1";
        let params = params![id.as_bytes()];
        first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(Login {
                id: LoginId::from_bytes(id_bytes(row, 0, "logins.id")?),
                user: UserId::from_bytes(id_bytes(row, 1, "logins.user")?),
                created_at: Timestamp::from_millis(row.get(2)?),
                expires_at: Timestamp::from_millis(row.get(3)?),
            })
        })
    }

    /// The refresh token whose secret has this SHA-256.
    pub fn refresh_token(&self, digest: &[u8; 32]) -> Result<Option<RefreshToken>> {
        let sql = "SELECT l.id, l.user, l.created_at, l.expires_at, t.used_at IS NOT NULL
                   FROM refresh_tokens t JOIN logins l ON l.id = t.login WHERE t.digest = ?1";
        first(&mut prepare(self.0.conn, sql)?, params![digest], |row| {
            let login = Login {
                id: LoginId::from_bytes(id_bytes(row, 0, "logins.id")?),
                user: UserId::from_bytes(id_bytes(row, 1, "logins.user")?),
                created_at: Timestamp::from_millis(row.get(2)?),
                expires_at: Timestamp::from_millis(row.get(3)?),
            };
            let used: bool = row.get(4)?;
            Ok(RefreshToken { login, used })
        })
    }
}

impl LoginsMut<'_> {
    /// Notes a login.
    pub fn insert(&self, login: &Login) -> Result<()> {
        let sql = "INSERT INTO logins (id, user, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)";
        prepare(self.0.conn, sql)?.execute(params![
            login.id.as_bytes(),
            login.user.as_bytes(),
            login.created_at.as_millis(),
            login.expires_at.as_millis(),
        ])?;
        Ok(())
    }

    /// Adds the refresh token of a login.
    pub fn add_token(&self, login: LoginId, digest: &[u8; 32]) -> Result<()> {
        let sql = "INSERT INTO refresh_tokens (digest, login) VALUES (?1, ?2)";
        prepare(self.0.conn, sql)?.execute(params![digest, login.as_bytes()])?;
        Ok(())
    }

    /// Notes that a refresh token was used; `false` when it had been used before.
    pub fn use_token(&self, digest: &[u8; 32], at: Timestamp) -> Result<bool> {
        let sql = "UPDATE refresh_tokens SET used_at = ?2 WHERE digest = ?1 AND used_at IS NULL";
        Ok(prepare(self.0.conn, sql)?.execute(params![digest, at.as_millis()])? > 0)
    }

    /// Ends a login and all its tokens; `false` when it had ended before.
    pub fn end(&self, id: LoginId) -> Result<bool> {
        let sql = "DELETE FROM refresh_tokens WHERE login = ?1";
        prepare(self.0.conn, sql)?.execute(params![id.as_bytes()])?;
        let sql = "DELETE FROM logins WHERE id = ?1";
        Ok(prepare(self.0.conn, sql)?.execute(params![id.as_bytes()])? > 0)
    }

    /// Ends all logins of a user, but `except`.
    pub fn end_of(&self, user: UserId, except: Option<LoginId>) -> Result<()> {
        let sql = "SELECT id FROM logins WHERE user = ?1";
        let params = params![user.as_bytes()];
        let ids = collect(&mut prepare(self.0.conn, sql)?, params, read_id)?;
        for id in ids.into_iter().filter(|id| Some(*id) != except) {
            self.end(id)?;
        }
        Ok(())
    }

    /// Forgets at most `limit` logins whose time was over at `now`; how many there were.
    pub fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64> {
        let sql = "SELECT id FROM logins WHERE expires_at <= ?1 LIMIT ?2";
        let params = params![now.as_millis(), limit];
        let ids = collect(&mut prepare(self.0.conn, sql)?, params, read_id)?;
        let count = ids.len() as u64;
        for id in ids {
            self.end(id)?;
        }
        Ok(count)
    }

    /// Forgets the oldest logins of a user beyond the newest `keep`.
    pub fn keep_newest(&self, user: UserId, keep: u32) -> Result<()> {
        let sql =
            "SELECT id FROM logins WHERE user = ?1 ORDER BY created_at DESC LIMIT -1 OFFSET ?2";
        let params = params![user.as_bytes(), keep];
        for id in collect(&mut prepare(self.0.conn, sql)?, params, read_id)? {
            self.end(id)?;
        }
        Ok(())
    }
}

fn read_id(row: &rusqlite::Row<'_>) -> Result<LoginId> {
    Ok(LoginId::from_bytes(id_bytes(row, 0, "logins.id")?))
}
