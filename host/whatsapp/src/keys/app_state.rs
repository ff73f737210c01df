//! App-state sync: keys, versions and mutation MACs.

use std::collections::HashMap;

use async_trait::async_trait;
use wacore::appstate::hash::HashState;
use wacore::appstate::processor::AppStateMutationMAC;
use wacore::store::error::Result;
use wacore::store::traits::{AppStateSyncKey, AppSyncStore};

use super::{Keys, from_json, joined, space, to_json};

#[async_trait]
impl AppSyncStore for Keys {
    async fn get_sync_key(&self, key_id: &[u8]) -> Result<Option<AppStateSyncKey>> {
        let stored = self.get(space::SYNC_KEYS, key_id.to_vec()).await?;
        stored.map(|bytes| from_json(&bytes)).transpose()
    }

    async fn set_sync_key(&self, key_id: &[u8], key: AppStateSyncKey) -> Result<()> {
        let (key_id, value) = (key_id.to_vec(), to_json(&key)?);
        self.write(move |tx| {
            tx.put(space::SYNC_KEYS, &key_id, &value)?;
            tx.put(space::LATEST_SYNC_KEY, &[], &key_id)
        })
        .await
    }

    async fn get_version(&self, name: &str) -> Result<HashState> {
        match self.get(space::VERSIONS, name.into()).await? {
            Some(bytes) => from_json(&bytes),
            None => Ok(HashState::default()),
        }
    }

    async fn set_version(&self, name: &str, state: HashState) -> Result<()> {
        self.put(space::VERSIONS, name.into(), to_json(&state)?)
            .await
    }

    async fn put_mutation_macs(
        &self,
        name: &str,
        _version: u64,
        mutations: &[AppStateMutationMAC],
    ) -> Result<()> {
        let records: Vec<_> = mutations
            .iter()
            .map(|mac| (mac_key(name, &mac.index_mac), mac.value_mac.clone()))
            .collect();
        self.write(move |tx| {
            for (key, value) in &records {
                tx.put(space::MUTATION_MACS, key, value)?;
            }
            Ok(())
        })
        .await
    }

    async fn get_mutation_mac(&self, name: &str, index_mac: &[u8]) -> Result<Option<Vec<u8>>> {
        self.get(space::MUTATION_MACS, mac_key(name, index_mac))
            .await
    }

    async fn get_mutation_macs(
        &self,
        name: &str,
        index_macs: &[[u8; 32]],
    ) -> Result<HashMap<[u8; 32], Vec<u8>>> {
        let wanted: Vec<_> = index_macs
            .iter()
            .map(|index_mac| (*index_mac, mac_key(name, index_mac)))
            .collect();
        self.read(move |db, session| {
            let mut found = HashMap::with_capacity(wanted.len());
            for (index_mac, key) in wanted {
                if let Some(value) = db.get(session, space::MUTATION_MACS, &key)? {
                    found.insert(index_mac, value);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn delete_mutation_macs(&self, name: &str, index_macs: &[Vec<u8>]) -> Result<()> {
        let keys: Vec<_> = index_macs
            .iter()
            .map(|index_mac| mac_key(name, index_mac))
            .collect();
        self.write(move |tx| {
            keys.iter()
                .try_for_each(|key| tx.delete(space::MUTATION_MACS, key))
        })
        .await
    }

    async fn clear_mutation_macs(&self, name: &str) -> Result<()> {
        let prefix = joined(&[name.as_bytes()]);
        self.write(move |tx| tx.delete_all(space::MUTATION_MACS, &prefix))
            .await
    }

    async fn get_latest_sync_key_id(&self) -> Result<Option<Vec<u8>>> {
        self.get(space::LATEST_SYNC_KEY, Vec::new()).await
    }
}

fn mac_key(name: &str, index_mac: &[u8]) -> Vec<u8> {
    joined(&[name.as_bytes(), index_mac])
}
