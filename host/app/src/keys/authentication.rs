//! Who shows a credential: the master key, an API key, the token of a login or of a session.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;
use warbler_domain::caller::Reach;
use warbler_domain::{
    Caller, KeyId, Realm, Refusal, RefusalKind, Role, Scopes, Secret, SessionId, Timestamp,
};
use warbler_store::access_keys::FoundKey;

use super::{Keys, SESSION_PREFIX};
use crate::access::digest_of;
use crate::login::TokenError;

/// How old the note of a last use may be.
const USED_EVERY: Duration = Duration::from_secs(60);

/// Why nobody was recognised.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// It is none of this host, or was revoked.
    #[error("the API key or token is wrong, has expired or has been revoked")]
    Unknown,
    /// It is the token of a login whose time is over.
    #[error("the token has expired; get another with the refresh token, or log in again")]
    TokenExpired,
    /// The database.
    #[error("the API keys could not be read")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for CredentialError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Unknown | Self::TokenExpired => RefusalKind::Unauthenticated,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "invalid_key",
            Self::TokenExpired => "token_expired",
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// Somebody found by a credential.
struct Found {
    caller: Caller,
    good_until: Option<Timestamp>,
    use_of: Option<(UseOf, Option<Timestamp>)>,
}

/// Whose use is noted.
#[derive(Clone, Copy)]
enum UseOf {
    Key(KeyId),
    SessionToken(SessionId),
}

impl Keys {
    /// Who shows this credential. Costs one indexed read, and none for one that was seen in the
    /// last seconds; a revoked one is refused at once all the same.
    pub async fn authenticate(&self, secret: &Secret) -> Result<Caller, CredentialError> {
        let master = self.shared.access.is_master(&digest_of(secret));
        match master {
            true => Ok(Caller::master_key()),
            false => self.authenticate_in(Realm::Native, secret).await,
        }
    }

    /// Who shows this credential in a realm; one that is good in another is unknown there.
    pub async fn authenticate_in(
        &self,
        realm: Realm,
        secret: &Secret,
    ) -> Result<Caller, CredentialError> {
        let digest = digest_of(secret);
        let access = &self.shared.access;
        let now = self.shared.clock.now();
        if let Some(caller) = access.recognised.get(realm, &digest, now) {
            return Ok(caller);
        }
        let began = access.recognised.begin();
        let found = self.look_up(realm, secret, digest, now).await?;
        let Found {
            caller, good_until, ..
        } = found;
        access
            .recognised
            .put((realm, digest), &caller, good_until, now, began);
        if let Some((use_of, last)) = found.use_of
            && last.is_none_or(|last| now.since(last) >= USED_EVERY)
        {
            self.note_use(use_of, now);
        }
        Ok(caller)
    }

    async fn look_up(
        &self,
        realm: Realm,
        secret: &Secret,
        digest: [u8; 32],
        now: Timestamp,
    ) -> Result<Found, CredentialError> {
        match self.shared.access.signing.read(secret, now) {
            Ok(token) if token.realm != realm => return Err(CredentialError::Unknown),
            Ok(token) => {
                let login = token.login;
                let user = self
                    .shared
                    .store
                    .read(move |db| db.logins().user_of(login, now));
                let user = user.await?.filter(|user| user.id == token.user);
                let user = user.ok_or(CredentialError::Unknown)?;
                return Ok(Found {
                    caller: Caller::user(user.id, user.name.as_str(), user.role, login),
                    good_until: Some(token.expires_at),
                    use_of: None,
                });
            }
            Err(TokenError::Expired) => return Err(CredentialError::TokenExpired),
            Err(TokenError::NotOurs) => {}
        }
        if realm == Realm::Native && secret.expose().starts_with(SESSION_PREFIX) {
            let found = self
                .shared
                .store
                .read(move |db| db.session_tokens().by_digest(&digest));
            let token = found.await?.ok_or(CredentialError::Unknown)?;
            return Ok(Found {
                caller: Caller::session_token(token.session, token.scopes),
                good_until: None,
                use_of: Some((UseOf::SessionToken(token.session), token.last_used_at)),
            });
        }
        let found = self
            .shared
            .store
            .read(move |db| db.access_keys().by_digest(&digest, now));
        let found = found.await?.filter(|found| found.key.realm == realm);
        found.map(holder).ok_or(CredentialError::Unknown)
    }

    /// Notes a use beside the request; a note that is lost is made at the next use.
    fn note_use(&self, use_of: UseOf, now: Timestamp) {
        let shared = Arc::clone(&self.shared);
        self.shared.tasks.spawn(async move {
            let noted = shared.store.write_relaxed(move |tx| match use_of {
                UseOf::Key(key) => tx.access_keys_mut().used(&[(key, now)]),
                UseOf::SessionToken(id) => tx.session_tokens_mut().used(&[(id, now)]),
            });
            let noted: Result<(), warbler_store::Error> = noted.await;
            if let Err(err) = noted {
                warn!(%err, "The last use of a credential was not noted");
            }
        });
    }
}

/// The holder of a key. A key never does more than the user it acts for.
fn holder(found: FoundKey) -> Found {
    let FoundKey { key, owner_role } = found;
    let scopes = match owner_role {
        Some(role) => narrower(key.scopes, role.scopes()),
        None => key.scopes,
    };
    let reach = Reach {
        owner: key.owner.filter(|_| owner_role != Some(Role::Admin)),
        only: key.sessions,
    };
    let caller = Caller::key(key.id, &key.name, scopes, reach)
        .acting_for(key.owner)
        .until(key.expires_at);
    Found {
        caller,
        good_until: key.expires_at,
        use_of: Some((UseOf::Key(key.id), key.last_used_at)),
    }
}

fn narrower(a: Scopes, b: Scopes) -> Scopes {
    Scopes::up_to(a.highest().min(b.highest()))
}
