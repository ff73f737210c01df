//! Pacing: when a session may send, counted over everything that goes out of it.
//!
//! A session without rules goes its quick way and costs one look into a map. One with rules sends
//! only through the outbox's worker, which asks its [`Ledger`] for every message. What is delayed
//! stays in the outbox; nothing is refused.
//!
//! Invariant: what a ledger counts is also stored, in the transaction that takes the message, so
//! that a restart goes on counting.

mod ledger;
mod tally;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use warbler_domain::pacing::Pacing;
use warbler_domain::{SessionId, Timestamp};
use warbler_store::sending::SessionSending;

pub(crate) use ledger::{Hold, Ledger};
use tally::Tally;

/// The rules and counts of every session.
pub(crate) struct Pacer {
    host: Arc<Pacing>,
    host_is_off: bool,
    own: RwLock<HashMap<SessionId, Own>>,
    ledgers: Mutex<HashMap<SessionId, Ledger>>,
    tallies: Mutex<HashMap<SessionId, Tally>>,
}

/// What is set for one session.
#[derive(Clone, Default)]
struct Own {
    pacing: Option<Arc<Pacing>>,
    paused_at: Option<Timestamp>,
}

/// How a session's messages go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As soon as they can.
    Free,
    /// As these rules say.
    Paced(Arc<Pacing>),
    /// Not at all, for now.
    Paused,
}

impl Pacer {
    pub(crate) fn new(host: Pacing, stored: Vec<(SessionId, SessionSending)>) -> Self {
        let own = stored
            .into_iter()
            .map(|(session, sending)| (session, Own::from(sending)))
            .collect();
        Self {
            host_is_off: host.is_off(),
            host: Arc::new(host),
            own: RwLock::new(own),
            ledgers: Mutex::default(),
            tallies: Mutex::default(),
        }
    }

    /// How the session's messages go out.
    pub(crate) fn mode(&self, session: SessionId) -> Mode {
        let own = self.read().get(&session).cloned();
        match own {
            Some(Own {
                paused_at: Some(_), ..
            }) => Mode::Paused,
            Some(Own {
                pacing: Some(pacing),
                ..
            }) if pacing.is_off() => Mode::Free,
            Some(Own {
                pacing: Some(pacing),
                ..
            }) => Mode::Paced(pacing),
            _ if self.host_is_off => Mode::Free,
            _ => Mode::Paced(Arc::clone(&self.host)),
        }
    }

    /// Whether the session's messages go out as soon as they can.
    pub(crate) fn is_free(&self, session: SessionId) -> bool {
        self.mode(session) == Mode::Free
    }

    /// The rules that hold for the session, and whether they are its own.
    pub(crate) fn rules(&self, session: SessionId) -> (Arc<Pacing>, bool) {
        match self.read().get(&session).and_then(|own| own.pacing.clone()) {
            Some(pacing) => (pacing, true),
            None => (Arc::clone(&self.host), false),
        }
    }

    /// What is set for the session.
    pub(crate) fn set(&self, session: SessionId) -> SessionSending {
        let own = self.read().get(&session).cloned().unwrap_or_default();
        SessionSending {
            pacing: own.pacing.map(|pacing| (*pacing).clone()),
            paused_at: own.paused_at,
        }
    }

    /// Notes what is set for the session from now on; what waited by the old rules is looked at
    /// anew.
    pub(crate) fn put(&self, session: SessionId, sending: SessionSending) {
        self.write().insert(session, Own::from(sending));
        if let Some(ledger) = self.ledgers().get_mut(&session) {
            ledger.release();
        }
    }

    /// Forgets a session.
    pub(crate) fn forget(&self, session: SessionId) {
        self.write().remove(&session);
        self.ledgers().remove(&session);
        self.tallies().remove(&session);
    }

    /// Lets `f` ask and change the session's ledger.
    pub(crate) fn with_ledger<T>(&self, session: SessionId, f: impl FnOnce(&mut Ledger) -> T) -> T {
        f(self.ledgers().entry(session).or_default())
    }

    /// What holds the whole session back at `now`, if something does.
    pub(crate) fn hold(&self, session: SessionId, now: Timestamp) -> Option<Hold> {
        let ledgers = self.ledgers();
        ledgers.get(&session).and_then(|ledger| ledger.hold(now))
    }

    /// Counts a message that the network has taken over.
    pub(crate) fn count(&self, session: SessionId, now: Timestamp) {
        self.tallies().entry(session).or_default().note(now);
    }

    /// How many messages the network has taken over in the last minute and hour, since the host
    /// started.
    pub(crate) fn counted(&self, session: SessionId, now: Timestamp) -> (u64, u64) {
        let tallies = self.tallies();
        let tally = tallies.get(&session);
        tally.map_or((0, 0), |tally| (tally.minute(now), tally.hour(now)))
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<SessionId, Own>> {
        self.own.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<SessionId, Own>> {
        self.own.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn ledgers(&self) -> MutexGuard<'_, HashMap<SessionId, Ledger>> {
        self.ledgers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tallies(&self) -> MutexGuard<'_, HashMap<SessionId, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<SessionSending> for Own {
    fn from(sending: SessionSending) -> Self {
        Self {
            pacing: sending.pacing.map(Arc::new),
            paused_at: sending.paused_at,
        }
    }
}
