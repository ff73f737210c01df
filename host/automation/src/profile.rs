//! What the host knows of one generation of an extension, whatever it is made of.

use std::path::PathBuf;
use std::sync::Arc;

use warbler_domain::extension::Grants;
use warbler_domain::{Event, ExtensionName, Generation};

use crate::filter::Filter;
use crate::secrets::Secrets;

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
    /// What is asked for and not granted.
    pub(crate) withheld: Grants,
    /// Those secrets that are granted.
    pub(crate) secrets: Secrets,
    /// The `[config]` table as a JSON object.
    pub(crate) config: Arc<str>,
}

impl Profile {
    /// Whether an event is for this extension, as far as the event alone says it.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        match event.addressee() {
            Some(name) => *name == self.name,
            None => self.filter.admits(event),
        }
    }
}
