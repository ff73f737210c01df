//! Secrets that must be readable again, encrypted with a key that is not in the database.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use warbler_domain::{KeyId, Random, Secret};

use crate::access::digest_of;

/// What encrypts the secrets of keys.
pub(crate) struct Seal(LessSafeKey);

impl Seal {
    /// Encrypts with a key made of `secret`, which has enough random bits for it.
    pub(crate) fn new(secret: &Secret) -> Option<Self> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &digest_of(secret)).ok()?;
        Some(Self(LessSafeKey::new(key)))
    }

    /// The secret of the key `id`, encrypted: a nonce and what follows from it.
    pub(crate) fn close(&self, id: KeyId, secret: &Secret, random: &Random) -> Option<Vec<u8>> {
        let mut nonce = [0u8; NONCE_LEN];
        random.fill(&mut nonce);
        let mut bytes = secret.expose().as_bytes().to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        let about = Aad::from(id.as_bytes());
        let sealed = self.0.seal_in_place_append_tag(unique, about, &mut bytes);
        sealed.ok()?;
        Some(nonce.into_iter().chain(bytes).collect())
    }

    /// The secret of the key `id`; nothing if it was encrypted with another key.
    pub(crate) fn open(&self, id: KeyId, sealed: &[u8]) -> Option<Secret> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = rest.to_vec();
        let about = Aad::from(id.as_bytes());
        let opened = self.0.open_in_place(nonce, about, &mut bytes).ok()?;
        std::str::from_utf8(opened).ok().map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use warbler_domain::Timestamp;

    use super::*;

    #[test]
    fn a_secret_is_read_again_by_whoever_has_the_key_and_as_nobody_elses() -> anyhow::Result<()> {
        let random = Random::seeded(3);
        let now = Timestamp::from_millis(1_800_000_000_000);
        let (id, other) = (KeyId::new(now, &random), KeyId::new(now, &random));
        let seal = Seal::new(&Secret::new("one")).context("a seal")?;
        let secret = Secret::new("hub_secret");
        let sealed = seal.close(id, &secret, &random).context("sealed")?;
        assert_eq!(seal.open(id, &sealed), Some(secret));
        assert_eq!(seal.open(other, &sealed), None);
        let stranger = Seal::new(&Secret::new("two")).context("a seal")?;
        assert_eq!(stranger.open(id, &sealed), None);
        assert_eq!(seal.open(id, &sealed[..5]), None);
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        Ok(())
    }
}
