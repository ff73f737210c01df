//! What a phone remembers, behind the traits of the Signal library.
//!
//! Peers can make sessions, sender keys and handed-out prekeys grow; each has a limit. Peers'
//! identities are not remembered at all: a simulated phone trusts the one it is shown.

use std::collections::{HashMap, VecDeque};

use async_trait::async_trait;
use rand::rngs::StdRng;
use wacore_libsignal::protocol::error::Result;
use wacore_libsignal::protocol::{
    Direction, GenericSignedPreKey, IdentityChange, IdentityKey, IdentityKeyPair, IdentityKeyStore,
    KeyPair, PreKeyId, PreKeyRecord, PreKeyStore, ProtocolAddress, SenderKeyName, SenderKeyRecord,
    SenderKeyStore, SessionRecord, SessionStore, SignalProtocolError, SignedPreKeyId,
    SignedPreKeyRecord, SignedPreKeyStore, Timestamp,
};

use super::error::StoreFull;
use super::raw_public;

/// Devices a phone can be in conversation with; a full group with companions fits.
const MAX_SESSIONS: usize = 4096;
/// Sender keys of others, one per group and sending device.
const MAX_SENDER_KEYS: usize = 8192;
/// One-time prekeys handed out and not used yet; beyond, bundles carry none.
pub(super) const MAX_PREKEYS: usize = 1024;
/// One-time prekeys made at a time.
pub(super) const PREKEY_BATCH: usize = 20;
/// Prekey ids are three bytes on the wire, and zero is no id.
const MAX_PREKEY_ID: u32 = 0x00FF_FFFF;
/// The only signed prekey; a simulated phone does not rotate it.
const SIGNED_PREKEY_ID: u32 = 1;

/// The phone's own identity, and its trust in everybody else's.
pub(super) struct OwnIdentity {
    pair: IdentityKeyPair,
    registration_id: u32,
}

impl OwnIdentity {
    pub(super) fn new(pair: IdentityKeyPair, registration_id: u32) -> OwnIdentity {
        OwnIdentity {
            pair,
            registration_id,
        }
    }

    pub(super) fn pair(&self) -> &IdentityKeyPair {
        &self.pair
    }

    pub(super) fn public(&self) -> [u8; 32] {
        raw_public(self.pair.public_key())
    }

    pub(super) fn registration_id(&self) -> u32 {
        self.registration_id
    }
}

#[async_trait]
impl IdentityKeyStore for OwnIdentity {
    async fn get_identity_key_pair(&self) -> Result<IdentityKeyPair> {
        Ok(self.pair.clone())
    }

    async fn get_local_registration_id(&self) -> Result<u32> {
        Ok(self.registration_id)
    }

    async fn save_identity(
        &mut self,
        _address: &ProtocolAddress,
        _identity: &IdentityKey,
    ) -> Result<IdentityChange> {
        Ok(IdentityChange::NewOrUnchanged)
    }

    async fn is_trusted_identity(
        &self,
        _address: &ProtocolAddress,
        _identity: &IdentityKey,
        _direction: Direction,
    ) -> Result<bool> {
        Ok(true)
    }

    async fn get_identity(&self, _address: &ProtocolAddress) -> Result<Option<IdentityKey>> {
        Ok(None)
    }
}

/// The prekey every bundle carries, signed by the identity.
pub(super) struct SignedPreKey {
    pair: KeyPair,
    signature: [u8; 64],
}

impl SignedPreKey {
    #[expect(
        clippy::expect_used,
        reason = "signing fails only in a substituted crypto provider, of which there is none"
    )]
    pub(super) fn generate(identity: &IdentityKeyPair, rng: &mut StdRng) -> SignedPreKey {
        let pair = KeyPair::generate(rng);
        let signature = identity
            .private_key()
            .calculate_signature(&pair.public_key.serialize(), rng)
            .expect("an own key signs");
        SignedPreKey { pair, signature }
    }

    pub(super) fn id(&self) -> u32 {
        SIGNED_PREKEY_ID
    }

    pub(super) fn public(&self) -> [u8; 32] {
        raw_public(&self.pair.public_key)
    }

    pub(super) fn signature(&self) -> [u8; 64] {
        self.signature
    }
}

#[async_trait]
impl SignedPreKeyStore for SignedPreKey {
    async fn get_signed_pre_key(&self, id: SignedPreKeyId) -> Result<SignedPreKeyRecord> {
        if u32::from(id) != SIGNED_PREKEY_ID {
            return Err(SignalProtocolError::InvalidSignedPreKeyId);
        }
        Ok(SignedPreKeyRecord::new(
            id,
            Timestamp::from_epoch_millis(0),
            &self.pair,
            &self.signature,
        ))
    }

    async fn save_signed_pre_key(
        &mut self,
        _id: SignedPreKeyId,
        _record: &SignedPreKeyRecord,
    ) -> Result<()> {
        // The library only reads; a second signed prekey would be a new phone.
        Err(SignalProtocolError::InvalidSignedPreKeyId)
    }
}

