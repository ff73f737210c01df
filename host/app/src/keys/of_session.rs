//! Keys of one session that some dialects give out when they make it, and show again to whoever
//! may see every one of them.
//!
//! Such a key acts for its session and for nothing else, and ends with it.

use std::collections::HashMap;

use warbler_domain::caller::Reach;
use warbler_domain::{Caller, Realm, Scope, Secret, Session, SessionId};

use super::{KeyError, Keys};
use crate::sessions::{CreateSession, Sessions, is_within_reach};

/// A session that a dialect has a key for.
#[derive(Debug, Clone)]
pub struct SessionKey {
    /// The session.
    pub session: SessionId,
    /// What its holder sends, where that is kept.
    pub secret: Option<Secret>,
}

impl Keys {
    /// Makes a session with a key of its own in a realm, and starts it; the key is the caller's to
    /// hand on.
    ///
    /// # Errors
    /// When the session or its key cannot be made; then there is neither.
    pub async fn create_session(
        &self,
        caller: &Caller,
        command: CreateSession,
        realm: Realm,
    ) -> Result<(Session, Secret), KeyError> {
        let sessions = Sessions::new(self.shared.clone());
        let start = command.start;
        let quiet = CreateSession {
            start: false,
            ..command
        };
        let session = sessions.create(caller, quiet).await?;
        let name = format!("{realm} of session {}", session.name);
        let reach = Reach::one(session.id);
        let secret = match self.add_sealed(caller, realm, name, reach).await {
            Ok(secret) => secret,
            Err(err) => {
                sessions.delete(caller, &session.id.into()).await?;
                return Err(err);
            }
        };
        let session = match start {
            true => sessions.start(caller, &session.id.into()).await?,
            false => session,
        };
        Ok((session, secret))
    }

    /// The sessions within the caller's reach that a realm has a key for, each with its newest.
    pub async fn of_sessions(
        &self,
        caller: &Caller,
        realm: Realm,
    ) -> Result<Vec<SessionKey>, KeyError> {
        caller.require(Scope::Manage)?;
        let found = self
            .shared
            .store
            .read(move |db| db.access_keys().of_sessions(realm));
        let mut newest = HashMap::new();
        for (id, session, sealed) in found.await.map_err(KeyError::Store)? {
            if !is_within_reach(&self.shared, caller, session) {
                continue;
            }
            let secret = sealed.and_then(|sealed| {
                let seal = self.shared.access.seal.as_ref()?;
                seal.open(id, &sealed)
            });
            newest.insert(session, secret);
        }
        let keys = newest.into_iter();
        Ok(keys
            .map(|(session, secret)| SessionKey { session, secret })
            .collect())
    }
}
