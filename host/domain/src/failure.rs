//! Why messages are given up, as stable words.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a message was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The recipient has no WhatsApp account.
    NotOnWhatsapp,
    /// The session was unlinked from its phone before the message could go out.
    SessionLoggedOut,
    /// A medium could not be prepared, or the network does not take it.
    MediaRefused,
    /// The network does not let this account write to this recipient, or at all for now.
    Restricted,
    /// It waited longer than messages may.
    Expired,
    /// The network never acknowledged it, however often it was sent.
    NotAcknowledged,
    /// It failed for passing reasons as often as it is tried.
    TooManyAttempts,
    /// The network or the engine refused the message itself.
    Refused,
}

impl FailureCode {
    /// Every code.
    pub const ALL: [Self; 8] = [
        Self::NotOnWhatsapp,
        Self::SessionLoggedOut,
        Self::MediaRefused,
        Self::Restricted,
        Self::Expired,
        Self::NotAcknowledged,
        Self::TooManyAttempts,
        Self::Refused,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotOnWhatsapp => "not_on_whatsapp",
            Self::SessionLoggedOut => "session_logged_out",
            Self::MediaRefused => "media_refused",
            Self::Restricted => "restricted",
            Self::Expired => "expired",
            Self::NotAcknowledged => "not_acknowledged",
            Self::TooManyAttempts => "too_many_attempts",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no such code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a reason for which messages are given up")]
pub struct BadFailureCode(String);

impl FromStr for FailureCode {
    type Err = BadFailureCode;

    fn from_str(word: &str) -> Result<Self, BadFailureCode> {
        let found = Self::ALL.into_iter().find(|code| code.as_str() == word);
        found.ok_or_else(|| BadFailureCode(word.chars().take(32).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_stored_and_shown_as_the_same_word() -> Result<(), Box<dyn std::error::Error>> {
        for code in FailureCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(code));
            assert_eq!(serde_json::to_string(&code)?, format!("\"{code}\""));
        }
        Ok(())
    }
}
