//! `[data]`: what survives a restart.

use std::path::PathBuf;

use serde::Deserialize;

/// What survives a restart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The folder it is in.
    pub dir: PathBuf,
}
