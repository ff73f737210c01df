//! Calls: seen, and refused, on demand or by themselves.

use std::sync::Arc;

use tracing::{info, warn};
use warbler_domain::call::{Call, CallState};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{
    Caller, Event, EventBody, Jid, Refusal, RefusalKind, Scope, SessionId, SessionRef,
};
use warbler_store::Error as StoreError;

use crate::audit;
use crate::core::Shared;
use crate::messages::{Destination, outgoing, text_content};
use crate::network::{self, NetworkError};
use crate::sessions::{SessionError, usable_by};

/// Why a call was not shown or refused.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// This session has seen no such call.
    #[error("there is no such call")]
    Unknown,
    /// It is over.
    #[error("the call does not ring any more")]
    Over,
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The database.
    #[error("the calls could not be read or written")]
    Store(#[from] StoreError),
}

impl Refusal for CallError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::Unknown => RefusalKind::NotFound,
            Self::Over => RefusalKind::Conflict,
            Self::Network(err) => err.kind(),
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::Unknown => "unknown_call",
            Self::Over => "call_over",
            Self::Network(err) => err.code(),
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// Calls.
pub struct Calls {
    shared: Arc<Shared>,
}

impl Calls {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// A page of the calls a session has seen, newest first.
    pub async fn list(
        &self,
        caller: &Caller,
        session: &SessionRef,
        page: PageRequest,
    ) -> Result<Page<Call>, CallError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let calls = self
            .shared
            .store
            .read(move |db| db.calls().list(session.id, page));
        Ok(calls.await?)
    }

    /// Refuses a call that rings.
    pub async fn reject(
        &self,
        caller: &Caller,
        session: &SessionRef,
        call: &str,
    ) -> Result<(), CallError> {
        let session = usable_by(&self.shared, caller, session, Scope::Send).await?;
        let (id, wanted) = (session.id, call.to_owned());
        let found = self
            .shared
            .store
            .read(move |db| db.calls().get(id, &wanted));
        let found = found.await?.ok_or(CallError::Unknown)?;
        if found.state != CallState::Ringing {
            return Err(CallError::Over);
        }
        let link = network::link(&self.shared, &session)?;
        network::answer(link.reject_call(call, &found.by)).await?;
        audit::note_of(&self.shared, caller, "call.reject", &found.by, &session).await?;
        rejected(&self.shared, id, found).await?;
        Ok(())
    }
}

/// A call that has just begun to ring.
pub(crate) struct Ringing {
    session: SessionId,
    call: Call,
}

impl Ringing {
    /// The call that an event tells of, if it rings.
    pub(crate) fn of(event: Event) -> Option<Self> {
        match event.body {
            EventBody::Call {
                call,
                by,
                video,
                group,
                state: CallState::Ringing,
            } => Some(Self {
                session: event.session,
                call: Call {
                    id: call,
                    by,
                    video,
                    group,
                    state: CallState::Ringing,
                    at: event.at,
                },
            }),
            _ => None,
        }
    }
}

/// Refuses a call if its session is set to, beside everything else.
pub(crate) fn rings(shared: &Arc<Shared>, ringing: Ringing) {
    let worker = Arc::clone(shared);
    shared.tasks.spawn(async move {
        let session = ringing.session;
        let acted = tokio::select! {
            acted = act(&worker, ringing) => acted,
            () = worker.stop.cancelled() => Ok(()),
        };
        if let Err(err) = acted {
            warn!(session.id = %session, %err, "A call could not be refused by itself");
        }
    });
}

async fn act(shared: &Arc<Shared>, Ringing { session, call }: Ringing) -> Result<(), CallError> {
    let settings = shared
        .store
        .read(move |db| db.sessions().settings(session))
        .await?;
    let Some(settings) = settings.filter(|settings| settings.auto_reject_calls) else {
        return Ok(());
    };
    let Some(link) = shared.directory.ready_link(session) else {
        return Ok(());
    };
    network::answer(link.reject_call(&call.id, &call.by)).await?;
    info!(session.id = %session, "A call was refused by itself");
    let by = call.by.clone();
    rejected(shared, session, call).await?;
    match settings.rejected_call_text {
        Some(text) => explain(shared, session, by, text).await,
        None => Ok(()),
    }
}

async fn explain(
    shared: &Arc<Shared>,
    session: SessionId,
    to: Jid,
    text: String,
) -> Result<(), CallError> {
    let Some((_, Some(account))) = shared.directory.identity(session) else {
        return Ok(());
    };
    // What is no text to send was refused when it was set.
    if let Ok(content) = text_content(text) {
        let to = Destination::of(shared, session, to).await?;
        let message = outgoing(shared, session, &account, to, content, None);
        crate::outbox::accept(shared, message, None).await?;
    }
    Ok(())
}

async fn rejected(shared: &Arc<Shared>, session: SessionId, call: Call) -> Result<(), StoreError> {
    let body = EventBody::Call {
        call: call.id,
        by: call.by,
        video: call.video,
        group: call.group,
        state: CallState::Rejected,
    };
    crate::ingest::happened(shared, session, body).await
}
