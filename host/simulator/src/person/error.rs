//! Why a person did not do something.

use std::time::Duration;

use crate::phone::PhoneError;
use crate::state::MAX_ACCOUNTS;

/// Why a person could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    #[error("{0:?} is not a phone number")]
    BadNumber(String),
    #[error("{0:?} is not a number, JID or group of this network")]
    UnknownRecipient(String),
    #[error("the network holds no more than {MAX_ACCOUNTS} accounts")]
    TooManyAccounts,
    #[error("the account cannot link another device")]
    TooManyDevices,
    #[error("no client shows this code any more")]
    CodeGone,
    #[error("the code belongs to other keys than the client has")]
    WrongKeys,
    #[error("the account has no passkey")]
    NoPasskey,
    #[error("the client has refused to be linked")]
    Declined,
    #[error("the client did not answer in time")]
    NoAnswer,
    #[error("the network refused with code {0}")]
    Refused(u16),
    #[error("nothing was heard within {0:?}")]
    Silence(Duration),
    #[error("message {0:?} is not known to this person")]
    UnknownMessage(String),
    #[error("a phone remembers no more from before")]
    TooMuchToRemember,
    #[error("no call {0:?} rings here")]
    UnknownCall(String),
    #[error("message {0:?} is not a poll this person can vote in")]
    NoPoll(String),
    #[error("the poll has no option {0:?}")]
    NoSuchOption(String),
    #[error("the media could not be stored: {0}")]
    Media(String),
    #[error("the phone failed: {0}")]
    Phone(Box<dyn std::error::Error + Send + Sync>),
}

impl From<PhoneError> for PersonError {
    fn from(error: PhoneError) -> Self {
        PersonError::Phone(Box::new(error))
    }
}
