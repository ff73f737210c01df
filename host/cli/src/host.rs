//! The whole host: started in order, stopped in reverse.
//!
//! Order: data folder and its lock, listener, network below, database, driver, extensions, core,
//! API. The address is taken early, so that a port in use is found before anything connects, and
//! served last, so that nobody is answered by half a host. What was started before a failure is
//! stopped again.

mod backup;
mod data;
mod error;
mod listeners;
mod network;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};
use warbler_api::{ApiOptions, DialectOptions};
use warbler_app::driver::{Driver, Engines};
use warbler_app::fetch::Fetcher;
use warbler_app::{App, Parts, Settings};
use warbler_automation::{Registry, RegistryConfig};
use warbler_domain::extension::OperatorGrants;
use warbler_domain::{Clock, Dialect, EngineName, ExtensionName, Random, Secret, SystemClock};
use warbler_store::{Store, StoreOptions};
use warbler_whatsapp::{HistoryLimits, WaRs, WhatsappRust};

pub use backup::{BackedUp, BackupFailure, back_up, media_of, restore};
pub(crate) use data::read_key;
pub use data::{DATABASE, DataFolder, KEY_FILE, MEDIA};
pub use error::StartError;
use listeners::Listeners;
use network::Below;
pub use network::NetworkChoice;
pub use warbler_whatsapp::Platform;

/// How long a stopping host waits for its database threads.
const CLOSING: Duration = Duration::from_secs(2);

/// How a host is to be.
pub struct HostOptions {
    /// Where the API listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether that may be an address other machines reach.
    pub allow_remote: bool,
    /// Proxies that are believed when they say for whom they call.
    pub trusted_proxies: Vec<IpAddr>,
    /// The folder with everything that must survive.
    pub data: PathBuf,
    /// Folders with plugins.
    pub plugin_dirs: Vec<PathBuf>,
    /// Where compiled plugins are kept; nothing to compile them at every start.
    pub compiled: Option<PathBuf>,
    /// Folders with scripts.
    pub script_dirs: Vec<PathBuf>,
    /// What extensions may do beyond the default, by name.
    pub grants: BTreeMap<ExtensionName, OperatorGrants>,
    /// The secrets that extensions may be granted, by name.
    pub secrets: BTreeMap<String, Secret>,
    /// Where and how the dialects are served.
    pub dialects: DialectOptions,
    /// The network below.
    pub network: NetworkChoice,
    /// The engine of sessions that ask for none.
    pub engine: EngineName,
    /// What linked phones list this host as.
    pub device_name: String,
    /// The kind of client they show beside that.
    pub device_platform: Platform,
    /// How much of what a phone remembers is taken over when it links a session.
    pub history: HistoryLimits,
    /// How the core behaves.
    pub settings: Settings,
    /// What the host is called from outside, such as `https://wa.example.com`; empty where nobody
    /// is to be told.
    pub public_url: String,
    /// Largest request body, in bytes.
    pub max_body: usize,
    /// Whether `/metrics` is shown without a key to whoever asks from this machine.
    pub open_metrics: bool,
    /// How long the reader of a WebSocket may take over what it is sent.
    pub slow_reader: Duration,
    /// How long a client may take nothing of what it is sent.
    pub stalled_client: Duration,
    /// Largest database, in bytes; nothing for as large as the disk allows.
    pub max_database: Option<u64>,
    /// A key that always has access; without one the first start makes one.
    pub admin_key: Option<Secret>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub random: Arc<Random>,
}

impl HostOptions {
    /// A host with its data in `data`, on a free loopback port, without extensions.
    pub fn new(data: impl Into<PathBuf>, network: NetworkChoice) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            allow_remote: false,
            trusted_proxies: Vec::new(),
            data: data.into(),
            plugin_dirs: Vec::new(),
            compiled: None,
            script_dirs: Vec::new(),
            grants: BTreeMap::new(),
            secrets: BTreeMap::new(),
            dialects: DialectOptions::default(),
            network,
            engine: EngineName::default(),
            device_name: "Warbler".to_owned(),
            device_platform: Platform::default(),
            history: HistoryLimits::default(),
            settings: Settings::default(),
            public_url: String::new(),
            max_body: 24 * 1024 * 1024,
            open_metrics: false,
            slow_reader: ApiOptions::SLOW_READER,
            stalled_client: warbler_api::STALLED,
            max_database: None,
            admin_key: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(Random::from_system()),
        }
    }
}

