//! Where the demo's extensions are: in the checkout it runs from, or copies of the shipped ones.

use std::path::{Path, PathBuf};

use anyhow::Context;
use warbler_app::hook::Extensions;
use warbler_automation::Registry;
use warbler_domain::extension::ExtensionKind;

use super::shown;
use crate::failure::Failure;

/// The shipped extensions, for a binary without its checkout.
const SHIPPED: [(&str, &[u8]); 3] = [
    (
        "plugins/auto-reply/auto-reply.wasm",
        include_bytes!("../../../../../plugins/auto-reply/auto-reply.wasm"),
    ),
    (
        "plugins/auto-reply/plugin.toml",
        include_bytes!("../../../../../plugins/auto-reply/plugin.toml"),
    ),
    (
        "scripts/opening_hours.rhai",
        include_bytes!("../../../../../scripts/opening_hours.rhai"),
    ),
];
/// What a reader is asked to edit.
const EDITED: [&str; 2] = [
    "plugins/auto-reply/plugin.toml",
    "scripts/opening_hours.rhai",
];

/// The folders the demo loads from.
pub(super) struct Folders {
    pub(super) plugins: Vec<PathBuf>,
    pub(super) scripts: Vec<PathBuf>,
    /// Those of them that were named.
    own: Vec<PathBuf>,
}

impl Folders {
    /// The shipped ones, of a checkout or else copies in `data`, and those named besides.
    pub(super) fn find(
        plugins: Vec<PathBuf>,
        scripts: Vec<PathBuf>,
        data: &Path,
    ) -> Result<Self, Failure> {
        let mut named = plugins.iter().chain(&scripts);
        if let Some(missing) = named.find(|folder| !folder.is_dir()) {
            return Err(Failure::Usage(format!(
                "{} is not a folder",
                missing.display()
            )));
        }
        let root = match checkout() {
            Some(root) => root,
            None => copies(data)?,
        };
        let own = plugins.iter().chain(&scripts).cloned().collect();
        let besides = |shipped: PathBuf, named: Vec<PathBuf>| -> Result<Vec<PathBuf>, Failure> {
            let mut all = vec![shipped];
            for folder in named {
                // A folder that is a plugin itself is called after its name, which `.` has not.
                let folder = std::fs::canonicalize(folder)?;
                if !all.contains(&folder) {
                    all.push(folder);
                }
            }
            Ok(all)
        };
        Ok(Self {
            plugins: besides(root.join("plugins"), plugins)?,
            scripts: besides(root.join("scripts"), scripts)?,
            own,
        })
    }

    /// Whether somebody brought their own.
    pub(super) fn has_own(&self) -> bool {
        !self.own.is_empty()
    }

    /// What was loaded from where, in lines.
    pub(super) fn told(&self, registry: &Registry) -> Vec<String> {
        let statuses = registry.statuses();
        let names = |kind: ExtensionKind| {
            let names = statuses
                .iter()
                .filter(|status| status.kind == kind)
                .map(|status| {
                    let name = status.name.to_string();
                    match &status.last_error {
                        Some(fault) => format!("{name} (broken: {})", fault.code),
                        None => name,
                    }
                });
            let names: Vec<String> = names.collect();
            if names.is_empty() {
                "none yet".to_owned()
            } else {
                names.join(", ")
            }
        };
        let list = |folders: &[PathBuf]| {
            folders
                .iter()
                .map(|folder| shown(folder))
                .collect::<Vec<_>>()
                .join(", ")
        };
        vec![
            format!(
                "plugins from {}: {}",
                list(&self.plugins),
                names(ExtensionKind::Plugin)
            ),
            format!(
                "scripts from {}: {}",
                list(&self.scripts),
                names(ExtensionKind::Script)
            ),
        ]
    }

    /// The files worth editing, those of them that are there.
    pub(super) fn files_to_edit(&self) -> Vec<PathBuf> {
        if self.has_own() {
            return self.own.clone();
        }
        let folders = self.plugins.iter().chain(&self.scripts);
        let parents: Vec<&Path> = folders.filter_map(|folder| folder.parent()).collect();
        let files = EDITED.iter().filter_map(|file| {
            parents
                .iter()
                .map(|parent| parent.join(file))
                .find(|path| path.is_file())
        });
        let files: Vec<PathBuf> = files.collect();
        if files.is_empty() {
            self.scripts.clone()
        } else {
            files
        }
    }
}

/// The checkout this runs in, or the one it was built from.
fn checkout() -> Option<PathBuf> {
    let here = std::env::current_dir().ok();
    let above = here
        .iter()
        .flat_map(|here| here.ancestors())
        .map(Path::to_owned);
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_owned);
    above
        .chain(built_from)
        .find(|root| SHIPPED.iter().all(|(name, _)| root.join(name).is_file()))
}

/// Writes the shipped extensions into `data`, without touching what is there already.
fn copies(data: &Path) -> Result<PathBuf, Failure> {
    let root = std::path::absolute(data).context("the data folder has no path")?;
    for (name, bytes) in SHIPPED {
        let path = root.join(name);
        if path.exists() {
            continue;
        }
        let written = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, bytes));
        written.with_context(|| format!("{} could not be written", path.display()))?;
    }
    Ok(root)
}
