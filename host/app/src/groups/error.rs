//! Why a group was not shown or changed.

use warbler_domain::group::Group;
use warbler_domain::{Jid, Refusal, RefusalKind};
use warbler_store::Error as StoreError;

use crate::network::NetworkError;
use crate::profile::PortraitError;
use crate::sessions::SessionError;

/// Why a group was not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The account is in no such group.
    #[error("the account is in no group {0}")]
    Unknown(Jid),
    /// It is the address of something else.
    #[error("{0} is not a group; groups look like 120363000000000000@g.us")]
    NotAGroup(Jid),
    /// It is the address of something else.
    #[error("{0} is not a person")]
    NotAPerson(Jid),
    /// Nobody is named, or too many are.
    #[error("name 1 to {} people", Group::MAX_MEMBERS)]
    BadMembers,
    /// No subject, or too long.
    #[error("a subject has 1 to {} characters", Group::MAX_SUBJECT)]
    BadSubject,
    /// Too long.
    #[error("a description has at most {} characters", Group::MAX_DESCRIPTION)]
    DescriptionTooLong,
    /// The picture.
    #[error(transparent)]
    Portrait(#[from] PortraitError),
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The database.
    #[error("the groups could not be read or written")]
    Store(#[from] StoreError),
}

impl Refusal for GroupError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::Unknown(_) => RefusalKind::NotFound,
            Self::NotAGroup(_)
            | Self::NotAPerson(_)
            | Self::BadMembers
            | Self::BadSubject
            | Self::DescriptionTooLong => RefusalKind::Invalid,
            Self::Portrait(err) => err.kind(),
            Self::Network(err) => err.kind(),
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::Unknown(_) => "unknown_group",
            Self::NotAGroup(_) => "not_a_group",
            Self::NotAPerson(_) => "not_a_person",
            Self::BadMembers => "bad_members",
            Self::BadSubject => "bad_subject",
            Self::DescriptionTooLong => "description_too_long",
            Self::Portrait(err) => err.code(),
            Self::Network(err) => err.code(),
            Self::Store(_) => "store_unavailable",
        }
    }
}
