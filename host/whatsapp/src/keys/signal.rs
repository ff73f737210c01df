//! Signal sessions, identities, prekeys and sender keys.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use wacore::store::error::{Result, StoreError};
use wacore::store::traits::SignalStore;

use super::{Keys, space};

/// First byte of a stored one-time prekey: whether the server has it.
const LOCAL: u8 = 0;
const UPLOADED: u8 = 1;

#[async_trait]
impl SignalStore for Keys {
    async fn put_identity(&self, address: &str, key: [u8; 32]) -> Result<()> {
        self.put(space::IDENTITIES, address.into(), key.to_vec())
            .await
    }

    async fn put_identities_batch(&self, identities: &[(Arc<str>, [u8; 32])]) -> Result<()> {
        let identities = identities.to_vec();
        self.write_for_wire("identities", move |tx| {
            for (address, key) in &identities {
                tx.put(space::IDENTITIES, address.as_bytes(), key)?;
            }
            Ok(())
        })
        .await
    }

    async fn load_identity(&self, address: &str) -> Result<Option<[u8; 32]>> {
        let Some(stored) = self.get_newest(space::IDENTITIES, address.into()).await? else {
            return Ok(None);
        };
        let key = stored.try_into();
        key.map(Some)
            .map_err(|_| wrong("an identity key that is not 32 bytes long"))
    }

    async fn delete_identity(&self, address: &str) -> Result<()> {
        let address = address.to_owned();
        self.write_for_wire("end of an identity", move |tx| {
            tx.delete(space::IDENTITIES, address.as_bytes())
        })
        .await
    }

    async fn get_session(&self, address: &str) -> Result<Option<Bytes>> {
        Ok(self
            .get_newest(space::SESSIONS, address.into())
            .await?
            .map(Bytes::from))
    }

    async fn put_session(&self, address: &str, session: &[u8]) -> Result<()> {
        self.put_ratchet(space::SESSIONS, address, session).await
    }

    async fn put_sessions_batch(&self, sessions: &[(Arc<str>, Bytes)]) -> Result<()> {
        self.put_ratchets(space::SESSIONS, sessions).await
    }

    async fn delete_session(&self, address: &str) -> Result<()> {
        self.delete_ratchet(space::SESSIONS, address).await
    }

    async fn has_signal_state_for_user(&self, user: &str) -> Result<bool> {
        let prefix = user.as_bytes().to_vec();
        if self.holds_ratchets_of(user).await {
            return Ok(true);
        }
        if !self.queued.is_empty() {
            self.write(|_| Ok(())).await?;
        }
        self.read(move |db, session| {
            for space in [space::SESSIONS, space::IDENTITIES] {
                let found = db.scan(session, space, &prefix)?;
                if found.iter().any(|(key, _)| is_of_user(key, &prefix)) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
    }

    async fn store_prekey(&self, id: u32, record: &[u8], uploaded: bool) -> Result<()> {
        let value = prekey(record, uploaded);
        self.put(space::PREKEYS, id.to_be_bytes().into(), value)
            .await
    }

    async fn store_prekeys_batch(&self, keys: &[(u32, Bytes)], uploaded: bool) -> Result<()> {
        let keys = keys.to_vec();
        self.write(move |tx| {
            for (id, record) in &keys {
                tx.put(space::PREKEYS, &id.to_be_bytes(), &prekey(record, uploaded))?;
            }
            Ok(())
        })
        .await
    }

    async fn load_prekey(&self, id: u32) -> Result<Option<Bytes>> {
        let stored = self.get(space::PREKEYS, id.to_be_bytes().into()).await?;
        Ok(stored.map(prekey_record))
    }

    async fn load_prekeys_batch(&self, ids: &[u32]) -> Result<Vec<(u32, Bytes)>> {
        let ids = ids.to_vec();
        self.read(move |db, session| {
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                if let Some(stored) = db.get(session, space::PREKEYS, &id.to_be_bytes())? {
                    found.push((id, prekey_record(stored)));
                }
            }
            Ok(found)
        })
        .await
    }

    async fn mark_prekeys_uploaded(&self, ids: &[u32]) -> Result<()> {
        let ids = ids.to_vec();
        self.write(move |tx| {
            for id in ids {
                // One that was used up in the meantime stays away.
                let Some(mut stored) = tx.get(space::PREKEYS, &id.to_be_bytes())? else {
                    continue;
                };
                if let Some(flag) = stored.first_mut() {
                    *flag = UPLOADED;
                }
                tx.put(space::PREKEYS, &id.to_be_bytes(), &stored)?;
            }
            Ok(())
        })
        .await
    }

    async fn remove_prekey(&self, id: u32) -> Result<()> {
        self.use_up_prekey(id.to_be_bytes()).await
    }

    async fn get_max_prekey_id(&self) -> Result<u32> {
        let found = self
            .read(|db, session| db.scan(session, space::PREKEYS, &[]))
            .await?;
        let last = found.last().and_then(|(key, _)| number(key));
        Ok(last.unwrap_or(0))
    }

    async fn store_signed_prekey(&self, id: u32, record: &[u8]) -> Result<()> {
        self.put(
            space::SIGNED_PREKEYS,
            id.to_be_bytes().into(),
            record.to_vec(),
        )
        .await
    }

    async fn load_signed_prekey(&self, id: u32) -> Result<Option<Vec<u8>>> {
        self.get(space::SIGNED_PREKEYS, id.to_be_bytes().into())
            .await
    }

    async fn load_all_signed_prekeys(&self) -> Result<Vec<(u32, Vec<u8>)>> {
        let found = self
            .read(|db, session| db.scan(session, space::SIGNED_PREKEYS, &[]))
            .await?;
        let numbered = found
            .into_iter()
            .filter_map(|(key, record)| Some((number(&key)?, record)));
        Ok(numbered.collect())
    }

    async fn remove_signed_prekey(&self, id: u32) -> Result<()> {
        self.delete(space::SIGNED_PREKEYS, id.to_be_bytes().into())
            .await
    }

    async fn put_sender_key(&self, address: &str, record: &[u8]) -> Result<()> {
        self.put_ratchet(space::SENDER_KEYS, address, record).await
    }

    async fn put_sender_keys_batch(&self, sender_keys: &[(Arc<str>, Bytes)]) -> Result<()> {
        self.put_ratchets(space::SENDER_KEYS, sender_keys).await
    }

    async fn get_sender_key(&self, address: &str) -> Result<Option<Vec<u8>>> {
        self.get_newest(space::SENDER_KEYS, address.into()).await
    }

    async fn delete_sender_key(&self, address: &str) -> Result<()> {
        self.delete_ratchet(space::SENDER_KEYS, address).await
    }
}

/// Whether an address is one of `user`, with whose name it begins.
pub(super) fn is_of_user(address: &[u8], user: &[u8]) -> bool {
    matches!(address.get(user.len()), Some(b'@' | b':'))
}

fn prekey(record: &[u8], uploaded: bool) -> Vec<u8> {
    let mut value = Vec::with_capacity(record.len() + 1);
    value.push(if uploaded { UPLOADED } else { LOCAL });
    value.extend_from_slice(record);
    value
}

fn prekey_record(stored: Vec<u8>) -> Bytes {
    let stored = Bytes::from(stored);
    if stored.is_empty() {
        stored
    } else {
        stored.slice(1..)
    }
}

fn number(key: &[u8]) -> Option<u32> {
    key.try_into().ok().map(u32::from_be_bytes)
}

fn wrong(what: &str) -> StoreError {
    StoreError::Validation(what.to_owned())
}
