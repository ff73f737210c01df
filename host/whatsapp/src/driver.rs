//! The engine `whatsapp-rust`, as a [`Driver`].
//!
//! Everything sessions share is here: configuration, HTTP, the way to the server. A session costs
//! what its engine client costs, which is kept small by small caches; it has no thread of its own.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use http::Uri;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wacore::runtime::Runtime as _;
use wacore::store::DevicePropsOverride;
use warbler_app::driver::{Driver, DriverError, EngineCapability, Inbox, Link};
use warbler_app::fetch::Roots;
use warbler_domain::{Clock, EngineName, SessionId};
use warbler_store::Store;
use whatsapp_rust::Client;
use whatsapp_rust::cache_config::{CacheConfig, CacheEntryConfig};
use whatsapp_rust::store::commands::DeviceCommand;
use whatsapp_rust::store::persistence_manager::PersistenceManager;

use crate::calls::Calls;
use crate::history::{HistoryLimits, Wanted};
use crate::http::Http;
use crate::keys::Keys;
use crate::lines::{Ears, Hook, Lines};
use crate::link::{Pulse, UPLOADS, WhatsappLink};
use crate::looks::Platform;
use crate::owed::Owed;
use crate::retries::Retries;
use crate::seats::Seats;
use crate::tasks::Tasks;
use crate::teller::Teller;
use crate::transport::Transports;
use crate::way::Ways;
use crate::wire::Wires;

/// The web version told to the simulated network, which takes any.
pub(crate) const SIMULATED_VERSION: (u32, u32, u32) = (2, 3000, 1_035_000_000);
/// How often the engine's device record is stored if nothing asks for it earlier.
const SAVE: Duration = Duration::from_secs(60);

/// A build for the simulated network takes any certificate.
pub(crate) const CAPABILITIES: &[EngineCapability] = match cfg!(feature = "simulator") {
    true => {
        EngineCapability::ALL
            .split_at(EngineCapability::ALL.len() - 1)
            .0
    }
    false => &EngineCapability::ALL,
};

/// How to reach WhatsApp, and as whom.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The server; `wss`, or `ws` on this machine.
    pub websocket_url: Uri,
    /// Where media go instead of to WhatsApp's hosts.
    pub media_base: Option<Uri>,
    /// Whether the server is the simulated network. Then both addresses are on this machine, and
    /// nothing leaves it.
    pub simulated: bool,
    /// What the phone lists this device as.
    pub device_name: String,
    /// The kind of client the phone shows beside that name.
    pub device_platform: Platform,
    /// Whose signature under WhatsApp's TLS certificates is trusted.
    pub tls_roots: Roots,
    /// One-time keys kept on offer at the server, per session.
    pub prekeys: usize,
    /// How much is taken of what the phone remembers, when a session is linked; nothing at first.
    pub history: HistoryLimits,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            websocket_url: Uri::from_static("wss://web.whatsapp.com/ws/chat"),
            media_base: None,
            simulated: false,
            device_name: "Warbler".to_owned(),
            device_platform: Platform::default(),
            tls_roots: Roots::default(),
            prekeys: 64,
            history: HistoryLimits::default(),
        }
    }
}

/// A configuration the driver does not run with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A server elsewhere without TLS.
    #[error("{0} is not reached without TLS: write wss://, or use an address of this machine")]
    PlainElsewhere(Uri),
    /// A simulated network elsewhere.
    #[error("{0} is not an address of this machine, and the simulated network is nowhere else")]
    SimulatedElsewhere(Uri),
    /// A release build, which only talks to WhatsApp.
    #[error(
        "this build verifies WhatsApp's own certificate and cannot use the simulated network: build it with the feature `simulator`"
    )]
    NoSimulator,
    /// The simulated network without its media address.
    #[error("the simulated network needs `media_base`")]
    NoMediaBase,
    /// An address of another kind.
    #[error("{0} is not a WebSocket address")]
    BadAddress(Uri),
    /// TLS or HTTP could not be set up.
    #[error("TLS could not be set up: {0}")]
    Tls(String),
}

