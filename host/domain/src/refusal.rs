//! What every error of a use case can say about itself.

use std::time::Duration;

/// The eight reasons for which a caller is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// The request itself is wrong.
    Invalid,
    /// Nobody is known to be calling.
    Unauthenticated,
    /// The caller is known and may not.
    Forbidden,
    /// The thing does not exist, or not for this caller.
    NotFound,
    /// The thing is in a state that does not allow it.
    Conflict,
    /// Too many, too much, too often.
    Limited,
    /// It cannot be done now; later it may.
    Unavailable,
    /// Our fault.
    Internal,
}

/// An error that a caller can act on.
pub trait Refusal: std::error::Error {
    /// Which of the eight it is.
    fn kind(&self) -> RefusalKind;

    /// A stable word for programs, such as `unknown_session`.
    fn code(&self) -> &'static str;

    /// After how long the same request may be admitted, where that is known.
    fn retry_after(&self) -> Option<Duration> {
        None
    }

    /// What the caller is told; internal errors keep their cause to the log.
    fn public_message(&self) -> String {
        match self.kind() {
            RefusalKind::Internal => "something went wrong inside; the log says more".to_owned(),
            _ => self.to_string(),
        }
    }
}
