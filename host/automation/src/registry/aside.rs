//! Versions of an extension to be called for nothing: beside what runs, and reaching nobody.

use std::path::PathBuf;
use std::sync::Arc;

use warbler_app::hook::{EventHook, Versions};
use warbler_domain::ExtensionName;
use warbler_domain::extension::ExtensionFault;

use super::loader::{Loader, Running};
use super::sources::Package;
use super::table::Table;
use crate::effects::Rate;
use crate::fault::Fault;
use crate::fixture::{Rehearsal, Subject};
use crate::health::Health;

impl Table {
    /// Where the files of an extension are, so that they are read again.
    pub(crate) fn paths(&self, name: &ExtensionName) -> Vec<PathBuf> {
        self.named(name).map(|(path, _)| path.clone()).collect()
    }

    /// What runs and the newer version in `newest` that does not; else the version before and what
    /// runs.
    pub(crate) async fn versions(&self, name: &ExtensionName, newest: Option<Package>) -> Versions {
        let Some((_, entry)) = self.named(name).next() else {
            return Versions::default();
        };
        let loader = self.loader();
        let running = entry.running().cloned();
        let runs = running
            .as_ref()
            .map(|running| running.profile.generation.clone());
        let newer = newest.filter(|package| Some(package.generation()) != runs);
        let (before, after) = match newer {
            Some(mut package) => {
                // What its fixtures say is for the time when it is to run.
                package.fixtures.clear();
                let loaded = loader.beside(entry.kind(), name, package).await;
                (running, loaded.map(Some))
            }
            None => (loader.before(entry.kind(), name).await, Ok(running)),
        };
        let dated = |fault: Fault| fault.dated(loader.now());
        let mut fault: Option<ExtensionFault> = None;
        let after = match after {
            Ok(Some(running)) => aside(loader, &running)
                .map_err(|found| fault = Some(dated(found)))
                .ok(),
            Ok(None) => None,
            Err(found) => {
                fault = Some(dated(found));
                None
            }
        };
        Versions {
            // One that ran can be parsed again.
            before: before.and_then(|running| aside(loader, &running).ok()),
            after,
            fault,
        }
    }
}

/// The same version with nothing around it: no network, no rate, no instance of before, and nobody
/// who notes how it does.
fn aside(loader: &Loader, running: &Running) -> Result<Arc<dyn EventHook>, Fault> {
    let mut profile = (*running.profile).clone();
    profile.rehearsal = Some(Arc::new(Rehearsal::silent(loader.now())));
    profile.rate = Arc::new(Rate::default());
    profile.grants.warm = false;
    let profile = Arc::new(profile);
    let health: Arc<Health> = loader.health(&profile.name);
    Ok(match &running.subject {
        Subject::Plugin(plugin) => Arc::new(plugin.rehearsing(profile, health)),
        Subject::Script(script) => Arc::new(script.rehearsing(profile, health)?),
    })
}
