//! Accounts: users who register by themselves, in the dialects that let them.
//!
//! An account is a user like any other, and the same one in every API; only its credentials are
//! not. Whether anybody may register is decided where the host listens, not here.

use std::net::IpAddr;
use std::sync::Arc;

use warbler_domain::user::UserRef;
use warbler_domain::{
    Caller, Email, Password, Random, Realm, Refusal, RefusalKind, Role, User, UserName,
};

use crate::core::Shared;
use crate::login::{LoggedIn, LoginError, Logins};
use crate::sessions::{SessionError, Sessions};
use crate::users::{CreateUser, UserError, Users};

/// Somebody who wants an account.
#[derive(Debug, Clone)]
pub struct Register {
    /// Where; the login that begins is good there only.
    pub realm: Realm,
    /// What it logs in as; one is made up from the address when left out.
    pub name: Option<UserName>,
    /// Its e-mail address.
    pub email: Email,
    /// Its first name.
    pub first_name: Option<String>,
    /// Its last name.
    pub last_name: Option<String>,
    /// Its password.
    pub password: Password,
    /// What it is here.
    pub role: Role,
    /// Where it calls from.
    pub address: Option<IpAddr>,
}

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The user.
    #[error(transparent)]
    User(#[from] UserError),
    /// The login.
    #[error(transparent)]
    Login(#[from] LoginError),
}

impl Refusal for RegisterError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::User(err) => err.kind(),
            Self::Login(err) => err.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::User(err) => err.code(),
            Self::Login(err) => err.code(),
        }
    }
}

/// Accounts.
pub struct Accounts {
    shared: Arc<Shared>,
}

impl Accounts {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Makes a user and logs it in; the caller it is from now on, too.
    pub async fn register(&self, command: Register) -> Result<(Caller, LoggedIn), RegisterError> {
        let name = match command.name {
            Some(name) => name,
            None => made_up(&command.email, &self.shared.random)?,
        };
        let create = CreateUser {
            name,
            email: Some(command.email),
            first_name: command.first_name,
            last_name: command.last_name,
            role: command.role,
            password: command.password,
        };
        let host = Caller::host().at(command.address);
        let users = Users::new(Arc::clone(&self.shared));
        let user: User = users.create(&host, create).await?;
        let logins = Logins::new(Arc::clone(&self.shared));
        Ok(logins.begin(user, command.address, command.realm).await?)
    }

    /// Deletes a user with everything that is its own: sessions, with their messages and webhooks,
    /// uploads, logins and keys. A crash on the way leaves the user, who may ask again.
    pub async fn delete(&self, caller: &Caller, user: &UserRef) -> Result<(), UserError> {
        let users = Users::new(Arc::clone(&self.shared));
        let id = users.changeable(caller, user).await?.id;
        let owned = self.shared.directory.owners().into_iter();
        let owned = owned.filter(|(_, owner)| *owner == Some(id));
        let sessions = Sessions::new(Arc::clone(&self.shared));
        for (session, _) in owned {
            match sessions.delete(caller, &session.into()).await {
                // Somebody else was first.
                Ok(()) | Err(SessionError::Unknown(_)) => {}
                Err(err) => return Err(err.into()),
            }
        }
        let store = &self.shared.store;
        let forgotten = store.write(move |tx| tx.media_mut().delete_uploads_of(id));
        forgotten.await.map_err(UserError::Store)?;
        users.delete(caller, &id.into(), None).await
    }
}

/// A name that nobody has, and that says whose it is.
fn made_up(email: &Email, random: &Random) -> Result<UserName, UserError> {
    let local = email.as_str().split('@').next().unwrap_or_default();
    let name = crate::made_up::name_from(local, random).parse();
    name.map_err(|_| UserError::Taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_name_says_whose_it_is_and_is_one() -> anyhow::Result<()> {
        let random = Random::seeded(1);
        for (address, begins) in [
            ("ada.lovelace@example.com", "adalovelace-"),
            ("+++@example.com", ""),
        ] {
            let name = made_up(&address.parse()?, &random)?;
            assert!(name.as_str().starts_with(begins), "{name}");
        }
        Ok(())
    }
}
