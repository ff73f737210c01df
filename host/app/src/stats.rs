//! How many messages there were.

use std::sync::Arc;

use warbler_domain::stats::MessageStats;
use warbler_domain::{Caller, Scope, SessionRef};

use crate::core::Shared;
use crate::sessions::{SessionError, usable_by, within_reach};

/// Statistics.
pub struct Stats {
    shared: Arc<Shared>,
}

impl Stats {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Counts of messages: of one session, or of all the caller may use.
    pub async fn messages(
        &self,
        caller: &Caller,
        session: Option<&SessionRef>,
    ) -> Result<MessageStats, SessionError> {
        caller.require(Scope::Read)?;
        let sessions = match session {
            Some(session) => {
                let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
                Some(vec![session.id])
            }
            None => within_reach(&self.shared, caller),
        };
        let now = self.shared.clock.now();
        let counted = self
            .shared
            .store
            .read(move |db| db.stats().messages(sessions.as_deref(), now));
        counted.await.map_err(SessionError::Store)
    }
}
