//! `[data]`: what survives a restart.

use std::path::PathBuf;

use serde::Deserialize;

/// What survives a restart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The folder it is in.
    pub dir: PathBuf,
    max_database_mib: u32,
}

impl Data {
    /// Largest size of the database, in bytes; nothing for as large as the disk allows.
    pub fn max_database(&self) -> Option<u64> {
        let mib = u64::from(self.max_database_mib);
        (mib > 0).then_some(mib * 1024 * 1024)
    }
}
