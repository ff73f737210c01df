//! Sessions: what may be asked for.
//!
//! Every active session has one [`supervisor`] task that owns its link and is the only one to
//! move its state. The use cases here write what is wanted and tell the supervisor.

mod directory;
mod engines;
mod inbox;
mod labelled;
mod marks;
mod passkey;
mod proxy;
mod rename;
mod settings;
mod supervisor;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, oneshot};
use tracing::info;
use warbler_domain::session::{Signal, Wanted};
use warbler_domain::{
    Caller, EngineName, EventBody, PhoneNumber, Refusal, RefusalKind, Scope, ScopeRequired,
    Session, SessionId, SessionName, SessionRef, SessionState, Timestamp,
};
use warbler_store::Error as StoreError;
use warbler_store::audit::AuditEntry;

use crate::access::Ended;
use crate::audit;
use crate::core::Shared;
use crate::driver::{DriverError, PairingCode};
use supervisor::Command;

pub(crate) use directory::{Directory, Known};
pub use engines::EngineShown;
pub(crate) use engines::engine_of;
pub use labelled::{Labelled, NewLabelled};
pub use marks::{MarkError, Marked, Marks};
pub use passkey::{PasskeyError, PasskeyStep};
pub use settings::SettingsError;

/// A session to make.
#[derive(Debug, Clone)]
pub struct CreateSession {
    /// Its name.
    pub name: SessionName,
    /// Whether to start it at once.
    pub start: bool,
}

/// A QR to scan with the phone.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingQr {
    /// The text it carries: a secret while it is valid.
    pub text: String,
    /// Until when it can be scanned.
    pub expires_at: Timestamp,
}

/// Why a session did not do it.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There is none of this name or id.
    #[error("session {0} does not exist")]
    Unknown(SessionRef),
    /// Several users have one of this name, and none is the caller's own.
    #[error("several users have a session {0}, and you have none; name it by its id")]
    Several(SessionRef),
    /// The caller may not do this kind of thing.
    #[error(transparent)]
    Scope(#[from] ScopeRequired),
    /// The caller's credential is for certain sessions; a new one would not be among them.
    #[error("this credential is for certain sessions only, so it cannot make one")]
    Limited,
    /// The owner has one of this name.
    #[error("there is a session {0} already; choose another name")]
    NameTaken(SessionName),
    /// The user has as many as it may have.
    #[error("you have {0} sessions, which is as many as a user may have; delete one first")]
    TooMany(u32),
    /// It does not run.
    #[error("session {session} is {state}; start it first")]
    NotRunning {
        /// Which.
        session: SessionName,
        /// Where it stands.
        state: SessionState,
    },
    /// It is linked to a phone already.
    #[error("session {0} is paired already; log it out first to pair it with another phone")]
    AlreadyPaired(SessionName),
    /// It is not linked to a phone, so there is nothing to end.
    #[error("session {0} is not paired")]
    NotPaired(SessionName),
    /// The network has offered no QR yet.
    #[error("session {0} has no QR yet; try again in a moment")]
    NoQrYet(SessionName),
    /// The network or the engine.
    #[error("the network refused: {0}")]
    Driver(#[from] DriverError),
    /// This host does not have the engine.
    #[error("this host does not run the engine {0}; GET /v1/engines lists those it has")]
    NoEngine(EngineName),
    /// The keys of a linked session are one engine's.
    #[error(
        "session {session} is linked on the engine {engine}, and another engine cannot use its keys: log it out first, then pair it anew"
    )]
    NeedsPairing {
        /// Which.
        session: SessionName,
        /// On which it is linked.
        engine: EngineName,
    },
    /// It runs.
    #[error("session {0} runs; stop it first")]
    Running(SessionName),
    /// The host is stopping.
    #[error("the host is stopping")]
    Stopping,
    /// The database.
    #[error("the sessions could not be read or written")]
    Store(#[from] StoreError),
}