/// A running host.
pub struct Host {
    address: SocketAddr,
    own: BTreeMap<Dialect, SocketAddr>,
    first_key: Option<Secret>,
    server: JoinHandle<io::Result<()>>,
    stop_server: CancellationToken,
    sockets: TaskTracker,
    app: App,
    registry: Arc<Registry>,
    store: Store,
    below: Below,
    folder: DataFolder,
}

impl Host {
    /// Starts everything, or nothing.
    pub async fn start(options: HostOptions) -> Result<Self, StartError> {
        options.dialects.check(options.listen)?;
        let mounts = options.dialects.mounts.values();
        let addresses = mounts.filter_map(|mount| mount.listen);
        for address in addresses.chain([options.listen]) {
            if !address.ip().to_canonical().is_loopback() && !options.allow_remote {
                return Err(StartError::RemoteNotAllowed(address));
            }
        }
        let folder = DataFolder::open(&options.data)?;
        let listeners = Listeners::bind(&options).await?;
        let below = Below::start(&options).await?;
        let started = Box::pin(above(options, &folder, listeners, &below)).await;
        match started {
            Ok(above) => Ok(above.into_host(below, folder)),
            Err(err) => {
                below.stop().await;
                Err(err)
            }
        }
    }

    /// Where the API is, such as `http://127.0.0.1:3000`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where a dialect has a listener of its own.
    pub fn dialect_url(&self, dialect: Dialect) -> Option<String> {
        let address = self.own.get(&dialect)?;
        Some(format!("http://{address}"))
    }

    /// The core.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The extensions.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The simulated network, if the host talks to one in this process.
    #[cfg(feature = "simulator")]
    pub fn network(&self) -> Option<&warbler_simulator::Network> {
        self.below.network()
    }

    /// The key that this start made, if it made one.
    pub fn first_key(&self) -> Option<&Secret> {
        self.first_key.as_ref()
    }

    /// The file that holds the admin key the host made.
    pub fn key_file(&self) -> PathBuf {
        self.folder.path(KEY_FILE)
    }

    /// The key in [`Self::key_file`]; another is made and written there if it is missing or no
    /// longer valid.
    pub async fn usable_key(&self) -> Result<Secret, StartError> {
        if let Some(key) = self.folder.read_key()
            && self.app.keys().authenticate(&key).await.is_ok()
        {
            return Ok(key);
        }
        let key = self.app.keys().replace_first().await?;
        self.folder.write_key(&key)?;
        Ok(key)
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        self.folder.root()
    }

    /// Waits until the listener has failed, which it does not do by itself.
    pub async fn listener_failed(&mut self) -> StartError {
        let reason = match (&mut self.server).await {
            Ok(Ok(())) => "it has ended".to_owned(),
            Ok(Err(err)) => err.to_string(),
            Err(err) => err.to_string(),
        };
        StartError::ListenerFailed(reason)
    }

    /// Answers what is being asked, stops the workers, closes the links, then the database.
    pub async fn stop(self) {
        self.stop_server.cancel();
        if !self.server.is_finished() {
            note_end(self.server.await);
        }
        self.sockets.close();
        self.sockets.wait().await;
        self.app.stop().await;
        self.registry.stop().await;
        drop(self.app);
        drop(self.registry);
        if tokio::time::timeout(CLOSING, self.store.close())
            .await
            .is_err()
        {
            // What was committed is safe; only the file's tidying up is left to the next start.
            info!("The database is still in use by something that did not end in time");
        }
        self.below.stop().await;
        info!(data = %self.folder.root().display(), "The host has stopped");
    }
}

fn note_end(ended: Result<io::Result<()>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(err)) => error!(%err, "The listener ended with an error"),
        Err(err) => error!(%err, "The listener ended badly"),
    }
}

/// What stands above the network.
struct Above {
    address: SocketAddr,
    own: BTreeMap<Dialect, SocketAddr>,
    first_key: Option<Secret>,
    server: JoinHandle<io::Result<()>>,
    stop_server: CancellationToken,
    sockets: TaskTracker,
    app: App,
    registry: Arc<Registry>,
    store: Store,
}

impl Above {
    fn into_host(self, below: Below, folder: DataFolder) -> Host {
        Host {
            address: self.address,
            own: self.own,
            first_key: self.first_key,
            server: self.server,
            stop_server: self.stop_server,
            sockets: self.sockets,
            app: self.app,
            registry: self.registry,
            store: self.store,
            below,
            folder,
        }
    }
}

