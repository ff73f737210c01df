//! From files to a version that runs: what it may, its compilation, and the proof that it starts.
//!
//! An update that asks for more than the version before it, without being granted it, is not
//! loaded; neither is one that does not start. Invariant: what [`Loader::update`] answers has made an
//! instance, and is kept as last-good.

use std::collections::BTreeMap;
use std::sync::Arc;

use warbler_app::hook::EventHook;
use warbler_domain::extension::{ExtensionKind, Grants, Hook};
use warbler_domain::{Clock, ExtensionName, Generation, Secret, Timestamp};

use super::sources::Package;
use super::{LastGood, RegistryConfig};
use crate::fault::Fault;
use crate::health::Health;
use crate::limits::QuarantineLimits;
use crate::manifest::{self, Manifest};
use crate::profile::Profile;
use crate::script::{Script, ScriptEngine};
use crate::secrets::Secrets;
use crate::wasm::{Plugin, PluginEngine};

/// The two engines.
#[derive(Clone)]
pub(crate) struct Engines {
    pub(crate) plugins: Arc<PluginEngine>,
    pub(crate) scripts: Arc<ScriptEngine>,
}

/// What loads extensions.
pub(super) struct Loader {
    engines: Engines,
    last_good: LastGood,
    grants: BTreeMap<ExtensionName, Grants>,
    default_grants: Grants,
    secrets: BTreeMap<String, Secret>,
    quarantine: QuarantineLimits,
    clock: Arc<dyn Clock>,
}

/// A version that runs.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) hook: Arc<dyn EventHook>,
    /// The same as a plugin, if it is one: for the hooks that scripts do not have.
    pub(super) plugin: Option<Arc<Plugin>>,
    pub(super) hooks: Vec<Hook>,
    pub(super) profile: Arc<Profile>,
    pub(super) health: Arc<Health>,
    /// What its manifest asks for.
    pub(super) asked: Grants,
    pub(super) loaded_at: Timestamp,
}

impl Running {
    /// Its place in the chain.
    pub(super) fn place(&self) -> (i32, &ExtensionName) {
        (self.profile.order, &self.profile.name)
    }
}

/// What is known of a version before it is loaded.
enum Trust {
    /// Nothing; and what the version before it asked for, if there was one.
    New { before: Option<Grants> },
    /// It ran before.
    Proven,
}

/// A version that has just been loaded.
pub(super) struct Loaded {
    pub(super) running: Running,
    pub(super) warnings: Vec<String>,
}

impl Loader {
    pub(super) fn new(config: &RegistryConfig, engines: Engines, last_good: LastGood) -> Self {
        Self {
            engines,
            last_good,
            grants: config.grants.clone(),
            default_grants: config.default_grants.clone(),
            secrets: config.secrets.clone(),
            quarantine: config.limits.quarantine.clone(),
            clock: Arc::clone(&config.clock),
        }
    }

