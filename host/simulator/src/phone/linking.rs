//! How a companion finds its account: by the QR it shows, or by a code typed into the phone.
//!
//! Both end in the *ADV secret* that companion and phone share and the server does not know; it
//! proves to the companion that pair-success comes from the phone that read the QR or the code.
//!
//! In the code exchange a wrong code cannot be seen when the companion's first message is
//! unwrapped; it shows when the key bundle does not open ([`PhoneError::WrongCode`]).

use data_encoding::BASE64;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use wacore::crypto::hkdf_sha256_into;
use wacore::pair_code::PairCodeUtils;
use wacore_libsignal::crypto::{Aes256Ctr32, aes_256_gcm_decrypt};
use wacore_libsignal::protocol::{KeyPair, PublicKey};

use super::{Phone, PhoneError, public_key};

/// No QR is longer; the longest known is under 300.
const MAX_QR: usize = 1024;

/// What a companion's QR says.
pub(crate) struct QrLink {
    /// The reference the server showed to the companion.
    pub reference: String,
    pub noise: [u8; 32],
    pub identity: [u8; 32],
    pub adv_secret: [u8; 32],
}

/// Reads a QR, with or without the address in front and the platform behind.
pub(crate) fn parse_qr(text: &str) -> Result<QrLink, PhoneError> {
    const MALFORMED: PhoneError = PhoneError::Malformed("the QR");
    if text.len() > MAX_QR {
        return Err(MALFORMED);
    }
    let mut fields = match text.trim().rsplit_once('#') {
        Some((_, fields)) => fields.split(','),
        None => text.trim().split(','),
    };
    let reference = fields.next().unwrap_or_default().to_owned();
    let mut key = || {
        let bytes = BASE64.decode(fields.next().unwrap_or_default().as_bytes());
        let bytes = bytes.map_err(|_| MALFORMED)?;
        <[u8; 32]>::try_from(bytes).map_err(|_| MALFORMED)
    };
    let (noise, identity, adv_secret) = (key()?, key()?, key()?);
    if reference.is_empty() {
        return Err(MALFORMED);
    }
    Ok(QrLink {
        reference,
        noise,
        identity,
        adv_secret,
    })
}

/// The phone's half of pairing by code, between the user's typing and the companion's bundle.
pub(crate) struct CodeLink {
    ephemeral: KeyPair,
    companion_ephemeral: PublicKey,
}

impl CodeLink {
    /// Takes the code the user typed and the companion's wrapped key; returns the wrapped key of
    /// the phone (80 bytes) for the companion.
    ///
    /// Derives two keys with 131,072 rounds each: a tenth of a second or more, so not for a
    /// thread of the runtime.
    pub(crate) fn answer_hello(
        code: &str,
        wrapped_companion_ephemeral: &[u8],
        seed: u64,
    ) -> Result<(CodeLink, Vec<u8>), PhoneError> {
        let code: String = code
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_uppercase())
            .collect();
        if !PairCodeUtils::validate_code(&code) {
            return Err(PhoneError::Malformed("the pairing code"));
        }
        let companion =
            PairCodeUtils::decrypt_primary_ephemeral_pub(wrapped_companion_ephemeral, &code)
                .map_err(|_| PhoneError::Malformed("the companion's wrapped key"))?;
        let mut rng = StdRng::seed_from_u64(seed);
        let ephemeral = KeyPair::generate(&mut rng);
        let wrapped = wrap(&code, ephemeral.public_key.public_key_bytes(), &mut rng)?;
        let link = CodeLink {
            companion_ephemeral: public_key(&companion)?,
            ephemeral,
        };
        Ok((link, wrapped))
    }

    /// Opens the companion's key bundle; returns the ADV secret both now share.
    pub(crate) fn finish(
        self,
        phone: &Phone,
        wrapped_key_bundle: &[u8],
        companion_identity: &[u8; 32],
    ) -> Result<[u8; 32], PhoneError> {
        const MALFORMED: PhoneError = PhoneError::Malformed("the key bundle");
        let (salt, rest) = wrapped_key_bundle
            .split_first_chunk::<32>()
            .ok_or(MALFORMED)?;
        let (iv, sealed) = rest.split_first_chunk::<12>().ok_or(MALFORMED)?;

        let shared = agree(&self.ephemeral, &self.companion_ephemeral)?;
        let info = b"link_code_pairing_key_bundle_encryption_key";
        let key = derive(&shared, Some(salt), info)?;
        let mut bundle = Vec::with_capacity(sealed.len());
        aes_256_gcm_decrypt(&key, iv, b"", sealed, &mut bundle)
            .map_err(|_| PhoneError::WrongCode)?;

        let (theirs, rest) = bundle.split_first_chunk::<32>().ok_or(MALFORMED)?;
        let (ours, random) = rest.split_first_chunk::<32>().ok_or(MALFORMED)?;
        if theirs != companion_identity || *ours != phone.identity_public() || random.len() != 32 {
            return Err(MALFORMED);
        }
        let own = phone.own.pair();
        let own = KeyPair::new(*own.public_key(), own.private_key().clone());
        let identities = agree(&own, &public_key(companion_identity)?)?;
        derive(
            &[&shared, &identities, random].concat(),
            None,
            b"adv_secret",
        )
    }
}

/// Salt 32, counter block 16, and the key under a key derived from the code.
fn wrap(code: &str, key: &[u8], rng: &mut StdRng) -> Result<Vec<u8>, PhoneError> {
    let salt: [u8; 32] = rng.random();
    let nonce: [u8; 12] = rng.random();
    // The counter counts two blocks and must not run over, so its upper half stays unused.
    let counter: u32 = rng.random::<u32>() >> 1;
    let mut wrapped = [&salt[..], &nonce, &counter.to_be_bytes()].concat();
    let mut sealed = key.to_vec();
    Aes256Ctr32::from_key(&PairCodeUtils::derive_key(code, &salt), &nonce, counter)
        .map_err(|_| PhoneError::Malformed("a key derived from the code"))?
        .process(&mut sealed);
    wrapped.append(&mut sealed);
    Ok(wrapped)
}

fn agree(own: &KeyPair, theirs: &PublicKey) -> Result<[u8; 32], PhoneError> {
    own.calculate_agreement(theirs)
        .map_err(|error| PhoneError::Signal(error.into()))
}

fn derive(secret: &[u8], salt: Option<&[u8; 32]>, info: &[u8]) -> Result<[u8; 32], PhoneError> {
    let mut key = [0; 32];
    hkdf_sha256_into(secret, salt.map(|salt| &salt[..]), info, &mut key)
        .map_err(|_| PhoneError::Malformed("a derived key"))?;
    Ok(key)
}
