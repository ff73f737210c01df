//! Who makes a request, whatever the credential was.
//!
//! A caller answers two questions and no others: [`Caller::may`] it do this kind of thing, and
//! [`Caller::may_use`] it this session. Use cases ask both, in one place.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use crate::access::{Role, Scope, ScopeRequired, Scopes};
use crate::clock::Timestamp;
use crate::ids::{KeyId, LoginId, SessionId, UserId};

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    identity: Identity,
    name: Option<Arc<str>>,
    user: Option<UserId>,
    scopes: Scopes,
    reach: Reach,
    good_until: Option<Timestamp>,
    address: Option<IpAddr>,
}

/// What a caller has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Nothing: the host itself, an extension acting under its grants, a command on this machine.
    Host,
    /// The master key of the configuration.
    MasterKey,
    /// An API key.
    Key(KeyId),
    /// A user who has logged in.
    User(UserId, LoginId),
    /// The token of a session.
    SessionToken(SessionId),
    /// Nothing, at an API that the operator has opened to everybody.
    Nobody,
}

/// Which sessions a credential reaches: all, unless something is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Only those of this user.
    pub owner: Option<UserId>,
    /// Only these.
    pub only: Option<Arc<BTreeSet<SessionId>>>,
}

impl Reach {
    /// One session.
    pub fn one(session: SessionId) -> Self {
        Self {
            owner: None,
            only: Some(Arc::new(BTreeSet::from([session]))),
        }
    }

    /// Whether it is every session there is.
    pub fn is_all(&self) -> bool {
        self.owner.is_none() && self.only.is_none()
    }

    fn holds(&self, session: SessionId, owner: Option<UserId>) -> bool {
        let owned = self.owner.is_none_or(|user| owner == Some(user));
        let named = self
            .only
            .as_ref()
            .is_none_or(|only| only.contains(&session));
        owned && named
    }
}

impl Caller {
    /// The host itself, which may do everything.
    pub fn host() -> Self {
        let scopes = Scopes::up_to(Scope::Admin);
        Self::new(Identity::Host, scopes, Reach::default())
    }

    /// The holder of the master key, who may do everything.
    pub fn master_key() -> Self {
        let scopes = Scopes::up_to(Scope::Admin);
        Self::new(Identity::MasterKey, scopes, Reach::default())
    }

    /// The holder of an API key.
    pub fn key(id: KeyId, name: &str, scopes: Scopes, reach: Reach) -> Self {
        Self::new(Identity::Key(id), scopes, reach).named(name)
    }

    /// The same caller, acting for a user.
    #[must_use]
    pub fn acting_for(mut self, user: Option<UserId>) -> Self {
        self.user = user;
        self
    }

    /// A user who has logged in.
    pub fn user(id: UserId, name: &str, role: Role, login: LoginId) -> Self {
        let reach = Reach {
            owner: (role == Role::User).then_some(id),
            only: None,
        };
        let caller = Self::new(Identity::User(id, login), role.scopes(), reach);
        caller.named(name).acting_for(Some(id))
    }

    /// The holder of a session's token.
    pub fn session_token(session: SessionId, scopes: Scopes) -> Self {
        let reach = Reach::one(session);
        Self::new(Identity::SessionToken(session), scopes, reach)
    }

    /// Whoever reaches an API that the operator has opened to everybody: every session, and
    /// everything but what admins do.
    pub fn nobody(scope: Scope) -> Self {
        let scopes = Scopes::up_to(scope.min(Scope::Manage));
        Self::new(Identity::Nobody, scopes, Reach::default())
    }

    fn new(identity: Identity, scopes: Scopes, reach: Reach) -> Self {
        Self {
            identity,
            name: None,
            user: None,
            scopes,
            reach,
            good_until: None,
            address: None,
        }
    }

    fn named(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same caller, whose credential is good until then.
    #[must_use]
    pub fn until(mut self, good_until: Option<Timestamp>) -> Self {
        self.good_until = good_until;
        self
    }

    /// The same caller, known to call from `address`.
    #[must_use]
    pub fn at(mut self, address: Option<IpAddr>) -> Self {
        self.address = address;
        self
    }

    /// Whether this kind of thing may be done.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.hold(scope)
    }

