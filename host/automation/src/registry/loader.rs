//! From files to a version that runs: what it may, its compilation, and the proof that it starts.
//!
//! An update that asks for more than the version before it, without being granted it, is not
//! loaded; neither is one that does not start. Invariant: what [`Loader::update`] answers has made an
//! instance, and is kept as last-good.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use warbler_app::hook::EventHook;
use warbler_domain::extension::{ExtensionKind, Grants, Hook, OperatorGrants};
use warbler_domain::{Clock, ExtensionName, Generation, Secret, Timestamp};

use super::granted::Granted;
use super::sources::Package;
use super::{LastGood, RegistryConfig};
use crate::effects::{Rate, as_words};
use crate::fault::Fault;
use crate::fixture::{self, Subject};
use crate::health::{Health, TRIAL};
use crate::limits::QuarantineLimits;
use crate::manifest::{self, Manifest};
use crate::profile::Profile;
use crate::script::ScriptEngine;
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
    granted: Granted,
    /// What each extension has sent lately, in whatever version.
    rates: Mutex<HashMap<ExtensionName, Arc<Rate>>>,
    secrets: BTreeMap<String, Secret>,
    quarantine: QuarantineLimits,
    clock: Arc<dyn Clock>,
}

/// A version that runs.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) hook: Arc<dyn EventHook>,
    /// The same as a plugin, if it is one: what it keeps between calls is swept now and then.
    pub(super) plugin: Option<Arc<Plugin>>,
    /// The same again, by what it is made of.
    pub(super) subject: Subject,
    pub(super) hooks: Vec<Hook>,
    pub(super) profile: Arc<Profile>,
    pub(super) health: Arc<Health>,
    /// What its manifest asks for.
    pub(super) asked: Grants,
    pub(super) loaded_at: Timestamp,
}

impl Running {
    /// Drops what it keeps and nobody has used for a while.
    pub(super) fn sweep(&self, now: Timestamp) {
        if let Some(plugin) = &self.plugin {
            plugin.sweep(now);
        }
    }

    /// Its place in the chain.
    pub(super) fn place(&self) -> (i32, &ExtensionName) {
        (self.profile.order, &self.profile.name)
    }
}

/// What is known of a version before it is loaded.
enum Trust {
    /// Nothing; and what the version before it asked for, if there was one.
    New {
        before: Option<Grants>,
        /// Whether that version has been called and does well.
        proven: bool,
    },
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
            granted: Granted {
                config: config.grants.clone(),
                runtime: config.runtime_grants.clone(),
                others: config.default_grants.clone(),
            },
            rates: Mutex::default(),
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

    /// Takes over what is granted to one extension at runtime.
    pub(super) fn grant(&mut self, name: &ExtensionName, granted: OperatorGrants) {
        self.granted.grant(name, granted);
    }

    /// The health of a version that nobody has called yet.
    pub(super) fn health(&self, name: &ExtensionName) -> Arc<Health> {
        let limits = self.quarantine.clone();
        Health::new(name.clone(), Arc::clone(&self.clock), limits)
    }

    /// A version that takes nobody's place, under the grants that hold now.
    pub(super) async fn beside(
        &self,
        kind: ExtensionKind,
        name: &ExtensionName,
        package: Package,
    ) -> Result<Running, Fault> {
        let loaded = self.load(kind, name, package, Trust::Proven).await;
        loaded.map(|loaded| loaded.running)
    }

    /// The version before the one that last worked, beside it.
    pub(super) async fn before(
        &self,
        kind: ExtensionKind,
        name: &ExtensionName,
    ) -> Option<Running> {
        let (last_good, of) = (self.last_good.clone(), name.clone());
        let package = tokio::task::spawn_blocking(move || last_good.load_before(kind, &of));
        let package = package.await.ok()??;
        self.beside(kind, name, package).await.ok()
    }

