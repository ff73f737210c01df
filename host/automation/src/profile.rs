//! What the host knows of one generation of an extension, whatever it is made of.

use std::path::PathBuf;

use warbler_domain::extension::Grants;
use warbler_domain::{ExtensionName, Generation};

use crate::filter::Filter;

/// Name, place and rights of one generation.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) name: ExtensionName,
    pub(crate) generation: Generation,
    /// The file to look into when something is wrong.
    pub(crate) file: PathBuf,
    pub(crate) order: i32,
    pub(crate) filter: Filter,
    /// What holds: asked for and granted.
    pub(crate) grants: Grants,
    /// The `[config]` table as a JSON object.
    pub(crate) config: String,
}
