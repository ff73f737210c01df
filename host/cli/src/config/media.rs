//! `[media]`: pictures and files.

use serde::Deserialize;

/// Pictures and files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    max_mib: u16,
}

impl Media {
    /// Largest medium, in bytes.
    pub fn max_bytes(&self) -> usize {
        usize::from(self.max_mib.max(1)) * 1024 * 1024
    }
}