    /// Whether a version runs under the grants that hold now.
    pub(super) fn is_up_to_date(&self, running: &Running) -> bool {
        let granted = self.granted.to(&running.profile.name);
        let withheld = running.asked.beyond(&granted);
        running.profile.grants == running.asked.and(&granted)
            && running.profile.withheld == withheld
    }

    /// What a version asks for, if it says so in a way that can be read.
    pub(super) fn asked(kind: ExtensionKind, package: &Package) -> Option<Grants> {
        manifest_of(kind, package).ok().map(|found| found.asked)
    }

    fn rate(&self, name: &ExtensionName) -> Arc<Rate> {
        let mut rates = self
            .rates
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        Arc::clone(rates.entry(name.clone()).or_default())
    }

    /// Forgets an extension that is gone.
    pub(super) fn forget(&self, name: &ExtensionName) {
        let mut rates = self
            .rates
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        rates.remove(name);
    }

    /// Loads a version that takes the place of `before`, or of what an earlier run of this host ran.
    /// One that failed on its first events is not loaded, unless it is to be tried `again`.
    pub(super) async fn update(
        &self,
        kind: ExtensionKind,
        name: &ExtensionName,
        mut package: Package,
        before: Option<&Running>,
        again: bool,
    ) -> Result<Loaded, Fault> {
        let generation = package.generation();
        if self.has_proven(kind, name, &package).await {
            package.fixtures.clear();
        }
        let (last_good, of) = (self.last_good.clone(), name.clone());
        let refused = tokio::task::spawn_blocking(move || last_good.refused(kind, &of)).await;
        if !again && refused.ok().flatten().as_ref() == Some(&generation) {
            return Err(failed_trial().in_file(&package.code_path));
        }
        let proven = before.is_none_or(|running| running.health.does_well());
        let before = match before {
            Some(running) => Some(running.asked.clone()),
            None => self.asked_last(kind, name, &generation).await,
        };
        let trust = Trust::New { before, proven };
        self.load(kind, name, package, trust).await
    }

    /// Whether the code is that of the version that last worked. What then changed are settings,
    /// which are the operator's to choose; fixtures are the author's, about the code.
    async fn has_proven(
        &self,
        kind: ExtensionKind,
        name: &ExtensionName,
        package: &Package,
    ) -> bool {
        if package.fixtures.is_empty() {
            return false;
        }
        let (last_good, of) = (self.last_good.clone(), name.clone());
        let package = package.clone();
        let known = tokio::task::spawn_blocking(move || last_good.has_code(kind, &of, &package));
        known.await.unwrap_or(false)
    }