    /// Where last-good versions are.
    pub(super) fn last_good(&self) -> &LastGood {
        &self.last_good
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Loads a version that takes the place of `before`, or of what an earlier run of this host ran.
    pub(super) async fn update(
        &self,
        kind: ExtensionKind,
        name: &ExtensionName,
        package: Package,
        before: Option<&Running>,
    ) -> Result<Loaded, Fault> {
        let before = match before {
            Some(running) => Some(running.asked.clone()),
            None => self.asked_last(kind, name, &package.generation()).await,
        };
        self.load(kind, name, package, Trust::New { before }).await
    }

    /// The version of an earlier run of this host that worked.
    pub(super) async fn restore(
        &self,
        kind: ExtensionKind,
        name: &ExtensionName,
    ) -> Option<Running> {
        let (last_good, of) = (self.last_good.clone(), name.clone());
        let package = tokio::task::spawn_blocking(move || last_good.load(kind, &of))
            .await
            .ok()??;
        let loaded = self.load(kind, name, package, Trust::Proven).await;
        loaded.ok().map(|loaded| loaded.running)
    }

    /// What the version asked for that an earlier run of this host ran; nothing if it is this one.
    async fn asked_last(
        &self,
        kind: ExtensionKind,
        name: &ExtensionName,
        generation: &Generation,
    ) -> Option<Grants> {
        let (last_good, of) = (self.last_good.clone(), name.clone());
        let package = tokio::task::spawn_blocking(move || last_good.load(kind, &of))
            .await
            .ok()??;
        if package.generation() == *generation {
            return None;
        }
        manifest_of(kind, &package).ok().map(|found| found.asked)
    }

    /// Compiles and proves a version, and keeps it as last-good if it is new.
    async fn load(
        &self,
        kind: ExtensionKind,
        name: &ExtensionName,
        package: Package,
        trust: Trust,
    ) -> Result<Loaded, Fault> {
        let granted = self.grants.get(name).unwrap_or(&self.default_grants);
        let manifest = manifest_of(kind, &package)?;
        let withheld = manifest.asked.beyond(granted);
        if let Trust::New {
            before: Some(before),
        } = &trust
        {
            let more = withheld.beyond(before);
            if !more.is_default() {
                return Err(needs_grant(name, &more).in_file(&package.code_path));
            }
        }
        let (asked, warnings) = (manifest.asked.clone(), manifest.warnings.clone());
        let grants = manifest.asked.and(granted);
        let profile = Arc::new(Profile {
            name: name.clone(),
            generation: package.generation(),
            file: package.code_path.clone(),
            order: manifest.order,
            filter: manifest.filter,
            secrets: Secrets::granted(&self.secrets, &grants.secrets),
            grants,
            withheld,
            config: manifest.config.into(),
        });
        let limits = self.quarantine.clone();
        let health = Health::new(name.clone(), Arc::clone(&self.clock), limits);
        let (engines, kept) = (self.engines.clone(), package.clone());
        let (of, doing) = (Arc::clone(&profile), Arc::clone(&health));
        let compiled =
            tokio::task::spawn_blocking(move || compile(&engines, kind, of, doing, &package));
        let compiled = compiled.await.unwrap_or_else(|_panicked| {
            Err(Fault::new(
                "not-a-component",
                "the compiler broke off at this file",
            ))
        });
        let compiled = compiled.map_err(|fault| fault.in_file(&profile.file))?;
        let (hook, plugin, hooks) = match compiled {
            Compiled::Plugin(plugin) => {
                let tried = plugin.try_instance().await;
                tried.map_err(|fault| fault.in_file(&profile.file))?;
                let hooks = plugin.hooks();
                let hook = Arc::clone(&plugin) as Arc<dyn EventHook>;
                (hook, Some(plugin), hooks)
            }
            Compiled::Script(script) => (script as Arc<dyn EventHook>, None, vec![Hook::Event]),
        };
        if matches!(trust, Trust::New { .. }) {
            let (last_good, of) = (self.last_good.clone(), name.clone());
            keep_house(move || last_good.save(kind, &of, &kept)).await;
        }
        Ok(Loaded {
            running: Running {
                hook,
                plugin,
                hooks,
                profile,
                health,
                asked,
                loaded_at: self.clock.now(),
            },
            warnings,
        })
    }
}

enum Compiled {
    Plugin(Arc<Plugin>),
    Script(Arc<Script>),
}

/// From files to a hook that is not yet proven. Blocks.
fn compile(
    engines: &Engines,
    kind: ExtensionKind,
    profile: Arc<Profile>,
    health: Arc<Health>,
    package: &Package,
) -> Result<Compiled, Fault> {
    Ok(match kind {
        ExtensionKind::Plugin => {
            let plugin = engines.plugins.compile(profile, health, &package.code)?;
            Compiled::Plugin(Arc::new(plugin))
        }
        ExtensionKind::Script => {
            let script = engines.scripts.compile(profile, health, source(package)?)?;
            Compiled::Script(Arc::new(script))
        }
    })
}

/// What a version says about itself.
fn manifest_of(kind: ExtensionKind, package: &Package) -> Result<Manifest, Fault> {
    let found = match (kind, &package.manifest) {
        (ExtensionKind::Plugin, Some(text)) => manifest::parse_manifest(text),
        (ExtensionKind::Plugin, None) => Ok(Manifest::default()),
        (ExtensionKind::Script, _) => source(package).and_then(manifest::parse_header),
    };
    found.map_err(|fault| fault.in_file(&package.code_path))
}

fn source(package: &Package) -> Result<&str, Fault> {
    std::str::from_utf8(&package.code)
        .map_err(|_| Fault::new("script-syntax", "the script is not UTF-8 text"))
}

fn needs_grant(name: &ExtensionName, more: &Grants) -> Fault {
    let lines = more.lines().join(", ");
    Fault::new(
        "needs-grant",
        format!(
            "this version asks for more than the one before it: add under [extensions.grants.\"{name}\"] in \
             warbler.toml: {lines}, and start the host again. Until then the version before it runs."
        ),
    )
}

/// Keeping last-good versions is for the next start; that it fails stops nothing now.
pub(super) async fn keep_house(job: impl FnOnce() -> std::io::Result<()> + Send + 'static) {
    match tokio::task::spawn_blocking(job).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "Last-good extensions cannot be kept: {error}"),
        Err(error) => tracing::error!(%error, "Keeping last-good extensions broke off: {error}"),
    }
}