impl EngineConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let plain = match self.websocket_url.scheme_str() {
            Some("wss") => false,
            Some("ws") => true,
            _ => return Err(ConfigError::BadAddress(self.websocket_url.clone())),
        };
        if plain && !is_here(&self.websocket_url) {
            return Err(ConfigError::PlainElsewhere(self.websocket_url.clone()));
        }
        if !self.simulated {
            return Ok(());
        }
        if !cfg!(feature = "simulator") {
            return Err(ConfigError::NoSimulator);
        }
        let media = self.media_base.as_ref().ok_or(ConfigError::NoMediaBase)?;
        match [&self.websocket_url, media]
            .into_iter()
            .find(|uri| !is_here(uri))
        {
            Some(elsewhere) => Err(ConfigError::SimulatedElsewhere(elsewhere.clone())),
            None => Ok(()),
        }
    }
}

/// Whether an address is written as one of this machine. The transport looks again at what the
/// name resolves to.
fn is_here(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let address: Result<std::net::IpAddr, _> = host.parse();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The engine, for all sessions.
pub struct WhatsappRust {
    store: Store,
    clock: Arc<dyn Clock>,
    config: EngineConfig,
    ways: Ways,
    seats: Seats,
    uploads: Arc<Semaphore>,
    owed: Arc<Owed>,
    retries: Arc<Retries>,
    tasks: TaskTracker,
}

impl WhatsappRust {
    /// The engine over `store`.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        config: EngineConfig,
    ) -> Result<Self, ConfigError> {
        let ways = Ways::new(store.clone(), &config)?;
        Ok(Self {
            store,
            clock,
            config,
            ways,
            seats: Seats::default(),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            owed: Arc::default(),
            retries: Arc::default(),
            tasks: TaskTracker::new(),
        })
    }

    fn keys(&self, session: SessionId) -> Keys {
        Keys::new(self.store.clone(), session, Arc::clone(&self.clock))
    }

    async fn client(
        &self,
        keys: &Keys,
        wires: Wires,
        http: Arc<Http>,
        lines: &Arc<Lines>,
        tasks: &Tasks,
    ) -> Result<Arc<Client>, DriverError> {
        let device = PersistenceManager::new(Arc::new(keys.clone()))
            .await
            .map_err(keys_failed)?;
        let device = Arc::new(device);
        keys.follow(&device);
        let looks = DevicePropsOverride::new()
            .with_os(self.config.device_name.clone())
            .with_platform_type(self.config.device_platform.kind());
        device
            .process_command(DeviceCommand::SetDeviceProps(looks))
            .await;
        let mut builder = Client::builder()
            .with_runtime(tasks.clone())
            .with_persistence_manager(device)
            .with_transport_factory(wires)
            .with_http_client_arc(http)
            .with_cache_config(small_caches())
            .with_inbound_durability_hook(Hook::new(Arc::clone(lines), keys.clone()))
            .with_skip_history_sync(!self.config.history.wants_some())
            .with_wanted_pre_key_count(self.config.prekeys)
            .with_background_saver_interval(SAVE);
        if self.config.simulated {
            builder = builder.with_version_override(SIMULATED_VERSION);
        }
        let built = Box::pin(builder.build()).await;
        Ok(built
            .map_err(|err| DriverError::Engine(err.to_string()))?
            .into_client())
    }
}

#[async_trait]
impl Driver for WhatsappRust {
    fn engine(&self) -> EngineName {
        EngineName::WhatsappRust
    }

