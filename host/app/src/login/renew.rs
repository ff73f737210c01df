//! Another token for a login, where a document knows no refresh tokens: the token itself is shown.

use warbler_domain::{Realm, Secret, Timestamp, User};
use warbler_store::logins::Login;

use super::{DIALECT_TOKEN, LoginError, Logins, TokenError};
use crate::keys::CredentialError;

/// A token that was made for a login that is under way.
#[derive(Debug, Clone)]
pub struct Renewed {
    /// The token.
    pub token: Secret,
    /// Until when it is good: never longer than its login.
    pub expires_at: Timestamp,
}

impl Logins {
    /// Another token for whoever shows one that is still good in this realm. It never outlives the
    /// login, so that a stolen token is not good for ever.
    ///
    /// # Errors
    /// [`CredentialError::TokenExpired`] when its time is over, [`CredentialError::Unknown`] when it
    /// is none, or its login has ended.
    pub async fn renew(&self, token: &Secret, realm: Realm) -> Result<Renewed, RenewError> {
        let now = self.shared.clock.now();
        let shown = match self.shared.access.signing.read(token, now) {
            Ok(shown) if shown.realm == realm => shown,
            Err(TokenError::Expired) => return Err(CredentialError::TokenExpired.into()),
            Ok(_) | Err(TokenError::NotOurs) => return Err(CredentialError::Unknown.into()),
        };
        let login = shown.login;
        let found = self.shared.store.read(move |db| {
            let user = db.logins().user_of(login, now)?;
            Ok((user, db.logins().get(login)?))
        });
        let found: (Option<User>, Option<Login>) = found.await.map_err(CredentialError::Store)?;
        let (Some(user), Some(login)) = found else {
            return Err(CredentialError::Unknown.into());
        };
        let lifetime = DIALECT_TOKEN.min(login.expires_at.since(now));
        let signing = &self.shared.access.signing;
        let token = signing
            .write(user.id, login.id, realm, now, lifetime)
            .map_err(|err| LoginError::Internal(err.to_string()))?;
        Ok(Renewed {
            token,
            expires_at: now.plus(lifetime),
        })
    }
}

/// Why there is no other token.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// The one that was shown.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The new one.
    #[error(transparent)]
    Login(#[from] LoginError),
}

impl warbler_domain::Refusal for RenewError {
    fn kind(&self) -> warbler_domain::RefusalKind {
        match self {
            Self::Credential(err) => err.kind(),
            Self::Login(err) => err.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Credential(err) => err.code(),
            Self::Login(err) => err.code(),
        }
    }
}
