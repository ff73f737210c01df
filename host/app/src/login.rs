//! Logging in: a name and a password become a token for a quarter of an hour, and a refresh token
//! to get the next one with.
//!
//! A refresh token is good once. Whoever uses one again has a copy, or was robbed of it; either
//! way the whole login ends. Unknown names and wrong passwords get the same answer after the same
//! work.

mod passwords;
mod renew;
mod signing;
mod throttle;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};
use warbler_domain::caller::Identity;
use warbler_domain::{
    Caller, LoginId, Realm, Refusal, RefusalKind, Secret, Timestamp, User, UserId,
};
use warbler_store::audit::AuditEntry;
use warbler_store::logins::Login;

use crate::access::{Ended, digest_of};
use crate::audit;
use crate::core::Shared;
use crate::keys::new_secret;

pub use renew::{RenewError, Renewed};

pub(crate) use passwords::{PasswordError, Passwords};
pub(crate) use signing::{Signing, TokenError};
pub(crate) use throttle::Throttle;

/// The part of a refresh token that is the same for all.
const REFRESH_PREFIX: &str = "wbr_";
/// Logins of one user that hold at the same time; the oldest end.
const MOST_LOGINS: u32 = 100;
/// How long the token of a login to a dialect is good: none of them documents how to renew one
/// before it is over.
const DIALECT_TOKEN: Duration = Duration::from_secs(24 * 3600);
/// Longest name or address that is looked up, in bytes.
const LONGEST_LOGIN: usize = 254;
/// Longest password that is checked, in bytes.
const LONGEST_PASSWORD: usize = 256;

/// Somebody who wants to log in.
#[derive(Debug, Clone)]
pub struct LogIn {
    /// Its name or e-mail address.
    pub login: String,
    /// Its password.
    pub password: Secret,
    /// Where it calls from.
    pub address: Option<IpAddr>,
    /// To what it logs in; its token is unknown everywhere else.
    pub realm: Realm,
}

/// Somebody who has logged in.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// Who.
    pub user: User,
    /// What to send with every request.
    pub token: Secret,
    /// Until when that is good.
    pub token_expires_at: Timestamp,
    /// What to get the next token with, once.
    pub refresh_token: Secret,
    /// Until when the login can be renewed.
    pub expires_at: Timestamp,
}

/// Why nobody was logged in or out.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// There is no such user, the password is another, or the user is disabled.
    #[error("the name or the password is wrong")]
    Wrong,
    /// Too many failures.
    #[error("too many failed attempts; try again in {} s", .0.as_secs().max(1))]
    Throttled(Duration),
    /// The refresh token is none, too old, or was used before.
    #[error("the refresh token is wrong, has expired or was used before; log in again")]
    BadRefreshToken,
    /// The caller has not logged in.
    #[error("this credential is no login; keys are revoked, not logged out")]
    NotALogin,
    /// Too many at the same time.
    #[error("too many passwords are being checked; try again in a moment")]
    Busy,
    /// The hashing or the signing.
    #[error("the login could not be made: {0}")]
    Internal(String),
    /// The database.
    #[error("the users could not be read or written")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for LoginError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Wrong | Self::BadRefreshToken => RefusalKind::Unauthenticated,
            Self::Throttled(_) => RefusalKind::Limited,
            Self::NotALogin => RefusalKind::Conflict,
            Self::Busy | Self::Store(_) => RefusalKind::Unavailable,
            Self::Internal(_) => RefusalKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Wrong => "wrong_password",
            Self::BadRefreshToken => "invalid_refresh_token",
            Self::Throttled(_) => "login_throttled",
            Self::NotALogin => "not_a_login",
            Self::Busy => "busy",
            Self::Internal(_) => "internal",
            Self::Store(_) => "store_unavailable",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled(wait) => Some(*wait),
            _ => None,
        }
    }
}

impl From<PasswordError> for LoginError {
    fn from(err: PasswordError) -> Self {
        match err {
            PasswordError::Busy => Self::Busy,
            PasswordError::Hash(reason) => Self::Internal(reason),
        }
    }
}

/// Logging in and out.
pub struct Logins {
    shared: Arc<Shared>,
}

impl Logins {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Logs somebody in.
    pub async fn log_in(&self, command: LogIn) -> Result<LoggedIn, LoginError> {
        self.log_in_as(command)
            .await
            .map(|(_, logged_in)| logged_in)
    }