    /// Refuses a caller who may not do this kind of thing.
    pub fn require(&self, scope: Scope) -> Result<(), ScopeRequired> {
        if self.may(scope) {
            Ok(())
        } else {
            Err(ScopeRequired(scope))
        }
    }

    /// Whether the time of the credential is over.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.good_until.is_some_and(|until| until <= now)
    }

    /// Whether this session is the caller's; one that is not does not exist for it.
    pub fn may_use(&self, session: SessionId, owner: Option<UserId>) -> bool {
        self.reach.holds(session, owner)
    }

    /// Whether every session is the caller's.
    pub fn reaches_all(&self) -> bool {
        self.reach.is_all()
    }

    /// Which sessions are the caller's.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// What the caller has shown.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// What the caller may do.
    pub fn scopes(&self) -> Scopes {
        self.scopes
    }

    /// What the credential is called, where it has a name: a key's or a user's.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where the caller calls from, where that is known.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The user who owns what this caller makes: the one who logged in, or the one a key acts
    /// for.
    pub fn user_id(&self) -> Option<UserId> {
        self.user
    }

    /// The user who acts; refuses a caller who acts for none.
    pub fn require_user(&self) -> Result<UserId, ScopeRequired> {
        self.user.ok_or(ScopeRequired(Scope::Read))
    }

    /// A short name for logs; no secret.
    pub fn label(&self) -> String {
        match &self.identity {
            Identity::Host => "host".to_owned(),
            Identity::MasterKey => "master key".to_owned(),
            Identity::Key(id) => format!("key {id}"),
            Identity::User(id, _) => format!("user {id}"),
            Identity::SessionToken(id) => format!("token of session {id}"),
            Identity::Nobody => "nobody".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Random, Timestamp};

    struct Ids {
        random: Random,
    }

    impl Ids {
        fn session(&self) -> SessionId {
            SessionId::new(Timestamp::from_millis(1), &self.random)
        }

        fn user(&self) -> UserId {
            UserId::new(Timestamp::from_millis(1), &self.random)
        }
    }

    fn ids() -> Ids {
        Ids {
            random: Random::seeded(3),
        }
    }

    #[test]
    fn a_plain_user_uses_only_what_it_owns() {
        let ids = ids();
        let (ada, bob, session) = (ids.user(), ids.user(), ids.session());
        let login = LoginId::new(Timestamp::from_millis(1), &ids.random);
        let caller = Caller::user(ada, "ada", Role::User, login);
        assert!(caller.may_use(session, Some(ada)));
        assert!(!caller.may_use(session, Some(bob)) && !caller.may_use(session, None));
        let admin = Caller::user(ada, "ada", Role::Admin, login);
        assert!(admin.may_use(session, Some(bob)) && admin.may_use(session, None));
    }

    #[test]
    fn a_key_of_a_user_reaches_no_further_than_its_owner() {
        let ids = ids();
        let (ada, bob, session) = (ids.user(), ids.user(), ids.session());
        let reach = Reach {
            owner: Some(ada),
            ..Reach::one(session)
        };
        let key = KeyId::new(Timestamp::from_millis(1), &ids.random);
        let caller = Caller::key(key, "n8n", Scopes::up_to(Scope::Send), reach);
        assert!(caller.may_use(session, Some(ada)));
        assert!(!caller.may_use(session, Some(bob)));
        assert!(!caller.may_use(ids.session(), Some(ada)));
        assert_eq!(
            caller.require(Scope::Manage),
            Err(ScopeRequired(Scope::Manage))
        );
    }

    #[test]
    fn a_session_token_reaches_its_session_only() {
        let ids = ids();
        let session = ids.session();
        let caller = Caller::session_token(session, Scopes::up_to(Scope::Send));
        assert!(caller.may_use(session, Some(ids.user())) && caller.may_use(session, None));
        assert!(!caller.may_use(ids.session(), None) && !caller.reaches_all());
    }
}
