//! What the protocol makes the engine remember: who has which sender key, which LID is whose,
//! devices, groups, tokens, and messages on their way in and out.

use async_trait::async_trait;
use wacore::store::error::Result;
use wacore::store::traits::{
    DeviceListRecord, LidPnMappingEntry, PendingInboundKey, PendingInboundRow, ProtocolStore,
    TcTokenEntry,
};
use wacore::types::lid_pn::LearningSource;

use super::{Keys, Stored, Tx, from_json, joined, second_part, space, to_json};

impl Keys {
    /// The copy of a sent message, for as long as it is kept.
    pub(crate) async fn sent_message(&self, chat: &str, id: &str) -> Result<Option<Vec<u8>>> {
        let key = joined(&[chat.as_bytes(), id.as_bytes()]);
        self.get_in_order(space::SENT_MESSAGES, key).await
    }
}

#[async_trait]
impl ProtocolStore for Keys {
    async fn get_sender_key_devices(&self, group_jid: &str) -> Result<Vec<(String, bool)>> {
        let prefix = joined(&[group_jid.as_bytes()]);
        let found = self
            .read(move |db, session| db.scan(session, space::SENDER_KEY_DEVICES, &prefix))
            .await?;
        let device = |(key, value): &(Vec<u8>, Vec<u8>)| {
            let jid = std::str::from_utf8(second_part(key)?).ok()?;
            Some((jid.to_owned(), value.first() == Some(&1)))
        };
        Ok(found.iter().filter_map(device).collect())
    }

    async fn set_sender_key_status(&self, group_jid: &str, entries: &[(&str, bool)]) -> Result<()> {
        let records: Vec<_> = entries
            .iter()
            .map(|(device, has)| {
                (
                    joined(&[group_jid.as_bytes(), device.as_bytes()]),
                    [u8::from(*has)],
                )
            })
            .collect();
        self.write(move |tx| {
            for (key, has) in &records {
                tx.put(space::SENDER_KEY_DEVICES, key, has)?;
            }
            Ok(())
        })
        .await
    }

    async fn clear_sender_key_devices(&self, group_jid: &str) -> Result<()> {
        let prefix = joined(&[group_jid.as_bytes()]);
        self.write(move |tx| tx.delete_all(space::SENDER_KEY_DEVICES, &prefix))
            .await
    }