impl Refusal for SessionError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Unknown(_) | Self::Several(_) => RefusalKind::NotFound,
            Self::Scope(err) => err.kind(),
            Self::Limited => RefusalKind::Forbidden,
            Self::NameTaken(_)
            | Self::TooMany(_)
            | Self::NotRunning { .. }
            | Self::AlreadyPaired(_)
            | Self::NotPaired(_)
            | Self::NeedsPairing { .. }
            | Self::Running(_) => RefusalKind::Conflict,
            Self::NoEngine(_) => RefusalKind::Invalid,
            Self::NoQrYet(_) | Self::Driver(_) | Self::Stopping | Self::Store(_) => {
                RefusalKind::Unavailable
            }
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) | Self::Several(_) => "unknown_session",
            Self::Scope(err) => err.code(),
            Self::Limited => "limited_to_sessions",
            Self::NameTaken(_) => "session_name_taken",
            Self::TooMany(_) => "too_many_sessions",
            Self::NotRunning { .. } => "session_not_running",
            Self::AlreadyPaired(_) => "already_paired",
            Self::NotPaired(_) => "not_paired",
            Self::NoQrYet(_) => "no_qr_yet",
            Self::NoEngine(_) => "unknown_engine",
            Self::NeedsPairing { .. } => "engine_needs_pairing",
            Self::Running(_) => "session_running",
            Self::Driver(_) => "network_refused",
            Self::Stopping => "stopping",
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// How long a caller waits for a first QR, or for a session to have stopped.
const PATIENCE: Duration = Duration::from_secs(15);

/// Sessions.
pub struct Sessions {
    shared: Arc<Shared>,
}

impl Sessions {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// A name for a session that its maker does not name: nobody can guess it, so that nobody learns
    /// of the session by wanting the same name.
    pub fn made_up_name(&self) -> SessionName {
        SessionName::made_up(&self.shared.random)
    }

    /// Makes a session, which belongs to the user who calls.
    ///
    /// # Errors
    /// [`SessionError::TooMany`] when a user who is no admin has
    /// [`sessions_per_user`](crate::Settings::sessions_per_user) of them.
    pub async fn create(
        &self,
        caller: &Caller,
        command: CreateSession,
    ) -> Result<Session, SessionError> {
        let engine = self.shared.engines.default_engine();
        self.create_on(caller, command, engine).await
    }

    /// Makes a session that runs on an engine of the caller's choice.
    pub async fn create_on(
        &self,
        caller: &Caller,
        command: CreateSession,
        engine: EngineName,
    ) -> Result<Session, SessionError> {
        caller.require(Scope::Manage)?;
        if caller.reach().only.is_some() {
            return Err(SessionError::Limited);
        }
        if self.shared.engines.get(engine).is_err() {
            return Err(SessionError::NoEngine(engine));
        }
        let now = self.shared.clock.now();
        let session = Session {
            id: SessionId::new(now, &self.shared.random),
            name: command.name,
            state: SessionState::Created,
            reason: None,
            changed_at: now,
            wanted: Wanted::Stopped,
            account: None,
            owner: caller.user_id(),
            created_at: now,
            engine,
        };
        let row = session.clone();
        let entry = self.entry(caller, "session.create", &session);
        let most = self.shared.settings.sessions_per_user;
        let limited = caller.reach().owner.filter(|_| most > 0);
        let inserted = self
            .shared
            .store
            .write(move |tx| {
                if let Some(owner) = limited
                    && tx.sessions().count_of(owner)? >= most
                {
                    return Err(SessionError::TooMany(most));
                }
                let inserted = tx.sessions_mut().insert(&row)?;
                if inserted {
                    tx.audit_mut().insert(&entry)?;
                }
                Ok(inserted)
            })
            .await;
        if !inserted? {
            return Err(SessionError::NameTaken(session.name));
        }
        self.shared.directory.add(&session);
        info!(session.id = %session.id, caller = caller.label(), "Session {} was created", session.name);
        if command.start {
            return self.start(caller, &session.id.into()).await;
        }
        Ok(session)
    }

