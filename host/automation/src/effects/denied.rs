//! How the host says no.

use warbler_app::hook::KvError;

/// Why the host did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// A limit that ends a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Halt {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// A refusal, or the end of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denied {
    Refused(Refusal),
    Halted(Halt),
}

impl Denied {
    pub(super) fn refused<T>(code: &'static str, message: impl Into<String>) -> Result<T, Self> {
        Err(Self::refusal(code, message))
    }

    pub(crate) fn refusal(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Refusal {
            code,
            message: message.into(),
        })
    }

    pub(super) fn halted<T>(code: &'static str, message: impl Into<String>) -> Result<T, Self> {
        Err(Self::Halted(Halt {
            code,
            message: message.into(),
        }))
    }
}

impl From<KvError> for Denied {
    fn from(error: KvError) -> Self {
        let code = match error {
            KvError::BadKey => "bad-key",
            KvError::ValueTooLarge => "value-too-large",
            KvError::SpaceFull => "space-full",
            KvError::TooManyWrites => "too-many-writes",
            KvError::NotANumber => "not-a-number",
            KvError::Store(_) => "unavailable",
        };
        Self::refusal(code, error.to_string())
    }
}

impl From<warbler_store::Error> for Denied {
    fn from(_error: warbler_store::Error) -> Self {
        Self::refusal("unavailable", "the store did not answer")
    }
}
