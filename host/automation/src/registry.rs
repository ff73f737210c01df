//! Every loaded extension, and the chain they form.
//!
//! [`Registry::open`] loads the folders once; a task then watches them (see `reload`). What runs
//! is one immutable snapshot behind one pointer: a reload makes a new snapshot and swaps it, and
//! events in flight finish on the one they began with.
//!
//! Invariant: a version that does not load never replaces one that runs.

mod aside;
mod granted;
mod last_good;
mod loader;
mod notice;
mod rules;
mod sources;
mod table;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use warbler_app::fetch::Fetcher;
use warbler_app::hook::{
    EventHook, Extensions, HookCall, RuleTrial, TemplateHook, Versions, WebhookHook,
};
use warbler_domain::extension::{
    ExtensionFault, ExtensionState, ExtensionStatus, Grants, OperatorGrants,
};
use warbler_domain::{Clock, ExtensionName, Generation, Random, Rule, Secret};

use crate::health::Health;
use crate::limits::Limits;
use crate::manifest;
use crate::reload::Worker;
use crate::script::ScriptEngine;
use crate::services::Services;
use crate::wasm::{self, EngineError, PluginEngine};

pub(crate) use last_good::LastGood;
pub(crate) use loader::{Engines, compile, manifest_of};
pub use notice::{Notice, NoticeKind};
use rules::Keeper;
pub(crate) use sources::{Content, ModuleText, Package, Scanner, is_script};
pub(crate) use table::Table;

/// Extensions one host loads; more are ignored with a warning.
pub const MAX_EXTENSIONS: usize = 256;

/// Notices a slow subscriber may lag behind before it loses the oldest.
const NOTICES: usize = 256;

/// Where extensions are, and what they may.
#[derive(Clone)]
pub struct RegistryConfig {
    /// Folders with plugins: `<name>/plugin.toml` or `<name>.wasm`.
    pub plugin_dirs: Vec<PathBuf>,
    /// Folders with scripts: `<name>.rhai`.
    pub script_dirs: Vec<PathBuf>,
    /// Where the last version that worked is kept; made when absent.
    pub last_good_dir: PathBuf,
    /// Where compiled plugins are kept, for this user alone to write; made when absent. Without one
    /// they are compiled at every load.
    pub compiled_dir: Option<PathBuf>,
    /// What the configuration grants, by extension.
    pub grants: BTreeMap<ExtensionName, OperatorGrants>,
    /// What was granted at runtime, by extension; the configuration goes over it.
    pub runtime_grants: BTreeMap<ExtensionName, OperatorGrants>,
    /// What the operator grants to all others.
    pub default_grants: Grants,
    /// The operator's secrets, by name.
    pub secrets: BTreeMap<String, Secret>,
    /// The guarded client for requests of extensions; without one they are all refused.
    pub fetcher: Option<Fetcher>,
    /// What a call may use.
    pub limits: Limits,
    /// How long files must be left alone before they are read again.
    pub debounce: Duration,
    /// How often files are compared although nothing was reported about them.
    pub poll: Duration,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where random numbers come from.
    pub random: Arc<Random>,
}

impl RegistryConfig {
    /// No folders yet, and the documented defaults for the rest.
    pub fn new(last_good_dir: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self {
            plugin_dirs: Vec::new(),
            script_dirs: Vec::new(),
            last_good_dir: last_good_dir.into(),
            compiled_dir: None,
            grants: BTreeMap::new(),
            runtime_grants: BTreeMap::new(),
            default_grants: Grants::default(),
            secrets: BTreeMap::new(),
            fetcher: None,
            limits: Limits::default(),
            debounce: Duration::from_millis(25),
            poll: Duration::from_secs(3),
            clock,
            random: Arc::new(Random::from_system()),
        }
    }
}

/// Why no extension can be loaded at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// wasmtime does not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The folder for last-good versions cannot be used.
    #[error("cannot use {} for last-good extensions: {source}", path.display())]
    LastGood {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The first look at the folders broke off.
    #[error("loading the extensions broke off")]
    Interrupted,
}

/// What runs now.
#[derive(Default)]
pub(crate) struct Snapshot {
    pub(crate) chain: Arc<[Arc<dyn EventHook>]>,
    pub(crate) templates: Arc<[Arc<dyn TemplateHook>]>,
    pub(crate) webhooks: Arc<[Arc<dyn WebhookHook>]>,
    pub(crate) statuses: Vec<ExtensionStatus>,
    /// How those that run are doing.
    pub(crate) health: HashMap<ExtensionName, Arc<Health>>,
}

