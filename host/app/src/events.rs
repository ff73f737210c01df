//! Events: what may be asked about them, and the stream of those that happen.

mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::watch;
use warbler_domain::extension::ExtensionKind;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{
    Caller, EventId, EventKind, ExtensionName, Refusal, RefusalKind, Scope, SessionRef, Verdict,
};
use warbler_store::events::{EventFilter, Stored, Trace};

use crate::core::Shared;
use crate::sessions::{SessionError, is_within_reach, usable_by, within_reach};

pub use stream::{EventStream, Gap, Streamed, Wanted};

/// Tells streams that there are newer events; the events themselves are read from the store, so
/// a slow reader costs nothing and misses nothing.
pub(crate) struct Bus {
    newest: watch::Sender<i64>,
    removed: AtomicI64,
}

impl Bus {
    pub(crate) fn new(newest: i64) -> Self {
        Self {
            newest: watch::Sender::new(newest),
            removed: AtomicI64::new(0),
        }
    }

    /// Up to where events are being removed; those who were not so far may miss some.
    pub(crate) fn removed(&self) -> i64 {
        self.removed.load(Ordering::SeqCst)
    }

    /// Says that events up to `seq` are about to be removed.
    pub(crate) fn removing(&self, seq: i64) {
        self.removed.fetch_max(seq, Ordering::SeqCst);
    }

    /// Says when there are newer events.
    pub(crate) fn watch(&self) -> watch::Receiver<i64> {
        self.newest.subscribe()
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

/// An event's way through the extensions.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The event.
    pub stored: Stored,
    /// What those that were called made of it; nothing while it is not done, or for none of them.
    pub trace: Option<Trace>,
    /// Those of the chain as it is now that were not called.
    pub passed: Vec<Passed>,
}

/// An extension that was not called for an event.
#[derive(Debug, Clone)]
pub struct Passed {
    /// Which.
    pub extension: ExtensionName,
    /// Plugin or script.
    pub kind: ExtensionKind,
    /// Why, in words, by its filter and grants as they are now.
    pub why: String,
}

/// Events.
pub struct Events {
    shared: Arc<Shared>,
}

impl Events {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// A page of events of the caller's sessions, newest first.
    pub async fn list(
        &self,
        caller: &Caller,
        session: Option<&SessionRef>,
        kind: Option<EventKind>,
        page: PageRequest,
    ) -> Result<Page<Stored>, EventError> {
        caller.require(Scope::Read).map_err(SessionError::from)?;
        let sessions = match session {
            Some(session) => {
                let found = usable_by(&self.shared, caller, session, Scope::Read).await?;
                Some(vec![found.id])
            }
            None => within_reach(&self.shared, caller),
        };
        let filter = EventFilter { sessions, kind };
        Ok(self
            .shared
            .store
            .read(move |db| db.events().list(&filter, page))
            .await?)
    }

    /// What the extensions made of an event, and why others were not called for it.
    pub async fn explain(&self, caller: &Caller, id: EventId) -> Result<Explained, EventError> {
        let (stored, trace) = self.trace(caller, id).await?;
        let steps = trace.iter().flat_map(|trace| &trace.steps);
        let called: Vec<ExtensionName> = steps.map(|step| step.extension.clone()).collect();
        let stopped = trace.as_ref().and_then(|trace| {
            let last = trace.steps.last()?;
            (last.verdict == Verdict::Stop).then(|| last.extension.clone())
        });
        let chain = self.shared.extensions.chain();
        let session = self.shared.directory.known(stored.event.session);
        let mut behind_stop = false;
        let mut passed = Vec::new();
        for hook in chain.iter() {
            if called.contains(hook.name()) {
                behind_stop |= stopped.as_ref() == Some(hook.name());
                continue;
            }
            let why_not = session
                .as_ref()
                .and_then(|session| hook.why_not(&stored.event, session.called()));
            let why = match (why_not, &stopped) {
                (Some(why), _) => why,
                (None, Some(by)) if behind_stop => format!("{by} stopped the chain before it"),
                (None, _) if trace.is_none() && !stored.done => {
                    "the event is not done yet".to_owned()
                }
                (None, _) => {
                    "it would be called now; then it was not loaded, or left out".to_owned()
                }
            };
            passed.push(Passed {
                extension: hook.name().clone(),
                kind: hook.kind(),
                why,
            });
        }
        Ok(Explained {
            stored,
            trace,
            passed,
        })
    }

    /// What the extensions made of an event; `None` in the trace while it is not through.
    pub async fn trace(
        &self,
        caller: &Caller,
        id: EventId,
    ) -> Result<(Stored, Option<Trace>), EventError> {
        caller.require(Scope::Read).map_err(SessionError::from)?;
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
        found
            .filter(|(stored, _)| is_within_reach(&self.shared, caller, stored.event.session))
            .ok_or(EventError::Unknown(id))
    }
}
