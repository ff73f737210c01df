//! One engine client, and what it is connected to while a link is open.
//!
//! The engine's client can never be let go of: tasks of its own hold it for as long as it has had a
//! chat. So a session's client is kept when its link is over and used for the next one, and what it
//! holds is behind doors that a link opens and shuts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ::wa_rs::Client;
use ::wa_rs::store::commands::DeviceCommand;
use ::wa_rs::store::persistence_manager::PersistenceManager;
use ::wa_rs_proto::whatsapp::device_props::PlatformType;
use warbler_app::driver::DriverError;
use warbler_domain::SessionId;

use super::line::{Ears, Line};
use super::network::{Fetch, Switch, Switched};
use super::teller::Owed;
use super::vault::Vault;
use crate::driver::{EngineConfig, SIMULATED_VERSION};
use crate::http::Http;
use crate::keys::Keys;
use crate::looks::Platform;
use crate::transport::Transports;

/// A session's engine.
pub(super) struct Engine {
    pub(super) client: Arc<Client>,
    pub(super) vault: Arc<Vault>,
    pub(super) ears: Arc<Ears>,
    pub(super) owed: Arc<Owed>,
    switch: Arc<Switch>,
}

impl Engine {
    /// A new client over `keys`, which it sees while a link is open.
    pub(super) async fn new(keys: Keys, config: &EngineConfig) -> Result<Self, DriverError> {
        let vault = Arc::new(Vault::default());
        vault.open(keys);
        let device = PersistenceManager::new(Arc::<Vault>::clone(&vault)).await;
        let device = Arc::new(device.map_err(|err| DriverError::Keys(err.to_string()))?);
        vault.follow(&device);
        let looks = DeviceCommand::SetDeviceProps(
            Some(config.device_name.clone()),
            None,
            Some(kind_of(config.device_platform)),
        );
        device.process_command(looks).await;
        let switch = Arc::new(Switch::default());
        let (client, tasks) = Client::new(
            device,
            Arc::new(Switched(Arc::clone(&switch))),
            Arc::new(Fetch(Arc::clone(&switch))),
            config.simulated.then_some(SIMULATED_VERSION),
        )
        .await;
        // What they would do can only be done inside the engine: the phone's history is not read.
        drop(tasks);
        client.set_skip_history_sync(true);
        let ears = Arc::new(Ears::new(&client));
        client.register_handler(Arc::<Ears>::clone(&ears));
        let hears = Arc::clone(&ears);
        client
            .register_chatstate_handler(Arc::new(move |state| hears.chat_state(state)))
            .await;
        Ok(Self {
            client,
            vault,
            ears,
            owed: Arc::default(),
            switch,
        })
    }

    /// Opens the doors for a link.
    pub(super) fn open(&self, keys: Keys, way: (Transports, Arc<Http>), line: Arc<Line>) {
        self.vault.open(keys);
        self.switch.set(Some(way));
        self.ears.set(Some(line));
    }

    /// Shuts them.
    pub(super) fn shut(&self) {
        self.ears.set(None);
        self.switch.set(None);
        self.vault.shut();
    }

    /// When the engine was last logged in, in milliseconds since 1970.
    pub(super) async fn logged_in_at(&self) -> Option<i64> {
        let at = self.client.last_successful_connect.lock().await;
        at.map(|at| at.timestamp_millis())
    }
}

fn kind_of(platform: Platform) -> PlatformType {
    match platform {
        Platform::Chrome => PlatformType::Chrome,
        Platform::Edge => PlatformType::Edge,
        Platform::Firefox => PlatformType::Firefox,
        Platform::Opera => PlatformType::Opera,
        Platform::Safari => PlatformType::Safari,
        Platform::Desktop => PlatformType::Desktop,
    }
}

/// Where a session's engine is kept between two links.
pub(super) struct Shelf {
    pub(super) session: SessionId,
    pub(super) engines: Engines,
}

/// The engines of sessions that are linked and have no link open.
pub(super) type Engines = Arc<Mutex<HashMap<SessionId, Arc<Engine>>>>;

impl Shelf {
    /// Keeps it.
    pub(super) fn keep(&self, engine: &Arc<Engine>) {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        engines.insert(self.session, Arc::clone(engine));
    }
}
