//! API keys: kept as digests, so that the file gives none away.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::{Row, params};
use warbler_domain::{KeyId, Realm, Role, Scope, Scopes, SessionId, Timestamp, UserId};

use crate::rows::{
    collect, first, id_bytes, id_bytes_opt, json, parsed, parsed_opt, prepare, to_json,
};
use crate::{Reader, Result, Writer};

const COLUMNS: &str = "k.id, k.name, k.prefix, k.scope, k.sessions, k.owner, k.created_at,
                       k.expires_at, k.last_used_at, k.realm";

/// One API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its id.
    pub id: KeyId,
    /// What its owner calls it.
    pub name: String,
    /// Its first characters, to recognise it by.
    pub prefix: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The sessions it is for; nothing when it is not limited to some.
    pub sessions: Option<Arc<BTreeSet<SessionId>>>,
    /// The user it acts for.
    pub owner: Option<UserId>,
    /// Where it is good.
    pub realm: Realm,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, give or take a minute.
    pub last_used_at: Option<Timestamp>,
}

/// A key as it was found by its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundKey {
    /// The key.
    pub key: AccessKey,
    /// What its owner is here now.
    pub owner_role: Option<Role>,
}

/// A key that is for one session alone: with its session and, where it is kept, its secret, encrypted.
pub type SessionKey = (KeyId, SessionId, Option<Vec<u8>>);

/// Reading half.
pub struct AccessKeys<'a>(&'a Reader<'a>);

/// Writing half.
pub struct AccessKeysMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// API keys.
    pub fn access_keys(&'a self) -> AccessKeys<'a> {
        AccessKeys(self)
    }
}

impl<'a> Writer<'a> {
    /// API keys, to change.
    pub fn access_keys_mut(&'a self) -> AccessKeysMut<'a> {
        AccessKeysMut(self)
    }
}

impl AccessKeys<'_> {
    /// The live key whose secret has this SHA-256; not the key of a disabled user.
    pub fn by_digest(&self, digest: &[u8; 32], now: Timestamp) -> Result<Option<FoundKey>> {
        let sql = format!(
            "SELECT {COLUMNS}, u.role FROM access_keys k LEFT JOIN users u ON u.id = k.owner
             WHERE k.digest = ?1 AND k.revoked_at IS NULL
               AND (k.expires_at IS NULL OR k.expires_at > ?2)
               AND (k.owner IS NULL OR (u.id IS NOT NULL AND u.disabled_at IS NULL))"
        );
        let params = params![digest, now.as_millis()];
        first(&mut prepare(self.0.conn, &sql)?, params, |row| {
            Ok(FoundKey {
                key: read(row)?,
                owner_role: parsed_opt(row, 10, "users.role")?,
            })
        })
    }

    /// One live key.
    pub fn get(&self, id: KeyId) -> Result<Option<AccessKey>> {
        let sql =
            format!("SELECT {COLUMNS} FROM access_keys k WHERE k.id = ?1 AND k.revoked_at IS NULL");
        first(
            &mut prepare(self.0.conn, &sql)?,
            params![id.as_bytes()],
            read,
        )
    }