/// Both engines over the one database; each has the sessions that are its own.
fn engines(store: &Store, options: &HostOptions, below: &Below) -> Result<Engines, StartError> {
    let (store, clock) = (store.clone(), Arc::clone(&options.clock));
    let first = WhatsappRust::new(store.clone(), Arc::clone(&clock), below.engine())?;
    let second = WaRs::new(store, clock, below.engine())?;
    let mut both: Vec<Arc<dyn Driver>> = vec![Arc::new(first), Arc::new(second)];
    both.sort_by_key(|driver| driver.engine() != options.engine);
    Ok(Engines::new(both))
}

async fn above(
    options: HostOptions,
    folder: &DataFolder,
    listeners: Listeners,
    below: &Below,
) -> Result<Above, StartError> {
    let (address, own) = listeners.addresses()?;
    let database = StoreOptions {
        max_bytes: options.max_database,
        ..StoreOptions::new(folder.path(DATABASE))
    };
    let store = Store::open(&database).map_err(|source| StartError::Store {
        path: database.path.clone(),
        source,
    })?;
    let engines = engines(&store, &options, below)?;
    let read = store.read(|db| db.extension_grants().all());
    let runtime_grants = read.await.map_err(warbler_app::StartError::from)?;
    let (outbound, roots) = (
        options.settings.outbound.clone(),
        &options.settings.tls_roots,
    );
    let fetcher = Fetcher::trusting(outbound, roots).map_err(warbler_app::StartError::from)?;
    let registry = Registry::open(RegistryConfig {
        plugin_dirs: options.plugin_dirs,
        compiled_dir: options.compiled,
        script_dirs: options.script_dirs,
        grants: options.grants,
        runtime_grants,
        secrets: options.secrets,
        fetcher: Some(fetcher),
        ..RegistryConfig::new(folder.path("last-good"), Arc::clone(&options.clock))
    });
    let registry = Arc::new(registry.await?);
    let mut settings = options.settings;
    settings.access.seal = Some(folder.seal(&options.random)?);
    let parts = Parts {
        store: store.clone(),
        engines,
        extensions: Arc::clone(&registry) as Arc<dyn warbler_app::hook::Extensions>,
        forms: Arc::new(warbler_api::AllForms::at(&options.public_url)),
        clock: Arc::clone(&options.clock),
        random: Arc::clone(&options.random),
        media_dir: folder.path(MEDIA),
        settings,
    };
    let app = App::start(parts).await?;
    let first_key = match first_key(&app, folder, options.admin_key).await {
        Ok(first_key) => first_key,
        Err(err) => {
            app.stop().await;
            return Err(err);
        }
    };
    let stop_server = CancellationToken::new();
    let mut api = ApiOptions::new(
        env!("CARGO_PKG_VERSION"),
        options.clock,
        stop_server.clone(),
    );
    api.embedded_network = below.routes(&app);
    api.max_body = options.max_body;
    api.open_metrics = options.open_metrics;
    api.trusted_proxies = options.trusted_proxies;
    api.slow_reader = options.slow_reader;
    let sockets = api.tasks.clone();
    api.local = address.ip().to_canonical().is_loopback();
    for switch in &options.dialects.documented_unsafe {
        warn!(target: "warbler_cli::unsafe", switch = %switch, "`documented_unsafe` opens {switch}: {}", switch.danger());
    }
    api.dialects = options.dialects;
    let routers = warbler_api::routers(app.clone(), api);
    let serving = listeners.serve(routers, stop_server.clone(), options.stalled_client);
    let server = tokio::spawn(serving);
    info!(%address, data = %folder.root().display(), "The host is ready on http://{address}");
    Ok(Above {
        address,
        own,
        first_key,
        server,
        stop_server,
        sockets,
        app,
        registry,
        store,
    })
}

/// Puts the chosen key in place, or makes and writes down the first one.
async fn first_key(
    app: &App,
    folder: &DataFolder,
    chosen: Option<Secret>,
) -> Result<Option<Secret>, StartError> {
    if let Some(key) = chosen {
        app.keys().adopt(&key).await?;
        return Ok(None);
    }
    let made = app.keys().make_first().await?;
    if let Some(key) = &made {
        folder.write_key(key)?;
    }
    Ok(made)
}
