//! Key material of the WhatsApp engines: named bytes per session and space.
//!
//! What the spaces are and what the bytes mean is the engine's business; this module keeps them
//! in the same file, under the same transactions and the same fsync as everything else.

use rusqlite::params;
use warbler_domain::SessionId;

use crate::rows::{collect, first, prepare};
use crate::{Reader, Result, Writer};

/// One kind of record of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeySpace(pub u8);

/// A record's key and value.
pub type Record = (Vec<u8>, Vec<u8>);

/// Reading half.
pub struct DeviceKeys<'a>(&'a Reader<'a>);

/// Writing half.
pub struct DeviceKeysMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Engine keys.
    pub fn device_keys(&'a self) -> DeviceKeys<'a> {
        DeviceKeys(self)
    }
}

impl<'a> Writer<'a> {
    /// Engine keys, to change.
    pub fn device_keys_mut(&'a self) -> DeviceKeysMut<'a> {
        DeviceKeysMut(self)
    }
}

impl DeviceKeys<'_> {
    /// The value under `key`.
    pub fn get(&self, session: SessionId, space: KeySpace, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT value FROM device_keys WHERE session = ?1 AND space = ?2 AND key = ?3";
        let params = params![session.as_bytes(), space.0, key];
        first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(row.get(0)?)
        })
    }

    /// The records under those of `keys` that exist.
    pub fn get_many(
        &self,
        session: SessionId,
        space: KeySpace,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Record>> {
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(value) = self.get(session, space, key)? {
                found.push((key.clone(), value));
            }
        }
        Ok(found)
    }

    /// All records whose key begins with `prefix`, in the order of their keys.
    pub fn scan(&self, session: SessionId, space: KeySpace, prefix: &[u8]) -> Result<Vec<Record>> {
        let sql = "SELECT key, value FROM device_keys
                   WHERE session = ?1 AND space = ?2 AND key >= ?3 ORDER BY key";
        let mut statement = prepare(self.0.conn, sql)?;
        let mut rows = statement.query(params![session.as_bytes(), space.0, prefix])?;
        let mut found: Vec<Record> = Vec::new();
        while let Some(row) = rows.next()? {
            let key: Vec<u8> = row.get(0)?;
            if !key.starts_with(prefix) {
                break;
            }
            found.push((key, row.get(1)?));
        }
        Ok(found)
    }

    /// The sessions that have a record in `space`.
    pub fn sessions_with(&self, space: KeySpace) -> Result<Vec<SessionId>> {
        let sql = "SELECT DISTINCT session FROM device_keys WHERE space = ?1";
        collect(&mut prepare(self.0.conn, sql)?, params![space.0], |row| {
            crate::rows::id_bytes(row, 0, "device_keys.session").map(SessionId::from_bytes)
        })
    }
}

impl DeviceKeysMut<'_> {
    /// Puts `value` under `key`; `expires_at` is in the engine's own unit, for
    /// [`Self::delete_expired`].
    pub fn put(
        &self,
        session: SessionId,
        space: KeySpace,
        key: &[u8],
        value: &[u8],
        expires_at: Option<i64>,
    ) -> Result<()> {
        let sql = "INSERT INTO device_keys (session, space, key, value, expires_at)
                   VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at";
        let params = params![session.as_bytes(), space.0, key, value, expires_at];
        prepare(self.0.conn, sql)?.execute(params)?;
        Ok(())
    }

    /// Takes a record away; whether it was there.
    pub fn delete(&self, session: SessionId, space: KeySpace, key: &[u8]) -> Result<bool> {
        let sql = "DELETE FROM device_keys WHERE session = ?1 AND space = ?2 AND key = ?3";
        let changed =
            prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), space.0, key])?;
        Ok(changed > 0)
    }

    /// Takes all records of a space away; how many there were.
    pub fn clear(&self, session: SessionId, space: KeySpace) -> Result<u64> {
        let sql = "DELETE FROM device_keys WHERE session = ?1 AND space = ?2";
        Ok(prepare(self.0.conn, sql)?.execute(params![session.as_bytes(), space.0])? as u64)
    }

    /// Takes the records away whose `expires_at` is before `cutoff`; how many there were.
    pub fn delete_expired(&self, session: SessionId, space: KeySpace, cutoff: i64) -> Result<u64> {
        let sql = "DELETE FROM device_keys
                   WHERE session = ?1 AND space = ?2 AND expires_at IS NOT NULL AND expires_at < ?3";
        let params = params![session.as_bytes(), space.0, cutoff];
        Ok(prepare(self.0.conn, sql)?.execute(params)? as u64)
    }

    /// Takes everything of a session away; how many records there were.
    pub fn forget(&self, session: SessionId) -> Result<u64> {
        let sql = "DELETE FROM device_keys WHERE session = ?1";
        Ok(prepare(self.0.conn, sql)?.execute(params![session.as_bytes()])? as u64)
    }
}