    /// The live keys, the oldest first: of one user, or all.
    pub fn list(&self, owner: Option<UserId>) -> Result<Vec<AccessKey>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM access_keys k
             WHERE k.revoked_at IS NULL AND (?1 IS NULL OR k.owner = ?1) ORDER BY k.id"
        );
        let owner = owner.as_ref().map(UserId::as_bytes);
        collect(&mut prepare(self.0.conn, &sql)?, params![owner], read)
    }

    /// The newest live key of a user in a realm whose secret is kept, and that, encrypted.
    pub fn sealed(&self, owner: UserId, realm: Realm) -> Result<Option<(KeyId, Vec<u8>)>> {
        let sql = "SELECT id, sealed FROM access_keys
                   WHERE owner = ?1 AND realm = ?2 AND revoked_at IS NULL AND sealed IS NOT NULL
                   ORDER BY id DESC LIMIT 1";
        let params = params![owner.as_bytes(), realm.as_str()];
        first(&mut prepare(self.0.conn, sql)?, params, |row| {
            let id = KeyId::from_bytes(id_bytes(row, 0, "access_keys.id")?);
            Ok((id, row.get(1)?))
        })
    }

    /// The live keys of a realm that are for one session alone, the oldest first.
    pub fn of_sessions(&self, realm: Realm) -> Result<Vec<SessionKey>> {
        let sql = "SELECT id, sessions, sealed FROM access_keys
                   WHERE realm = ?1 AND revoked_at IS NULL AND sessions IS NOT NULL ORDER BY id";
        let mut statement = prepare(self.0.conn, sql)?;
        let found = collect(&mut statement, params![realm.as_str()], |row| {
            let id = KeyId::from_bytes(id_bytes(row, 0, "access_keys.id")?);
            let sessions: BTreeSet<SessionId> = json(row, 1, "access_keys.sessions")?;
            let sealed: Option<Vec<u8>> = row.get(2)?;
            let mut sessions = sessions.into_iter();
            Ok(match (sessions.next(), sessions.next()) {
                (Some(session), None) => Some((id, session, sealed)),
                _ => None,
            })
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    /// How many live keys there are.
    pub fn count(&self) -> Result<u64> {
        let sql = "SELECT count(*) FROM access_keys WHERE revoked_at IS NULL";
        let count: Option<i64> = first(&mut prepare(self.0.conn, sql)?, [], |row| Ok(row.get(0)?))?;
        Ok(count
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(0))
    }
}

impl AccessKeysMut<'_> {
    /// Adds a key.
    pub fn insert(&self, key: &AccessKey, digest: &[u8; 32]) -> Result<()> {
        let sql = "INSERT INTO access_keys
                       (id, name, prefix, digest, created_at, scope, sessions, owner, expires_at,
                        realm)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let sessions = key.sessions.as_deref();
        let params = params![
            key.id.as_bytes(),
            key.name,
            key.prefix,
            digest,
            key.created_at.as_millis(),
            key.scopes.highest().as_str(),
            sessions
                .map(|sessions| to_json(sessions, "access_keys.sessions"))
                .transpose()?,
            key.owner.as_ref().map(UserId::as_bytes),
            key.expires_at.map(Timestamp::as_millis),
            key.realm.as_str(),
        ];
        prepare(self.0.conn, sql)?.execute(params)?;
        Ok(())
    }

    /// Keeps the secret of a key, encrypted.
    pub fn seal(&self, id: KeyId, sealed: &[u8]) -> Result<()> {
        let sql = "UPDATE access_keys SET sealed = ?2 WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), sealed])?;
        Ok(())
    }

    /// Ends the keys of a user in a realm whose secrets are kept.
    pub fn revoke_sealed(&self, owner: UserId, realm: Realm, at: Timestamp) -> Result<()> {
        let sql = "UPDATE access_keys SET revoked_at = ?3, sealed = NULL
                   WHERE owner = ?1 AND realm = ?2 AND revoked_at IS NULL AND sealed IS NOT NULL";
        let params = params![owner.as_bytes(), realm.as_str(), at.as_millis()];
        prepare(self.0.conn, sql)?.execute(params)?;
        Ok(())
    }

    /// Ends the keys that are for this session alone.
    pub fn revoke_of_session(&self, session: SessionId, at: Timestamp) -> Result<()> {
        let sql = "UPDATE access_keys SET revoked_at = ?2, sealed = NULL
                   WHERE sessions = ?1 AND revoked_at IS NULL";
        let only = to_json(&BTreeSet::from([session]), "access_keys.sessions")?;
        prepare(self.0.conn, sql)?.execute(params![only, at.as_millis()])?;
        Ok(())
    }

    /// Gives a key another name.
    pub fn rename(&self, id: KeyId, name: &str) -> Result<()> {
        let sql = "UPDATE access_keys SET name = ?2 WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), name])?;
        Ok(())
    }

    /// Ends a key; `false` when it had ended before.
    pub fn revoke(&self, id: KeyId, at: Timestamp) -> Result<bool> {
        let sql = "UPDATE access_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
        let changed = prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), at.as_millis()])?;
        Ok(changed > 0)
    }

    /// Takes back the end of the key with this secret, and every limit on it; `false` when there
    /// is none.
    pub fn restore_as_admin(&self, digest: &[u8; 32]) -> Result<bool> {
        let sql = "UPDATE access_keys
                   SET revoked_at = NULL, scope = 'admin', sessions = NULL, owner = NULL,
                       expires_at = NULL, realm = 'native', sealed = NULL
                   WHERE digest = ?1";
        Ok(prepare(self.0.conn, sql)?.execute(params![digest])? > 0)
    }

    /// Ends all keys of a user.
    pub fn revoke_of(&self, owner: UserId, at: Timestamp) -> Result<()> {
        let sql = "UPDATE access_keys SET revoked_at = ?2 WHERE owner = ?1 AND revoked_at IS NULL";
        prepare(self.0.conn, sql)?.execute(params![owner.as_bytes(), at.as_millis()])?;
        Ok(())
    }

    /// Notes when keys were last used.
    pub fn used(&self, uses: &[(KeyId, Timestamp)]) -> Result<()> {
        let sql = "UPDATE access_keys SET last_used_at = ?2 WHERE id = ?1";
        let mut statement = prepare(self.0.conn, sql)?;
        for (id, at) in uses {
            statement.execute(params![id.as_bytes(), at.as_millis()])?;
        }
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<AccessKey> {
    let sessions: Option<String> = row.get(4)?;
    let sessions: Option<BTreeSet<SessionId>> = match sessions {
        Some(_) => Some(json(row, 4, "access_keys.sessions")?),
        None => None,
    };
    let time = |column| -> Result<Option<Timestamp>> {
        let millis: Option<i64> = row.get(column)?;
        Ok(millis.map(Timestamp::from_millis))
    };
    Ok(AccessKey {
        id: KeyId::from_bytes(id_bytes(row, 0, "access_keys.id")?),
        name: row.get(1)?,
        prefix: row.get(2)?,
        scopes: Scopes::up_to(parsed::<Scope>(row, 3, "access_keys.scope")?),
        sessions: sessions.map(Arc::new),
        owner: id_bytes_opt(row, 5, "access_keys.owner")?.map(UserId::from_bytes),
        created_at: Timestamp::from_millis(row.get(6)?),
        expires_at: time(7)?,
        last_used_at: time(8)?,
        realm: parsed(row, 9, "access_keys.realm")?,
    })
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, Result};
    use rusqlite::{Connection, params};
    use warbler_domain::{KeyId, Random, Scope, Scopes, Timestamp};

    use crate::{Store, StoreOptions};

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[tokio::test]
    async fn a_key_from_before_scopes_is_an_admin_key() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("warbler.db");
        let old = Connection::open(&path)?;
        old.execute_batch(include_str!("../migrations/0001_spine.sql"))?;
        let (id, digest) = (KeyId::new(NOW, &Random::seeded(1)), [7u8; 32]);
        old.execute(
            "INSERT INTO access_keys (id, name, prefix, digest, created_at) VALUES (?1, 'admin', 'wbl_x', ?2, 1)",
            params![id.as_bytes(), digest],
        )?;
        old.pragma_update(None, "user_version", 1)?;
        drop(old);
        let store = Store::open(&StoreOptions::new(&path))?;
        let found = store.read(move |db| db.access_keys().by_digest(&digest, NOW));
        let key = found.await?.context("the old key")?.key;
        assert_eq!((key.id, key.scopes), (id, Scopes::up_to(Scope::Admin)));
        assert_eq!(
            (key.sessions, key.owner, key.expires_at),
            (None, None, None)
        );
        assert_eq!(key.realm, warbler_domain::Realm::Native);
        Ok(())
    }
}