    /// The version before `failed`, to run in its place; nothing when there is none.
    pub(super) async fn go_back(&self, kind: ExtensionKind, failed: &Running) -> Option<Running> {
        let (last_good, of) = (self.last_good.clone(), failed.profile.name.clone());
        let refused = failed.profile.generation.clone();
        let went = tokio::task::spawn_blocking(move || last_good.go_back(kind, &of, &refused));
        match went.await {
            Ok(Ok(true)) => self.restore(kind, &failed.profile.name).await,
            Ok(Ok(false)) => None,
            Ok(Err(error)) => {
                tracing::warn!(%error, "The version before cannot be brought back: {error}");
                None
            }
            Err(error) => {
                tracing::error!(%error, "Bringing the version before back broke off: {error}");
                None
            }
        }
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
        let granted = self.granted.to(name);
        let manifest = manifest_of(kind, &package)?;
        let withheld = manifest.asked.beyond(&granted);
        if let Trust::New {
            before: Some(before),
            ..
        } = &trust
        {
            let more = withheld.beyond(before);
            if !more.is_default() {
                return Err(needs_grant(name, &more).in_file(&package.code_path));
            }
        }
        let (asked, mut warnings) = (manifest.asked.clone(), manifest.warnings.clone());
        let grants = manifest.asked.and(&granted);
        let profile = Arc::new(Profile {
            name: name.clone(),
            generation: package.generation(),
            file: package.code_path.clone(),
            order: manifest.order,
            filter: manifest.filter,
            secrets: Secrets::granted(&self.secrets, &grants.secrets),
            grants,
            withheld,
            kv: manifest.kv,
            rate: self.rate(name),
            config: manifest.config.into(),
            rehearsal: None,
        });
        let health = self.health(name);
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
        let compiled = compiled.map_err(|fault| fault.or_in_file(&profile.file))?;
        warnings.extend(compiled.warnings());
        if let Subject::Plugin(plugin) = &compiled {
            let tried = plugin.try_instance().await;
            tried.map_err(|fault| fault.in_file(&profile.file))?;
        }
        fixture::prove(&compiled, &profile, &asked, &kept.fixtures).await?;
        let hooks = compiled.hooks();
        let (hook, plugin) = match compiled.clone() {
            Subject::Plugin(plugin) => {
                let hook = Arc::clone(&plugin) as Arc<dyn EventHook>;
                (hook, Some(plugin))
            }
            Subject::Script(script) => (script as Arc<dyn EventHook>, None),
        };
        if let Trust::New { proven, .. } = trust {
            let (last_good, of) = (self.last_good.clone(), name.clone());
            keep_house(move || last_good.save(kind, &of, &kept, proven)).await;
        }
        Ok(Loaded {
            running: Running {
                hook,
                plugin,
                subject: compiled,
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

/// From files to a hook that is not yet proven. Blocks.
pub(crate) fn compile(
    engines: &Engines,
    kind: ExtensionKind,
    profile: Arc<Profile>,
    health: Arc<Health>,
    package: &Package,
) -> Result<Subject, Fault> {
    Ok(match kind {
        ExtensionKind::Plugin => {
            let plugin = engines.plugins.compile(profile, health, &package.code)?;
            Subject::Plugin(Arc::new(plugin))
        }
        ExtensionKind::Script => {
            let modules = Arc::clone(&package.modules);
            let script = engines
                .scripts
                .compile(profile, health, source(package)?, modules)?;
            Subject::Script(Arc::new(script))
        }
        ExtensionKind::Rules => return Err(not_a_file()),
    })
}

/// What a version says about itself.
pub(crate) fn manifest_of(kind: ExtensionKind, package: &Package) -> Result<Manifest, Fault> {
    let found = match (kind, &package.manifest) {
        (ExtensionKind::Plugin, Some(text)) => manifest::parse_manifest(text),
        (ExtensionKind::Plugin, None) => Ok(Manifest::default()),
        (ExtensionKind::Script, settings) => {
            let header = source(package).and_then(manifest::parse_header);
            header.and_then(|header| match settings {
                Some(text) => header.with_settings(text, &package.code_path),
                None => Ok(header),
            })
        }
        (ExtensionKind::Rules, _) => Err(not_a_file()),
    };
    found.map_err(|fault| fault.or_in_file(&package.code_path))
}

/// Why a file cannot be, or be called as, the rules of the database.
pub(super) fn not_a_file() -> Fault {
    Fault::new(
        "name-taken",
        "`rules` is what the rules of /v1/rules are called; give the file another name",
    )
}

fn source(package: &Package) -> Result<&str, Fault> {
    std::str::from_utf8(&package.code)
        .map_err(|_| Fault::new("script-syntax", "the script is not UTF-8 text"))
}

/// Why a version does not run that has failed on its first events.
pub(super) fn failed_trial() -> Fault {
    Fault::new(
        "failed-trial",
        format!(
            "this version failed again and again on its first {TRIAL} events, so the one before it runs again; the \
             traces of those events say why. Change the file to try again."
        ),
    )
}

fn needs_grant(name: &ExtensionName, more: &Grants) -> Fault {
    let lines = more.lines().join(", ");
    let words: Vec<String> = more.lines().iter().map(|line| as_words(line)).collect();
    let words = words.join(" ");
    Fault::new(
        "needs-grant",
        format!(
            "this version asks for more than the one before it: run `warbler extensions grant {name} {words}`, or add \
             under [extensions.grants.\"{name}\"] in warbler.toml: {lines}, and start the host again. Until then the \
             version before it runs."
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
