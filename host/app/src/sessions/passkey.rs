//! Linking that WhatsApp allows only with a passkey of the account.
//!
//! The challenge is for WhatsApp's own site, so no page of this host can answer it: the owner signs
//! it in a browser there, and hands the signature in. Then session and phone show a code, and who
//! has compared them lets the link be finished.

use warbler_domain::{Caller, Refusal, RefusalKind, SessionName, SessionRef};

use super::{SessionError, Sessions};
use crate::driver::{DriverError, PasskeyAssertion};

/// How far the linking of a session with a passkey is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasskeyStep {
    /// The passkey is to sign this: WebAuthn's options of a request, as JSON.
    Asked {
        /// The options.
        options: String,
    },
    /// The phone shows the same code, or somebody stands between.
    Compare {
        /// Two groups of four characters.
        code: String,
    },
}

/// Why a passkey was not asked for, or not taken.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// WhatsApp does not ask for one, or no longer.
    #[error(
        "session {0} is not asked for a passkey; link it by QR or code, and ask again if WhatsApp wants one"
    )]
    NotAsked(SessionName),
    /// There is no code to compare yet.
    #[error("session {0} has no code to compare yet; answer with the passkey first")]
    NoCodeYet(SessionName),
    /// WhatsApp or the engine does not take the answer.
    #[error("the passkey was refused: {0}")]
    Refused(DriverError),
}

impl Refusal for PasskeyError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::NotAsked(_) | Self::NoCodeYet(_) => RefusalKind::Conflict,
            Self::Refused(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::NotAsked(_) => "passkey_not_asked",
            Self::NoCodeYet(_) => "passkey_no_code",
            Self::Refused(_) => "passkey_refused",
        }
    }
}

impl Sessions {
    /// What a passkey link waits for.
    pub async fn passkey(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<PasskeyStep, PasskeyError> {
        let session = self.pairable(caller, session).await?;
        let step = self.shared.directory.passkey(session.id);
        step.ok_or(PasskeyError::NotAsked(session.name))
    }

    /// Hands the passkey's signature to WhatsApp.
    pub async fn answer_passkey(
        &self,
        caller: &Caller,
        session: &SessionRef,
        assertion: PasskeyAssertion,
    ) -> Result<(), PasskeyError> {
        let session = self.pairable(caller, session).await?;
        let asked = self.shared.directory.passkey(session.id);
        let link = self.shared.directory.link(session.id);
        let (Some(PasskeyStep::Asked { .. }), Some(link)) = (asked, link) else {
            return Err(PasskeyError::NotAsked(session.name));
        };
        let answered = link.answer_passkey(assertion).await;
        answered.map_err(PasskeyError::Refused)
    }

    /// Finishes the link: the codes are the same.
    pub async fn confirm_passkey(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<(), PasskeyError> {
        let session = self.pairable(caller, session).await?;
        let link = self.shared.directory.link(session.id);
        match (self.shared.directory.passkey(session.id), link) {
            (Some(PasskeyStep::Compare { .. }), Some(link)) => {
                link.confirm_passkey().await.map_err(PasskeyError::Refused)
            }
            (Some(PasskeyStep::Asked { .. }), _) => Err(PasskeyError::NoCodeYet(session.name)),
            _ => Err(PasskeyError::NotAsked(session.name)),
        }
    }
}
