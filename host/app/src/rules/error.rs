//! Why nothing was done about a rule.

use warbler_domain::rule::{BadRule, RuleName};
use warbler_domain::{Jid, Refusal, RefusalKind, Rule, RuleId, ScopeRequired};

use super::Rules;
use crate::sessions::SessionError;

/// Why nothing was done about a rule.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The caller may not.
    #[error(transparent)]
    Scope(#[from] ScopeRequired),
    /// There is none with this id.
    #[error("rule {0} does not exist")]
    Unknown(RuleId),
    /// The session it is to be for.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Who reaches some sessions only cannot have one for all.
    #[error("name the session: this key does not reach every one")]
    SessionRequired,
    /// Its parts make no rule.
    #[error(transparent)]
    Bad(#[from] BadRule),
    /// Another rule for the same sessions has the name.
    #[error(
        "there is a rule \"{0}\" for the same sessions already; choose another name or change that one"
    )]
    NameTaken(RuleName),
    /// There are too many already.
    #[error(
        "there are {} rules already, or {} MiB of them; delete some first",
        Rule::MOST,
        Rules::MOST_BYTES / 1024 / 1024
    )]
    TooMany,
    /// There are too many regular expressions already.
    #[error(
        "{} rules have a regular expression already; use words, or delete some first",
        Rule::MOST_PATTERNS
    )]
    TooManyPatterns,
    /// An order that names a rule twice, or none.
    #[error("name each rule once, and at least one")]
    BadOrder,
    /// An event to try rules with that cannot be.
    #[error("{0}")]
    BadTrial(String),
    /// A chat that rules may answer in anyway.
    #[error("no rule has left {0} to a human")]
    NotHandedOver(Jid),
    /// The database.
    #[error("the rules could not be read or written")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for RuleError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Scope(err) => err.kind(),
            Self::Session(err) => err.kind(),
            Self::Unknown(_) | Self::NotHandedOver(_) => RefusalKind::NotFound,
            Self::NameTaken(_) | Self::TooMany | Self::TooManyPatterns => RefusalKind::Conflict,
            Self::SessionRequired | Self::Bad(_) | Self::BadOrder | Self::BadTrial(_) => {
                RefusalKind::Invalid
            }
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Scope(err) => err.code(),
            Self::Session(err) => err.code(),
            Self::Unknown(_) => "unknown_rule",
            Self::SessionRequired => "session_required",
            Self::Bad(_) => "bad_rule",
            Self::NameTaken(_) => "rule_name_taken",
            Self::TooMany => "too_many_rules",
            Self::TooManyPatterns => "too_many_patterns",
            Self::BadOrder => "bad_rule_order",
            Self::BadTrial(_) => "bad_rule_trial",
            Self::NotHandedOver(_) => "not_handed_over",
            Self::Store(_) => "store_unavailable",
        }
    }
}
