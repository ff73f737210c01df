//! What is known of each extension, and how a look at the folders changes it.
//!
//! An extension goes from absent to active, from active to last-good when its file breaks, and
//! back; a version that was tried and failed is not tried again until its bytes change.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use warbler_app::hook::EventHook;
use warbler_domain::extension::{
    ExtensionFault, ExtensionKind, ExtensionState, ExtensionStatus, Grants,
};
use warbler_domain::{Clock, ExtensionName, Generation, Timestamp};

use super::sources::{Content, Found, Package, Scan};
use super::{LastGood, Notice, NoticeKind, RegistryConfig, Snapshot};
use crate::fault::Fault;
use crate::manifest::{self, DEFAULT_ORDER, Manifest};
use crate::profile::Profile;
use crate::script::ScriptEngine;
use crate::wasm::PluginEngine;

/// The two engines.
#[derive(Clone)]
pub(crate) struct Engines {
    pub(crate) plugins: Arc<PluginEngine>,
    pub(crate) scripts: Arc<ScriptEngine>,
}

/// All extensions, by the path they are loaded from.
pub(crate) struct Table {
    entries: BTreeMap<PathBuf, Entry>,
    engines: Engines,
    last_good: LastGood,
    grants: BTreeMap<ExtensionName, Grants>,
    default_grants: Grants,
    clock: Arc<dyn Clock>,
}

struct Entry {
    kind: ExtensionKind,
    name: ExtensionName,
    /// The newest version looked at, whether it runs or not.
    tried: Generation,
    running: Option<Running>,
    /// Why the newest version does not run.
    fault: Option<ExtensionFault>,
    /// Not there at the last look; one that is missing twice is gone.
    missing: bool,
}

#[derive(Clone)]
struct Running {
    hook: Arc<dyn EventHook>,
    order: i32,
    events: Vec<String>,
    loaded_at: Timestamp,
}

/// A version that has just been loaded.
struct Loaded {
    running: Running,
    warnings: Vec<String>,
}

/// What one look changed.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) notices: Vec<Notice>,
    /// Something is missing that may come back; look again soon.
    pub(crate) unsettled: bool,
}

impl Table {
    pub(crate) fn new(config: &RegistryConfig, engines: Engines, last_good: LastGood) -> Self {
        Self {
            entries: BTreeMap::new(),
            engines,
            last_good,
            grants: config.grants.clone(),
            default_grants: config.default_grants,
            clock: Arc::clone(&config.clock),
        }
    }

    /// Brings the table up to what was found. `publish` is called whenever something new holds.
    pub(crate) async fn apply(&mut self, scan: Scan, mut publish: impl FnMut(Snapshot)) -> Changes {
        let began = Instant::now();
        let mut changes = Changes::default();
        let present: HashSet<PathBuf> = scan.found.iter().map(|found| found.path.clone()).collect();
        self.remove_missing(&present, &scan.unreadable, began, &mut changes)
            .await;
        for found in scan.found {
            if let Some(notice) = self.look_at(found, began).await {
                publish(self.snapshot());
                changes.notices.push(notice);
            }
        }
        publish(self.snapshot());
        changes
    }

    async fn remove_missing(
        &mut self,
        present: &HashSet<PathBuf>,
        unreadable: &[PathBuf],
        began: Instant,
        changes: &mut Changes,
    ) {
        let mut gone = Vec::new();
        for (path, entry) in &mut self.entries {
            if present.contains(path) || unreadable.iter().any(|dir| path.starts_with(dir)) {
                entry.missing = false;
            } else if entry.missing {
                gone.push(path.clone());
            } else {
                entry.missing = true;
                changes.unsettled = true;
            }
        }
        for path in gone {
            let Some(entry) = self.entries.remove(&path) else {
                continue;
            };
            let (last_good, kind, name) = (self.last_good.clone(), entry.kind, entry.name.clone());
            let still_named = self
                .entries
                .values()
                .any(|other| other.name == name && other.kind == kind);
            if !still_named {
                keep_house(move || last_good.remove(kind, &name)).await;
            }
            changes
                .notices
                .push(notice(&entry, NoticeKind::Removed, began, Vec::new()));
        }
    }