    async fn delete_sender_key_device_rows(&self, device_jids: &[&str]) -> Result<()> {
        let devices: Vec<String> = device_jids.iter().map(|jid| (*jid).to_owned()).collect();
        self.write(move |tx| {
            for (key, _) in tx.scan(space::SENDER_KEY_DEVICES, &[])? {
                if devices
                    .iter()
                    .any(|jid| second_part(&key) == Some(jid.as_bytes()))
                {
                    tx.delete(space::SENDER_KEY_DEVICES, &key)?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn clear_all_sender_key_devices(&self) -> Result<()> {
        self.write(|tx| tx.clear(space::SENDER_KEY_DEVICES)).await
    }

    async fn get_lid_mapping(&self, lid: &str) -> Result<Option<LidPnMappingEntry>> {
        let stored = self.get(space::LIDS, lid.into()).await?;
        stored.map(|bytes| from_json(&bytes)).transpose()
    }

    async fn get_pn_mapping(&self, phone: &str) -> Result<Option<LidPnMappingEntry>> {
        let phone = phone.as_bytes().to_vec();
        let stored = self
            .read(move |db, session| {
                let lid = db.get(session, space::PNS, &phone)?;
                lid.map_or(Ok(None), |lid| db.get(session, space::LIDS, &lid))
            })
            .await?;
        stored.map(|bytes| from_json(&bytes)).transpose()
    }

    async fn put_lid_mapping(&self, entry: &LidPnMappingEntry) -> Result<()> {
        self.put_lid_mappings(std::slice::from_ref(entry)).await
    }

    async fn put_lid_mappings(&self, entries: &[LidPnMappingEntry]) -> Result<()> {
        if entries
            .iter()
            .any(|entry| entry.learning_source == LearningSource::Pairing.as_str())
        {
            // The engine has the account's keys and is about to tell the phone so.
            self.save_newest().await?;
        }
        let mut records = Vec::with_capacity(entries.len());
        for entry in entries {
            records.push((
                entry.lid.clone(),
                entry.phone_number.clone(),
                to_json(entry)?,
            ));
        }
        self.write(move |tx| {
            for (lid, phone, value) in &records {
                put_lid(tx, lid.as_bytes(), phone, value)?;
            }
            Ok(())
        })
        .await
    }

    async fn get_all_lid_mappings(&self) -> Result<Vec<LidPnMappingEntry>> {
        let found = self
            .read(|db, session| db.scan(session, space::LIDS, &[]))
            .await?;
        found.iter().map(|(_, value)| from_json(value)).collect()
    }

    async fn save_base_key(&self, address: &str, message_id: &str, base_key: &[u8]) -> Result<()> {
        let key = joined(&[address.as_bytes(), message_id.as_bytes()]);
        self.put(space::BASE_KEYS, key, base_key.to_vec()).await
    }

    async fn has_same_base_key(
        &self,
        address: &str,
        message_id: &str,
        current_base_key: &[u8],
    ) -> Result<bool> {
        let key = joined(&[address.as_bytes(), message_id.as_bytes()]);
        let stored = self.get(space::BASE_KEYS, key).await?;
        Ok(stored.as_deref() == Some(current_base_key))
    }

    async fn delete_base_key(&self, address: &str, message_id: &str) -> Result<()> {
        let key = joined(&[address.as_bytes(), message_id.as_bytes()]);
        self.delete(space::BASE_KEYS, key).await
    }

    async fn update_device_list(&self, record: DeviceListRecord) -> Result<()> {
        self.update_device_lists(vec![record]).await
    }

    async fn update_device_lists(&self, records: Vec<DeviceListRecord>) -> Result<()> {
        let mut rows = Vec::with_capacity(records.len());
        for record in records {
            let value = to_json(&record)?;
            rows.push((record.user, value));
        }
        self.write(move |tx| {
            for (user, value) in &rows {
                tx.put(space::DEVICE_LISTS, user.as_bytes(), value)?;
            }
            Ok(())
        })
        .await
    }

    async fn get_devices(&self, user: &str) -> Result<Option<DeviceListRecord>> {
        let stored = self.get(space::DEVICE_LISTS, user.into()).await?;
        stored.map(|bytes| from_json(&bytes)).transpose()
    }

    async fn delete_devices(&self, user: &str) -> Result<()> {
        self.delete(space::DEVICE_LISTS, user.into()).await
    }

    async fn get_group_metadata(&self, group_jid: &str) -> Result<Option<Vec<u8>>> {
        self.get(space::GROUPS, group_jid.into()).await
    }

    async fn put_group_metadata(&self, group_jid: &str, blob: &[u8]) -> Result<()> {
        self.put(space::GROUPS, group_jid.into(), blob.to_vec())
            .await
    }

    async fn delete_group_metadata(&self, group_jid: &str) -> Result<()> {
        self.delete(space::GROUPS, group_jid.into()).await
    }

    async fn get_tc_token(&self, jid: &str) -> Result<Option<TcTokenEntry>> {
        let stored = self.get(space::TC_TOKENS, jid.into()).await?;
        stored.map(|bytes| from_json(&bytes)).transpose()
    }

    async fn put_tc_token(&self, jid: &str, entry: &TcTokenEntry) -> Result<()> {
        self.put(space::TC_TOKENS, jid.into(), to_json(entry)?)
            .await
    }

    async fn delete_tc_token(&self, jid: &str) -> Result<()> {
        self.delete(space::TC_TOKENS, jid.into()).await
    }

    async fn get_all_tc_token_jids(&self) -> Result<Vec<String>> {
        let found = self
            .read(|db, session| db.scan(session, space::TC_TOKENS, &[]))
            .await?;
        Ok(found
            .into_iter()
            .filter_map(|(key, _)| String::from_utf8(key).ok())
            .collect())
    }

    async fn delete_expired_tc_tokens(&self, token_cutoff: i64, sender_cutoff: i64) -> Result<u32> {
        self.write(move |tx| {
            let mut gone = 0;
            for (key, value) in tx.scan(space::TC_TOKENS, &[])? {
                let live = parsed_token(&value).is_some_and(|entry| {
                    let token = !entry.token.is_empty() && entry.token_timestamp >= token_cutoff;
                    token || entry.sender_timestamp.is_some_and(|at| at >= sender_cutoff)
                });
                if !live {
                    tx.delete(space::TC_TOKENS, &key)?;
                    gone += 1;
                }
            }
            Ok(gone)
        })
        .await
    }

    async fn touch_tc_token_sender_timestamp(
        &self,
        jid: &str,
        sender_timestamp: i64,
    ) -> Result<()> {
        self.change_token(jid, move |stored| {
            let mut entry = stored.unwrap_or(TcTokenEntry {
                token: Vec::new(),
                token_timestamp: sender_timestamp,
                sender_timestamp: None,
            });
            let known = entry.sender_timestamp.unwrap_or(sender_timestamp);
            entry.sender_timestamp = Some(known.max(sender_timestamp));
            Some(entry)
        })
        .await
    }

    async fn store_received_tc_token(
        &self,
        jid: &str,
        token: &[u8],
        token_timestamp: i64,
    ) -> Result<()> {
        let token = token.to_vec();
        self.change_token(jid, move |stored| {
            let newer = stored
                .as_ref()
                .is_some_and(|old| !old.token.is_empty() && token_timestamp < old.token_timestamp);
            let sender_timestamp = stored.and_then(|old| old.sender_timestamp);
            (!newer).then_some(TcTokenEntry {
                token,
                token_timestamp,
                sender_timestamp,
            })
        })
        .await
    }

    async fn store_sent_message(
        &self,
        chat_jid: &str,
        message_id: &str,
        payload: &[u8],
    ) -> Result<()> {
        let key = joined(&[chat_jid.as_bytes(), message_id.as_bytes()]);
        let (payload, now) = (payload.to_vec(), self.now_secs());
        // The engine waits for this before the stanza leaves, and so everything that led to the
        // message is on disk before anybody can see it.
        self.write(move |tx| tx.put_until(space::SENT_MESSAGES, &key, &payload, Some(now)))
            .await
    }

    /// Reads it, and leaves it. The engine takes a copy to send it again and puts it back a moment
    /// later; another device that asks in that moment would be told that there is none, and would
    /// never get the message. Copies go when they are old.
    async fn take_sent_message(&self, chat_jid: &str, message_id: &str) -> Result<Option<Vec<u8>>> {
        self.sent_message(chat_jid, message_id).await
    }

    async fn delete_expired_sent_messages(&self, cutoff_timestamp: i64) -> Result<u32> {
        self.write(move |tx| tx.delete_before(space::SENT_MESSAGES, cutoff_timestamp))
            .await
    }

    async fn store_pending_inbound(
        &self,
        chat: &str,
        sender: &str,
        id: &str,
        message: &[u8],
    ) -> Result<()> {
        self.store_pending_inbound_batch(&[PendingInboundRow {
            chat,
            sender,
            id,
            message,
        }])
        .await
    }

    async fn get_pending_inbound(
        &self,
        chat: &str,
        sender: &str,
        id: &str,
    ) -> Result<Option<Vec<u8>>> {
        self.pending_or_lost(pending_key(chat, sender, id), id)
            .await
    }

    async fn delete_pending_inbound(&self, chat: &str, sender: &str, id: &str) -> Result<()> {
        self.delete_pending_inbound_batch(&[PendingInboundKey { chat, sender, id }])
            .await
    }

    async fn delete_expired_pending_inbound(&self, cutoff_timestamp: i64) -> Result<u32> {
        self.write(move |tx| {
            tx.delete_before(space::DONE_WITH, cutoff_timestamp)?;
            tx.delete_before(space::PENDING_INBOUND, cutoff_timestamp)
        })
        .await
    }

    async fn store_pending_inbound_batch(&self, rows: &[PendingInboundRow<'_>]) -> Result<()> {
        let ids = rows.iter().map(|row| row.id);
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    pending_key(row.chat, row.sender, row.id),
                    row.message.to_vec(),
                )
            })
            .collect();
        let now = self.now_secs();
        self.write_in_order("message for the inbox", move |tx| {
            for (key, message) in &rows {
                tx.put_until(space::PENDING_INBOUND, key, message, Some(now))?;
            }
            Ok(())
        })
        .await?;
        for id in ids {
            self.intake().handed(id);
        }
        self.release().await;
        Ok(())
    }

    async fn delete_pending_inbound_batch(&self, keys: &[PendingInboundKey<'_>]) -> Result<()> {
        let ids: Vec<&str> = keys.iter().map(|key| key.id).collect();
        let keys: Vec<_> = keys
            .iter()
            .map(|key| pending_key(key.chat, key.sender, key.id))
            .collect();
        let begun = self.write_in_order("end of an inbox message", move |tx| {
            keys.iter()
                .try_for_each(|key| tx.delete(space::PENDING_INBOUND, key))
        });
        let begun = begun.await;
        // What follows is the acknowledgement, whether or not this was stored.
        self.intake().answered(&ids);
        begun
    }
}

impl Keys {
    async fn change_token<F>(&self, jid: &str, change: F) -> Result<()>
    where
        F: FnOnce(Option<TcTokenEntry>) -> Option<TcTokenEntry> + Send + 'static,
    {
        let key = jid.as_bytes().to_vec();
        self.write(move |tx| {
            let stored = tx.get(space::TC_TOKENS, &key)?;
            let changed = change(stored.as_deref().and_then(parsed_token));
            // Three plain fields always become JSON.
            match changed.and_then(|entry| serde_json::to_vec(&entry).ok()) {
                Some(value) => tx.put(space::TC_TOKENS, &key, &value),
                None => Ok(()),
            }
        })
        .await
    }
}

pub(super) fn pending_key(chat: &str, sender: &str, id: &str) -> Vec<u8> {
    joined(&[chat.as_bytes(), sender.as_bytes(), id.as_bytes()])
}

/// A token nobody can read is as good as none: it is asked for again.
fn parsed_token(bytes: &[u8]) -> Option<TcTokenEntry> {
    serde_json::from_slice(bytes).ok()
}

fn put_lid(tx: &Tx<'_>, lid: &[u8], phone: &str, value: &[u8]) -> Stored<()> {
    let old = tx.get(space::LIDS, lid)?;
    let old = old.and_then(|bytes| serde_json::from_slice::<LidPnMappingEntry>(&bytes).ok());
    if let Some(old) = old.filter(|old| old.phone_number != phone) {
        tx.delete(space::PNS, old.phone_number.as_bytes())?;
    }
    tx.put(space::PNS, phone.as_bytes(), lid)?;
    tx.put(space::LIDS, lid, value)
}
