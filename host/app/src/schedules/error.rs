//! Why nothing was done about a schedule.

use warbler_domain::schedule::Schedule;
use warbler_domain::{Refusal, RefusalKind, ScheduleId, ScopeRequired};

use crate::messages::{MAX_DELAY_DAYS, SendError};
use crate::sessions::SessionError;

/// Why nothing was done about a schedule.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The caller may not.
    #[error(transparent)]
    Scope(#[from] ScopeRequired),
    /// There is none with this id.
    #[error("schedule {0} does not exist")]
    Unknown(ScheduleId),
    /// The session that sends.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A content that cannot be sent.
    #[error(transparent)]
    Content(#[from] SendError),
    /// A content that answers something.
    #[error("a schedule sends a text, media, a place, contacts or a poll")]
    ContentNotPossible,
    /// Too long a name, or one with control characters.
    #[error(
        "a name has at most {} characters, none of them control characters",
        Schedule::MAX_NAME
    )]
    BadName,
    /// A time in the past, or too far ahead.
    #[error("the time is over, or more than {MAX_DELAY_DAYS} days ahead")]
    BadTime,
    /// A time that is over, or a cron expression with no run to come.
    #[error("the schedule would have no run to come; give it another time")]
    Never,
    /// It is over already.
    #[error("the schedule is not active any more")]
    NotActive,
    /// It does not rest.
    #[error("the schedule is not paused, so it cannot be resumed")]
    NotPaused,
    /// There are too many.
    #[error(
        "the session has {} active schedules already; cancel one first",
        Schedule::MOST
    )]
    TooMany,
    /// The database.
    #[error("the schedules could not be read or written")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for ScheduleError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Scope(err) => err.kind(),
            Self::Session(err) => err.kind(),
            Self::Content(err) => err.kind(),
            Self::Unknown(_) => RefusalKind::NotFound,
            Self::NotActive | Self::NotPaused | Self::TooMany => RefusalKind::Conflict,
            Self::ContentNotPossible | Self::BadName | Self::BadTime | Self::Never => {
                RefusalKind::Invalid
            }
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Scope(err) => err.code(),
            Self::Session(err) => err.code(),
            Self::Content(err) => err.code(),
            Self::Unknown(_) => "unknown_schedule",
            Self::ContentNotPossible => "bad_schedule_content",
            Self::BadName => "bad_schedule_name",
            Self::BadTime => "bad_schedule_time",
            Self::Never => "schedule_never_runs",
            Self::NotActive => "schedule_not_active",
            Self::NotPaused => "schedule_not_paused",
            Self::TooMany => "too_many_schedules",
            Self::Store(_) => "store_unavailable",
        }
    }
}
