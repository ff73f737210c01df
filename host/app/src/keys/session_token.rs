//! The token of a session: acts for that session and for nothing else.

use warbler_domain::{
    Caller, Refusal, RefusalKind, Scope, ScopeRequired, Scopes, Secret, SessionRef,
};
use warbler_store::session_tokens::SessionToken;

use super::{Keys, SESSION_PREFIX, new_secret, shown};
use crate::access::{Ended, digest_of};
use crate::audit;
use crate::sessions::{SessionError, usable_by};

/// A token that was just made, with what is shown this once.
#[derive(Debug, Clone)]
pub struct NewSessionToken {
    /// The token.
    pub token: SessionToken,
    /// What its holder sends.
    pub secret: Secret,
}

/// Why nothing was done about the token of a session.
#[derive(Debug, thiserror::Error)]
pub enum SessionTokenError {
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// It would be for more than one session.
    #[error("the token of a session may read, send and manage; admins need a key")]
    NotForAdmins,
    /// It would do more than the caller.
    #[error(transparent)]
    Scope(#[from] ScopeRequired),
    /// There is none.
    #[error("session {0} has no token")]
    None(SessionRef),
    /// The database.
    #[error("the token could not be read or written")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for SessionTokenError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::Scope(err) => err.kind(),
            Self::NotForAdmins => RefusalKind::Invalid,
            Self::None(_) => RefusalKind::NotFound,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::Scope(err) => err.code(),
            Self::NotForAdmins => "not_for_admins",
            Self::None(_) => "no_session_token",
            Self::Store(_) => "store_unavailable",
        }
    }
}

impl Keys {
    /// Makes the token of a session; one there was before is refused from now on.
    pub async fn rotate_session_token(
        &self,
        caller: &Caller,
        session: &SessionRef,
        scopes: Scopes,
    ) -> Result<NewSessionToken, SessionTokenError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        if scopes.hold(Scope::Admin) {
            return Err(SessionTokenError::NotForAdmins);
        }
        caller.require(scopes.highest())?;
        let secret = new_secret(SESSION_PREFIX, &self.shared.random);
        let token = SessionToken {
            session: session.id,
            prefix: shown(&secret),
            scopes,
            created_at: self.shared.clock.now(),
            last_used_at: None,
        };
        let entry = audit::done(
            &self.shared,
            caller,
            "session.token.rotate",
            session.id,
            session.name.as_str(),
        );
        let (row, digest) = (token.clone(), digest_of(&secret));
        let put = self.shared.store.write(move |tx| {
            tx.session_tokens_mut().put(&row, &digest)?;
            tx.audit_mut().insert(&entry)
        });
        put.await.map_err(SessionTokenError::Store)?;
        self.shared.access.end(Ended::SessionToken(session.id));
        Ok(NewSessionToken { token, secret })
    }

    /// The token of a session, without its secret.
    pub async fn session_token(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<SessionToken, SessionTokenError> {
        let id = usable_by(&self.shared, caller, session, Scope::Manage)
            .await?
            .id;
        let found = self.shared.store.read(move |db| db.session_tokens().of(id));
        found
            .await?
            .ok_or_else(|| SessionTokenError::None(session.clone()))
    }

    /// Takes the token of a session away.
    pub async fn revoke_session_token(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<(), SessionTokenError> {
        let found = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let (id, name) = (found.id, found.name.as_str());
        let entry = audit::done(&self.shared, caller, "session.token.revoke", id, name);
        let deleted = self.shared.store.write(move |tx| {
            let deleted = tx.session_tokens_mut().delete(id)?;
            if deleted {
                tx.audit_mut().insert(&entry)?;
            }
            Ok(deleted)
        });
        if !deleted.await.map_err(SessionTokenError::Store)? {
            return Err(SessionTokenError::None(session.clone()));
        }
        self.shared.access.end(Ended::SessionToken(id));
        Ok(())
    }
}
