//! API keys and tokens of sessions: who may call without logging in.
//!
//! A key is `wbl_` and 52 characters, 256 random bits; a session's token begins with `wbt_`. Only
//! their SHA-256 is stored, so each is shown once, when it is made.

mod authentication;
mod of_session;
mod readable;
mod recognised;
mod seal;
mod session_token;

use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::info;
use warbler_domain::caller::Identity;
use warbler_domain::user::UserRef;
use warbler_domain::{
    Caller, Dialect, KeyId, Random, Realm, Refusal, RefusalKind, Role, Scope, ScopeRequired,
    Scopes, Secret, SessionId, SessionRef, Timestamp, UserId,
};
use warbler_store::access_keys::AccessKey;

use crate::access::{Ended, digest_of};
use crate::audit;
use crate::core::Shared;
use crate::sessions::{SessionError, usable_by};

pub use authentication::CredentialError;
pub use of_session::SessionKey;
pub(crate) use recognised::Recognised;
pub(crate) use seal::Seal;
pub use session_token::{NewSessionToken, SessionTokenError};

/// The part of an API key that is the same for all of a realm.
const fn prefix_of(realm: Realm) -> &'static str {
    match realm {
        Realm::Native => "wbl_",
        Realm::Dialect(Dialect::Gateway) => "wgw_",
        Realm::Dialect(Dialect::Manager) => "wmg_",
        Realm::Dialect(Dialect::Suite) => "wapi_",
        Realm::Dialect(Dialect::Hub) => "hub_",
        Realm::Dialect(Dialect::Akg) => "wag_",
    }
}

/// The part of a session's token that is the same for all.
const SESSION_PREFIX: &str = "wbt_";
/// Characters that are kept to recognise a key by.
const SHOWN: usize = 10;

/// A key to make.
#[derive(Debug, Clone)]
pub struct CreateKey {
    /// What it is called: 1 to [`Keys::LONGEST_NAME`] characters.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The sessions it is for; all its owner has when empty.
    pub sessions: Vec<SessionRef>,
    /// The user it is to act for; without one it acts for the caller, or for nobody.
    pub owner: Option<UserRef>,
    /// Until when it is good.
    pub expires_at: Option<Timestamp>,
    /// Where it is good.
    pub realm: Realm,
}

/// A key that was just made, with what is shown this once.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The key.
    pub key: AccessKey,
    /// What its holder sends.
    pub secret: Secret,
}

