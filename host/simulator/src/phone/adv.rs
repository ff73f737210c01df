//! What makes a companion part of the account: the primary device's signatures (ADV).
//!
//! The phone signs a companion's identity ([`Phone::sign_companion`]), checks the companion's
//! answer ([`Phone::verify_companion`]) and signs the list of companions that count
//! ([`Phone::key_index_list`]). A companion's key index is its device number, which is never
//! given twice. The app-state key that all companions share lives here as well.
//!
//! Invariant: signatures depend on key and content alone, so they repeat with the run.

use std::sync::atomic::{AtomicU32, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sha2::{Digest, Sha256};
use wacore_libsignal::crypto::hmac_sha256;
use waproto::codec;
use waproto::whatsapp as wa;
use waproto::whatsapp::ADVEncryptionType;

use super::{Phone, PhoneError, public_key};

/// What each signature is for, written in front of what it covers.
const ACCOUNT_SIGNATURE: [u8; 2] = [6, 0];
const DEVICE_SIGNATURE: [u8; 2] = [6, 1];
const KEY_INDEX_SIGNATURE: [u8; 2] = [6, 2];

/// The account as its primary device signs for it.
pub(super) struct Account {
    raw_id: u32,
    /// Makes the nonce of each signature, together with what is signed.
    nonce_secret: [u8; 32],
    /// The highest key index ever signed; clients take higher ones for news.
    highest_index: AtomicU32,
    app_state: AppStateKey,
}

/// The key that app-state patches of this account are encrypted with.
struct AppStateKey {
    id: [u8; 6],
    key: [u8; 32],
    since_ms: Option<i64>,
}

impl Account {
    pub(super) fn generate(rng: &mut StdRng) -> Account {
        Account {
            raw_id: rng.random(),
            nonce_secret: rng.random(),
            highest_index: AtomicU32::new(0),
            app_state: AppStateKey {
                // Two bytes of device, which is the phone, and four of a running number.
                id: [0, 0, 0, 0, 0, 1],
                key: rng.random(),
                since_ms: None,
            },
        }
    }

    pub(super) fn raw_id(&self) -> u32 {
        self.raw_id
    }

    /// The key that app-state patches are encrypted with, and its id.
    pub(super) fn app_state_key(&self) -> (&[u8], &[u8]) {
        (&self.app_state.id, &self.app_state.key)
    }
}

impl Phone {
    /// Accepts a companion: the encoded `ADVSignedDeviceIdentityHMAC` for `<device-identity>` in
    /// pair-success. `now` is in seconds.
    pub(crate) fn sign_companion(
        &self,
        companion_identity: &[u8; 32],
        device: u16,
        adv_secret: &[u8; 32],
        now: u64,
    ) -> Result<Vec<u8>, PhoneError> {
        let index = u32::from(device);
        let details = buffa_vec(&wa::ADVDeviceIdentity {
            raw_id: Some(self.account.raw_id),
            timestamp: Some(now),
            key_index: Some(index),
            account_type: Some(ADVEncryptionType::E2EE),
            device_type: Some(ADVEncryptionType::E2EE),
        });
        let signature = self.sign(&[&ACCOUNT_SIGNATURE, &details, companion_identity])?;
        let signed = codec::adv_signed_device_identity_to_vec(&wa::ADVSignedDeviceIdentity {
            details: Some(details),
            account_signature_key: Some(self.identity_public().to_vec()),
            account_signature: Some(signature.to_vec()),
            device_signature: None,
        });
        self.account
            .highest_index
            .fetch_max(index, Ordering::Relaxed);
        Ok(buffa_vec(&wa::ADVSignedDeviceIdentityHMAC {
            hmac: Some(hmac_sha256(adv_secret, &signed).to_vec()),
            details: Some(signed),
            account_type: None,
        }))
    }

    /// Checks the identity a companion signed in its turn, and returns it as peers are to see it:
    /// with the account's key, which companions may leave out.
    pub(crate) fn verify_companion(
        &self,
        companion_identity: &[u8; 32],
        completed: &[u8],
    ) -> Result<Vec<u8>, PhoneError> {
        let mut signed = codec::adv_signed_device_identity_decode(completed)
            .map_err(|_| PhoneError::Malformed("the signed device identity"))?;
        let (Some(details), Some(by_account), Some(by_device)) = (
            signed.details.as_deref(),
            signed.account_signature.as_deref(),
            signed.device_signature.as_deref(),
        ) else {
            return Err(PhoneError::Malformed("the signed device identity"));
        };
        let account = self.identity_public();
        let same_account = match signed.account_signature_key.as_deref() {
            Some(key) => key.is_empty() || key == account,
            None => true,
        };
        let covered = [&ACCOUNT_SIGNATURE, details, companion_identity].concat();
        if !same_account || !public_key(&account)?.verify_signature(&covered, by_account) {
            return Err(PhoneError::BadSignature("the account"));
        }
        let covered = [&DEVICE_SIGNATURE, details, companion_identity, &account].concat();
        if !public_key(companion_identity)?.verify_signature(&covered, by_device) {
            return Err(PhoneError::BadSignature("the companion"));
        }
        signed.account_signature_key = Some(account.to_vec());
        Ok(codec::adv_signed_device_identity_to_vec(&signed))
    }

    /// The encoded `ADVSignedKeyIndexList` of the companions that live. `now` is in seconds.
    pub(crate) fn key_index_list(&self, live: &[u16], now: u64) -> Result<Vec<u8>, PhoneError> {
        let mut valid: Vec<u32> = live.iter().copied().map(u32::from).collect();
        valid.push(0);
        valid.sort_unstable();
        valid.dedup();
        let newest = valid.last().copied().unwrap_or(0);
        let details = codec::adv_key_index_list_to_vec(&wa::ADVKeyIndexList {
            raw_id: Some(self.account.raw_id),
            timestamp: Some(now),
            current_index: Some(newest.max(self.account.highest_index.load(Ordering::Relaxed))),
            valid_indexes: valid,
            account_type: Some(ADVEncryptionType::E2EE),
        });
        let signature = self.sign(&[&KEY_INDEX_SIGNATURE, &details])?;
        Ok(codec::adv_signed_key_index_list_to_vec(
            &wa::ADVSignedKeyIndexList {
                details: Some(details),
                account_signature: Some(signature.to_vec()),
                account_signature_key: Some(self.identity_public().to_vec()),
            },
        ))
    }

    /// The peer message that gives a companion the account's app-state key, the same to all.
    /// `now` is in seconds; the first call dates the key.
    pub(crate) fn app_state_key_share(&mut self, now: u64) -> wa::Message {
        let highest_index = self.account.highest_index.load(Ordering::Relaxed);
        let raw_id = self.account.raw_id;
        let app_state = &mut self.account.app_state;
        let since_ms = *app_state
            .since_ms
            .get_or_insert(i64::try_from(now.saturating_mul(1000)).unwrap_or(i64::MAX));
        let key = wa::message::AppStateSyncKey {
            key_id: wa::message::AppStateSyncKeyId {
                key_id: Some(app_state.id.to_vec()),
            }
            .into(),
            key_data: wa::message::AppStateSyncKeyData {
                key_data: Some(app_state.key.to_vec()),
                fingerprint: wa::message::AppStateSyncKeyFingerprint {
                    raw_id: Some(raw_id),
                    current_index: Some(highest_index),
                    device_indexes: (0..=highest_index.min(99)).collect(),
                }
                .into(),
                timestamp: Some(since_ms),
            }
            .into(),
        };
        wa::Message {
            protocol_message: wa::message::ProtocolMessage {
                r#type: Some(wa::message::protocol_message::Type::APP_STATE_SYNC_KEY_SHARE),
                app_state_sync_key_share: wa::message::AppStateSyncKeyShare { keys: vec![key] }
                    .into(),
                ..Default::default()
            }
            .into(),
            ..Default::default()
        }
    }

    fn sign(&self, parts: &[&[u8]]) -> Result<[u8; 64], PhoneError> {
        let message = parts.concat();
        let nonce = Sha256::new()
            .chain_update(self.account.nonce_secret)
            .chain_update(&message)
            .finalize();
        let signature = self
            .own
            .pair()
            .private_key()
            .calculate_signature(&message, &mut StdRng::from_seed(nonce.into()));
        signature.map_err(|error| PhoneError::Signal(error.into()))
    }
}

fn buffa_vec<M: waproto::buffa::Message>(message: &M) -> Vec<u8> {
    message.encode_to_vec()
}