/// One-time prekeys: made in batches, handed out once each, gone when used.
#[derive(Default)]
pub(super) struct PreKeys {
    last_id: u32,
    waiting: VecDeque<(u32, [u8; 32])>,
    private: HashMap<PreKeyId, PreKeyRecord>,
}

impl PreKeys {
    /// The next key that nobody has; `None` while too many are out.
    pub(super) fn hand_out(&mut self, rng: &mut StdRng) -> Option<(u32, [u8; 32])> {
        if self.waiting.is_empty() && self.private.len() + PREKEY_BATCH <= MAX_PREKEYS {
            for _ in 0..PREKEY_BATCH {
                self.make_one(rng);
            }
        }
        self.waiting.pop_front()
    }

    fn make_one(&mut self, rng: &mut StdRng) {
        let mut id = self.last_id % MAX_PREKEY_ID + 1;
        while self.private.contains_key(&id.into()) {
            id = id % MAX_PREKEY_ID + 1;
        }
        let pair = KeyPair::generate(rng);
        self.last_id = id;
        self.waiting.push_back((id, raw_public(&pair.public_key)));
        self.private
            .insert(id.into(), PreKeyRecord::new(id.into(), &pair));
    }

    pub(super) fn consume(&mut self, id: PreKeyId) {
        self.private.remove(&id);
    }

    /// How many keys could still be used by a peer, handed out or not.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.private.len()
    }
}

#[async_trait]
impl PreKeyStore for PreKeys {
    async fn get_pre_key(&self, id: PreKeyId) -> Result<PreKeyRecord> {
        let record = self.private.get(&id).cloned();
        record.ok_or(SignalProtocolError::InvalidPreKeyId)
    }

    async fn save_pre_key(&mut self, _id: PreKeyId, _record: &PreKeyRecord) -> Result<()> {
        // Keys are made by `hand_out` only, where they are counted.
        Err(SignalProtocolError::InvalidPreKeyId)
    }

    async fn remove_pre_key(&mut self, id: PreKeyId) -> Result<()> {
        self.consume(id);
        Ok(())
    }
}

/// Pairwise sessions by (account, device).
#[derive(Default)]
pub(super) struct Sessions(HashMap<ProtocolAddress, SessionRecord>);

impl Sessions {
    pub(super) fn contains(&self, address: &ProtocolAddress) -> bool {
        self.0.contains_key(address)
    }

    pub(super) fn forget(&mut self, address: &ProtocolAddress) {
        self.0.remove(address);
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn load_session(&self, address: &ProtocolAddress) -> Result<Option<SessionRecord>> {
        Ok(self.0.get(address).cloned())
    }

    async fn has_session(&self, address: &ProtocolAddress) -> Result<bool> {
        Ok(self.contains(address))
    }

    async fn store_session(
        &mut self,
        address: &ProtocolAddress,
        record: SessionRecord,
    ) -> Result<()> {
        insert_bounded(&mut self.0, address, record, "sessions", MAX_SESSIONS)
    }
}

/// Sender keys by (group, sending device), the phone's own among them.
#[derive(Default)]
pub(super) struct SenderKeys(HashMap<SenderKeyName, SenderKeyRecord>);

#[async_trait]
impl SenderKeyStore for SenderKeys {
    async fn store_sender_key(
        &mut self,
        name: &SenderKeyName,
        record: SenderKeyRecord,
    ) -> Result<()> {
        insert_bounded(&mut self.0, name, record, "sender keys", MAX_SENDER_KEYS)
    }

    async fn load_sender_key(&self, name: &SenderKeyName) -> Result<Option<SenderKeyRecord>> {
        Ok(self.0.get(name).cloned())
    }
}

/// Replaces what is there; refuses what would be one too many.
fn insert_bounded<K: std::hash::Hash + Eq + Clone, V>(
    map: &mut HashMap<K, V>,
    key: &K,
    value: V,
    what: &'static str,
    limit: usize,
) -> Result<()> {
    if let Some(slot) = map.get_mut(key) {
        *slot = value;
        return Ok(());
    }
    if map.len() >= limit {
        return Err(StoreFull { what, limit }.into_signal());
    }
    map.insert(key.clone(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::PhoneError;

    #[tokio::test]
    async fn a_full_store_says_so_and_still_takes_what_it_has() {
        async fn store(sessions: &mut Sessions, number: usize) -> Result<()> {
            let address = ProtocolAddress::new(&number.to_string(), 0.into());
            let record = SessionRecord::new_fresh();
            sessions.store_session(&address, record).await
        }
        let mut sessions = Sessions::default();
        for number in 0..MAX_SESSIONS {
            assert!(store(&mut sessions, number).await.is_ok());
        }
        assert!(store(&mut sessions, 0).await.is_ok());
        let refused = store(&mut sessions, MAX_SESSIONS).await;
        assert!(matches!(
            refused.map_err(PhoneError::from),
            Err(PhoneError::Full {
                what: "sessions",
                limit: MAX_SESSIONS
            })
        ));
    }
}
