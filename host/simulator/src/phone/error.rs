//! Why the phone refused.

use wacore_libsignal::protocol::SignalProtocolError;

/// What a phone could not do; none of it shows a number, a key or a text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PhoneError {
    #[error("no session with this device; fetch its bundle first")]
    NoSession,
    #[error("no sender key for this group and sender; it has to be distributed first")]
    NoSenderKey,
    #[error("this ciphertext was decrypted before")]
    Duplicate,
    #[error("this phone already keeps {limit} {what}")]
    Full { what: &'static str, limit: usize },
    #[error("{0} is malformed")]
    Malformed(&'static str),
    #[error("the signature of {0} does not verify")]
    BadSignature(&'static str),
    #[error("the pairing code is wrong, or the key bundle belongs to another exchange")]
    WrongCode,
    #[error("the media body does not match its key")]
    Media(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the Signal protocol refused: {0}")]
    Signal(#[source] SignalProtocolError),
}

/// A store's refusal on its way through the Signal library.
#[derive(Debug, thiserror::Error)]
#[error("already keeps {limit} {what}")]
pub(super) struct StoreFull {
    pub(super) what: &'static str,
    pub(super) limit: usize,
}

impl StoreFull {
    pub(super) fn into_signal(self) -> SignalProtocolError {
        SignalProtocolError::BackendError(self.what, Box::new(self))
    }
}

impl From<SignalProtocolError> for PhoneError {
    fn from(error: SignalProtocolError) -> PhoneError {
        match error {
            SignalProtocolError::SessionNotFound(_) => PhoneError::NoSession,
            SignalProtocolError::NoSenderKeyState(_) => PhoneError::NoSenderKey,
            SignalProtocolError::DuplicatedMessage(..) => PhoneError::Duplicate,
            SignalProtocolError::SignatureValidationFailed => {
                PhoneError::BadSignature("a Signal key or message")
            }
            SignalProtocolError::BackendError(place, source) => {
                match source.downcast::<StoreFull>() {
                    Ok(full) => PhoneError::Full {
                        what: full.what,
                        limit: full.limit,
                    },
                    Err(source) => {
                        PhoneError::Signal(SignalProtocolError::BackendError(place, source))
                    }
                }
            }
            other => PhoneError::Signal(other),
        }
    }
}
