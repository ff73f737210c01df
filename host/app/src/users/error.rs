//! Why nothing was done about a user.

use std::time::Duration;

use warbler_domain::user::UserRef;
use warbler_domain::{Refusal, RefusalKind, ScopeRequired, User};

use crate::login::LoginError;
use crate::sessions::SessionError;

/// Why nothing was done about a user.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The caller may not.
    #[error(transparent)]
    Scope(#[from] ScopeRequired),
    /// There is none.
    #[error("user {0} does not exist")]
    Unknown(UserRef),
    /// Somebody else has it.
    #[error("another user has this name or e-mail address")]
    Taken,
    /// Too long, or not one.
    #[error(
        "a first or last name has at most {} visible characters",
        User::MAX_PERSONAL_NAME
    )]
    BadPersonalName,
    /// The one there is was not said.
    #[error("say the current password too")]
    CurrentNeeded,
    /// The one there is is another.
    #[error("the current password is wrong")]
    WrongPassword,
    /// A user cannot inherit from itself.
    #[error("the sessions cannot go to the user who is deleted")]
    OwnHeir,
    /// Hashing or checking a password.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The database.
    #[error("the users could not be read or written")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for UserError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Scope(err) => err.kind(),
            Self::Login(err) => err.kind(),
            Self::Session(err) => err.kind(),
            Self::Unknown(_) => RefusalKind::NotFound,
            Self::Taken => RefusalKind::Conflict,
            Self::BadPersonalName | Self::CurrentNeeded | Self::OwnHeir => RefusalKind::Invalid,
            Self::WrongPassword => RefusalKind::Forbidden,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Scope(err) => err.code(),
            Self::Login(err) => err.code(),
            Self::Session(err) => err.code(),
            Self::Unknown(_) => "unknown_user",
            Self::Taken => "user_taken",
            Self::BadPersonalName => "bad_personal_name",
            Self::CurrentNeeded => "current_password_needed",
            Self::WrongPassword => "wrong_current_password",
            Self::OwnHeir => "own_heir",
            Self::Store(_) => "store_unavailable",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Login(err) => err.retry_after(),
            _ => None,
        }
    }
}