    /// Logs somebody in; the caller it is from now on, too.
    pub async fn log_in_as(&self, command: LogIn) -> Result<(Caller, LoggedIn), LoginError> {
        let LogIn {
            login,
            password,
            address,
            realm,
        } = command;
        let (user, right) = self.check(&login, &password, address).await?;
        let allowed = |user: &User| right && user.disabled_at.is_none();
        match user {
            Some(user) if allowed(&user) => self.begin(user, address, realm).await,
            user => {
                self.note_failure(user, address).await;
                Err(LoginError::Wrong)
            }
        }
    }

    /// Gives the next token, and the next refresh token, for one that was not used yet.
    pub async fn refresh(
        &self,
        refresh_token: &Secret,
        address: Option<IpAddr>,
    ) -> Result<LoggedIn, LoginError> {
        let now = self.shared.clock.now();
        let digest = digest_of(refresh_token);
        let next = new_secret(REFRESH_PREFIX, &self.shared.random);
        let next_digest = digest_of(&next);
        let renewed = self.shared.store.write(move |tx| {
            let Some(found) = tx.logins().refresh_token(&digest)? else {
                return Ok(Renewal::Refused);
            };
            let login = found.login;
            let Some(user) = tx.logins().user_of(login.id, now)? else {
                return Ok(Renewal::Refused);
            };
            if found.used || !tx.logins_mut().use_token(&digest, now)? {
                tx.logins_mut().end(login.id)?;
                let caller = Caller::user(user.id, user.name.as_str(), user.role, login.id);
                let theft = AuditEntry {
                    outcome: "refresh_token_reused".to_owned(),
                    ..entry_of(now, &caller.at(address), &user)
                };
                tx.audit_mut().insert(&theft)?;
                return Ok(Renewal::Reused(login.id));
            }
            tx.logins_mut().add_token(login.id, &next_digest)?;
            Ok::<_, warbler_store::Error>(Renewal::Renewed(Box::new(user), login))
        });
        match renewed.await.map_err(LoginError::Store)? {
            Renewal::Renewed(user, login) => self.tokens(*user, login, Realm::Native, next, now),
            Renewal::Refused => Err(LoginError::BadRefreshToken),
            Renewal::Reused(login) => {
                self.shared.access.end(Ended::Login(login));
                warn!(login.id = %login, "A refresh token was used twice; its login has ended");
                Err(LoginError::BadRefreshToken)
            }
        }
    }

    /// Ends the login of the caller, at once.
    pub async fn log_out(&self, caller: &Caller) -> Result<(), LoginError> {
        let Identity::User(user, login) = caller.identity() else {
            return Err(LoginError::NotALogin);
        };
        let name = caller.name().unwrap_or_default();
        let entry = audit::done(&self.shared, caller, "logout", user, name);
        let ended = self.shared.store.write(move |tx| {
            if tx.logins_mut().end(login)? {
                tx.audit_mut().insert(&entry)?;
            }
            Ok(())
        });
        ended.await.map_err(LoginError::Store)?;
        self.shared.access.end(Ended::Login(login));
        Ok(())
    }

    /// The user of this name or address, and whether the password is right; as much work if there
    /// is none.
    async fn check(
        &self,
        login: &str,
        password: &Secret,
        address: Option<IpAddr>,
    ) -> Result<(Option<User>, bool), LoginError> {
        let access = &self.shared.access;
        let password = password.expose();
        if login.len() > LONGEST_LOGIN || password.len() > LONGEST_PASSWORD {
            return Err(LoginError::Wrong);
        }
        let attempt = access
            .throttle
            .admit(login, address, self.shared.clock.now())
            .map_err(LoginError::Throttled)?;
        let wanted = login.to_owned();
        let found = self
            .shared
            .store
            .read(move |db| db.users().by_login(&wanted));
        let (user, hash) = found.await?.map(|found| (found.user, found.hash)).unzip();
        let right = access.passwords.check(password, hash).await?;
        if right {
            access.throttle.succeeded(attempt);
        }
        Ok((user, right))
    }

