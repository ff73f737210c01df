//! API keys: kept as digests, so that the file gives none away.

use rusqlite::{Row, params};
use warbler_domain::{KeyId, Timestamp};

use crate::rows::{first, id_bytes, prepare};
use crate::{Reader, Result, Writer};

/// One API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its id.
    pub id: KeyId,
    /// What its owner calls it.
    pub name: String,
    /// Its first characters, to recognise it by.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
}

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
    /// The live key whose secret has this SHA-256.
    pub fn by_digest(&self, digest: &[u8; 32]) -> Result<Option<AccessKey>> {
        let sql = "SELECT id, name, prefix, created_at FROM access_keys WHERE digest = ?1 AND revoked_at IS NULL";
        first(&mut prepare(self.0.conn, sql)?, params![digest], read)
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
        let sql = "INSERT INTO access_keys (id, name, prefix, digest, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let params = params![
            key.id.as_bytes(),
            key.name,
            key.prefix,
            digest,
            key.created_at.as_millis()
        ];
        prepare(self.0.conn, sql)?.execute(params)?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<AccessKey> {
    Ok(AccessKey {
        id: KeyId::from_bytes(id_bytes(row, 0, "access_keys.id")?),
        name: row.get(1)?,
        prefix: row.get(2)?,
        created_at: Timestamp::from_millis(row.get(3)?),
    })
}
