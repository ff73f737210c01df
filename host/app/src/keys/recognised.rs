//! Callers that were recognised a moment ago, so that not every request asks the database.
//!
//! Invariant: a caller stays here no longer than its credential is good, and every end of a
//! credential empties the whole memory. A look-up that began before such an end is not kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use warbler_domain::{Caller, Realm, Timestamp};

/// How long a caller is remembered.
const MEMORY: Duration = Duration::from_secs(10);
/// How many are remembered at once; beyond that, everybody is looked up again.
const MOST: usize = 8192;

/// Callers by where they were recognised, and the digest of what they showed.
#[derive(Default)]
pub(crate) struct Recognised {
    callers: RwLock<HashMap<(Realm, [u8; 32]), Entry>>,
    endings: AtomicU64,
}

struct Entry {
    caller: Caller,
    until: Timestamp,
}

/// When a look-up began, in endings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Began(u64);

impl Recognised {
    /// To be asked before a look-up.
    pub(crate) fn begin(&self) -> Began {
        Began(self.endings.load(Ordering::SeqCst))
    }

    /// The caller with this credential, if it was recognised lately.
    pub(crate) fn get(&self, realm: Realm, digest: &[u8; 32], now: Timestamp) -> Option<Caller> {
        let callers = self.callers.read().unwrap_or_else(PoisonError::into_inner);
        let entry = callers
            .get(&(realm, *digest))
            .filter(|entry| now < entry.until)?;
        Some(entry.caller.clone())
    }

    /// Remembers a caller whose credential is good until then, if no credential has ended since
    /// its look-up began.
    pub(crate) fn put(
        &self,
        shown: (Realm, [u8; 32]),
        caller: &Caller,
        good_until: Option<Timestamp>,
        now: Timestamp,
        began: Began,
    ) {
        let until = now.plus(MEMORY);
        let until = good_until.map_or(until, |good| good.min(until));
        let mut callers = self.callers.write().unwrap_or_else(PoisonError::into_inner);
        if self.begin() != began {
            return;
        }
        if callers.len() >= MOST {
            callers.retain(|_, entry| now < entry.until);
        }
        if callers.len() >= MOST {
            callers.clear();
        }
        let caller = caller.clone();
        callers.insert(shown, Entry { caller, until });
    }

    /// Forgets everybody.
    pub(crate) fn forget_all(&self) {
        let mut callers = self.callers.write().unwrap_or_else(PoisonError::into_inner);
        self.endings.fetch_add(1, Ordering::SeqCst);
        callers.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn a_look_up_that_was_overtaken_by_an_ending_is_not_kept() {
        let recognised = Recognised::default();
        let began = recognised.begin();
        recognised.forget_all();
        recognised.put((Realm::Native, [1; 32]), &Caller::host(), None, NOW, began);
        assert_eq!(recognised.get(Realm::Native, &[1; 32], NOW), None);
    }

    #[test]
    fn nobody_is_remembered_longer_than_the_credential_is_good() {
        let recognised = Recognised::default();
        let soon = NOW.plus(Duration::from_secs(1));
        recognised.put(
            (Realm::Native, [1; 32]),
            &Caller::host(),
            Some(soon),
            NOW,
            recognised.begin(),
        );
        assert!(recognised.get(Realm::Native, &[1; 32], NOW).is_some());
        assert_eq!(recognised.get(Realm::Native, &[1; 32], soon), None);
    }

    #[test]
    fn the_memory_has_a_bound() {
        let recognised = Recognised::default();
        for n in 0..MOST + 10 {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&n.to_le_bytes());
            recognised.put(
                (Realm::Native, digest),
                &Caller::host(),
                None,
                NOW,
                recognised.begin(),
            );
        }
        let held = recognised.callers.read().map_or(0, |callers| callers.len());
        assert!(held <= MOST);
    }
}