/// Why nothing was done about a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The caller may not.
    #[error(transparent)]
    Scope(#[from] ScopeRequired),
    /// There is none with this id.
    #[error("key {0} does not exist")]
    Unknown(KeyId),
    /// There is no such user.
    #[error("user {0} does not exist")]
    UnknownOwner(UserRef),
    /// A session it is to be for.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// No name, or not one.
    #[error("a key's name has 1 to {} visible characters", Keys::LONGEST_NAME)]
    BadName,
    /// It would be over before it began.
    #[error("the key would have expired already; give a time in the future")]
    ExpiredAlready,
    /// It would do more than the one it acts for.
    #[error("the scope `{0}` is more than the user it acts for has")]
    ScopeTooWide(Scope),
    /// Admins are for everything.
    #[error("an admin key is for every session; give it another scope, or name no sessions")]
    AdminIsUnlimited,
    /// The secret of a key is shown to its owner only.
    #[error("an API key is shown only to the user who has logged in")]
    LoginNeeded,
    /// The secret of a key could not be encrypted.
    #[error("the secret of a key could not be encrypted")]
    Seal,
    /// There are too many already.
    #[error("there are {} keys already; revoke one first", Keys::MOST)]
    TooMany,
    /// The database.
    #[error("the API keys could not be read or written")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for KeyError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Scope(err) => err.kind(),
            Self::Session(err) => err.kind(),
            Self::Unknown(_) | Self::UnknownOwner(_) => RefusalKind::NotFound,
            Self::BadName
            | Self::ExpiredAlready
            | Self::ScopeTooWide(_)
            | Self::AdminIsUnlimited => RefusalKind::Invalid,
            Self::LoginNeeded => RefusalKind::Forbidden,
            Self::Seal => RefusalKind::Internal,
            Self::TooMany => RefusalKind::Conflict,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Scope(err) => err.code(),
            Self::Session(err) => err.code(),
            Self::Unknown(_) => "unknown_key",
            Self::UnknownOwner(_) => "unknown_user",
            Self::BadName => "bad_key_name",
            Self::ExpiredAlready => "expired_already",
            Self::ScopeTooWide(_) => "scope_too_wide",
            Self::AdminIsUnlimited => "admin_is_unlimited",
            Self::LoginNeeded => "login_needed",
            Self::Seal => "internal",
            Self::TooMany => "too_many_keys",
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// API keys and tokens of sessions.
pub struct Keys {
    shared: Arc<Shared>,
}

impl Keys {
    /// Longest name of a key, in characters.
    pub const LONGEST_NAME: usize = 100;
    /// Most keys that are good at the same time.
    pub const MOST: u64 = 10_000;

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Makes a key. Admins make any; users who have logged in make keys that act for them.
    pub async fn create(&self, caller: &Caller, command: CreateKey) -> Result<NewKey, KeyError> {
        let now = self.shared.clock.now();
        let name = admissible_name(&command.name)?;
        if command.expires_at.is_some_and(|at| at <= now) {
            return Err(KeyError::ExpiredAlready);
        }
        let owner = self.owner(caller, command.owner).await?;
        let highest = command.scopes.highest();
        if owner.is_some_and(|(_, role)| !role.scopes().hold(highest)) {
            return Err(KeyError::ScopeTooWide(highest));
        }
        if highest == Scope::Admin && !command.sessions.is_empty() {
            return Err(KeyError::AdminIsUnlimited);
        }
        let sessions = self.sessions(caller, &command.sessions).await?;
        let secret = new_secret(prefix_of(command.realm), &self.shared.random);
        let key = AccessKey {
            id: KeyId::new(now, &self.shared.random),
            name,
            realm: command.realm,
            prefix: shown(&secret),
            scopes: command.scopes,
            sessions,
            owner: owner.map(|(id, _)| id),
            created_at: now,
            expires_at: command.expires_at,
            last_used_at: None,
        };
        let entry = audit::done(&self.shared, caller, "key.create", key.id, &key.name);
        let (row, digest) = (key.clone(), digest_of(&secret));
        let made = self.shared.store.write(move |tx| {
            if tx.access_keys().count()? >= Self::MOST {
                return Err(KeyError::TooMany);
            }
            tx.access_keys_mut().insert(&row, &digest)?;
            Ok(tx.audit_mut().insert(&entry)?)
        });
        made.await?;
        info!(key.id = %key.id, caller = caller.label(), "A key was made");
        Ok(NewKey { key, secret })
    }

    /// The keys, the oldest first: all for admins, their own for users who have logged in.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<AccessKey>, KeyError> {
        let owner = authority(caller)?;
        let keys = self
            .shared
            .store
            .read(move |db| db.access_keys().list(owner));
        Ok(keys.await?)
    }

    /// One key.
    pub async fn get(&self, caller: &Caller, id: KeyId) -> Result<AccessKey, KeyError> {
        let owner = authority(caller)?;
        let found = self.shared.store.read(move |db| db.access_keys().get(id));
        found
            .await?
            .filter(|key| owner.is_none() || key.owner == owner)
            .ok_or(KeyError::Unknown(id))
    }

    /// Gives a key another name.
    pub async fn rename(
        &self,
        caller: &Caller,
        id: KeyId,
        name: &str,
    ) -> Result<AccessKey, KeyError> {
        let name = admissible_name(name)?;
        let key = AccessKey {
            name,
            ..self.get(caller, id).await?
        };
        let entry = audit::done(&self.shared, caller, "key.rename", id, &key.name);
        let name = key.name.clone();
        let renamed = self.shared.store.write(move |tx| {
            tx.access_keys_mut().rename(id, &name)?;
            tx.audit_mut().insert(&entry)
        });
        renamed.await.map_err(KeyError::Store)?;
        self.shared.access.recognised.forget_all();
        Ok(key)
    }

    /// Ends a key, at once and for good.
    pub async fn revoke(&self, caller: &Caller, id: KeyId) -> Result<(), KeyError> {
        let key = self.get(caller, id).await?;
        let now = self.shared.clock.now();
        let entry = audit::done(&self.shared, caller, "key.revoke", id, &key.name);
        let revoked = self.shared.store.write(move |tx| {
            if tx.access_keys_mut().revoke(id, now)? {
                tx.audit_mut().insert(&entry)?;
            }
            Ok(())
        });
        revoked.await.map_err(KeyError::Store)?;
        self.shared.access.end(Ended::Key(id));
        info!(key.id = %id, caller = caller.label(), "A key was revoked");
        Ok(())
    }

    /// Makes the first key of a host that has none, and gives it out this once.
    pub async fn make_first(&self) -> Result<Option<Secret>, KeyError> {
        let count = self.shared.store.read(|db| db.access_keys().count());
        if count.await? > 0 {
            return Ok(None);
        }
        self.replace_first().await.map(Some)
    }

    /// Makes another admin key, for a host whose first one was lost.
    pub async fn replace_first(&self) -> Result<Secret, KeyError> {
        let secret = new_secret(prefix_of(Realm::Native), &self.shared.random);
        self.adopt(&secret).await
    }

    /// Makes `secret` an admin key, whatever it was before: for a host whose key is chosen by its
    /// operator.
    pub async fn adopt(&self, secret: &Secret) -> Result<Secret, KeyError> {
        let digest = digest_of(secret);
        let now = self.shared.clock.now();
        let key = AccessKey {
            id: KeyId::new(now, &self.shared.random),
            name: "admin".to_owned(),
            realm: Realm::Native,
            prefix: shown(secret),
            scopes: Scopes::up_to(Scope::Admin),
            sessions: None,
            owner: None,
            created_at: now,
            expires_at: None,
            last_used_at: None,
        };
        let entry = audit::done(
            &self.shared,
            &Caller::host(),
            "key.create",
            key.id,
            &key.name,
        );
        let adopted = self.shared.store.write(move |tx| {
            if tx.access_keys_mut().restore_as_admin(&digest)? {
                return Ok(());
            }
            tx.access_keys_mut().insert(&key, &digest)?;
            tx.audit_mut().insert(&entry)
        });
        adopted.await.map_err(KeyError::Store)?;
        self.shared.access.recognised.forget_all();
        info!("An admin key is in place");
        Ok(secret.clone())
    }

    /// Whom a new key acts for.
    async fn owner(
        &self,
        caller: &Caller,
        wanted: Option<UserRef>,
    ) -> Result<Option<(UserId, Role)>, KeyError> {
        let own = authority(caller)?;
        let wanted = match (own, wanted) {
            (None, None) => return Ok(None),
            (None, Some(wanted)) => wanted,
            (Some(own), None) => UserRef::Id(own),
            (Some(own), Some(wanted)) if names(caller, own, &wanted) => UserRef::Id(own),
            (Some(_), Some(_)) => return Err(ScopeRequired(Scope::Admin).into()),
        };
        let found = crate::users::find(&self.shared, &wanted).await?;
        let user = found.ok_or(KeyError::UnknownOwner(wanted))?;
        Ok(Some((user.id, user.role)))
    }

    async fn sessions(
        &self,
        caller: &Caller,
        sessions: &[SessionRef],
    ) -> Result<Option<Arc<BTreeSet<SessionId>>>, KeyError> {
        let mut found = BTreeSet::new();
        for session in sessions {
            let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
            found.insert(session.id);
        }
        Ok((!found.is_empty()).then(|| Arc::new(found)))
    }
}

