//! Requests that are done once however often they are made.
//!
//! A caller gives a request a key of its own. The answer is stored under it in the transaction
//! that does what was asked, so that a crash can neither lose it nor have it done twice. The same
//! request under the same key is answered from there for a day.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use warbler_domain::{Caller, Refusal, RefusalKind, Timestamp};
use warbler_store::idempotency::Answered;
use warbler_store::{Error as StoreError, Writer};

use crate::core::Shared;

/// How long an answer is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Most answers that are kept, of all callers.
const MOST: u32 = 200_000;

/// A key a caller gave a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Longest key, in bytes.
    pub const MAX_LEN: usize = 255;
}

impl FromStr for IdempotencyKey {
    type Err = IdempotencyError;

    fn from_str(text: &str) -> Result<Self, IdempotencyError> {
        let fits = !text.is_empty() && text.len() <= Self::MAX_LEN;
        if fits && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdempotencyError::BadKey)
        }
    }
}

/// Why a request under a key is not done.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// Not a key.
    #[error(
        "an Idempotency-Key has 1 to {} visible ASCII characters",
        IdempotencyKey::MAX_LEN
    )]
    BadKey,
    /// The key belongs to another request.
    #[error("this Idempotency-Key was used for another request; use a new key for each request")]
    Reused,
    /// The same request is being done.
    #[error("a request with this Idempotency-Key is being worked on; ask again in a moment")]
    InFlight,
    /// The database.
    #[error("the answer could not be looked up; nothing was done")]
    Store(#[from] StoreError),
}

impl Refusal for IdempotencyError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::BadKey => RefusalKind::Invalid,
            Self::Reused | Self::InFlight => RefusalKind::Conflict,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadKey => "bad_idempotency_key",
            Self::Reused => "idempotency_key_reused",
            Self::InFlight => "idempotency_in_flight",
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// The requests under keys that are being done.
#[derive(Default)]
pub(crate) struct InFlight(Mutex<HashSet<Name>>);

type Name = (String, IdempotencyKey);

impl InFlight {
    fn names(&self) -> MutexGuard<'_, HashSet<Name>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request under a key is to do.
pub enum Begun<T> {
    /// Nothing: it was done, and this was the answer.
    Again(T),
    /// What it asks for; its answer goes into the claim's record.
    First(Claim),
}

/// The right to do what a request under a key asks for; given up when it is dropped.
pub struct Claim {
    shared: Arc<Shared>,
    name: Name,
    digest: [u8; 32],
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Claim").field(&self.name).finish()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.shared.in_flight.names().remove(&self.name);
    }
}

impl Claim {
    /// What to store with what is done.
    pub(crate) fn record(&self, answer: &impl Serialize) -> Result<Record, StoreError> {
        let answer = serde_json::to_string(answer).map_err(|err| unreadable(&err))?;
        let (caller, IdempotencyKey(key)) = self.name.clone();
        let answered = Answered {
            digest: self.digest,
            answer,
            created_at: self.shared.clock.now(),
        };
        Ok(Record {
            caller,
            key,
            answered,
        })
    }

    /// Stores the answer to a request whose work is stored by itself.
    pub async fn finish(self, answer: &impl Serialize) -> Result<(), IdempotencyError> {
        let record = self.record(answer)?;
        let storing = self.shared.store.write(move |tx| record.put(tx));
        Ok(storing.await?)
    }
}

/// An answer to store.
pub(crate) struct Record {
    caller: String,
    key: String,
    answered: Answered,
}

impl Record {
    pub(crate) fn put(&self, tx: &Writer<'_>) -> Result<(), StoreError> {
        tx.idempotency_mut()
            .put(&self.caller, &self.key, &self.answered)
    }
}

/// Requests that are done once.
pub struct Idempotency {
    shared: Arc<Shared>,
}

impl Idempotency {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Begins the request of `caller` under `key`; `digest` is the SHA-256 of all that makes it
    /// the request it is.
    pub async fn begin<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        key: IdempotencyKey,
        digest: [u8; 32],
    ) -> Result<Begun<T>, IdempotencyError> {
        let name = (caller.label(), key);
        if !self.shared.in_flight.names().insert(name.clone()) {
            return Err(IdempotencyError::InFlight);
        }
        let claim = Claim {
            shared: Arc::clone(&self.shared),
            name,
            digest,
        };
        let (caller, IdempotencyKey(key)) = claim.name.clone();
        let since = before(self.shared.clock.now(), KEPT);
        let found = self
            .shared
            .store
            .read(move |db| db.idempotency().get(&caller, &key, since))
            .await?;
        match found {
            None => Ok(Begun::First(claim)),
            Some(found) if found.digest != digest => Err(IdempotencyError::Reused),
            Some(found) => serde_json::from_str(&found.answer)
                .map(Begun::Again)
                .map_err(|err| unreadable(&err).into()),
        }
    }
}

/// Forgets answers that are a day old, or too many.
pub(crate) async fn forget_old(shared: &Arc<Shared>, limit: u32) -> Result<(), StoreError> {
    let old = before(shared.clock.now(), KEPT);
    shared
        .store
        .write_relaxed(move |tx| {
            tx.idempotency_mut().delete_before(old, limit)?;
            tx.idempotency_mut().keep_newest(MOST)
        })
        .await?;
    Ok(())
}

fn unreadable(err: &serde_json::Error) -> StoreError {
    StoreError::Corrupt {
        place: "idempotency.answer",
        what: err.to_string(),
    }
}

fn before(now: Timestamp, duration: Duration) -> Timestamp {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(millis))
}