    /// Begins a login of a user who has shown to be it.
    pub(crate) async fn begin(
        &self,
        user: User,
        address: Option<IpAddr>,
        realm: Realm,
    ) -> Result<(Caller, LoggedIn), LoginError> {
        let now = self.shared.clock.now();
        let login = Login {
            id: LoginId::new(now, &self.shared.random),
            user: user.id,
            created_at: now,
            expires_at: now.plus(self.shared.settings.access.login_lifetime),
        };
        let refresh_token = new_secret(REFRESH_PREFIX, &self.shared.random);
        let digest = digest_of(&refresh_token);
        let caller = Caller::user(user.id, user.name.as_str(), user.role, login.id).at(address);
        let entry = entry_of(now, &caller, &user);
        let checked_at = user.changed_at;
        let begun = self.shared.store.write(move |tx| {
            // What was checked must still hold: a password that is changed meanwhile ends all
            // logins, this one too.
            let found = tx.users().get(login.user)?;
            if found.is_none_or(|found| found.changed_at != checked_at) {
                return Err(LoginError::Wrong);
            }
            tx.logins_mut().delete_expired(now, MOST_LOGINS)?;
            tx.logins_mut().insert(&login)?;
            tx.logins_mut().add_token(login.id, &digest)?;
            tx.logins_mut().keep_newest(login.user, MOST_LOGINS)?;
            Ok(tx.audit_mut().insert(&entry)?)
        });
        begun.await?;
        info!(user.id = %user.id, login.id = %login.id, "A user has logged in");
        let logged_in = self.tokens(user, login, realm, refresh_token, now)?;
        Ok((caller, logged_in))
    }

    fn tokens(
        &self,
        user: User,
        login: Login,
        realm: Realm,
        refresh_token: Secret,
        now: Timestamp,
    ) -> Result<LoggedIn, LoginError> {
        let left = login.expires_at.since(now);
        let lifetime = match realm {
            Realm::Native => self.shared.settings.access.token_lifetime,
            Realm::Dialect(_) => DIALECT_TOKEN,
        };
        let lifetime = lifetime.min(left);
        let signing = &self.shared.access.signing;
        let token = signing
            .write(user.id, login.id, realm, now, lifetime)
            .map_err(|err| LoginError::Internal(err.to_string()))?;
        Ok(LoggedIn {
            user,
            token,
            token_expires_at: now.plus(lifetime),
            refresh_token,
            expires_at: login.expires_at,
        })
    }

    /// Notes a failed login of a user. A name that is nobody's is not noted: it may be a password
    /// in the wrong field.
    async fn note_failure(&self, user: Option<User>, address: Option<IpAddr>) {
        let now = self.shared.clock.now();
        let entry = AuditEntry {
            at: now,
            actor_kind: "nobody".to_owned(),
            actor: None,
            actor_name: None,
            address,
            action: LOGIN.to_owned(),
            target: user.as_ref().map(|user| user.id.to_string()),
            name: user.map(|user| user.name.to_string()),
            outcome: LoginError::Wrong.code().to_owned(),
        };
        let noted = self
            .shared
            .store
            .write_relaxed(move |tx| tx.audit_mut().insert(&entry));
        let noted: Result<(), warbler_store::Error> = noted.await;
        if let Err(err) = noted {
            warn!(%err, "A failed login was not noted");
        }
    }
}

/// What became of a refresh token.
enum Renewal {
    Renewed(Box<User>, Login),
    Refused,
    Reused(LoginId),
}

/// The name of the change.
const LOGIN: &str = "login";

fn entry_of(now: Timestamp, caller: &Caller, user: &User) -> AuditEntry {
    AuditEntry {
        at: now,
        actor_kind: "user".to_owned(),
        actor: Some(user.id.to_string()),
        actor_name: Some(user.name.to_string()),
        address: caller.address(),
        action: LOGIN.to_owned(),
        target: Some(user.id.to_string()),
        name: Some(user.name.to_string()),
        outcome: "done".to_owned(),
    }
}

/// Whether a password is the user's, for one who has logged in already: guessed as slowly as at
/// the door.
pub(crate) async fn confirm(
    shared: &Shared,
    user: UserId,
    name: &str,
    password: &Secret,
) -> Result<bool, LoginError> {
    let now = shared.clock.now();
    let attempt = shared.access.throttle.admit(name, None, now);
    let attempt = attempt.map_err(LoginError::Throttled)?;
    let found = shared.store.read(move |db| db.users().with_password(user));
    let hash = found.await?.map(|found| found.hash);
    let password = password.expose();
    if password.len() > LONGEST_PASSWORD {
        return Ok(false);
    }
    let right = shared.access.passwords.check(password, hash).await?;
    if right {
        shared.access.throttle.succeeded(attempt);
    }
    Ok(right)
}
