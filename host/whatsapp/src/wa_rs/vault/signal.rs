//! Signal sessions, identities, prekeys and sender keys.
//!
//! Addresses are `user[:device]@c.us.0` for numbers and `user[:device]@lid.0` for LIDs. A record
//! is kept under the number where the number is known, and found under either.

use ::wa_rs_core::store::error::Result;
use ::wa_rs_core::store::traits::SignalStore;
use async_trait::async_trait;
use wacore::store::traits::{ProtocolStore as _, SignalStore as _};

use super::{Vault, failed, merging};
use crate::keys::{Keys, space};

const NUMBERS: &str = "@c.us.0";
const LIDS: &str = "@lid.0";
/// First byte of a one-time key that has been used, and all that is left of it.
const USED: u8 = 2;

/// Where a record is kept, and where it may have been kept before its person was known better.
struct Place {
    now: String,
    before: Option<String>,
}

impl Place {
    async fn of(keys: &Keys, address: &str) -> Result<Self> {
        if let Some(name) = address.strip_suffix(LIDS) {
            let (user, device) = split(name);
            let known = keys.get_lid_mapping(user).await.map_err(failed)?;
            return Ok(match known {
                Some(known) => Self {
                    now: format!("{}{device}{NUMBERS}", known.phone_number),
                    before: Some(address.to_owned()),
                },
                None => Self::only(address),
            });
        }
        if let Some(name) = address.strip_suffix(NUMBERS) {
            let (user, device) = split(name);
            let known = keys.get_pn_mapping(user).await.map_err(failed)?;
            let before = known.map(|known| format!("{}{device}{LIDS}", known.lid));
            return Ok(Self {
                now: address.to_owned(),
                before,
            });
        }
        Ok(Self::only(address))
    }

    fn only(address: &str) -> Self {
        Self {
            now: address.to_owned(),
            before: None,
        }
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.now.as_str()).chain(self.before.as_deref())
    }
}

/// A user, and the device with its colon.
fn split(name: &str) -> (&str, &str) {
    match name.find(':') {
        Some(at) => name.split_at(at),
        None => (name, ""),
    }
}

#[async_trait]
impl SignalStore for Vault {
    async fn put_identity(&self, address: &str, key: [u8; 32]) -> Result<()> {
        let keys = self.keys()?;
        let place = Place::of(&keys, address).await?;
        keys.put_identity(&place.now, key).await.map_err(failed)
    }

    async fn load_identity(&self, address: &str) -> Result<Option<Vec<u8>>> {
        let keys = self.keys()?;
        for place in Place::of(&keys, address).await?.all() {
            if let Some(key) = keys.load_identity(place).await.map_err(failed)? {
                return Ok(Some(key.to_vec()));
            }
        }
        Ok(None)
    }

    async fn delete_identity(&self, address: &str) -> Result<()> {
        let keys = self.keys()?;
        for place in Place::of(&keys, address).await?.all() {
            keys.delete_identity(place).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn get_session(&self, address: &str) -> Result<Option<Vec<u8>>> {
        let keys = self.keys()?;
        for place in Place::of(&keys, address).await?.all() {
            if let Some(session) = keys.get_session(place).await.map_err(failed)? {
                return Ok(Some(session.to_vec()));
            }
        }
        Ok(None)
    }

    async fn put_session(&self, address: &str, session: &[u8]) -> Result<()> {
        let keys = self.keys()?;
        let place = Place::of(&keys, address).await?;
        let new = session.to_vec();
        let put = keys.update(space::SESSIONS, place.now.into_bytes(), |stored| {
            Some(match stored {
                Some(stored) => merging::merged(&stored, new),
                None => new,
            })
        });
        put.await.map_err(failed)
    }

    async fn delete_session(&self, address: &str) -> Result<()> {
        let keys = self.keys()?;
        for place in Place::of(&keys, address).await?.all() {
            keys.delete_session(place).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn store_prekey(&self, id: u32, record: &[u8], uploaded: bool) -> Result<()> {
        let stored = self.keys()?;
        let stored = stored.store_prekey(id, record, uploaded).await;
        stored.map_err(failed)
    }

    /// A used one is an empty record: its id is taken, and it opens nothing.
    async fn load_prekey(&self, id: u32) -> Result<Option<Vec<u8>>> {
        let found = self.keys()?.load_prekey(id).await.map_err(failed)?;
        Ok(found.map(|record| record.to_vec()))
    }

    async fn remove_prekey(&self, id: u32) -> Result<()> {
        let used = self.keys()?;
        let used = used.put(space::PREKEYS, id.to_be_bytes().into(), vec![USED]);
        used.await.map_err(failed)
    }

    async fn store_signed_prekey(&self, id: u32, record: &[u8]) -> Result<()> {
        let stored = self.keys()?;
        stored.store_signed_prekey(id, record).await.map_err(failed)
    }

    async fn load_signed_prekey(&self, id: u32) -> Result<Option<Vec<u8>>> {
        self.keys()?.load_signed_prekey(id).await.map_err(failed)
    }

    async fn load_all_signed_prekeys(&self) -> Result<Vec<(u32, Vec<u8>)>> {
        self.keys()?.load_all_signed_prekeys().await.map_err(failed)
    }

    async fn remove_signed_prekey(&self, id: u32) -> Result<()> {
        self.keys()?.remove_signed_prekey(id).await.map_err(failed)
    }

    async fn put_sender_key(&self, address: &str, record: &[u8]) -> Result<()> {
        let stored = self.keys()?;
        stored.put_sender_key(address, record).await.map_err(failed)
    }

    async fn get_sender_key(&self, address: &str) -> Result<Option<Vec<u8>>> {
        self.keys()?.get_sender_key(address).await.map_err(failed)
    }

    async fn delete_sender_key(&self, address: &str) -> Result<()> {
        self.keys()?
            .delete_sender_key(address)
            .await
            .map_err(failed)
    }
}
