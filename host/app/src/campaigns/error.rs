//! Why nothing was done about a campaign.

use warbler_domain::campaign::{Campaign, CampaignRules, CampaignState};
use warbler_domain::template::TemplateError;
use warbler_domain::{CampaignId, ExtensionName, Refusal, RefusalKind, ScopeRequired};

use super::collect::{RowError, TooManyRecipients};
use super::{Campaigns, Recipients};
use crate::messages::SendError;
use crate::sessions::SessionError;

/// Why nothing was done about a campaign.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// The caller may not.
    #[error(transparent)]
    Scope(#[from] ScopeRequired),
    /// There is none with this id.
    #[error("campaign {0} does not exist")]
    Unknown(CampaignId),
    /// A session it is to send by.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// No session, too many, or one twice.
    #[error(
        "a campaign sends by 1 to {} different sessions",
        Campaign::MAX_SESSIONS
    )]
    BadSessions,
    /// No name, too long, or with control characters.
    #[error(
        "a campaign's name has 1 to {} characters, none of them control characters",
        Campaign::MAX_NAME
    )]
    BadName,
    /// A content that cannot be sent.
    #[error(transparent)]
    Content(#[from] SendError),
    /// A content that belongs to one chat.
    #[error("a campaign sends a text, media, a place, contacts or a poll")]
    ContentNotPossible,
    /// A text that is no template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// No such extension, or it writes no messages.
    #[error("there is no extension `{0}` that writes messages of campaigns")]
    UnknownWriter(ExtensionName),
    /// An extension writes texts.
    #[error("an extension writes texts and captions; this content has neither")]
    NothingToWrite,
    /// Pauses or limits that cannot be.
    #[error(
        "a pause has at most {} ms and is varied by at most 100 percent; an hour has at most {} messages",
        CampaignRules::MAX_DELAY,
        CampaignRules::MAX_PER_HOUR
    )]
    BadRules,
    /// A start in the past, or too far ahead.
    #[error("a campaign starts at a time to come, at most 366 days ahead")]
    BadStart,
    /// Rows that cannot be used.
    #[error(
        "{bad} of {rows} recipients cannot be used; nothing was stored. Correct them, or leave them out with skipBad"
    )]
    BadRecipients {
        /// What is wrong with them; at most 1,000.
        errors: Vec<RowError>,
        /// How many.
        bad: u32,
        /// Of how many.
        rows: u32,
    },
    /// More than a campaign has.
    #[error(transparent)]
    TooManyRecipients(#[from] TooManyRecipients),
    /// Nobody to send to.
    #[error("a campaign needs at least one recipient")]
    NoRecipients,
    /// It stands elsewhere.
    #[error("the campaign is {}, so it cannot be {wanted}", .state.as_str())]
    WrongState {
        /// Where it stands.
        state: CampaignState,
        /// What was asked for, as a participle.
        wanted: &'static str,
    },
    /// Nobody to send to again.
    #[error("no recipient has failed, so there is nobody to send to again")]
    NothingFailed,
    /// There are too many that are not over.
    #[error(
        "there are {} campaigns that are not over; cancel or delete one first",
        Campaigns::MOST_OPEN
    )]
    TooMany,
    /// A recipient cannot be written to in a trial.
    #[error("the extension failed: {code}: {message}")]
    Written {
        /// The fault's stable word.
        code: String,
        /// The fault in words.
        message: String,
    },
    /// The database.
    #[error("the campaigns could not be read or written")]
    Store(#[from] warbler_store::Error),
}

impl CampaignError {
    /// The refusal of a list with rows that cannot be used.
    pub(super) fn bad_rows(list: Recipients) -> Self {
        Self::BadRecipients {
            errors: list.errors,
            bad: list.bad,
            rows: list.rows,
        }
    }
}

impl Refusal for CampaignError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Scope(err) => err.kind(),
            Self::Session(err) => err.kind(),
            Self::Content(err) => err.kind(),
            Self::Unknown(_) => RefusalKind::NotFound,
            Self::WrongState { .. }
            | Self::NothingFailed
            | Self::TooMany
            | Self::Written { .. } => RefusalKind::Conflict,
            Self::BadSessions
            | Self::BadName
            | Self::ContentNotPossible
            | Self::Template(_)
            | Self::UnknownWriter(_)
            | Self::NothingToWrite
            | Self::BadRules
            | Self::BadStart
            | Self::BadRecipients { .. }
            | Self::TooManyRecipients(_)
            | Self::NoRecipients => RefusalKind::Invalid,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Scope(err) => err.code(),
            Self::Session(err) => err.code(),
            Self::Content(err) => err.code(),
            Self::Template(err) => err.code(),
            Self::Unknown(_) => "unknown_campaign",
            Self::BadSessions => "bad_campaign_sessions",
            Self::BadName => "bad_campaign_name",
            Self::ContentNotPossible | Self::NothingToWrite => "bad_campaign_content",
            Self::UnknownWriter(_) => "unknown_template_extension",
            Self::BadRules => "bad_campaign_rules",
            Self::BadStart => "bad_campaign_start",
            Self::BadRecipients { .. } => "bad_recipients",
            Self::TooManyRecipients(_) => "too_many_recipients",
            Self::NoRecipients => "no_recipients",
            Self::WrongState { .. } => "campaign_wrong_state",
            Self::NothingFailed => "campaign_nothing_failed",
            Self::TooMany => "too_many_campaigns",
            Self::Written { .. } => "template_extension_failed",
            Self::Store(_) => "store_unavailable",
        }
    }
}
