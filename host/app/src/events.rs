//! Events: what may be asked about them, and the stream of those that happen.

use std::sync::Arc;

use tokio::sync::watch;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{Caller, EventId, EventKind, Refusal, RefusalKind, SessionRef};
use warbler_store::events::{EventFilter, Stored, Trace};

use crate::core::Shared;
use crate::sessions::SessionError;

/// Tells streams that there are newer events; the events themselves are read from the store, so
/// a slow reader costs nothing and misses nothing.
pub(crate) struct Bus {
    newest: watch::Sender<i64>,
}

impl Bus {
    pub(crate) fn new(newest: i64) -> Self {
        Self {
            newest: watch::Sender::new(newest),
        }
    }

    pub(crate) fn announce(&self, seq: i64) {
        self.newest.send_if_modified(|newest| {
            let newer = seq > *newest;
            *newest = (*newest).max(seq);
            newer
        });
    }
}

/// Why an event was not shown.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// There is none with this id.
    #[error("event {0} does not exist")]
    Unknown(EventId),
    /// The session asked for.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The database.
    #[error("the events could not be read")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for EventError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Unknown(_) => RefusalKind::NotFound,
            Self::Session(err) => err.kind(),
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown_event",
            Self::Session(err) => err.code(),
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// Events.
pub struct Events {
    shared: Arc<Shared>,
}

impl Events {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// A page of events, newest first.
    pub async fn list(
        &self,
        caller: &Caller,
        session: Option<&SessionRef>,
        kind: Option<EventKind>,
        page: PageRequest,
    ) -> Result<Page<Stored>, EventError> {
        let session = match session {
            Some(session) => Some(
                crate::sessions::usable_by(&self.shared, caller, session)
                    .await?
                    .id,
            ),
            None => None,
        };
        let filter = EventFilter { session, kind };
        Ok(self
            .shared
            .store
            .read(move |db| db.events().list(&filter, page))
            .await?)
    }

    /// What the extensions made of an event; `None` in the trace while it is not through.
    pub async fn trace(
        &self,
        _caller: &Caller,
        id: EventId,
    ) -> Result<(Stored, Option<Trace>), EventError> {
        let found = self
            .shared
            .store
            .read(move |db| {
                let Some(stored) = db.events().get(id)? else {
                    return Ok(None);
                };
                Ok::<_, warbler_store::Error>(Some((stored, db.events().trace(id)?)))
            })
            .await?;
        found.ok_or(EventError::Unknown(id))
    }

    /// The events from now on, or those behind `after` first.
    pub async fn stream(
        &self,
        _caller: &Caller,
        after: Option<EventId>,
    ) -> Result<EventStream, EventError> {
        let newest = self.shared.bus.newest.subscribe();
        let seen = match after {
            None => *newest.borrow(),
            Some(id) => {
                let found = self
                    .shared
                    .store
                    .read(move |db| db.events().get(id))
                    .await?;
                found.ok_or(EventError::Unknown(id))?.seq
            }
        };
        Ok(EventStream {
            shared: Arc::clone(&self.shared),
            newest,
            seen,
        })
    }
}

/// Events one after the other, without gaps.
pub struct EventStream {
    shared: Arc<Shared>,
    newest: watch::Receiver<i64>,
    seen: i64,
}

impl EventStream {
    /// Events read at once.
    const BATCH: u32 = 128;

    /// The next events, oldest first; waits for one. `None` when the host stops.
    pub async fn next(&mut self) -> Result<Option<Vec<Stored>>, EventError> {
        loop {
            let newest = *self.newest.borrow_and_update();
            if newest > self.seen {
                let seen = self.seen;
                let batch = self
                    .shared
                    .store
                    .read(move |db| db.events().since(seen, Self::BATCH))
                    .await?;
                if let Some(last) = batch.last() {
                    self.seen = last.seq;
                    return Ok(Some(batch));
                }
                self.seen = newest;
            }
            tokio::select! {
                changed = self.newest.changed() => if changed.is_err() { return Ok(None) },
                () = self.shared.stop.cancelled() => return Ok(None),
            }
        }
    }
}