    async fn look_at(&mut self, found: Found, began: Instant) -> Option<Notice> {
        let generation = match &found.content {
            Content::Unchanged => return None,
            Content::Read(package) => package.generation(),
            Content::Unusable(generation, _) => generation.clone(),
        };
        let known = self.entries.get(&found.path);
        if known.is_some_and(|entry| entry.tried == generation) {
            return None;
        }
        let before = known.and_then(|entry| entry.running.clone());
        let taken = self
            .entries
            .iter()
            .find(|(path, entry)| {
                **path != found.path && entry.name == found.name && !entry.missing
            })
            .map(|(path, _)| path.clone());
        let (kind, name) = (found.kind, found.name.clone());
        let result = match (taken, found.content) {
            (Some(other), _) => Err(Fault::new(
                "name-taken",
                format!("{} has the same name", other.display()),
            )
            .in_file(&found.path)),
            (None, Content::Unusable(_, fault)) => Err(fault),
            (None, Content::Unchanged) => return None,
            (None, Content::Read(package)) => match &before {
                // The file is back to what runs.
                Some(running) if *running.hook.generation() == generation => Ok(Loaded {
                    running: running.clone(),
                    warnings: Vec::new(),
                }),
                _ => self.load(kind, &name, package, true).await,
            },
        };
        let mut entry = Entry {
            kind,
            name,
            // A taken name may become free without the file changing.
            tried: match &result {
                Err(fault) if fault.code == "name-taken" => Generation::of_digest(&[0; 32]),
                _ => generation.clone(),
            },
            running: None,
            fault: None,
            missing: false,
        };
        let told = self
            .entries
            .get(&found.path)
            .and_then(|entry| entry.fault.clone());
        let notice = match result {
            Ok(loaded) => {
                entry.running = Some(loaded.running);
                let what = match before {
                    None => NoticeKind::Loaded(generation),
                    Some(_) => NoticeKind::Reloaded(generation),
                };
                Some(notice(&entry, what, began, loaded.warnings))
            }
            Err(fault) => {
                let again = told
                    .is_some_and(|told| told.code == fault.code && told.message == fault.message);
                let is_name = matches!(fault.code, "name-taken" | "name");
                let fault = fault.dated(self.clock.now());
                entry.running = match before {
                    Some(running) => Some(running),
                    None if is_name => None,
                    None => self.restore(entry.kind, &entry.name).await,
                };
                entry.fault = Some(fault.clone());
                let running = entry
                    .running
                    .as_ref()
                    .map(|running| running.hook.generation().clone());
                let failed = notice(
                    &entry,
                    NoticeKind::Failed { fault, running },
                    began,
                    Vec::new(),
                );
                (!(again && is_name)).then_some(failed)
            }
        };
        self.entries.insert(found.path, entry);
        notice
    }

    /// The version of an earlier run of this host that worked.
    async fn restore(&self, kind: ExtensionKind, name: &ExtensionName) -> Option<Running> {
        let (last_good, of) = (self.last_good.clone(), name.clone());
        let package = tokio::task::spawn_blocking(move || last_good.load(kind, &of))
            .await
            .ok()??;
        let loaded = self.load(kind, name, package, false).await;
        loaded.ok().map(|loaded| loaded.running)
    }

    /// Compiles and proves a version, and keeps it as last-good if it is new.
    async fn load(
        &self,
        kind: ExtensionKind,
        name: &ExtensionName,
        package: Package,
        keep: bool,
    ) -> Result<Loaded, Fault> {
        let granted = self
            .grants
            .get(name)
            .copied()
            .unwrap_or(self.default_grants);
        let (engines, name, kept) = (self.engines.clone(), name.clone(), package.clone());
        let (last_good, of) = (self.last_good.clone(), name.clone());
        let compiled =
            tokio::task::spawn_blocking(move || compile(&engines, kind, name, &package, granted));
        let compiled = compiled.await.unwrap_or_else(|_panicked| {
            Err(Fault::new(
                "not-a-component",
                "the compiler broke off at this file",
            ))
        });
        let (hook, profile, warnings) = match compiled? {
            Compiled::Plugin(plugin, profile, warnings) => {
                plugin
                    .try_instance()
                    .await
                    .map_err(|fault| fault.in_file(&profile.file))?;
                (plugin as Arc<dyn EventHook>, profile, warnings)
            }
            Compiled::Script(script, profile, warnings) => {
                (script as Arc<dyn EventHook>, profile, warnings)
            }
        };
        if keep {
            keep_house(move || last_good.save(kind, &of, &kept)).await;
        }
        Ok(Loaded {
            running: Running {
                hook,
                order: profile.order,
                events: profile.filter.events,
                loaded_at: self.clock.now(),
            },
            warnings,
        })
    }