    fn capabilities(&self) -> &'static [EngineCapability] {
        CAPABILITIES
    }

    async fn open(
        &self,
        session: SessionId,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Arc<dyn Link>, DriverError> {
        let seat = self.seats.take(session)?;
        let keys = self.keys(session);
        let pulse = Arc::new(Pulse::new(Arc::clone(&self.clock)));
        let (lines, heard) = Lines::new();
        let calls = Arc::<Calls>::default();
        let cut = CancellationToken::new();
        let (route, http) = self.ways.of(session).await?;
        let transports =
            Transports::new(route, Arc::clone(&pulse), cut.clone(), self.tasks.clone());
        let tasks = Tasks::default();
        let wires = Wires {
            transports,
            keys: keys.clone(),
            lines: Arc::clone(&lines),
        };
        let client = self.client(&keys, wires, http, &lines, &tasks).await?;
        keys.intake().serve(&client);
        let (intake, behind) = (Arc::clone(keys.intake()), Arc::clone(&lines));
        tasks.spawn_detached(Box::pin(async move {
            intake.keep_writing(|| behind.is_live()).await;
        }));
        let retries = self.retries.of(session);
        let intake = Arc::clone(keys.intake());
        let ears = Ears::new(Arc::clone(&lines), intake, Arc::clone(&retries));
        let subscription = client.subscribe_handler(Arc::new(ears));
        let teller = Teller {
            session,
            client: Arc::clone(&client),
            inbox: Arc::clone(&inbox),
            keys: keys.clone(),
            clock: Arc::clone(&self.clock),
            lines: Arc::clone(&lines),
            calls: Arc::clone(&calls),
            heard,
            owed: Arc::clone(&self.owed),
            retries,
            tasks: tasks.clone(),
            wanted: Wanted::new(self.config.history, self.clock.now()),
            finish: CancellationToken::new(),
            cut: cut.clone(),
            failed: false,
        };
        let link = Arc::new(WhatsappLink {
            was_linked: client.pn().is_some(),
            client,
            inbox,
            keys,
            clock: Arc::clone(&self.clock),
            pulse,
            lines,
            calls,
            uploads: Arc::clone(&self.uploads),
            tasks,
            closing: CancellationToken::new(),
            cut,
            ended: CancellationToken::new(),
            logging_out: AtomicBool::new(false),
        });
        self.tasks
            .spawn(Box::pin(Arc::clone(&link).live(teller, subscription, seat)));
        Ok(link)
    }

    async fn is_paired(&self, session: SessionId) -> Result<bool, DriverError> {
        self.keys(session).is_paired().await.map_err(keys_failed)
    }

    async fn forget(&self, session: SessionId) -> Result<(), DriverError> {
        let seat = self.seats.take(session)?;
        let forgotten = self.keys(session).forget().await.map_err(keys_failed);
        drop(self.owed.take(session));
        self.retries.forget(session);
        drop(seat);
        forgotten
    }
}

fn keys_failed(error: wacore::store::error::StoreError) -> DriverError {
    DriverError::Keys(error.to_string())
}

/// Caches for many sessions in one process: what does not fit is read from the database again.
fn small_caches() -> CacheConfig {
    let hour = Some(Duration::from_secs(3600));
    CacheConfig {
        group_cache: CacheEntryConfig::new(hour, 32),
        device_registry_cache: CacheEntryConfig::new(hour, 1_100),
        message_retry_counts: CacheEntryConfig::new(hour, 128),
        sender_key_devices_cache: CacheEntryConfig::new(hour, 32),
        session_recreate_history: CacheEntryConfig::new(hour, 64),
        seed_msg_secrets_from_history: false,
        ..CacheConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(
        websocket: &'static str,
        media: Option<&'static str>,
        simulated: bool,
    ) -> EngineConfig {
        EngineConfig {
            websocket_url: Uri::from_static(websocket),
            media_base: media.map(Uri::from_static),
            simulated,
            ..EngineConfig::default()
        }
    }

    #[test]
    fn only_this_machine_is_reached_without_tls() {
        assert_eq!(
            config("wss://web.whatsapp.com/ws/chat", None, false).check(),
            Ok(())
        );
        assert_eq!(
            config("ws://127.0.0.1:5/ws/chat", None, false).check(),
            Ok(())
        );
        let elsewhere = config("ws://web.whatsapp.com/ws/chat", None, false);
        assert!(matches!(
            elsewhere.check(),
            Err(ConfigError::PlainElsewhere(_))
        ));
        let other = config("https://web.whatsapp.com/ws/chat", None, false);
        assert!(matches!(other.check(), Err(ConfigError::BadAddress(_))));
    }

    #[cfg(feature = "simulator")]
    #[test]
    fn the_simulated_network_is_on_this_machine() {
        let here = "ws://127.0.0.1:5/ws/chat";
        assert_eq!(
            config(here, Some("http://127.0.0.1:6"), true).check(),
            Ok(())
        );
        assert_eq!(
            config(here, None, true).check(),
            Err(ConfigError::NoMediaBase)
        );
        let media_elsewhere = config(here, Some("https://mmg.whatsapp.net"), true);
        assert!(matches!(
            media_elsewhere.check(),
            Err(ConfigError::SimulatedElsewhere(_))
        ));
        let elsewhere = config(
            "wss://web.whatsapp.com/ws",
            Some("http://127.0.0.1:6"),
            true,
        );
        assert!(matches!(
            elsewhere.check(),
            Err(ConfigError::SimulatedElsewhere(_))
        ));
    }

    #[cfg(not(feature = "simulator"))]
    #[test]
    fn a_release_build_refuses_the_simulated_network() {
        let simulated = config("ws://127.0.0.1:5/ws/chat", Some("http://127.0.0.1:6"), true);
        assert_eq!(simulated.check(), Err(ConfigError::NoSimulator));
    }
}
