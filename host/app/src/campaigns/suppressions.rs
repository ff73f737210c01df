//! Who does not want campaigns: what may be asked for.

use std::sync::Arc;

use warbler_domain::campaign::Suppression;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{
    Caller, Jid, Recipient, Refusal, RefusalKind, Scope, ScopeRequired, SessionRef,
};

use crate::audit;
use crate::core::Shared;
use crate::sessions::{SessionError, is_within_reach, usable_by};

/// Why nothing was done about a suppression.
#[derive(Debug, thiserror::Error)]
pub enum SuppressionError {
    /// The caller may not.
    #[error(transparent)]
    Scope(#[from] ScopeRequired),
    /// The session it is to be for.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Who reaches some sessions only cannot leave somebody out for all.
    #[error("name the session: this key does not reach every one")]
    SessionRequired,
    /// It is a group or a channel.
    #[error("{0} is not a person")]
    NotAPerson(Jid),
    /// Too long a reason, or one with control characters.
    #[error(
        "a reason has at most {} characters, none of them control characters",
        Suppression::MAX_REASON
    )]
    BadReason,
    /// Nobody there.
    #[error("{0} is not on the list")]
    Unknown(String),
    /// The list is full.
    #[error("the list has {} entries already", Suppression::MOST)]
    TooMany,
    /// The database.
    #[error("the list could not be read or written")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for SuppressionError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Scope(err) => err.kind(),
            Self::Session(err) => err.kind(),
            Self::Unknown(_) => RefusalKind::NotFound,
            Self::TooMany => RefusalKind::Conflict,
            Self::SessionRequired | Self::NotAPerson(_) | Self::BadReason => RefusalKind::Invalid,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Scope(err) => err.code(),
            Self::Session(err) => err.code(),
            Self::Unknown(_) => "unknown_suppression",
            Self::TooMany => "too_many_suppressions",
            Self::SessionRequired => "session_required",
            Self::NotAPerson(_) => "not_a_person",
            Self::BadReason => "bad_suppression_reason",
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// Who does not want campaigns.
pub struct Suppressions {
    shared: Arc<Shared>,
}

impl Suppressions {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// A page of those the caller may see, newest first; of one person, if one is named.
    pub async fn list(
        &self,
        caller: &Caller,
        person: Option<Recipient>,
        page: PageRequest,
    ) -> Result<Page<Suppression>, SuppressionError> {
        caller.require(Scope::Read)?;
        let (shared, caller) = (Arc::clone(&self.shared), caller.clone());
        let reading = self.shared.store.read(move |db| {
            let seen = |one: &Suppression| is_visible(&shared, &caller, one);
            let person = person.as_ref().map(Recipient::jid);
            db.suppressions().list(person, seen, page)
        });
        reading.await.map_err(SuppressionError::Store)
    }

    /// Leaves somebody out of campaigns: of one session, or of all that the caller has.
    pub async fn add(
        &self,
        caller: &Caller,
        session: Option<&SessionRef>,
        person: Recipient,
        reason: String,
    ) -> Result<Suppression, SuppressionError> {
        caller.require(Scope::Send)?;
        let jid = person.into_jid();
        use warbler_domain::jid::Server;
        if !matches!(jid.server(), Server::Pn | Server::Lid) {
            return Err(SuppressionError::NotAPerson(jid));
        }
        let fits = reason.chars().count() <= Suppression::MAX_REASON;
        if !fits || reason.chars().any(char::is_control) {
            return Err(SuppressionError::BadReason);
        }
        let (owner, session) = match session {
            Some(session) => {
                let found = usable_by(&self.shared, caller, session, Scope::Send).await?;
                (found.owner, Some(found.id))
            }
            None if caller.reach().only.is_some() => return Err(SuppressionError::SessionRequired),
            None => (caller.reach().owner, None),
        };
        let one = Suppression {
            owner,
            session,
            jid,
            reason,
            created_at: self.shared.clock.now(),
        };
        let entry = audit::done(
            &self.shared,
            caller,
            "suppression.add",
            audit::named(&one.jid),
            "",
        );
        let adding = self.shared.store.write(move |tx| {
            if tx.suppressions().count(one.owner)? >= Suppression::MOST {
                return Err(SuppressionError::TooMany);
            }
            if tx.suppressions_mut().add(&one)? {
                tx.audit_mut().insert(&entry)?;
            }
            Ok(one)
        });
        adding.await
    }

    /// Lets somebody be written to again: takes away every entry the caller may see.
    pub async fn remove(&self, caller: &Caller, person: Recipient) -> Result<(), SuppressionError> {
        caller.require(Scope::Send)?;
        let jid = person.into_jid();
        let entry = audit::done(
            &self.shared,
            caller,
            "suppression.remove",
            audit::named(&jid),
            "",
        );
        let (shared, caller, unknown) = (Arc::clone(&self.shared), caller.clone(), jid.to_string());
        let removing = self.shared.store.write(move |tx| {
            let mut gone = false;
            for one in tx.suppressions().of(&jid)? {
                if is_visible(&shared, &caller, &one) {
                    gone |= tx.suppressions_mut().remove(&one)?;
                }
            }
            if gone {
                tx.audit_mut().insert(&entry)?;
            }
            Ok::<_, SuppressionError>(gone)
        });
        if removing.await? {
            Ok(())
        } else {
            Err(SuppressionError::Unknown(unknown))
        }
    }
}

fn is_visible(shared: &Shared, caller: &Caller, one: &Suppression) -> bool {
    if caller.reaches_all() {
        return true;
    }
    match one.session {
        Some(session) => is_within_reach(shared, caller, session),
        None => caller.reach().only.is_none() && caller.reach().owner == one.owner,
    }
}
