//! On which engine a session runs.

use std::sync::Arc;

use tracing::info;
use warbler_domain::session::Wanted;
use warbler_domain::{Caller, EngineName, Scope, Session, SessionId, SessionRef};

use super::{SessionError, Sessions, usable_by};
use crate::core::Shared;
use crate::driver::{Driver, EngineCapability};

/// An engine this host has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineShown {
    /// Its name.
    pub name: EngineName,
    /// Whether sessions get it that ask for none.
    pub default: bool,
    /// What it can do of what engines differ in.
    pub capabilities: &'static [EngineCapability],
}

impl EngineShown {
    /// What it cannot do of what engines differ in.
    pub fn lacks(&self) -> impl Iterator<Item = EngineCapability> + use<> {
        let capabilities = self.capabilities;
        let all = EngineCapability::ALL.into_iter();
        all.filter(move |capability| !capabilities.contains(capability))
    }
}

impl Sessions {
    /// The engines of this host.
    pub fn engines(&self, caller: &Caller) -> Result<Vec<EngineShown>, SessionError> {
        caller.require(Scope::Read)?;
        let engines = &self.shared.engines;
        let shown = engines.all().map(|driver| EngineShown {
            name: driver.engine(),
            default: driver.engine() == engines.default_engine(),
            capabilities: driver.capabilities(),
        });
        Ok(shown.collect())
    }

    /// Lets a session run on another engine. One that is linked stays on its own: no engine can use
    /// the keys of another.
    pub async fn set_engine(
        &self,
        caller: &Caller,
        session: &SessionRef,
        engine: EngineName,
    ) -> Result<Session, SessionError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        if self.shared.engines.get(engine).is_err() {
            return Err(SessionError::NoEngine(engine));
        }
        if session.engine == engine {
            return Ok(session);
        }
        let _turn = self.turn(session.id).await;
        let now = self.shared.engines.get(session.engine)?;
        if session.account.is_some() || now.is_paired(session.id).await? {
            return Err(SessionError::NeedsPairing {
                session: session.name,
                engine: session.engine,
            });
        }
        if session.wanted == Wanted::Running {
            return Err(SessionError::Running(session.name));
        }
        now.forget(session.id).await?;
        let entry = self.entry(caller, "session.engine", &session);
        let id = session.id;
        let written = self.shared.store.write(move |tx| {
            tx.sessions_mut().set_engine(id, engine)?;
            tx.audit_mut().insert(&entry)
        });
        written.await.map_err(SessionError::Store)?;
        info!(session.id = %id, "Session {} runs on the engine {engine} from now on", session.name);
        usable_by(&self.shared, caller, &id.into(), Scope::Manage).await
    }
}

/// The engine a session runs on.
pub(crate) async fn engine_of(
    shared: &Arc<Shared>,
    session: SessionId,
) -> Result<Arc<dyn Driver>, SessionError> {
    let found = shared
        .store
        .read(move |db| db.sessions().get(session))
        .await?;
    let found = found.ok_or_else(|| SessionError::Unknown(session.into()))?;
    Ok(Arc::clone(shared.engines.get(found.engine)?))
}
