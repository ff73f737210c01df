//! The phone's half of linking with a passkey.
//!
//! After the account's owner has proved who they are, companion and phone agree on a key of their
//! own, compare a code, and the companion hands over the ADV secret under that key. The companion
//! commits itself to its nonce before it sees the phone's, so that nobody between them can choose
//! the code.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use wacore::shortcake::ShortcakeUtils;
use wacore_libsignal::crypto::aes_256_gcm_decrypt;
use wacore_libsignal::protocol::{KeyPair, PublicKey};
use waproto::buffa::Message as _;
use waproto::whatsapp as wa;
use waproto::whatsapp::device_props::PlatformType;

use super::{PhoneError, public_key};

const MALFORMED: PhoneError = PhoneError::Malformed("the companion's part of a passkey link");

/// The exchange between the companion's first message and its last.
pub(crate) struct PasskeyLink {
    ephemeral: KeyPair,
    nonce: [u8; 32],
    /// What the companion has committed itself to.
    identity: Vec<u8>,
    commitment: [u8; 32],
    companion: PublicKey,
    platform: PlatformType,
    reference: String,
}

/// What the companion hands over at last.
pub(crate) struct Handed {
    pub(crate) noise: [u8; 32],
    pub(crate) identity: [u8; 32],
    pub(crate) adv_secret: [u8; 32],
}

impl PasskeyLink {
    /// Takes the companion's first message, which must be about the server's reference; returns
    /// the phone's answer to it.
    pub(crate) fn answer(
        prologue: &[u8],
        reference: &str,
        seed: u64,
    ) -> Result<(PasskeyLink, Vec<u8>), PhoneError> {
        let prologue = wa::ProloguePayload::decode_from_slice(prologue).map_err(|_| MALFORMED)?;
        let bytes = prologue.companion_ephemeral_identity.ok_or(MALFORMED)?;
        let commitment = prologue.commitment.into_option().ok_or(MALFORMED)?.hash;
        let identity =
            wa::CompanionEphemeralIdentity::decode_from_slice(&bytes).map_err(|_| MALFORMED)?;
        if identity.r#ref.as_deref() != Some(reference) {
            return Err(PhoneError::Malformed("the reference of a passkey link"));
        }
        let companion: [u8; 32] = fixed(identity.public_key)?;
        let mut rng = StdRng::seed_from_u64(seed);
        let link = PasskeyLink {
            ephemeral: KeyPair::generate(&mut rng),
            nonce: rng.random(),
            identity: bytes,
            commitment: fixed(commitment)?,
            companion: public_key(&companion)?,
            platform: identity.device_type.unwrap_or(PlatformType::UNKNOWN),
            reference: reference.to_owned(),
        };
        let answer = wa::PrimaryEphemeralIdentity {
            public_key: Some(link.ephemeral.public_key.public_key_bytes().to_vec()),
            nonce: Some(link.nonce.to_vec()),
        };
        Ok((link, answer.encode_to_vec()))
    }

    /// Takes the companion's nonce; returns the code that both show.
    pub(crate) fn code(&self, nonce: &[u8; 32]) -> Result<String, PhoneError> {
        if ShortcakeUtils::commitment_hash(&self.identity, nonce) != self.commitment {
            return Err(PhoneError::BadSignature("a companion's nonce"));
        }
        let own: [u8; 32] = fixed(Some(self.ephemeral.public_key.public_key_bytes().to_vec()))?;
        Ok(ShortcakeUtils::derive_verification_code(
            nonce,
            &own,
            &self.nonce,
        ))
    }

    /// Opens the companion's last message.
    pub(crate) fn finish(&self, sealed: &[u8]) -> Result<Handed, PhoneError> {
        let sealed =
            wa::EncryptedPairingRequest::decode_from_slice(sealed).map_err(|_| MALFORMED)?;
        let shared = self
            .ephemeral
            .calculate_agreement(&self.companion)
            .map_err(|error| PhoneError::Signal(error.into()))?;
        let key = ShortcakeUtils::derive_encryption_key_from_shared_secret(
            &shared,
            self.platform,
            &self.reference,
        )
        .map_err(|_| MALFORMED)?;
        let iv: [u8; 12] = fixed(sealed.iv)?;
        let payload = sealed.encrypted_payload.ok_or(MALFORMED)?;
        let mut plain = Vec::with_capacity(payload.len());
        aes_256_gcm_decrypt(&key, &iv, b"", &payload, &mut plain)
            .map_err(|_| PhoneError::WrongCode)?;
        let handed = wa::PairingRequest::decode_from_slice(&plain).map_err(|_| MALFORMED)?;
        Ok(Handed {
            noise: fixed(handed.companion_public_key)?,
            identity: fixed(handed.companion_identity_key)?,
            adv_secret: fixed(handed.adv_secret)?,
        })
    }
}

fn fixed<const N: usize>(bytes: Option<Vec<u8>>) -> Result<[u8; N], PhoneError> {
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(MALFORMED)
}
