//! What is known of each extension, and how a look at the folders changes it.
//!
//! An extension goes from absent to active, from active to last-good when its file breaks, and
//! back; a version that was tried and failed is not tried again until its bytes change.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use warbler_domain::extension::{
    ExtensionFault, ExtensionKind, ExtensionState, ExtensionStatus, ExtensionUsage, Grants, Hook,
    OperatorGrants,
};
use warbler_domain::{ExtensionName, Generation};

use super::loader::{Engines, Loaded, Loader, Running, failed_trial, keep_house, not_a_file};
use super::sources::{Content, Found, Scan};
use super::{LastGood, Notice, NoticeKind, RegistryConfig, Snapshot};
use crate::fault::Fault;
use crate::fixture::Subject;
use crate::manifest::DEFAULT_ORDER;

/// All extensions, by the path they are loaded from.
pub(crate) struct Table {
    entries: BTreeMap<PathBuf, Entry>,
    loader: Loader,
}

pub(super) struct Entry {
    kind: ExtensionKind,
    name: ExtensionName,
    /// The newest version looked at, whether it runs or not.
    tried: Generation,
    running: Option<Running>,
    /// Why the newest version does not run.
    fault: Option<ExtensionFault>,
    /// What the newest version asks for.
    asked: Grants,
    /// To be loaded again although its files are the same.
    stale: bool,
    /// How often one version took the place of another.
    reloads: u64,
    /// How often versions that are gone were left out.
    quarantines: u64,
    /// Not there at the last look; one that is missing twice is gone.
    missing: bool,
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
            loader: Loader::new(config, engines, last_good),
        }
    }

    /// Brings the table up to what was found. `publish` is called whenever something new holds.
    pub(crate) async fn apply(&mut self, scan: Scan, mut publish: impl FnMut(Snapshot)) -> Changes {
        let began = Instant::now();
        let mut changes = Changes::default();
        let present: HashSet<PathBuf> = scan.found.iter().map(|found| found.path.clone()).collect();
        self.remove_missing(&present, &scan.unreadable, began, &mut changes)
            .await;
        for running in self
            .entries
            .values()
            .filter_map(|entry| entry.running.as_ref())
        {
            running.sweep(self.loader.now());
        }
        for notice in Box::pin(self.go_back(began)).await {
            publish(self.snapshot());
            changes.notices.push(notice);
        }
        for found in scan.found {
            if let Some(notice) = Box::pin(self.look_at(found, began)).await {
                publish(self.snapshot());
                changes.notices.push(notice);
            }
        }
        publish(self.snapshot());
        changes
    }

    /// Puts versions that failed on their first events out of the place they took.
    async fn go_back(&mut self, began: Instant) -> Vec<Notice> {
        let mut notices = Vec::new();
        for entry in self.entries.values_mut() {
            let fallen = entry.running.as_ref();
            let Some(failed) = fallen.filter(|running| running.health.take_fall()) else {
                continue;
            };
            let Some(running) = self.loader.go_back(entry.kind, failed).await else {
                continue;
            };
            let fault = failed_trial().in_file(&failed.profile.file);
            let fault = fault.dated(self.loader.now());
            entry.quarantines += failed.health.usage().shown().quarantines;
            entry.reloads += 1;
            entry.fault = Some(fault.clone());
            let to = running.profile.generation.clone();
            entry.running = Some(running);
            let what = NoticeKind::Returned { fault, to };
            notices.push(notice(entry, what, began, Vec::new()));
        }
        notices
    }

    pub(super) fn loader(&self) -> &Loader {
        &self.loader
    }

    pub(super) fn named(&self, name: &ExtensionName) -> impl Iterator<Item = (&PathBuf, &Entry)> {
        self.entries
            .iter()
            .filter(move |(_, entry)| entry.name == *name)
    }

    /// Takes over what is granted to one extension at runtime; where its files are, to be looked at
    /// again.
    pub(crate) fn grant(&mut self, name: &ExtensionName, granted: OperatorGrants) -> Vec<PathBuf> {
        self.loader.grant(name, granted);
        let named = self.entries.iter_mut();
        let named = named.filter(|(_, entry)| entry.name == *name);
        named
            .map(|(path, entry)| {
                entry.stale = true;
                path.clone()
            })
            .collect()
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
            let (last_good, kind, name) = (
                self.loader.last_good().clone(),
                entry.kind,
                entry.name.clone(),
            );
            let still_named = self
                .entries
                .values()
                .any(|other| other.name == name && other.kind == kind);
            if !still_named {
                self.loader.forget(&name);
                keep_house(move || last_good.remove(kind, &name)).await;
            }
            changes
                .notices
                .push(notice(&entry, NoticeKind::Removed, began, Vec::new()));
        }
    }

    async fn look_at(&mut self, found: Found, began: Instant) -> Option<Notice> {
        let (generation, edition) = match &found.content {
            Content::Unchanged => return None,
            Content::Read(package) => (package.generation(), package.edition()),
            Content::Unusable(generation, _) => (generation.clone(), generation.clone()),
        };
        let known = self.entries.get_mut(&found.path);
        if known.is_some_and(|entry| entry.is_settled(&generation, &edition)) {
            return None;
        }
        let known = self.entries.get(&found.path);
        let before = known.and_then(|entry| entry.running.clone());
        let taken = self
            .entries
            .iter()
            .find(|(path, entry)| {
                **path != found.path && entry.name == found.name && !entry.missing
            })
            .map(|(path, _)| path.clone());
        let (kind, name) = (found.kind, found.name.clone());
        let asked = match &found.content {
            Content::Read(package) => Loader::asked(kind, package),
            Content::Unchanged | Content::Unusable(..) => None,
        };
        let (reloads, quarantines, stale) = known.map_or((0, 0, false), |entry| {
            (entry.reloads, entry.quarantines, entry.stale)
        });
        let result = match (taken, found.content) {
            _ if name.as_str() == crate::rules::NAME => Err(not_a_file().in_file(&found.path)),
            (Some(other), _) => Err(Fault::new(
                "name-taken",
                format!("{} has the same name", other.display()),
            )
            .in_file(&found.path)),
            (None, Content::Unusable(_, fault)) => Err(fault),
            (None, Content::Unchanged) => return None,
            (None, Content::Read(package)) => match &before {
                // The file is back to what runs.
                Some(running)
                    if *running.hook.generation() == generation
                        && self.loader.is_up_to_date(running) =>
                {
                    Ok(Loaded {
                        running: running.clone(),
                        warnings: Vec::new(),
                    })
                }
                before => {
                    self.loader
                        .update(kind, &name, package, before.as_ref(), stale)
                        .await
                }
            },
        };
        let mut entry = Entry {
            kind,
            name,
            // A taken name may become free without the file changing.
            tried: match &result {
                Err(fault) if fault.code == "name-taken" => Generation::of_digest(&[0; 32]),
                _ => edition,
            },
            running: None,
            fault: None,
            asked: asked.unwrap_or_default(),
            stale: false,
            reloads,
            quarantines,
            missing: false,
        };
        let told = self
            .entries
            .get(&found.path)
            .and_then(|entry| entry.fault.clone());
        let notice = match result {
            Ok(loaded) => {
                if let Some(before) = &before
                    && !Arc::ptr_eq(&before.health, &loaded.running.health)
                {
                    entry.reloads += 1;
                    entry.quarantines += before.health.usage().shown().quarantines;
                }
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
                let fault = fault.dated(self.loader.now());
                entry.running = match before {
                    Some(running) if self.loader.is_up_to_date(&running) => Some(running),
                    None if is_name => None,
                    // What runs must not keep what it is no longer granted.
                    Some(_) | None => self.loader.restore(entry.kind, &entry.name).await,
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

    fn snapshot(&self) -> Snapshot {
        let mut running: Vec<&Running> = self
            .entries
            .values()
            .filter_map(|entry| entry.running.as_ref())
            .collect();
        running.sort_by(|a, b| a.place().cmp(&b.place()));
        let mut statuses: Vec<ExtensionStatus> = self
            .entries
            .iter()
            .map(|(path, entry)| entry.status(path.display().to_string()))
            .collect();
        statuses.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
        let of = |hook: Hook| {
            let having = running.iter().filter(move |one| one.hooks.contains(&hook));
            having.map(|one| &one.subject)
        };
        Snapshot {
            chain: running
                .iter()
                .filter(|running| running.hooks.contains(&Hook::Event))
                .map(|running| Arc::clone(&running.hook))
                .collect(),
            templates: of(Hook::Template).map(Subject::template).collect(),
            webhooks: of(Hook::Webhook).map(Subject::webhook).collect(),
            health: running
                .iter()
                .map(|one| (one.profile.name.clone(), Arc::clone(&one.health)))
                .collect(),
            statuses,
        }
    }
}

impl Entry {
    pub(super) fn kind(&self) -> ExtensionKind {
        self.kind
    }

    pub(super) fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// Whether nothing has to be done about files that were read as `edition`.
    fn is_settled(&mut self, generation: &Generation, edition: &Generation) -> bool {
        if self.stale {
            return false;
        }
        let runs = self.running.as_ref();
        let runs = runs.is_some_and(|running| running.hook.generation() == generation);
        if runs && self.fault.is_none() {
            // Fixtures prove a version before it runs, and this one does.
            self.tried = edition.clone();
        }
        self.tried == *edition
    }

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
            order: running.map_or(DEFAULT_ORDER, |running| running.profile.order),
            hooks: running
                .map(|running| running.hooks.clone())
                .unwrap_or_default(),
            events: running
                .map(|running| running.profile.filter.events.clone())
                .unwrap_or_default(),
            grants: running
                .map(|running| running.profile.grants.clone())
                .unwrap_or_default(),
            withheld: running
                .map(|running| running.profile.withheld.clone())
                .unwrap_or_default(),
            asked: self.asked.clone(),
            usage: ExtensionUsage {
                reloads: self.reloads,
                quarantines: self.quarantines,
                ..ExtensionUsage::default()
            },
            quarantined_until: None,
            last_error: self.fault.clone(),
        }
    }
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
