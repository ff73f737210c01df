//! Instances that are kept between calls, for plugins that want it and are granted it.
//!
//! An instance is kept for one session and is never used for another. It goes when a call of it
//! fails, when its version is replaced, when nobody has called it for a while, and after so many
//! calls. Its memory counts as that of one call: what it has taken it does not get again. While one
//! call has it, others of the same session run in fresh instances.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::OwnedSemaphorePermit;
use warbler_domain::{SessionId, Timestamp};
use wasmtime::Store;

use super::PluginState;
use super::contract::exports::warbler::plugin::event_handler;
use super::meter::Ticked;
use crate::limits::WarmLimits;

/// An instance ready for a call.
pub(super) struct Warm {
    pub(super) store: Store<PluginState>,
    pub(super) ticked: Ticked,
    pub(super) guest: Option<event_handler::Guest>,
    calls: u32,
    last: Timestamp,
    /// Its place among all that are kept.
    place: Option<OwnedSemaphorePermit>,
}

impl Warm {
    /// One that has not been called.
    pub(super) fn fresh(store: Store<PluginState>, ticked: Ticked) -> Self {
        Self {
            store,
            ticked,
            guest: None,
            calls: 0,
            last: Timestamp::from_millis(0),
            place: None,
        }
    }

    /// Whether it has a place among those that are kept.
    pub(super) fn has_place(&self) -> bool {
        self.place.is_some()
    }

    /// Gives it a place.
    pub(super) fn take_place(&mut self, place: OwnedSemaphorePermit) {
        self.place = Some(place);
    }
}

/// The instances one plugin keeps.
pub(super) struct Kept {
    limits: WarmLimits,
    by_session: Mutex<HashMap<SessionId, Warm>>,
}

impl Kept {
    pub(super) fn new(limits: WarmLimits) -> Self {
        Self {
            limits,
            by_session: Mutex::default(),
        }
    }

    /// The instance of this session, if there is one; it is the caller's until it is put back.
    pub(super) fn take(&self, session: SessionId) -> Option<Warm> {
        self.lock().remove(&session)
    }

    /// Keeps an instance whose call went well, if it may be called again and there is room; how
    /// many are kept now.
    pub(super) fn put(&self, session: SessionId, mut warm: Warm, now: Timestamp) -> usize {
        warm.calls = warm.calls.saturating_add(1);
        warm.last = now;
        let mut kept = self.lock();
        let is_new = !kept.contains_key(&session);
        if warm.calls < self.limits.calls && is_new {
            if kept.len() >= self.limits.of_one {
                let oldest = kept.iter().min_by_key(|(_, warm)| warm.last);
                if let Some(oldest) = oldest.map(|(session, _)| *session) {
                    kept.remove(&oldest);
                }
            }
            kept.insert(session, warm);
        }
        kept.len()
    }

    /// Drops those that nobody has called for a while; how many are left.
    pub(super) fn sweep(&self, now: Timestamp) -> usize {
        let mut kept = self.lock();
        kept.retain(|_, warm| now.since(warm.last) < self.limits.idle);
        kept.len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Warm>> {
        self.by_session
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
