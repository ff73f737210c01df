//! The device record: the session's own keys and who it is linked to.
//!
//! The engine stores it from several tasks, each with a copy it made a moment before, so an older
//! copy could come last. Therefore stores wait for each other, and each writes the record as it
//! is when its turn comes. And since the engine stores it when it finds the time, it is stored
//! here as well before the phone is told that this device is linked ([`Keys::save_newest`]).

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use tokio::sync::Mutex;
use wacore::store::Device;
use wacore::store::error::Result;
use wacore::store::traits::DeviceStore;
use whatsapp_rust::store::Device as EngineDevice;
use whatsapp_rust::store::persistence_manager::PersistenceManager;

use super::{Keys, from_json, space, to_json};

/// Where device records are written, one at a time.
#[derive(Default)]
pub(super) struct Desk {
    turn: Mutex<State>,
    newest: OnceLock<Weak<PersistenceManager>>,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Closed,
}

impl Desk {
    /// Waits for the store under way, and lets no other begin.
    pub(super) async fn close(&self) {
        *self.turn.lock().await = State::Closed;
    }
}

impl Keys {
    /// Says where the newest state of the device is from now on.
    pub(crate) fn follow(&self, device: &Arc<PersistenceManager>) {
        // A second device of the same keys does not exist.
        drop(self.desk.newest.set(Arc::downgrade(device)));
    }

    /// Stores the device record as it is now.
    pub(super) async fn save_newest(&self) -> Result<()> {
        match self.newest() {
            Some(newest) => self.save(&newest.core).await,
            None => Ok(()),
        }
    }

    fn newest(&self) -> Option<Arc<EngineDevice>> {
        let device = self.desk.newest.get().and_then(Weak::upgrade)?;
        Some(device.get_device_snapshot())
    }
}

#[async_trait]
impl DeviceStore for Keys {
    async fn save(&self, device: &Device) -> Result<()> {
        let turn = self.desk.turn.lock().await;
        if *turn == State::Closed {
            return Ok(());
        }
        let record = match self.newest() {
            Some(newest) => to_json(&newest.core)?,
            None => to_json(device)?,
        };
        self.put(space::DEVICE, Vec::new(), record).await
    }

    async fn load(&self) -> Result<Option<Device>> {
        let stored = self.get(space::DEVICE, Vec::new()).await?;
        stored.map(|bytes| from_json(&bytes)).transpose()
    }

    async fn exists(&self) -> Result<bool> {
        Ok(self.get(space::DEVICE, Vec::new()).await?.is_some())
    }

    /// Nothing to do: the record is made by the first [`DeviceStore::save`], and the number the
    /// engine gives to devices means nothing here.
    async fn create(&self) -> Result<i32> {
        Ok(1)
    }
}
