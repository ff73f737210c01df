//! What operators grant to extensions at runtime.

use std::collections::BTreeMap;

use rusqlite::params;
use warbler_domain::extension::OperatorGrants;
use warbler_domain::{ExtensionName, Timestamp};

use crate::rows::{collect, first, json, parsed, prepare, to_json};
use crate::{Reader, Result, Writer};

/// Reading half.
pub struct ExtensionGrants<'a>(&'a Reader<'a>);

/// Writing half.
pub struct ExtensionGrantsMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// What is granted at runtime.
    pub fn extension_grants(&'a self) -> ExtensionGrants<'a> {
        ExtensionGrants(self)
    }
}

impl<'a> Writer<'a> {
    /// What is granted at runtime, to change.
    pub fn extension_grants_mut(&'a self) -> ExtensionGrantsMut<'a> {
        ExtensionGrantsMut(self)
    }
}

impl ExtensionGrants<'_> {
    /// To every extension for which something is said.
    pub fn all(&self) -> Result<BTreeMap<ExtensionName, OperatorGrants>> {
        let sql = "SELECT extension, grants FROM extension_grants";
        let rows = collect(&mut prepare(self.0.conn, sql)?, [], |row| {
            let name: ExtensionName = parsed(row, 0, "extension_grants.extension")?;
            Ok((name, json(row, 1, "extension_grants.grants")?))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// To one extension; what says nothing when nothing was said.
    pub fn get(&self, extension: &ExtensionName) -> Result<OperatorGrants> {
        let sql = "SELECT grants FROM extension_grants WHERE extension = ?1";
        let params = params![extension.as_str()];
        let found = first(&mut prepare(self.0.conn, sql)?, params, |row| {
            json(row, 0, "extension_grants.grants")
        })?;
        Ok(found.unwrap_or_default())
    }
}

impl ExtensionGrantsMut<'_> {
    /// Puts `granted` in the place of what was granted at runtime.
    pub fn set(
        &self,
        extension: &ExtensionName,
        granted: &OperatorGrants,
        now: Timestamp,
    ) -> Result<()> {
        if granted.is_silent() {
            let sql = "DELETE FROM extension_grants WHERE extension = ?1";
            prepare(self.0.conn, sql)?.execute(params![extension.as_str()])?;
            return Ok(());
        }
        let sql = "INSERT INTO extension_grants (extension, grants, changed_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET grants = excluded.grants, changed_at = excluded.changed_at";
        let granted = to_json(granted, "extension_grants.grants")?;
        let params = params![extension.as_str(), granted, now.as_millis()];
        prepare(self.0.conn, sql)?.execute(params)?;
        Ok(())
    }
}
