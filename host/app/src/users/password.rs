//! Another password for a user, and what ends with the one before.

use std::time::Duration;

use warbler_domain::caller::Identity;
use warbler_domain::user::UserRef;
use warbler_domain::{Caller, LoginId, Password, Scope, Secret, Timestamp, User, UserId};
use warbler_store::audit::AuditEntry;
use warbler_store::{Error as StoreError, Writer};

use super::{UserError, Users};
use crate::access::Ended;
use crate::audit;

/// A password to put in place of another.
#[derive(Debug, Clone)]
pub struct ChangePassword {
    /// The one there is; admins need not know that of others.
    pub current: Option<Secret>,
    /// The one there is to be.
    pub new: Password,
    /// A login that is younger than this stands for the current password, and the login of the
    /// caller goes on; nothing for an API where neither is so.
    pub fresh_login: Option<Duration>,
}

/// A password that may be put in place.
pub(super) struct Prepared {
    user: UserId,
    hash: String,
    /// The login that goes on.
    kept: Option<LoginId>,
    now: Timestamp,
    entry: AuditEntry,
}

impl Prepared {
    pub(super) fn put(&self, tx: &Writer<'_>) -> Result<(), StoreError> {
        tx.users_mut()
            .set_password(self.user, &self.hash, self.now)?;
        tx.logins_mut().end_of(self.user, self.kept)?;
        tx.audit_mut().insert(&self.entry)
    }
}

impl Users {
    /// Puts another password in place; every login of the user ends.
    pub async fn change_password(
        &self,
        caller: &Caller,
        user: &UserRef,
        change: ChangePassword,
    ) -> Result<(), UserError> {
        let user = self.changeable(caller, user).await?;
        let prepared = self.prepare(caller, &user, change).await?;
        let changed = self.shared.store.write(move |tx| prepared.put(tx));
        changed.await.map_err(UserError::Store)?;
        self.shared.access.end(Ended::User(user.id));
        Ok(())
    }

    /// What is to be stored, if the caller may change the password of this user.
    pub(super) async fn prepare(
        &self,
        caller: &Caller,
        user: &User,
        change: ChangePassword,
    ) -> Result<Prepared, UserError> {
        let own = caller.user_id() == Some(user.id);
        match &change.current {
            Some(current) => {
                let name = user.name.as_str();
                if !crate::login::confirm(&self.shared, user.id, name, current).await? {
                    return Err(UserError::WrongPassword);
                }
            }
            None if own && self.is_fresh(caller, change.fresh_login) => {}
            None if own || !caller.may(Scope::Admin) => return Err(UserError::CurrentNeeded),
            None => {}
        }
        let kept = match caller.identity() {
            Identity::User(_, login) if own && change.fresh_login.is_some() => Some(login),
            _ => None,
        };
        let (id, name) = (user.id, user.name.as_str());
        Ok(Prepared {
            user: id,
            hash: self.hash(&change.new).await?,
            kept,
            now: self.shared.clock.now(),
            entry: audit::done(&self.shared, caller, "user.password", id, name),
        })
    }

    /// Whether the caller has logged in within the last `fresh`.
    fn is_fresh(&self, caller: &Caller, fresh: Option<Duration>) -> bool {
        let now = self.shared.clock.now();
        match (caller.identity(), fresh) {
            (Identity::User(_, login), Some(fresh)) => now.since(login.made_at()) < fresh,
            _ => false,
        }
    }
}