/// Whose keys the caller looks after: everybody's, or its own. A key cannot make keys unless it is
/// an admin key, so that one that leaks does not outlive its revocation.
fn authority(caller: &Caller) -> Result<Option<UserId>, ScopeRequired> {
    match caller.identity() {
        _ if caller.may(Scope::Admin) => Ok(None),
        Identity::User(user, _) => Ok(Some(user)),
        _ => Err(ScopeRequired(Scope::Admin)),
    }
}

fn names(caller: &Caller, id: UserId, user: &UserRef) -> bool {
    match user {
        UserRef::Id(named) => *named == id,
        UserRef::Name(name) => caller
            .name()
            .is_some_and(|own| own.eq_ignore_ascii_case(name.as_str())),
    }
}

fn admissible_name(name: &str) -> Result<String, KeyError> {
    let name = name.trim();
    let fits = (1..=Keys::LONGEST_NAME).contains(&name.chars().count());
    if fits && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err(KeyError::BadName)
    }
}

/// 256 random bits as text, after `prefix`.
pub(crate) fn new_secret(prefix: &str, random: &Random) -> Secret {
    let mut bytes = [0u8; 32];
    random.fill(&mut bytes);
    let text = data_encoding::BASE32_NOPAD.encode(&bytes).to_lowercase();
    Secret::new(format!("{prefix}{text}"))
}

/// What is kept of a secret to recognise it by.
fn shown(secret: &Secret) -> String {
    secret.expose().chars().take(SHOWN).collect()
}
