//! API keys: who may call.
//!
//! A key is `wbl_` and 52 characters, 256 random bits. Only its SHA-256 is stored, so it is shown
//! once, when it is made.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use tracing::info;
use warbler_domain::{Caller, KeyId, Refusal, RefusalKind, Secret};
use warbler_store::access_keys::AccessKey;

use crate::core::Shared;

/// The part of a key that is the same for all.
const PREFIX: &str = "wbl_";
/// Characters that are kept to recognise a key by.
const SHOWN: usize = 10;

/// Why nobody was recognised.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key is not one of this host, or was revoked.
    #[error("the API key is wrong or has been revoked")]
    Unknown,
    /// The database.
    #[error("the API keys could not be read")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for KeyError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Unknown => RefusalKind::Unauthenticated,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "invalid_key",
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// API keys.
pub struct Keys {
    shared: Arc<Shared>,
}

impl Keys {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Makes the first key of a host that has none, and gives it out this once.
    pub async fn make_first(&self) -> Result<Option<Secret>, KeyError> {
        if self
            .shared
            .store
            .read(|db| db.access_keys().count())
            .await?
            > 0
        {
            return Ok(None);
        }
        let mut bytes = [0u8; 32];
        self.shared.random.fill(&mut bytes);
        let text = format!(
            "{PREFIX}{}",
            data_encoding::BASE32_NOPAD.encode(&bytes).to_lowercase()
        );
        self.adopt(&Secret::new(text)).await.map(Some)
    }

    /// Makes `secret` an API key: for a host whose key is chosen by its operator.
    pub async fn adopt(&self, secret: &Secret) -> Result<Secret, KeyError> {
        let digest: [u8; 32] = Sha256::digest(secret.expose()).into();
        let now = self.shared.clock.now();
        let key = AccessKey {
            id: KeyId::new(now, &self.shared.random),
            name: "admin".to_owned(),
            prefix: secret.expose().chars().take(SHOWN).collect(),
            created_at: now,
        };
        let id = key.id;
        self.shared
            .store
            .write(move |tx| match tx.access_keys().by_digest(&digest)? {
                Some(_) => Ok(()),
                None => tx.access_keys_mut().insert(&key, &digest),
            })
            .await
            .map_err(KeyError::Store)?;
        info!(key.id = %id, "An admin key is in place");
        Ok(secret.clone())
    }

    /// Who holds this key.
    pub async fn authenticate(&self, secret: &Secret) -> Result<Caller, KeyError> {
        let digest: [u8; 32] = Sha256::digest(secret.expose()).into();
        let found = self
            .shared
            .store
            .read(move |db| db.access_keys().by_digest(&digest))
            .await?;
        found
            .map(|key| Caller::key(key.id))
            .ok_or(KeyError::Unknown)
    }
}
