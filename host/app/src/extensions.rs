//! Extensions: what may be asked about them, what operators grant them at runtime, and what other
//! versions of them would do.

mod replay;

use std::sync::Arc;

use tracing::info;
use warbler_domain::extension::{BadGrant, ExtensionStatus, OperatorGrants};
use warbler_domain::{Caller, EventId, ExtensionName, Refusal, RefusalKind, Scope, ScopeRequired};

use crate::audit;
use crate::core::Shared;

pub use replay::{MAX_REPLAYED, Outcome, Replay, Replayed, ReplayedEvent};

/// Why something was not done with an extension.
#[derive(Debug, thiserror::Error)]
pub enum ExtensionError {
    /// There is none with this name.
    #[error("there is no extension {0}")]
    Unknown(ExtensionName),
    /// The caller may not.
    #[error(transparent)]
    Scope(#[from] ScopeRequired),
    /// This cannot be granted.
    #[error(transparent)]
    BadGrant(#[from] BadGrant),
    /// There is no event with this id.
    #[error("event {0} does not exist")]
    UnknownEvent(EventId),
    /// Another replay is under way.
    #[error("another replay is under way; wait until it is done")]
    Replaying,
    /// The database.
    #[error("the database did not answer")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for ExtensionError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Unknown(_) | Self::UnknownEvent(_) => RefusalKind::NotFound,
            Self::Replaying => RefusalKind::Conflict,
            Self::Scope(err) => err.kind(),
            Self::BadGrant(_) => RefusalKind::Invalid,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown_extension",
            Self::UnknownEvent(_) => "unknown_event",
            Self::Replaying => "replay_under_way",
            Self::Scope(err) => err.code(),
            Self::BadGrant(_) => "bad_grant",
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// What an extension asks for, what it is granted by whom, and what holds.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The extension as it is; `grants` is what holds, `withheld` what it asks for in vain.
    pub status: ExtensionStatus,
    /// What the configuration says, which goes over what is granted at runtime.
    pub config: OperatorGrants,
    /// What was granted at runtime.
    pub runtime: OperatorGrants,
}

/// Extensions, as callers see them.
pub struct ExtensionsView {
    shared: Arc<Shared>,
}

impl ExtensionsView {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Every extension, in the order of the chain, with its state and last error.
    pub fn list(&self, _caller: &Caller) -> Vec<ExtensionStatus> {
        self.shared.extensions.statuses()
    }

    /// One extension.
    pub fn get(
        &self,
        caller: &Caller,
        name: &ExtensionName,
    ) -> Result<ExtensionStatus, ExtensionError> {
        let mut all = self.list(caller).into_iter();
        let found = all.find(|status| status.name == *name);
        found.ok_or_else(|| ExtensionError::Unknown(name.clone()))
    }

    /// What an extension is granted, and by whom. For admins.
    pub async fn grants(
        &self,
        caller: &Caller,
        name: &ExtensionName,
    ) -> Result<Granted, ExtensionError> {
        caller.require(Scope::Admin)?;
        let status = self.get(caller, name)?;
        let of = name.clone();
        let reading = &self.shared.store;
        let runtime = reading.read(move |db| db.extension_grants().get(&of));
        Ok(Granted {
            status,
            config: self.shared.extensions.config_grants(name),
            runtime: runtime.await?,
        })
    }

    /// Puts `granted` in the place of what was granted at runtime; it holds when this returns. An
    /// update that waited for it is loaded. For admins.
    pub async fn grant(
        &self,
        caller: &Caller,
        name: &ExtensionName,
        granted: OperatorGrants,
    ) -> Result<Granted, ExtensionError> {
        caller.require(Scope::Admin)?;
        granted.check()?;
        self.get(caller, name)?;
        let entry = audit::done(&self.shared, caller, "extension.grant", name, name.as_str());
        let (of, now, stored) = (name.clone(), self.shared.clock.now(), granted.clone());
        self.shared
            .store
            .write(move |tx| {
                tx.extension_grants_mut().set(&of, &stored, now)?;
                tx.audit_mut().insert(&entry)
            })
            .await?;
        self.shared.extensions.grant(name, granted).await;
        info!(extension = %name, caller = caller.label(), "What {name} is granted was changed");
        self.grants(caller, name).await
    }
}
