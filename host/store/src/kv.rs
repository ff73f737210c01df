//! The key-value spaces of extensions.

use rusqlite::params;
use warbler_domain::{ExtensionName, SessionId, Timestamp};

use crate::rows::{collect, first, parsed, prepare};
use crate::{Reader, Result, Writer};

/// One change an extension asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KvWrite {
    /// Put a value.
    Set {
        /// Where.
        key: String,
        /// What.
        value: Vec<u8>,
        /// Until when; for ever when absent.
        expires_at: Option<Timestamp>,
    },
    /// Take a value away.
    Delete {
        /// Where.
        key: String,
    },
    /// Add to a whole number kept as decimal text; absent counts as 0.
    Increment {
        /// Where.
        key: String,
        /// How much.
        by: i64,
    },
}

impl KvWrite {
    /// Where.
    pub fn key_mut(&mut self) -> &mut String {
        match self {
            Self::Set { key, .. } | Self::Delete { key } | Self::Increment { key, .. } => key,
        }
    }
}

/// What stands before every key of a space that belongs to one session alone.
pub fn part_of(session: SessionId) -> String {
    format!("\u{1}{session}\u{1}")
}

/// Reading half.
pub struct Kv<'a>(&'a Reader<'a>);

/// Writing half.
pub struct KvMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Extensions' values.
    pub fn kv(&'a self) -> Kv<'a> {
        Kv(self)
    }
}

impl<'a> Writer<'a> {
    /// Extensions' values, to change.
    pub fn kv_mut(&'a self) -> KvMut<'a> {
        KvMut(self)
    }
}

impl Kv<'_> {
    /// The value under `key`, unless it has expired.
    pub fn get(
        &self,
        extension: &ExtensionName,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT value FROM kv WHERE extension = ?1 AND key = ?2
                   AND (expires_at IS NULL OR expires_at > ?3)";
        let params = params![extension.as_str(), key, now.as_millis()];
        first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(row.get(0)?)
        })
    }

    /// The keys that begin with `prefix` and come after `after`, in the order of their bytes.
    pub fn list(
        &self,
        extension: &ExtensionName,
        prefix: &str,
        after: &str,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<String>> {
        let sql = "SELECT key FROM kv WHERE extension = ?1 AND key >= ?2 AND key > ?3
                   AND substr(key, 1, length(?2)) = ?2
                   AND (expires_at IS NULL OR expires_at > ?4) ORDER BY key LIMIT ?5";
        let params = params![extension.as_str(), prefix, after, now.as_millis(), limit];
        collect(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(row.get(0)?)
        })
    }

    /// What `take` makes of the values of a session whose keys begin with `prefix`, of all
    /// extensions, at most `most`: the extension, the key without what stands before it, and that.
    pub fn of_session<T>(
        &self,
        session: SessionId,
        prefix: &str,
        now: Timestamp,
        most: usize,
        take: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Vec<(ExtensionName, String, T)>> {
        let sql = "SELECT extension, substr(key, length(?1) + 1), value FROM kv
                   WHERE substr(key, 1, length(?1)) = ?1
                   AND (expires_at IS NULL OR expires_at > ?2) ORDER BY extension, key";
        let begins = format!("{}{prefix}", part_of(session));
        let mut statement = prepare(self.0.conn, sql)?;
        let mut rows = statement.query(params![begins, now.as_millis()])?;
        let mut found = Vec::new();
        while found.len() < most
            && let Some(row) = rows.next()?
        {
            let value: Vec<u8> = row.get(2)?;
            if let Some(taken) = take(&value) {
                found.push((parsed(row, 0, "kv.extension")?, row.get(1)?, taken));
            }
        }
        Ok(found)
    }

    /// Size of all keys that begin with `part`, and of their values, of an extension, in bytes.
    pub fn used_bytes(&self, extension: &ExtensionName, part: &str) -> Result<u64> {
        let sql = "SELECT coalesce(sum(length(CAST(key AS BLOB)) + length(value)), 0) FROM kv
                   WHERE extension = ?1 AND key >= ?2 AND substr(key, 1, length(?2)) = ?2";
        let sum: Option<i64> = first(
            &mut prepare(self.0.conn, sql)?,
            params![extension.as_str(), part],
            |row| Ok(row.get(0)?),
        )?;
        Ok(sum.and_then(|sum| u64::try_from(sum).ok()).unwrap_or(0))
    }
}

impl KvMut<'_> {
    /// Carries out `writes` in order.
    pub fn apply(
        &self,
        extension: &ExtensionName,
        writes: &[KvWrite],
        now: Timestamp,
    ) -> Result<()> {
        for write in writes {
            match write {
                KvWrite::Set {
                    key,
                    value,
                    expires_at,
                } => self.set(extension, key, value, *expires_at)?,
                KvWrite::Delete { key } => {
                    let sql = "DELETE FROM kv WHERE extension = ?1 AND key = ?2";
                    prepare(self.0.conn, sql)?.execute(params![extension.as_str(), key])?;
                }
                KvWrite::Increment { key, by } => {
                    let stored = self.0.kv().get(extension, key, now)?;
                    let number = stored
                        .and_then(|bytes| String::from_utf8(bytes).ok())
                        .and_then(|text| text.parse::<i64>().ok())
                        .unwrap_or(0);
                    let sum = number.saturating_add(*by).to_string();
                    self.set(extension, key, sum.as_bytes(), None)?;
                }
            }
        }
        Ok(())
    }

    /// Takes what belongs to this session alone away, of all extensions.
    pub fn delete_of_session(&self, session: SessionId) -> Result<()> {
        let sql = "DELETE FROM kv WHERE substr(key, 1, length(?1)) = ?1";
        prepare(self.0.conn, sql)?.execute(params![part_of(session)])?;
        Ok(())
    }

    /// Takes expired values away; how many there were.
    pub fn delete_expired(&self, now: Timestamp) -> Result<u64> {
        let sql = "DELETE FROM kv WHERE expires_at IS NOT NULL AND expires_at <= ?1";
        Ok(prepare(self.0.conn, sql)?.execute(params![now.as_millis()])? as u64)
    }

    fn set(
        &self,
        extension: &ExtensionName,
        key: &str,
        value: &[u8],
        expires_at: Option<Timestamp>,
    ) -> Result<()> {
        let sql = "INSERT INTO kv (extension, key, value, expires_at) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at";
        let expires_at = expires_at.map(Timestamp::as_millis);
        prepare(self.0.conn, sql)?.execute(params![extension.as_str(), key, value, expires_at])?;
        Ok(())
    }
}