/// Something the worker is to do, and whom to tell when it is done.
pub(crate) struct Request {
    pub(crate) wanted: Wanted,
    pub(crate) done: oneshot::Sender<()>,
}

/// What the worker may be asked for.
pub(crate) enum Wanted {
    /// To look at the folders.
    Rescan,
    /// To take over what is granted to one extension at runtime.
    Grant(ExtensionName, OperatorGrants),
    /// To load two versions of one extension aside.
    Versions(ExtensionName, oneshot::Sender<Versions>),
}

/// What the registry and its worker share.
pub(crate) struct Shared {
    snapshot: ArcSwap<Snapshot>,
    /// The chain of the event hook: that of the snapshot, with the rules at their place.
    chain: ArcSwap<Arc<[Arc<dyn EventHook>]>>,
    rules: Keeper,
    /// Held while the chain is put together.
    turn: Mutex<()>,
    pub(crate) notices: broadcast::Sender<Notice>,
    /// What went wrong at an event, by extension, with the version it went wrong in.
    call_faults: Mutex<HashMap<ExtensionName, (Generation, ExtensionFault)>>,
}

impl Shared {
    /// Has what was loaded take the place of what ran.
    pub(crate) fn publish(&self, snapshot: Snapshot) {
        self.change(|| self.snapshot.store(Arc::new(snapshot)));
    }

    /// Makes a change to what the chain is made of, and puts the chain together anew.
    fn change(&self, make: impl FnOnce()) {
        let _turn = self
            .turn
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        make();
        let snapshot = self.snapshot.load();
        let order_of = |name: &ExtensionName| {
            let mut statuses = snapshot.statuses.iter();
            let found = statuses.find(|status| status.name == *name);
            found.map_or(manifest::DEFAULT_ORDER, |status| status.order)
        };
        let chain = self.rules.within(&snapshot.chain, order_of);
        self.chain.store(Arc::new(chain));
    }

    fn call_faults(&self) -> MutexGuard<'_, HashMap<ExtensionName, (Generation, ExtensionFault)>> {
        self.call_faults
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// All extensions of this host.
pub struct Registry {
    shared: Arc<Shared>,
    requests: mpsc::Sender<Request>,
    config_grants: BTreeMap<ExtensionName, OperatorGrants>,
    cancel: CancellationToken,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Registry {
    /// Loads everything there is and begins to watch the folders. An extension that does not load
    /// is a status, not an error.
    pub async fn open(config: RegistryConfig) -> Result<Self, OpenError> {
        let last_good =
            LastGood::open(&config.last_good_dir).map_err(|source| OpenError::LastGood {
                path: config.last_good_dir.clone(),
                source,
            })?;
        let services = Arc::new(Services {
            fetcher: config.fetcher.clone(),
            limits: config.limits.effects.clone(),
            random: Arc::clone(&config.random),
        });
        let compiled = config.compiled_dir.as_deref().and_then(wasm::compiled);
        let rules = Keeper::new(&config, Arc::clone(&services)).ok_or(OpenError::Interrupted)?;
        let engines = Engines {
            plugins: PluginEngine::new(&config.limits, Arc::clone(&services), compiled)?,
            scripts: ScriptEngine::new(&config.limits, services),
        };
        let shared = Arc::new(Shared {
            snapshot: ArcSwap::from_pointee(Snapshot::default()),
            chain: ArcSwap::from_pointee(Arc::from([])),
            rules,
            turn: Mutex::new(()),
            notices: broadcast::channel(NOTICES).0,
            call_faults: Mutex::default(),
        });
        let table = Table::new(&config, engines, last_good);
        let (sender, requests) = mpsc::channel(8);
        let cancel = CancellationToken::new();
        let mut worker = Worker::new(&config, table, Arc::clone(&shared), requests);
        Box::pin(worker.scan())
            .await
            .ok_or(OpenError::Interrupted)?;
        let worker = tokio::spawn(worker.run(cancel.clone()));
        Ok(Self {
            shared,
            requests: sender,
            config_grants: config.grants,
            cancel,
            worker: Mutex::new(Some(worker)),
        })
    }

    /// What happens to extensions from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.shared.notices.subscribe()
    }

    /// Looks at the folders now and returns when what was found holds.
    pub async fn rescan(&self) {
        self.ask(Wanted::Rescan).await;
    }

