//! Users: who owns sessions here.
//!
//! Admins look after all users. Everybody who has logged in looks after itself: its name, address
//! and password, and its end. A key acts for a user but never changes it, so that a key that leaks
//! cannot take the user over.

mod error;
mod password;

use std::sync::Arc;

use tracing::info;
use warbler_domain::caller::Identity;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::user::UserRef;
use warbler_domain::{
    Caller, Email, Password, Role, Scope, ScopeRequired, Session, SessionRef, User, UserId,
    UserName,
};

use crate::access::Ended;
use crate::audit;
use crate::core::Shared;
use crate::sessions::{SessionError, usable_by};

pub use error::UserError;
pub use password::ChangePassword;

/// A user to make.
#[derive(Debug, Clone)]
pub struct CreateUser {
    /// What it logs in as.
    pub name: UserName,
    /// Its e-mail address.
    pub email: Option<Email>,
    /// Its first name.
    pub first_name: Option<String>,
    /// Its last name.
    pub last_name: Option<String>,
    /// What it is here.
    pub role: Role,
    /// Its password.
    pub password: Password,
}

/// What is to be different about a user; what is not said stays.
#[derive(Debug, Clone, Default)]
pub struct UpdateUser {
    /// What it logs in as.
    pub name: Option<UserName>,
    /// Its e-mail address; `Some(None)` takes it away.
    pub email: Option<Option<Email>>,
    /// Its first name.
    pub first_name: Option<Option<String>>,
    /// Its last name.
    pub last_name: Option<Option<String>>,
    /// What it is here; admins only.
    pub role: Option<Role>,
    /// Whether it may not log in; admins only. Its logins and keys are refused at once.
    pub disabled: Option<bool>,
}

/// Users.
pub struct Users {
    shared: Arc<Shared>,
}

impl Users {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Makes a user.
    pub async fn create(&self, caller: &Caller, command: CreateUser) -> Result<User, UserError> {
        caller.require(Scope::Admin)?;
        let now = self.shared.clock.now();
        let user = User {
            id: UserId::new(now, &self.shared.random),
            number: 0,
            name: command.name,
            email: command.email,
            first_name: personal(command.first_name)?,
            last_name: personal(command.last_name)?,
            role: command.role,
            disabled_at: None,
            created_at: now,
            changed_at: now,
        };
        let hash = self.hash(&command.password).await?;
        let entry = audit::done(
            &self.shared,
            caller,
            "user.create",
            user.id,
            user.name.as_str(),
        );
        let made = self.shared.store.write(move |tx| {
            let Some(user) = tx.users_mut().insert(&user, &hash)? else {
                return Err(UserError::Taken);
            };
            tx.audit_mut().insert(&entry)?;
            Ok(user)
        });
        let user = made.await?;
        info!(user.id = %user.id, caller = caller.label(), "User {} was made", user.name);
        Ok(user)
    }

    /// A page of all users, the newest first.
    pub async fn list(&self, caller: &Caller, page: PageRequest) -> Result<Page<User>, UserError> {
        caller.require(Scope::Admin)?;
        Ok(self
            .shared
            .store
            .read(move |db| db.users().list(page))
            .await?)
    }

    /// One user.
    pub async fn get(&self, caller: &Caller, user: &UserRef) -> Result<User, UserError> {
        let found = find(&self.shared, user).await?;
        if caller.may(Scope::Admin) {
            return found.ok_or_else(|| UserError::Unknown(user.clone()));
        }
        // Whether there are others is nobody's business.
        found
            .filter(|found| caller.user_id() == Some(found.id))
            .ok_or(UserError::Scope(ScopeRequired(Scope::Admin)))
    }

    /// The user who calls, or for whom the key that calls acts.
    pub async fn own(&self, caller: &Caller) -> Result<Option<User>, UserError> {
        let Some(id) = caller.user_id() else {
            return Ok(None);
        };
        Ok(find(&self.shared, &UserRef::Id(id)).await?)
    }

    /// The same, where only a user may call.
    pub async fn me(&self, caller: &Caller) -> Result<User, UserError> {
        let own = self.own(caller).await?;
        own.ok_or(UserError::Scope(ScopeRequired(Scope::Read)))
    }

    /// Changes a user.
    pub async fn update(
        &self,
        caller: &Caller,
        user: &UserRef,
        change: UpdateUser,
    ) -> Result<User, UserError> {
        self.update_with(caller, user, change, None).await
    }

    /// Changes a user, and puts another password in place if there is one: both, or nothing. With
    /// another password every login of the user ends.
    pub async fn update_with(
        &self,
        caller: &Caller,
        user: &UserRef,
        change: UpdateUser,
        password: Option<ChangePassword>,
    ) -> Result<User, UserError> {
        let before = self.changeable(caller, user).await?;
        if change.role.is_some() || change.disabled.is_some() {
            caller.require(Scope::Admin)?;
        }
        let after = self.changed(before.clone(), change)?;
        let demoted = before.role != after.role;
        let disabled = before.disabled_at.is_none() && after.disabled_at.is_some();
        let action = match (
            disabled,
            before.disabled_at.is_some() && after.disabled_at.is_none(),
        ) {
            (true, _) => "user.disable",
            (_, true) => "user.enable",
            _ => "user.update",
        };
        let entry = audit::done(&self.shared, caller, action, after.id, after.name.as_str());
        let password = match password {
            Some(password) => Some(self.prepare(caller, &before, password).await?),
            None => None,
        };
        let row = after.clone();
        let ends = disabled || demoted || password.is_some();
        let updated = self.shared.store.write(move |tx| {
            if !tx.users_mut().update(&row)? {
                return Err(UserError::Taken);
            }
            if disabled || demoted {
                tx.logins_mut().end_of(row.id, None)?;
            }
            if let Some(password) = &password {
                password.put(tx)?;
            }
            Ok(tx.audit_mut().insert(&entry)?)
        });
        updated.await?;
        if ends {
            self.shared.access.end(Ended::User(after.id));
        } else {
            self.shared.access.recognised.forget_all();
        }
        Ok(after)
    }