    fn snapshot(&self) -> Snapshot {
        let mut running: Vec<&Running> = self
            .entries
            .values()
            .filter_map(|entry| entry.running.as_ref())
            .collect();
        running.sort_by(|a, b| (a.order, a.hook.name()).cmp(&(b.order, b.hook.name())));
        let mut statuses: Vec<ExtensionStatus> = self
            .entries
            .iter()
            .map(|(path, entry)| entry.status(path.display().to_string()))
            .collect();
        statuses.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
        Snapshot {
            chain: running
                .into_iter()
                .map(|running| Arc::clone(&running.hook))
                .collect(),
            statuses,
        }
    }
}

impl Entry {
    fn status(&self, path: String) -> ExtensionStatus {
        let running = self.running.as_ref();
        ExtensionStatus {
            name: self.name.clone(),
            kind: self.kind,
            path,
            state: match (&self.running, &self.fault) {
                (Some(_), None) => ExtensionState::Active,
                (Some(_), Some(_)) => ExtensionState::LastGood,
                (None, _) => ExtensionState::Broken,
            },
            generation: running.map(|running| running.hook.generation().clone()),
            loaded_at: running.map(|running| running.loaded_at),
            order: running.map_or(DEFAULT_ORDER, |running| running.order),
            events: running
                .map(|running| running.events.clone())
                .unwrap_or_default(),
            grants: running
                .map(|running| running.hook.grants())
                .unwrap_or_default(),
            last_error: self.fault.clone(),
        }
    }
}

enum Compiled {
    Plugin(Arc<crate::wasm::Plugin>, Profile, Vec<String>),
    Script(Arc<crate::script::Script>, Profile, Vec<String>),
}

/// From files to a hook that is not yet proven. Blocks.
fn compile(
    engines: &Engines,
    kind: ExtensionKind,
    name: ExtensionName,
    package: &Package,
    granted: Grants,
) -> Result<Compiled, Fault> {
    let file = &package.code_path;
    let in_code = |fault: Fault| fault.in_file(file);
    match kind {
        ExtensionKind::Plugin => {
            let manifest = match &package.manifest {
                Some(text) => manifest::parse_manifest(text).map_err(in_code)?,
                None => Manifest::default(),
            };
            let (profile, warnings) = profile(name, package, manifest, granted);
            let plugin = engines
                .plugins
                .compile(profile.clone(), &package.code)
                .map_err(in_code)?;
            Ok(Compiled::Plugin(Arc::new(plugin), profile, warnings))
        }
        ExtensionKind::Script => {
            let source = std::str::from_utf8(&package.code).map_err(|_| {
                in_code(Fault::new("script-syntax", "the script is not UTF-8 text"))
            })?;
            let manifest = manifest::parse_header(source).map_err(in_code)?;
            let (profile, warnings) = profile(name, package, manifest, granted);
            let script = engines
                .scripts
                .compile(profile.clone(), source)
                .map_err(in_code)?;
            Ok(Compiled::Script(Arc::new(script), profile, warnings))
        }
    }
}

fn profile(
    name: ExtensionName,
    package: &Package,
    manifest: Manifest,
    granted: Grants,
) -> (Profile, Vec<String>) {
    let profile = Profile {
        name,
        generation: package.generation(),
        file: package.code_path.clone(),
        order: manifest.order,
        filter: manifest.filter,
        grants: manifest::effective(manifest.send, granted),
        config: manifest.config,
    };
    (profile, manifest.warnings)
}

fn notice(entry: &Entry, what: NoticeKind, began: Instant, warnings: Vec<String>) -> Notice {
    Notice {
        name: entry.name.clone(),
        kind: entry.kind,
        what,
        took: began.elapsed(),
        warnings,
    }
}

/// Keeping last-good versions is for the next start; that it fails stops nothing now.
async fn keep_house(job: impl FnOnce() -> std::io::Result<()> + Send + 'static) {
    match tokio::task::spawn_blocking(job).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "Last-good extensions cannot be kept: {error}"),
        Err(error) => tracing::error!(%error, "Keeping last-good extensions broke off: {error}"),
    }
}
