//! Every loaded extension, and the chain they form.
//!
//! [`Registry::open`] loads the folders once; a task then watches them (see `reload`). What runs
//! is one immutable snapshot behind one pointer: a reload makes a new snapshot and swaps it, and
//! events in flight finish on the one they began with.
//!
//! Invariant: a version that does not load never replaces one that runs.

mod last_good;
mod loader;
mod sources;
mod table;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use warbler_app::fetch::Fetcher;
use warbler_app::hook::{EventHook, Extensions, TemplateHook, WebhookHook};
use warbler_domain::extension::{
    ExtensionFault, ExtensionKind, ExtensionState, ExtensionStatus, Grants,
};
use warbler_domain::{Clock, ExtensionName, Generation, Secret};

use crate::health::Health;
use crate::limits::Limits;
use crate::reload::Worker;
use crate::script::ScriptEngine;
use crate::services::Services;
use crate::wasm::{EngineError, PluginEngine};

pub(crate) use last_good::LastGood;
pub(crate) use loader::Engines;
pub(crate) use sources::Scanner;
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
    /// What the operator grants, by extension.
    pub grants: BTreeMap<ExtensionName, Grants>,
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
}

impl RegistryConfig {
    /// No folders yet, and the documented defaults for the rest.
    pub fn new(last_good_dir: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self {
            plugin_dirs: Vec::new(),
            script_dirs: Vec::new(),
            last_good_dir: last_good_dir.into(),
            grants: BTreeMap::new(),
            default_grants: Grants::default(),
            secrets: BTreeMap::new(),
            fetcher: None,
            limits: Limits::default(),
            debounce: Duration::from_millis(25),
            poll: Duration::from_secs(3),
            clock,
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

/// Something happened to a loaded extension.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Which.
    pub name: ExtensionName,
    /// Plugin or script.
    pub kind: ExtensionKind,
    /// What.
    pub what: NoticeKind,
    /// From noticing the change until it held.
    pub took: Duration,
    /// What was found odd in its manifest.
    pub warnings: Vec<String>,
}

/// What happened to an extension.
#[derive(Debug, Clone)]
pub enum NoticeKind {
    /// It runs for the first time.
    Loaded(Generation),
    /// A new version runs.
    Reloaded(Generation),
    /// The newest version does not run.
    Failed {
        /// Why.
        fault: ExtensionFault,
        /// The older version that runs instead.
        running: Option<Generation>,
    },
    /// Its files are gone, and so is it.
    Removed,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.what {
            NoticeKind::Loaded(_) => write!(f, "{name} loaded"),
            NoticeKind::Reloaded(_) => write!(f, "{name} reloaded"),
            NoticeKind::Removed => write!(f, "{name} removed"),
            NoticeKind::Failed { fault, running } => {
                write!(f, "{name} not loaded: {}: {}", fault.code, fault.message)?;
                if let Some(line) = fault.line {
                    write!(f, " (line {line})")?;
                }
                match running {
                    Some(_) => f.write_str("; the last good version keeps running"),
                    None => Ok(()),
                }
            }
        }
    }
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

/// What the registry and its worker share.
pub(crate) struct Shared {
    pub(crate) snapshot: ArcSwap<Snapshot>,
    pub(crate) notices: broadcast::Sender<Notice>,
    /// What went wrong at an event, by extension, with the version it went wrong in.
    call_faults: Mutex<HashMap<ExtensionName, (Generation, ExtensionFault)>>,
}

impl Shared {
    fn call_faults(&self) -> MutexGuard<'_, HashMap<ExtensionName, (Generation, ExtensionFault)>> {
        self.call_faults
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// All extensions of this host.
pub struct Registry {
    shared: Arc<Shared>,
    rescans: mpsc::Sender<oneshot::Sender<()>>,
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
        });
        let engines = Engines {
            plugins: PluginEngine::new(&config.limits, Arc::clone(&services))?,
            scripts: ScriptEngine::new(&config.limits, services),
        };
        let shared = Arc::new(Shared {
            snapshot: ArcSwap::from_pointee(Snapshot::default()),
            notices: broadcast::channel(NOTICES).0,
            call_faults: Mutex::default(),
        });
        let table = Table::new(&config, engines, last_good);
        let (rescans, requests) = mpsc::channel(8);
        let cancel = CancellationToken::new();
        let mut worker = Worker::new(&config, table, Arc::clone(&shared), requests);
        worker.scan().await.ok_or(OpenError::Interrupted)?;
        let worker = tokio::spawn(worker.run(cancel.clone()));
        Ok(Self {
            shared,
            rescans,
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
        let (done, answer) = oneshot::channel();
        if self.rescans.send(done).await.is_ok() {
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

impl Extensions for Registry {
    fn chain(&self) -> Arc<[Arc<dyn EventHook>]> {
        Arc::clone(&self.shared.snapshot.load().chain)
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
        statuses
    }

    fn templates(&self) -> Arc<[Arc<dyn TemplateHook>]> {
        Arc::clone(&self.shared.snapshot.load().templates)
    }

    fn webhooks(&self) -> Arc<[Arc<dyn WebhookHook>]> {
        Arc::clone(&self.shared.snapshot.load().webhooks)
    }

    fn note_fault(&self, extension: &ExtensionName, fault: &ExtensionFault) {
        let snapshot = self.shared.snapshot.load();
        if let Some(health) = snapshot.health.get(extension) {
            health.failed();
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
