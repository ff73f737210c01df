//! What the host knows of one generation of an extension, whatever it is made of.

use std::path::PathBuf;
use std::sync::Arc;

use warbler_domain::extension::Grants;
use warbler_domain::session::Called;
use warbler_domain::{Event, ExtensionName, Generation};

use crate::effects::Rate;
use crate::filter::Filter;
use crate::fixture::Rehearsal;
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
    /// Whose its key-value space is.
    pub(crate) kv: KvSpace,
    /// How many messages it has sent lately.
    pub(crate) rate: Arc<Rate>,
    /// The `[config]` table as a JSON object.
    pub(crate) config: Arc<str>,
    /// What stands in the place of the outside while a fixture is run.
    pub(crate) rehearsal: Option<Arc<Rehearsal>>,
}

/// Whose a key-value space is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum KvSpace {
    /// The extension's: one for all sessions.
    #[default]
    Plugin,
    /// One for each session, which none of the others sees.
    Session,
}

impl Profile {
    /// Whether an event is for this extension, as far as the event alone says it.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        match event.addressee() {
            Some(name) => *name == self.name,
            None => self.filter.admits(event),
        }
    }

    /// Whether it is given the events of this session.
    pub(crate) fn admits_session(&self, session: Called<'_>) -> bool {
        let sessions = self.grants.sessions.as_ref();
        sessions.is_none_or(|written| session.is_among(written))
    }

    /// Why an event of this session is not for this extension; nothing when it is.
    pub(crate) fn why_not(&self, event: &Event, session: Called<'_>) -> Option<String> {
        if !self.admits_session(session) {
            let asked = &self.filter.sessions;
            if !asked.is_empty() && !session.is_among(asked) {
                return Some(format!("its filter `sessions` does not name \"{session}\""));
            }
            let name = &self.name;
            return Some(format!(
                "it is not granted the events of \"{session}\": add \"{session}\" to `sessions` under \
                 [extensions.grants.\"{name}\"] in warbler.toml"
            ));
        }
        match event.addressee() {
            Some(name) if *name == self.name => None,
            Some(name) => Some(format!("it is for `{name}` alone")),
            None => self.filter.why_not(event),
        }
    }
}
