//! What the network will not tell again, kept until it is stored.
//!
//! The engine acknowledges everything but messages by itself, as soon as it has read it, and offers
//! no way to wait until it is stored. A receipt that could not be stored, because the disk was
//! full, would be lost for good. It is kept in memory instead, for the session's next link; only a
//! crash in between loses it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wacore::types::events::Event;
use warbler_domain::SessionId;

/// Most events kept for a session. A link ends when it cannot store, so that few gather.
const KEPT: usize = 1024;

/// What is owed to the inboxes of all sessions.
#[derive(Default)]
pub(crate) struct Owed {
    events: Mutex<HashMap<SessionId, Vec<Arc<Event>>>>,
}

impl Owed {
    /// Keeps events, behind what is kept already.
    pub(crate) fn keep(&self, session: SessionId, events: Vec<Arc<Event>>) {
        if events.is_empty() {
            return;
        }
        let mut owed = self.lock();
        let kept = owed.entry(session).or_default();
        let room = KEPT.saturating_sub(kept.len());
        if events.len() > room {
            tracing::warn!(session.id = %session, "Receipts were lost: too many of them could not be stored");
        }
        kept.extend(events.into_iter().take(room));
    }

    /// What is kept for a session, which is then no longer.
    pub(crate) fn take(&self, session: SessionId) -> Vec<Arc<Event>> {
        self.lock().remove(&session).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Vec<Arc<Event>>>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an event still means something when it is told late.
pub(crate) fn lasts(event: &Event) -> bool {
    !matches!(
        event,
        Event::ChatPresence(_) | Event::Presence(_) | Event::HistorySync(_)
    )
}
