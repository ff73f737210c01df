//! The engine's storage on our database, behind a door.
//!
//! The records lie where the default engine's lie, in the same forms where the forms are the same,
//! through the same [`Keys`]; a session's keys are one engine's at a time. What is different:
//!
//! - The engine stores a Signal session under the number or under the LID of a person, as it knew
//!   them at that moment, and looks for it under the other one later. Here both are one place
//!   ([`signal`]).
//! - The engine changes a session in two tasks at once. What both have changed is put together
//!   ([`merging`]).
//! - The engine takes the first free id for its next one-time keys, used ones included. A used one
//!   leaves a stone behind ([`signal`]).
//! - The engine's tasks go on when a link is over. The door is shut then: they find no keys.

mod app_state;
mod device;
mod merging;
mod protocol;
mod signal;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};
use std::time::Duration;

use ::wa_rs::store::persistence_manager::PersistenceManager;
use ::wa_rs_core::store::error::{Result, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wacore::store::error::StoreError as OurStoreError;

use crate::keys::Keys;

pub(super) use device::is_linked;

/// What only this engine keeps. The numbers are on disk: they are never reused.
mod space {
    use warbler_store::device_keys::KeySpace;

    pub(super) const DEVICE: KeySpace = KeySpace(64);
    pub(super) const SYNC_KEYS: KeySpace = KeySpace(65);
    pub(super) const VERSIONS: KeySpace = KeySpace(66);
    pub(super) const MUTATION_MACS: KeySpace = KeySpace(67);
    pub(super) const DEVICE_LISTS: KeySpace = KeySpace(68);
    pub(super) const SENDER_KEY_DEVICES: KeySpace = KeySpace(69);
    pub(super) const FORGOTTEN_SENDER_KEYS: KeySpace = KeySpace(70);
}

/// How long nobody may ask for keys for the vault to be quiet.
const QUIET: Duration = Duration::from_millis(40);
/// Longest wait for that.
const BUSY: Duration = Duration::from_secs(3);

/// One session's keys, as long as the door is open.
#[derive(Default)]
pub(super) struct Vault {
    door: RwLock<Option<Keys>>,
    /// How often somebody came for keys.
    visits: AtomicU64,
    device: OnceLock<Weak<PersistenceManager>>,
}

impl Vault {
    /// Opens the door to `keys`.
    pub(super) fn open(&self, keys: Keys) {
        *self.door.write().unwrap_or_else(PoisonError::into_inner) = Some(keys);
    }

    /// Shuts the door: from now on every call is an error.
    pub(super) fn shut(&self) {
        self.door
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// Waits until the engine has no use for keys, at most [`BUSY`] long: reading a message takes
    /// several.
    pub(super) async fn is_quiet(&self) {
        let quiet = async {
            let mut before = None;
            loop {
                let visits = Some(self.visits.load(Ordering::Relaxed));
                if visits == before {
                    return;
                }
                before = visits;
                tokio::time::sleep(QUIET).await;
            }
        };
        if tokio::time::timeout(BUSY, quiet).await.is_err() {
            tracing::debug!("The engine is still at work when its link is over");
        }
    }

    /// Says where the newest state of the device is from now on.
    pub(super) fn follow(&self, device: &Arc<PersistenceManager>) {
        // A second device of the same keys does not exist.
        drop(self.device.set(Arc::downgrade(device)));
    }

    fn keys(&self) -> Result<Keys> {
        self.visits.fetch_add(1, Ordering::Relaxed);
        let door = self.door.read().unwrap_or_else(PoisonError::into_inner);
        let keys = door.clone();
        keys.ok_or_else(|| StoreError::Connection("the link is over".to_owned()))
    }
}

fn failed(error: OurStoreError) -> StoreError {
    StoreError::Database(error.to_string())
}

fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(unreadable)
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(unreadable)
}

/// One engine's record in the other's type: their fields have the same names.
fn same<T: Serialize, U: DeserializeOwned>(value: &T) -> Result<U> {
    from_json(&to_json(value)?)
}

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Serialization(error.to_string())
}

#[cfg(test)]
mod tests;