    /// Has the worker do something and waits until it is done.
    async fn ask(&self, wanted: Wanted) {
        let (done, answer) = oneshot::channel();
        if self.requests.send(Request { wanted, done }).await.is_ok() {
            // An error means that the registry is stopping, and nothing is left to wait for.
            drop(answer.await);
        }
    }

    /// Ends the watching; what is loaded stays usable.
    pub async fn stop(&self) {
        self.cancel.cancel();
        let worker = self
            .worker
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .take();
        if let Some(worker) = worker
            && let Err(error) = worker.await
        {
            tracing::error!(%error, "Watching the extension folders ended badly: {error}");
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

#[async_trait]
impl Extensions for Registry {
    fn chain(&self) -> Arc<[Arc<dyn EventHook>]> {
        Arc::clone(&self.shared.chain.load())
    }

    fn statuses(&self) -> Vec<ExtensionStatus> {
        let mut statuses = self.shared.snapshot.load().statuses.clone();
        let faults = self.shared.call_faults();
        let snapshot = self.shared.snapshot.load();
        for status in &mut statuses {
            let health = snapshot.health.get(&status.name);
            status.quarantined_until = health
                .filter(|_| status.generation.is_some())
                .and_then(|health| health.quarantined_until());
            if let Some(health) = health {
                let (reloads, before) = (status.usage.reloads, status.usage.quarantines);
                status.usage = health.usage().shown();
                status.usage.reloads = reloads;
                status.usage.quarantines += before;
            }
            if status.quarantined_until.is_some() {
                status.state = ExtensionState::Quarantined;
            }
            // Why the newest file does not run matters more than the last event.
            if status.last_error.is_some() {
                continue;
            }
            if let Some((generation, fault)) = faults.get(&status.name)
                && status.generation.as_ref() == Some(generation)
            {
                status.last_error = Some(fault.clone());
            }
        }
        if let Some(rules) = self.shared.rules.status() {
            let before = |status: &ExtensionStatus| {
                (status.order, &status.name) < (rules.order, &rules.name)
            };
            let place = statuses.partition_point(before);
            statuses.insert(place, rules);
        }
        statuses
    }

    fn templates(&self) -> Arc<[Arc<dyn TemplateHook>]> {
        Arc::clone(&self.shared.snapshot.load().templates)
    }

    fn webhooks(&self) -> Arc<[Arc<dyn WebhookHook>]> {
        Arc::clone(&self.shared.snapshot.load().webhooks)
    }

    fn config_grants(&self, name: &ExtensionName) -> OperatorGrants {
        self.config_grants.get(name).cloned().unwrap_or_default()
    }

    async fn grant(&self, name: &ExtensionName, granted: OperatorGrants) {
        if name == self.shared.rules.name() {
            self.shared.change(|| self.shared.rules.grant(granted));
            return;
        }
        self.ask(Wanted::Grant(name.clone(), granted)).await;
    }

    async fn versions(&self, name: &ExtensionName) -> Versions {
        let (found, answer) = oneshot::channel();
        self.ask(Wanted::Versions(name.clone(), found)).await;
        // Nothing is answered by a registry that is stopping.
        answer.await.unwrap_or_default()
    }

    fn set_rules(&self, rules: Arc<[Arc<Rule>]>) {
        self.shared.change(|| self.shared.rules.set(&rules));
    }

    async fn try_rules(&self, call: HookCall, only: Option<Arc<Rule>>) -> RuleTrial {
        self.shared.rules.hook().try_on(&call, only).await
    }

    fn note_fault(&self, extension: &ExtensionName, fault: &ExtensionFault) {
        if extension == self.shared.rules.name() {
            self.shared.rules.note(fault);
            return;
        }
        let snapshot = self.shared.snapshot.load();
        if let Some(health) = snapshot.health.get(extension) {
            health.failed();
            health.usage().failed(&fault.code);
            if health.has_fallen() {
                let (done, _nobody_waits) = oneshot::channel();
                let wanted = Wanted::Rescan;
                // A full queue means that a look is due anyway.
                self.requests.try_send(Request { wanted, done }).ok();
            }
        }
        let running = snapshot
            .statuses
            .iter()
            .find(|status| status.name == *extension);
        let mut faults = self.shared.call_faults();
        faults.retain(|name, _| snapshot.statuses.iter().any(|status| status.name == *name));
        if let Some(generation) = running.and_then(|status| status.generation.clone()) {
            faults.insert(extension.clone(), (generation, fault.clone()));
        }
    }
}