    /// The caller's sessions, by name.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<Session>, SessionError> {
        caller.require(Scope::Read)?;
        let all = self.shared.store.read(|db| db.sessions().list());
        let mut sessions = all.await.map_err(SessionError::Store)?;
        sessions.retain(|session| caller.may_use(session.id, session.owner));
        Ok(sessions)
    }

    /// One session.
    pub async fn get(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<Session, SessionError> {
        usable_by(&self.shared, caller, session, Scope::Read).await
    }

    /// Starts a session, now and after every restart of the host. One that runs goes on.
    pub async fn start(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<Session, SessionError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let _turn = self.turn(session.id).await;
        let entry = self.entry(caller, "session.start", &session);
        self.want(session.id, Wanted::Running, Some(entry)).await?;
        if self.ends_by_itself(session.id).await? {
            supervisor::move_on(&self.shared, session.id, Signal::Start, None).await?;
            supervisor::spawn(&self.shared, session.id);
        }
        usable_by(&self.shared, caller, &session.id.into(), Scope::Manage).await
    }

    /// Stops a session; it stays linked to its phone.
    pub async fn stop(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<Session, SessionError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let _turn = self.turn(session.id).await;
        let entry = self.entry(caller, "session.stop", &session);
        self.want(session.id, Wanted::Stopped, Some(entry)).await?;
        self.command(session.id, Command::Stop).await;
        supervisor::move_on(
            &self.shared,
            session.id,
            Signal::Stop,
            Some("stopped by the operator"),
        )
        .await?;
        usable_by(&self.shared, caller, &session.id.into(), Scope::Manage).await
    }

    /// Stops a session and starts it again.
    pub async fn restart(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<Session, SessionError> {
        let stopped = self.stop(caller, session).await?;
        self.start(caller, &stopped.id.into()).await
    }

    /// Ends the link with the phone and forgets the keys; the session stays, to be paired anew.
    pub async fn logout(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<Session, SessionError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let driver = self.shared.engines.get(session.engine)?;
        if session.account.is_none() && !driver.is_paired(session.id).await? {
            return Err(SessionError::NotPaired(session.name));
        }
        let _turn = self.turn(session.id).await;
        let entry = self.entry(caller, "session.logout", &session);
        self.want(session.id, Wanted::Stopped, Some(entry)).await?;
        self.command(session.id, Command::Logout).await;
        supervisor::unlink(&self.shared, session.id, "logged out by the operator").await?;
        usable_by(&self.shared, caller, &session.id.into(), Scope::Manage).await
    }

    /// Deletes a session with all its messages, events and keys; a linked one is logged out first.
    pub async fn delete(&self, caller: &Caller, session: &SessionRef) -> Result<(), SessionError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let _turn = self.turn(session.id).await;
        self.want(session.id, Wanted::Stopped, None).await?;
        self.command(session.id, Command::Logout).await;
        let driver = self.shared.engines.get(session.engine)?;
        driver.forget(session.id).await?;
        let id = session.id;
        let now = self.shared.clock.now();
        let entry = self.entry(caller, "session.delete", &session);
        self.shared
            .store
            .write(move |tx| {
                tx.sessions_mut().delete(id)?;
                tx.access_keys_mut().revoke_of_session(id, now)?;
                tx.audit_mut().insert(&entry)
            })
            .await
            .map_err(SessionError::Store)?;
        self.shared.directory.remove(id);
        self.shared.pacer.forget(id);
        self.shared.book.forget(id);
        self.shared
            .webhooks
            .keep(|webhook| webhook.session != Some(id));
        crate::rules::keep(&self.shared, |rule| rule.session != Some(id)).await;
        self.shared.access.end(Ended::SessionToken(id));
        info!(session.id = %id, caller = caller.label(), "Session {} was deleted", session.name);
        Ok(())
    }

    /// The QR to scan now; waits a few seconds for the first one of a session that is starting.
    pub async fn qr(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<PairingQr, SessionError> {
        let session = self.pairable(caller, session).await?;
        let Some(mut offers) = self.shared.directory.offers(session.id) else {
            return Err(SessionError::NotRunning {
                session: session.name,
                state: session.state,
            });
        };
        let offered = tokio::time::timeout(PATIENCE, offers.wait_for(Option::is_some)).await;
        match offered {
            Ok(Ok(offer)) => offer.clone().ok_or(SessionError::NoQrYet(session.name)),
            _ => Err(SessionError::NoQrYet(session.name)),
        }
    }

    /// The QR to scan now, if one is offered; does not wait for one.
    pub async fn offered_qr(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<Option<PairingQr>, SessionError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let offers = self.shared.directory.offers(session.id);
        Ok(offers.and_then(|offers| offers.borrow().clone()))
    }

    /// An 8-character code to type on the phone with this number.
    pub async fn pairing_code(
        &self,
        caller: &Caller,
        session: &SessionRef,
        phone: PhoneNumber,
    ) -> Result<PairingCode, SessionError> {
        // The network takes a code only once it has offered a QR.
        self.qr(caller, session).await?;
        let session = self.pairable(caller, session).await?;
        let link = self
            .shared
            .directory
            .link(session.id)
            .ok_or(SessionError::NoQrYet(session.name))?;
        Ok(link.request_pairing_code(&phone).await?)
    }

    /// Starts again what ran when the host stopped.
    pub(crate) fn restore(&self, sessions: Vec<Session>) {
        for session in sessions
            .into_iter()
            .filter(|session| session.wanted == Wanted::Running)
        {
            let shared = Arc::clone(&self.shared);
            self.shared.tasks.spawn(async move {
                match supervisor::force(&shared, &session, SessionState::Starting, "the host has started").await {
                    Ok(()) => supervisor::spawn(&shared, session.id),
                    Err(err) => tracing::error!(session.id = %session.id, %err, "Session {} was not brought back", session.name),
                }
            });
        }
    }

    async fn pairable(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<Session, SessionError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        if session.account.is_some() {
            return Err(SessionError::AlreadyPaired(session.name));
        }
        Ok(session)
    }

    fn entry(&self, caller: &Caller, action: &str, session: &Session) -> AuditEntry {
        audit::done(
            &self.shared,
            caller,
            action,
            session.id,
            session.name.as_str(),
        )
    }

    async fn want(
        &self,
        session: SessionId,
        wanted: Wanted,
        entry: Option<AuditEntry>,
    ) -> Result<(), SessionError> {
        let changed = self
            .shared
            .store
            .write(move |tx| {
                tx.sessions_mut().set_wanted(session, wanted)?;
                entry.map_or(Ok(()), |entry| tx.audit_mut().insert(&entry))
            })
            .await;
        changed.map_err(SessionError::Store)
    }

    /// Starting, stopping and ending one session happen one after the other.
    async fn turn(&self, session: SessionId) -> Option<OwnedMutexGuard<()>> {
        let turn = self.shared.directory.turn(session)?;
        Some(turn.lock_owned().await)
    }

    /// Whether the session has no supervisor, or had one that has just ended by itself: its last
    /// act is to store the state the session ends in, so this waits until it is gone.
    async fn ends_by_itself(&self, session: SessionId) -> Result<bool, SessionError> {
        let Some(commands) = self.shared.directory.commands(session) else {
            return Ok(true);
        };
        let found = self
            .shared
            .store
            .read(move |db| db.sessions().get(session))
            .await?;
        if found.is_some_and(|found| found.state.is_active()) {
            return Ok(false);
        }
        let gone = tokio::time::timeout(PATIENCE, commands.closed()).await;
        Ok(gone.is_ok())
    }

    /// Tells the supervisor, if there is one, and waits until it is gone.
    async fn command(&self, session: SessionId, make: fn(oneshot::Sender<()>) -> Command) {
        let Some(commands) = self.shared.directory.commands(session) else {
            return;
        };
        let (done, wait) = oneshot::channel();
        if commands.send(make(done)).await.is_ok()
            && tokio::time::timeout(PATIENCE, wait).await.is_err()
        {
            tracing::warn!(session.id = %session, "The session's supervisor takes long to end");
        }
    }
}

/// The session, if `caller` may do this kind of thing and the session is one of its own. One that
/// is not does not exist for it. Of several with the name it is the one the caller has made.
pub(crate) async fn usable_by(
    shared: &Shared,
    caller: &Caller,
    session: &SessionRef,
    scope: Scope,
) -> Result<Session, SessionError> {
    caller.require(scope)?;
    let wanted = session.clone();
    let found = shared.store.read(move |db| match wanted {
        SessionRef::Id(id) => Ok(db.sessions().get(id)?.into_iter().collect()),
        SessionRef::Name(name) => db.sessions().named(&name),
    });
    let mut found: Vec<Session> = found.await?;
    found.retain(|found| caller.may_use(found.id, found.owner));
    if found.len() > 1 {
        // What is the caller's own comes before what it may use as well.
        found.retain(|found| found.owner == caller.user_id());
        let several = || SessionError::Several(session.clone());
        return found.pop().ok_or_else(several);
    }
    let unknown = || SessionError::Unknown(session.clone());
    found.pop().ok_or_else(unknown)
}

/// Whether what belongs to this session is there for `caller`, told without the database.
pub(crate) fn is_within_reach(shared: &Shared, caller: &Caller, session: SessionId) -> bool {
    if caller.reaches_all() {
        return true;
    }
    let owner = shared.directory.owner(session);
    owner.is_some_and(|owner| caller.may_use(session, owner))
}

/// The sessions within the reach of `caller`; nothing when that is all of them.
pub(crate) fn within_reach(shared: &Shared, caller: &Caller) -> Option<Vec<SessionId>> {
    (!caller.reaches_all()).then(|| {
        let owned = shared.directory.owners().into_iter();
        owned
            .filter(|(session, owner)| caller.may_use(*session, *owner))
            .map(|(session, _)| session)
            .collect()
    })
}

/// The event of a change of state.
fn status_event(from: SessionState, to: SessionState, reason: Option<&str>) -> EventBody {
    EventBody::SessionStatus {
        from,
        to,
        reason: reason.map(str::to_owned),
    }
}
