//! The stream of events: what happens, to whoever listens, and first what a listener has missed.
//!
//! Events are read from the store, batch by batch, when the listener has taken the ones before;
//! so a slow listener costs one batch, holds nobody up, and misses nothing but what retention has
//! removed meanwhile. That is told to it as a [`Gap`].

use std::sync::Arc;

use tokio::sync::watch;
use warbler_domain::{Caller, EventId, KindPattern, Scope, SessionId, SessionRef};
use warbler_store::events::Stored;

use super::{EventError, Events};
use crate::access::Endings;
use crate::core::Shared;
use crate::sessions::{SessionError, is_within_reach, usable_by};

/// What a listener wants.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The last event it has seen: what happened since comes first.
    pub after: Option<EventId>,
    /// The events of this session only.
    pub session: Option<SessionRef>,
    /// Events of these kinds only; none means all.
    pub kinds: Vec<KindPattern>,
}

/// Events may be missing here: the one the listener had seen last is no longer stored, and others
/// behind it may be gone with it. What is stored since its time follows, at most a few events of
/// which the listener has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The event it was to go on behind; nothing when the listener was too slow.
    pub after: Option<EventId>,
}

/// What a stream gives.
#[derive(Debug)]
pub enum Streamed {
    /// Events, oldest first.
    Events(Vec<Stored>),
    /// A place where events may be missing.
    Gap(Gap),
}

/// Events one after the other.
pub struct EventStream {
    shared: Arc<Shared>,
    caller: Caller,
    endings: Endings,
    newest: watch::Receiver<i64>,
    session: Option<SessionId>,
    kinds: Vec<KindPattern>,
    seen: i64,
    gap: Option<Gap>,
    /// Up to where the listener knows that events have been removed.
    told: i64,
}

impl Events {
    /// The events of the caller's sessions from now on, or those behind `wanted.after` first.
    pub async fn stream(&self, caller: &Caller, wanted: Wanted) -> Result<EventStream, EventError> {
        caller.require(Scope::Read).map_err(SessionError::from)?;
        let session = match &wanted.session {
            Some(session) => {
                let found = usable_by(&self.shared, caller, session, Scope::Read).await?;
                Some(found.id)
            }
            None => None,
        };
        let newest = self.shared.bus.newest.subscribe();
        let now = *newest.borrow();
        let (seen, gap) = match wanted.after {
            None => (now, None),
            Some(id) => self.place_of(caller, id).await?,
        };
        Ok(EventStream {
            shared: Arc::clone(&self.shared),
            caller: caller.clone(),
            endings: self.shared.access.endings(),
            newest,
            session,
            kinds: wanted.kinds,
            seen,
            told: gap.map_or(0, |_| self.shared.bus.removed()),
            gap,
        })
    }

    /// Where a stream goes on behind an event, and whether something may be missing there.
    async fn place_of(
        &self,
        caller: &Caller,
        id: EventId,
    ) -> Result<(i64, Option<Gap>), EventError> {
        let store = &self.shared.store;
        let found = store.read(move |db| db.events().get(id)).await?;
        if let Some(stored) = found
            && is_within_reach(&self.shared, caller, stored.event.session)
        {
            return Ok((stored.seq, None));
        }
        // An id of ours says when the event was: it was removed, by retention or with its session.
        let time = id
            .time()
            .filter(|time| *time <= self.shared.clock.now())
            .ok_or(EventError::Unknown(id))?;
        let seen = store.read(move |db| db.last_event_before(time)).await?;
        Ok((seen, Some(Gap { after: Some(id) })))
    }
}

impl EventStream {
    /// Events read at once.
    const BATCH: u32 = 128;

    /// What comes next; waits for it. `None` when the host stops, and when the credential of the
    /// caller has ended.
    pub async fn next(&mut self) -> Result<Option<Streamed>, EventError> {
        if let Some(gap) = self.gap.take() {
            return Ok(Some(Streamed::Gap(gap)));
        }
        loop {
            let newest = *self.newest.borrow_and_update();
            if newest <= self.seen {
                tokio::select! {
                    changed = self.newest.changed() => if changed.is_err() { return Ok(None) },
                    () = self.shared.stop.cancelled() => return Ok(None),
                    () = self.endings.of(&self.caller) => return Ok(None),
                }
                continue;
            }
            let seen = self.seen;
            let store = &self.shared.store;
            let mut batch = store
                .read(move |db| db.events().since(seen, Self::BATCH))
                .await?;
            // A credential that has ended ends a busy stream too.
            let now = self.shared.clock.now();
            if self.caller.has_expired(now) || self.endings.tell_of(&self.caller) {
                return Ok(None);
            }
            let removed = self.shared.bus.removed();
            if removed > seen && removed > self.told {
                self.told = removed;
                return Ok(Some(Streamed::Gap(Gap { after: None })));
            }
            self.seen = batch.last().map_or(newest, |last| last.seq);
            batch.retain(|stored| self.wants(stored));
            if !batch.is_empty() {
                return Ok(Some(Streamed::Events(batch)));
            }
        }
    }

    /// The next events, for those who have no use for gaps.
    pub async fn next_events(&mut self) -> Result<Option<Vec<Stored>>, EventError> {
        loop {
            match self.next().await? {
                Some(Streamed::Gap(_)) => {}
                Some(Streamed::Events(events)) => return Ok(Some(events)),
                None => return Ok(None),
            }
        }
    }

    fn wants(&self, stored: &Stored) -> bool {
        let event = &stored.event;
        let kind = event.kind();
        self.session.is_none_or(|session| session == event.session)
            && (self.kinds.is_empty() || self.kinds.iter().any(|pattern| pattern.matches(&kind)))
            && is_within_reach(&self.shared, &self.caller, event.session)
    }
}
