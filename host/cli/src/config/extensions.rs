//! `[extensions]`: plugins and scripts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use warbler_domain::ExtensionName;
use warbler_domain::extension::Grants;

/// Plugins and scripts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extensions {
    /// Folders with plugins.
    pub plugins: Vec<PathBuf>,
    /// Folders with scripts.
    pub scripts: Vec<PathBuf>,
    /// What extensions may do beyond the default, by name.
    pub grants: BTreeMap<ExtensionName, Grants>,
}
