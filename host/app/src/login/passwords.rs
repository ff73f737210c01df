//! Passwords: hashed with Argon2id, beside the runtime, few at a time.
//!
//! One hash takes 19 MiB and some tens of milliseconds, which is what makes guessing dear, and
//! what a crowd at the door must not be able to multiply.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use data_encoding::BASE64_NOPAD;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use warbler_domain::{Random, Secret};

/// Hashes made at the same time.
const AT_ONCE: usize = 2;
/// Callers that may wait for theirs.
const WAITING: usize = 64;
/// How long one waits at most.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a salt.
const SALT: usize = 16;

/// What hashes passwords.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    room: Arc<Semaphore>,
    /// A hash that no password has, to be checked where there is no user.
    nobodys: Arc<str>,
}

/// Why a password was not hashed or checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too many at the same time.
    #[error("too many passwords are being checked; try again in a moment")]
    Busy,
    /// The hash, or what was stored as one.
    #[error("a password could not be hashed: {0}")]
    Hash(String),
}

impl Passwords {
    pub(crate) fn new(random: &Random) -> Self {
        let (mut salt, mut hash) = ([0u8; SALT], [0u8; 32]);
        random.fill(&mut salt);
        random.fill(&mut hash);
        let (salt, hash) = (BASE64_NOPAD.encode(&salt), BASE64_NOPAD.encode(&hash));
        let params = argon2::Params::DEFAULT;
        let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            room: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            nobodys: format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}").into(),
        }
    }

    /// The hash of a password, as PHC text.
    pub(crate) async fn hash(
        &self,
        password: &str,
        random: &Random,
    ) -> Result<String, PasswordError> {
        let mut salt = [0u8; SALT];
        random.fill(&mut salt);
        let password = Secret::new(password);
        self.beside(move || {
            let hashed =
                Argon2::default().hash_password_with_salt(password.expose().as_bytes(), &salt);
            hashed
                .map(|hash| hash.to_string())
                .map_err(|err| PasswordError::Hash(err.to_string()))
        })
        .await
    }

    /// Whether a password has this hash. Without a hash it has not, which takes as long to find.
    pub(crate) async fn check(
        &self,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        let known = hash.is_some();
        let hash: Arc<str> = hash.map_or_else(|| Arc::clone(&self.nobodys), Arc::from);
        let password = Secret::new(password);
        let matches = self.beside(move || {
            let checked =
                Argon2::default().verify_password(password.expose().as_bytes(), hash.as_ref());
            match checked {
                Ok(()) => Ok(true),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(err) => Err(PasswordError::Hash(err.to_string())),
            }
        });
        Ok(matches.await? && known)
    }

    async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = Arc::clone(&self.room).try_acquire_owned();
        let place: OwnedSemaphorePermit = place.map_err(|_| PasswordError::Busy)?;
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned());
        let Ok(Ok(turn)) = turn.await else {
            return Err(PasswordError::Busy);
        };
        let done = tokio::task::spawn_blocking(move || {
            let held = (place, turn);
            let done = work();
            drop(held);
            done
        });
        done.await
            .map_err(|err| PasswordError::Hash(err.to_string()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() -> anyhow::Result<()> {
        let random = Random::seeded(1);
        let passwords = Passwords::new(&random);
        let hash = passwords.hash("correct horse", &random).await?;
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(passwords.check("correct horse", Some(hash.clone())).await?);
        assert!(
            !passwords
                .check("battery staple", Some(hash.clone()))
                .await?
        );
        assert_ne!(passwords.hash("correct horse", &random).await?, hash);
        Ok(())
    }

    #[tokio::test]
    async fn nobody_has_a_password_and_that_is_found_by_the_same_work() -> anyhow::Result<()> {
        let passwords = Passwords::new(&Random::seeded(1));
        assert!(!passwords.check("correct horse", None).await?);
        // The hash of nobody is whole: checking it is no error that would come sooner.
        let nobodys = passwords.nobodys.to_string();
        assert!(!passwords.check("correct horse", Some(nobodys)).await?);
        Ok(())
    }
}
