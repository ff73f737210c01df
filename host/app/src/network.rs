//! Asking the network something while a caller waits.
//!
//! What a use case asks goes over the session's own link. Every way in which that fails is one of
//! the refusals here, whatever was asked.

use std::sync::Arc;
use std::time::Duration;

use warbler_domain::{Refusal, RefusalKind, Session, SessionName};

use crate::core::Shared;
use crate::driver::{DriverError, Link};

/// How long the network may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why the network did not do it.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The session is not online.
    #[error("session {0} is not connected; start it, or wait until it is back")]
    NotConnected(SessionName),
    /// The engine or the network refused.
    #[error(transparent)]
    Driver(#[from] DriverError),
}

impl Refusal for NetworkError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Driver(DriverError::Unsupported(_) | DriverError::AlreadyPaired) => {
                RefusalKind::Conflict
            }
            Self::Driver(DriverError::NotFound(_)) => RefusalKind::NotFound,
            Self::Driver(DriverError::NotAllowed(_)) => RefusalKind::Forbidden,
            Self::Driver(DriverError::TooMany) => RefusalKind::Limited,
            Self::NotConnected(_) | Self::Driver(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotConnected(_) | Self::Driver(DriverError::NotConnected) => {
                "session_not_connected"
            }
            Self::Driver(DriverError::Unsupported(_)) => "engine_cannot",
            Self::Driver(DriverError::NotFound(_)) => "unknown_to_network",
            Self::Driver(DriverError::NotAllowed(_)) => "not_allowed",
            Self::Driver(DriverError::TooMany) => "network_limit",
            Self::Driver(DriverError::Timeout(_)) => "network_timeout",
            Self::Driver(DriverError::AlreadyPaired) => "already_paired",
            Self::Driver(DriverError::Keys(_) | DriverError::Engine(_)) => "network_refused",
        }
    }
}

/// The link of a session that is online.
pub(crate) fn link(shared: &Shared, session: &Session) -> Result<Arc<dyn Link>, NetworkError> {
    let link = shared.directory.ready_link(session.id);
    link.ok_or_else(|| NetworkError::NotConnected(session.name.clone()))
}

/// The network's answer, if it comes in time.
pub(crate) async fn answer<T>(
    asked: impl Future<Output = Result<T, DriverError>>,
) -> Result<T, NetworkError> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answered) => Ok(answered?),
        Err(_) => Err(DriverError::Timeout(PATIENCE).into()),
    }
}
