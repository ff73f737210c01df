//! App-state sync: keys, versions and mutation MACs.

use ::wa_rs_core::appstate::hash::HashState;
use ::wa_rs_core::appstate::processor::AppStateMutationMAC;
use ::wa_rs_core::store::error::Result;
use ::wa_rs_core::store::traits::{AppStateSyncKey, AppSyncStore};
use async_trait::async_trait;

use super::{Vault, failed, from_json, space, to_json};
use crate::keys::joined;

#[async_trait]
impl AppSyncStore for Vault {
    async fn get_sync_key(&self, key_id: &[u8]) -> Result<Option<AppStateSyncKey>> {
        let keys = self.keys()?;
        let stored = keys.get(space::SYNC_KEYS, key_id.to_vec()).await;
        let stored = stored.map_err(failed)?;
        stored.map(|bytes| from_json(&bytes)).transpose()
    }

    async fn set_sync_key(&self, key_id: &[u8], key: AppStateSyncKey) -> Result<()> {
        let value = to_json(&key)?;
        let put = self.keys()?;
        let put = put.put(space::SYNC_KEYS, key_id.to_vec(), value).await;
        put.map_err(failed)
    }

    async fn get_version(&self, name: &str) -> Result<HashState> {
        let keys = self.keys()?;
        let stored = keys.get(space::VERSIONS, name.into()).await;
        match stored.map_err(failed)? {
            Some(bytes) => from_json(&bytes),
            None => Ok(HashState::default()),
        }
    }

    async fn set_version(&self, name: &str, state: HashState) -> Result<()> {
        let value = to_json(&state)?;
        let put = self.keys()?;
        let put = put.put(space::VERSIONS, name.into(), value).await;
        put.map_err(failed)
    }

    async fn put_mutation_macs(
        &self,
        name: &str,
        _version: u64,
        mutations: &[AppStateMutationMAC],
    ) -> Result<()> {
        let keys = self.keys()?;
        for mac in mutations {
            let key = mac_key(name, &mac.index_mac);
            let put = keys.put(space::MUTATION_MACS, key, mac.value_mac.clone());
            put.await.map_err(failed)?;
        }
        Ok(())
    }

    async fn get_mutation_mac(&self, name: &str, index_mac: &[u8]) -> Result<Option<Vec<u8>>> {
        let keys = self.keys()?;
        let mac = keys.get(space::MUTATION_MACS, mac_key(name, index_mac));
        mac.await.map_err(failed)
    }

    async fn delete_mutation_macs(&self, name: &str, index_macs: &[Vec<u8>]) -> Result<()> {
        let keys = self.keys()?;
        for mac in index_macs {
            let deleted = keys.delete(space::MUTATION_MACS, mac_key(name, mac));
            deleted.await.map_err(failed)?;
        }
        Ok(())
    }
}

fn mac_key(name: &str, index_mac: &[u8]) -> Vec<u8> {
    joined(&[name.as_bytes(), index_mac])
}