    /// Deletes a user with its logins, its keys and the tokens of its sessions. The sessions go to
    /// another user, or are left without an owner; one whose name is taken there is renamed.
    pub async fn delete(
        &self,
        caller: &Caller,
        user: &UserRef,
        sessions_to: Option<&UserRef>,
    ) -> Result<(), UserError> {
        let user = self.changeable(caller, user).await?;
        let heir = match sessions_to {
            Some(heir) => {
                caller.require(Scope::Admin)?;
                Some(self.get(caller, heir).await?.id)
            }
            None => None,
        };
        if heir == Some(user.id) {
            return Err(UserError::OwnHeir);
        }
        let (id, now) = (user.id, self.shared.clock.now());
        let entry = audit::done(&self.shared, caller, "user.delete", id, user.name.as_str());
        let deleted = self.shared.store.write(move |tx| {
            tx.logins_mut().end_of(id, None)?;
            tx.access_keys_mut().revoke_of(id, now)?;
            let passed_on = tx.sessions_mut().pass_on(id, heir)?;
            for (session, _) in &passed_on {
                tx.session_tokens_mut().delete(*session)?;
            }
            if tx.users_mut().delete(id)? {
                tx.audit_mut().insert(&entry)?;
            }
            Ok(passed_on)
        });
        for (session, name) in deleted.await.map_err(UserError::Store)? {
            self.shared.directory.set_owner(session, heir);
            self.shared.directory.set_name(session, name);
        }
        self.shared
            .webhooks
            .keep(|webhook| webhook.owner != Some(id));
        crate::rules::keep(&self.shared, |rule| rule.owner != Some(id)).await;
        self.shared.access.end(Ended::User(id));
        info!(user.id = %id, caller = caller.label(), "User {} was deleted", user.name);
        Ok(())
    }

    /// Gives a session to a user, or to nobody; the token it had is refused from now on.
    pub async fn give_session(
        &self,
        caller: &Caller,
        session: &SessionRef,
        owner: Option<&UserRef>,
    ) -> Result<Session, UserError> {
        let mut session = usable_by(&self.shared, caller, session, Scope::Admin).await?;
        let owner = match owner {
            Some(owner) => Some(self.get(caller, owner).await?.id),
            None => None,
        };
        let (id, name) = (session.id, session.name.as_str());
        let entry = audit::done(&self.shared, caller, "session.give", id, name);
        let given = self.shared.store.write(move |tx| {
            let given = tx.sessions_mut().set_owner(id, owner)?;
            if given {
                tx.session_tokens_mut().delete(id)?;
                tx.audit_mut().insert(&entry)?;
            }
            Ok(given)
        });
        if !given.await.map_err(UserError::Store)? {
            return Err(SessionError::NameTaken(session.name).into());
        }
        self.shared.directory.set_owner(id, owner);
        self.shared.access.end(Ended::SessionToken(id));
        session.owner = owner;
        Ok(session)
    }

    /// A user that the caller may change: any for admins, itself for one who has logged in.
    pub(crate) async fn changeable(
        &self,
        caller: &Caller,
        user: &UserRef,
    ) -> Result<User, UserError> {
        let logged_in = matches!(caller.identity(), Identity::User(..));
        if !logged_in {
            caller.require(Scope::Admin)?;
        }
        self.get(caller, user).await
    }

    fn changed(&self, user: User, change: UpdateUser) -> Result<User, UserError> {
        let now = self.shared.clock.now();
        let first_name = change.first_name.map(personal).transpose()?;
        let last_name = change.last_name.map(personal).transpose()?;
        Ok(User {
            name: change.name.unwrap_or(user.name),
            email: change.email.unwrap_or(user.email),
            first_name: first_name.unwrap_or(user.first_name),
            last_name: last_name.unwrap_or(user.last_name),
            role: change.role.unwrap_or(user.role),
            disabled_at: match change.disabled {
                Some(true) => user.disabled_at.or(Some(now)),
                Some(false) => None,
                None => user.disabled_at,
            },
            changed_at: now,
            ..user
        })
    }

    async fn hash(&self, password: &Password) -> Result<String, UserError> {
        let passwords = &self.shared.access.passwords;
        let hash = passwords.hash(password.expose(), &self.shared.random);
        Ok(hash.await.map_err(crate::login::LoginError::from)?)
    }
}

/// The user, if there is one.
pub(crate) async fn find(
    shared: &Shared,
    user: &UserRef,
) -> Result<Option<User>, warbler_store::Error> {
    let user = user.clone();
    let found = shared.store.read(move |db| match &user {
        UserRef::Id(id) => db.users().get(*id),
        UserRef::Name(name) => db.users().by_name(name.as_str()),
    });
    found.await
}

/// A first or last name; an empty one is none.
fn personal(name: Option<String>) -> Result<Option<String>, UserError> {
    let Some(name) = name else {
        return Ok(None);
    };
    let name = name.trim();
    if name.chars().count() > User::MAX_PERSONAL_NAME || name.chars().any(char::is_control) {
        return Err(UserError::BadPersonalName);
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}
