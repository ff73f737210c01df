//! What the protocol makes the engine remember: who has which sender key, which LID is whose,
//! devices, and tokens.

use ::wa_rs::Jid;
use ::wa_rs_core::store::error::Result;
use ::wa_rs_core::store::traits::{
    DeviceListRecord, LidPnMappingEntry, ProtocolStore, TcTokenEntry,
};
use async_trait::async_trait;
use wacore::store::traits::ProtocolStore as _;
use wacore::types::lid_pn::LearningSource;

use super::{Vault, failed, from_json, same, space, to_json};
use crate::keys::{joined, second_part};

#[async_trait]
impl ProtocolStore for Vault {
    async fn get_skdm_recipients(&self, group_jid: &str) -> Result<Vec<Jid>> {
        let prefix = joined(&[group_jid.as_bytes()]);
        let found = self.keys()?;
        let found = found.scan(space::SENDER_KEY_DEVICES, prefix).await;
        let device = |(key, _): &(Vec<u8>, Vec<u8>)| {
            std::str::from_utf8(second_part(key)?).ok()?.parse().ok()
        };
        Ok(found.map_err(failed)?.iter().filter_map(device).collect())
    }

    async fn add_skdm_recipients(&self, group_jid: &str, device_jids: &[Jid]) -> Result<()> {
        let keys = self.keys()?;
        for device in device_jids {
            let device = device.to_string();
            let key = joined(&[group_jid.as_bytes(), device.as_bytes()]);
            let put = keys.put(space::SENDER_KEY_DEVICES, key, Vec::new());
            put.await.map_err(failed)?;
        }
        Ok(())
    }

    async fn clear_skdm_recipients(&self, group_jid: &str) -> Result<()> {
        let prefix = joined(&[group_jid.as_bytes()]);
        let cleared = self.keys()?;
        let cleared = cleared.delete_all(space::SENDER_KEY_DEVICES, prefix).await;
        cleared.map_err(failed)
    }

    async fn get_lid_mapping(&self, lid: &str) -> Result<Option<LidPnMappingEntry>> {
        let known = self.keys()?.get_lid_mapping(lid).await.map_err(failed)?;
        known.map(|known| same(&known)).transpose()
    }

    async fn get_pn_mapping(&self, phone: &str) -> Result<Option<LidPnMappingEntry>> {
        let known = self.keys()?.get_pn_mapping(phone).await.map_err(failed)?;
        known.map(|known| same(&known)).transpose()
    }

    async fn put_lid_mapping(&self, entry: &LidPnMappingEntry) -> Result<()> {
        if entry.learning_source == LearningSource::Pairing.as_str() {
            // The engine has the account's keys and is about to tell the phone so.
            self.save_newest().await?;
        }
        let entry = same(entry)?;
        self.keys()?.put_lid_mapping(&entry).await.map_err(failed)
    }

    async fn get_all_lid_mappings(&self) -> Result<Vec<LidPnMappingEntry>> {
        let known = self.keys()?.get_all_lid_mappings().await.map_err(failed)?;
        known.iter().map(same).collect()
    }

    async fn save_base_key(&self, address: &str, message_id: &str, base_key: &[u8]) -> Result<()> {
        let saved = self.keys()?;
        let saved = saved.save_base_key(address, message_id, base_key).await;
        saved.map_err(failed)
    }

    async fn has_same_base_key(
        &self,
        address: &str,
        message_id: &str,
        current_base_key: &[u8],
    ) -> Result<bool> {
        let keys = self.keys()?;
        let same = keys.has_same_base_key(address, message_id, current_base_key);
        same.await.map_err(failed)
    }

    async fn delete_base_key(&self, address: &str, message_id: &str) -> Result<()> {
        let deleted = self.keys()?;
        let deleted = deleted.delete_base_key(address, message_id).await;
        deleted.map_err(failed)
    }

    async fn update_device_list(&self, record: DeviceListRecord) -> Result<()> {
        let (user, value) = (record.user.clone().into_bytes(), to_json(&record)?);
        let put = self.keys()?;
        let put = put.put(space::DEVICE_LISTS, user, value).await;
        put.map_err(failed)
    }

    async fn get_devices(&self, user: &str) -> Result<Option<DeviceListRecord>> {
        let keys = self.keys()?;
        let stored = keys.get(space::DEVICE_LISTS, user.into()).await;
        let stored = stored.map_err(failed)?;
        stored.map(|bytes| from_json(&bytes)).transpose()
    }

    async fn mark_forget_sender_key(&self, group_jid: &str, participant: &str) -> Result<()> {
        let key = joined(&[group_jid.as_bytes(), participant.as_bytes()]);
        let marked = self.keys()?;
        let marked = marked.put(space::FORGOTTEN_SENDER_KEYS, key, Vec::new());
        marked.await.map_err(failed)
    }

    async fn consume_forget_marks(&self, group_jid: &str) -> Result<Vec<String>> {
        let prefix = joined(&[group_jid.as_bytes()]);
        let keys = self.keys()?;
        let marks = keys.scan(space::FORGOTTEN_SENDER_KEYS, prefix.clone());
        let marks = marks.await.map_err(failed)?;
        if !marks.is_empty() {
            let gone = keys.delete_all(space::FORGOTTEN_SENDER_KEYS, prefix);
            gone.await.map_err(failed)?;
        }
        let participant = |(key, _): &(Vec<u8>, Vec<u8>)| {
            Some(std::str::from_utf8(second_part(key)?).ok()?.to_owned())
        };
        Ok(marks.iter().filter_map(participant).collect())
    }

    async fn get_tc_token(&self, jid: &str) -> Result<Option<TcTokenEntry>> {
        let token = self.keys()?.get_tc_token(jid).await.map_err(failed)?;
        token.map(|token| same(&token)).transpose()
    }

    async fn put_tc_token(&self, jid: &str, entry: &TcTokenEntry) -> Result<()> {
        let entry = same(entry)?;
        self.keys()?.put_tc_token(jid, &entry).await.map_err(failed)
    }

    async fn delete_tc_token(&self, jid: &str) -> Result<()> {
        self.keys()?.delete_tc_token(jid).await.map_err(failed)
    }

    async fn get_all_tc_token_jids(&self) -> Result<Vec<String>> {
        self.keys()?.get_all_tc_token_jids().await.map_err(failed)
    }

    async fn delete_expired_tc_tokens(&self, cutoff_timestamp: i64) -> Result<u32> {
        let deleted = self.keys()?;
        // The engine knows one time of a token; that it was sent does not keep it.
        let deleted = deleted.delete_expired_tc_tokens(cutoff_timestamp, i64::MAX);
        deleted.await.map_err(failed)
    }
}
