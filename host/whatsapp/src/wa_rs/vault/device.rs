//! The device record: the session's own keys and who it is linked to.
//!
//! The engine's own serialised form cannot be read back from JSON, so the record has a form here.
//! It is stored when the engine asks, before the phone is told that this device is linked
//! ([`Vault::save_newest`]), and when a link begins and ends.

use std::sync::Weak;

use ::wa_rs_core::libsignal::protocol::{KeyPair, PrivateKey, PublicKey};
use ::wa_rs_core::store::Device;
use ::wa_rs_core::store::error::{Result, StoreError};
use ::wa_rs_core::store::traits::DeviceStore;
use ::wa_rs_proto::whatsapp as theirs;
use async_trait::async_trait;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::{Vault, failed, from_json, space, to_json};
use crate::keys::Keys;

/// A device, as it is on disk.
#[derive(Serialize, Deserialize)]
struct Stored {
    pn: Option<String>,
    lid: Option<String>,
    registration_id: u32,
    /// Private keys, of 32 bytes each.
    noise_key: Vec<u8>,
    identity_key: Vec<u8>,
    signed_pre_key: Vec<u8>,
    signed_pre_key_id: u32,
    signed_pre_key_signature: Vec<u8>,
    adv_secret_key: Vec<u8>,
    account: Option<Vec<u8>>,
    push_name: String,
    app_version: (u32, u32, u32),
    app_version_fetched_ms: i64,
    edge_routing_info: Option<Vec<u8>>,
    props_hash: Option<String>,
}

impl From<&Device> for Stored {
    fn from(device: &Device) -> Self {
        let private = |pair: &KeyPair| pair.private_key.serialize().to_vec();
        Self {
            pn: device.pn.as_ref().map(ToString::to_string),
            lid: device.lid.as_ref().map(ToString::to_string),
            registration_id: device.registration_id,
            noise_key: private(&device.noise_key),
            identity_key: private(&device.identity_key),
            signed_pre_key: private(&device.signed_pre_key),
            signed_pre_key_id: device.signed_pre_key_id,
            signed_pre_key_signature: device.signed_pre_key_signature.to_vec(),
            adv_secret_key: device.adv_secret_key.to_vec(),
            account: device.account.as_ref().map(|one| one.encode_to_vec()),
            push_name: device.push_name.clone(),
            app_version: (
                device.app_version_primary,
                device.app_version_secondary,
                device.app_version_tertiary,
            ),
            app_version_fetched_ms: device.app_version_last_fetched_ms,
            edge_routing_info: device.edge_routing_info.clone(),
            props_hash: device.props_hash.clone(),
        }
    }
}

impl TryFrom<Stored> for Device {
    type Error = StoreError;

    fn try_from(stored: Stored) -> Result<Self> {
        let mut device = Self::new();
        device.pn = stored.pn.map(|jid| parsed(&jid)).transpose()?;
        device.lid = stored.lid.map(|jid| parsed(&jid)).transpose()?;
        device.registration_id = stored.registration_id;
        device.noise_key = pair(&stored.noise_key)?;
        device.identity_key = pair(&stored.identity_key)?;
        device.signed_pre_key = pair(&stored.signed_pre_key)?;
        device.signed_pre_key_id = stored.signed_pre_key_id;
        device.signed_pre_key_signature = sized(stored.signed_pre_key_signature)?;
        device.adv_secret_key = sized(stored.adv_secret_key)?;
        let account = stored
            .account
            .map(|bytes| theirs::AdvSignedDeviceIdentity::decode(bytes.as_slice()));
        device.account = account
            .transpose()
            .map_err(|_| wrong("an unreadable identity"))?;
        device.push_name = stored.push_name;
        (
            device.app_version_primary,
            device.app_version_secondary,
            device.app_version_tertiary,
        ) = stored.app_version;
        device.app_version_last_fetched_ms = stored.app_version_fetched_ms;
        device.edge_routing_info = stored.edge_routing_info;
        device.props_hash = stored.props_hash;
        Ok(device)
    }
}

/// The public half is derived from the private one.
fn pair(private: &[u8]) -> Result<KeyPair> {
    let bad = |_| wrong("a key that is none");
    let private = PrivateKey::deserialize(private).map_err(bad)?;
    let public: PublicKey = private.public_key().map_err(bad)?;
    Ok(KeyPair::new(public, private))
}

fn parsed(jid: &str) -> Result<::wa_rs::Jid> {
    jid.parse().map_err(|_| wrong("an address that is none"))
}

fn sized<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| wrong("a key of another size"))
}

fn wrong(what: &str) -> StoreError {
    StoreError::Serialization(format!("the device record holds {what}"))
}

/// Whether keys are those of a device of this engine that is linked.
pub(crate) async fn is_linked(keys: &Keys) -> Result<bool> {
    let stored = keys.get(space::DEVICE, Vec::new()).await.map_err(failed)?;
    let stored: Option<Stored> = stored.map(|bytes| from_json(&bytes)).transpose()?;
    Ok(stored.is_some_and(|device| device.pn.is_some()))
}

impl Vault {
    /// Stores the device record as it is now.
    pub(crate) async fn save_newest(&self) -> Result<()> {
        let Some(device) = self.device.get().and_then(Weak::upgrade) else {
            return Ok(());
        };
        let newest = device.get_device_snapshot().await;
        self.save(&newest.core).await
    }
}

#[async_trait]
impl DeviceStore for Vault {
    async fn save(&self, device: &Device) -> Result<()> {
        let record = to_json(&Stored::from(device))?;
        let put = self.keys()?;
        let put = put.put(space::DEVICE, Vec::new(), record).await;
        put.map_err(failed)
    }

    async fn load(&self) -> Result<Option<Device>> {
        let stored = self.keys()?.get(space::DEVICE, Vec::new()).await;
        let stored = stored.map_err(failed)?;
        let stored: Option<Stored> = stored.map(|bytes| from_json(&bytes)).transpose()?;
        stored.map(Device::try_from).transpose()
    }

    async fn exists(&self) -> Result<bool> {
        let stored = self.keys()?.get(space::DEVICE, Vec::new()).await;
        Ok(stored.map_err(failed)?.is_some())
    }

    /// Nothing to do: the record is made by the first [`DeviceStore::save`], and the number the
    /// engine gives to devices means nothing here.
    async fn create(&self) -> Result<i32> {
        Ok(1)
    }
}
