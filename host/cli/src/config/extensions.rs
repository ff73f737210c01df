//! `[extensions]`: plugins and scripts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use warbler_domain::extension::OperatorGrants;
use warbler_domain::{ExtensionName, Secret};

/// Plugins and scripts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extensions {
    /// Folders with plugins.
    pub plugins: Vec<PathBuf>,
    /// Folders with scripts.
    pub scripts: Vec<PathBuf>,
    /// What extensions may do beyond the default, by name.
    pub grants: BTreeMap<ExtensionName, OperatorGrants>,
    /// The secrets that extensions may be granted, by name.
    #[serde(deserialize_with = "secrets")]
    pub secrets: BTreeMap<String, Secret>,
}

fn secrets<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Secret>, D::Error> {
    let written = BTreeMap::<String, String>::deserialize(from)?;
    let secrets = written.into_iter();
    Ok(secrets
        .map(|(name, text)| (name, Secret::new(text)))
        .collect())
}
