//! Why messages are not sent, changed or shown.

use warbler_domain::message::Message;
use warbler_domain::{
    Content, EngineName, MessageId, Refusal, RefusalKind, SessionRef, Timestamp, WhatsAppId,
};
use warbler_store::Error as StoreError;

use super::MAX_EMOJI;
use super::change::{EDIT_WITHIN, REVOKE_WITHIN};
use super::send::{MAX_BATCH, MAX_DELAY_DAYS};
use crate::driver::{EngineCapability, MediaFailure};
use crate::media::MediaError;
use crate::sessions::SessionError;

/// Why a message was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The session has never been linked to an account.
    #[error("session {0} is not paired with a phone yet; pair it first")]
    NotPaired(SessionRef),
    /// Nobody can be written to at this address.
    #[error("nobody can be written to at {0}; write to a person, a group or status@broadcast")]
    NotWritable(String),
    /// Nothing to say.
    #[error("the text is empty")]
    EmptyText,
    /// Too much to say.
    #[error(
        "the text has {size} bytes; at most {} are accepted",
        Content::MAX_TEXT
    )]
    TextTooLong {
        /// Its size in bytes.
        size: usize,
    },
    /// An emoji is one short symbol.
    #[error("a reaction is one emoji of at most {} bytes", MAX_EMOJI)]
    BadEmoji,
    /// The message referred to is not known in this chat.
    #[error("message {0} is not known in this chat")]
    UnknownTarget(WhatsAppId),
    /// The message to act on is not known.
    #[error("message {0} does not exist")]
    UnknownMessage(MessageId),
    /// Too many people are mentioned.
    #[error(
        "a message mentions at most {} people",
        warbler_domain::content::Mentions::MAX
    )]
    TooManyMentions,
    /// Mentioning everybody outside a group.
    #[error("everybody can be mentioned in groups only")]
    EverybodyNeedsGroup,
    /// A preview that cannot be shown.
    #[error("{0}")]
    BadPreview(&'static str),
    /// No address-book entry, or too many.
    #[error(
        "a message has 1 to {} contact cards",
        warbler_domain::vcard::ContactCard::MAX_CARDS
    )]
    BadContacts,
    /// What is voted on is no poll.
    #[error("message {0} is not a poll")]
    NotAPoll(WhatsAppId),
    /// The poll does not have this option.
    #[error("the poll has no option `{0}`")]
    UnknownOption(String),
    /// More options than may be chosen.
    #[error("at most {0} options of this poll may be chosen")]
    TooManyChoices(usize),
    /// A caption where none can be.
    #[error("an audio, a voice note or a sticker has no caption")]
    CaptionNotPossible,
    /// Shown once where that cannot be.
    #[error("only an image, a video or a voice note can be shown once")]
    ViewOnceNotPossible,
    /// Quoting with something that cannot quote.
    #[error("a reaction, a vote, an edit, a revoke or a status cannot quote")]
    QuoteNotPossible,
    /// It lies behind us.
    #[error("`sendAt` lies in the past")]
    SendAtPast,
    /// It lies too far ahead.
    #[error("`sendAt` lies more than {MAX_DELAY_DAYS} days ahead")]
    SendAtTooFar,
    /// The session's engine lacks what it needs.
    #[error(
        "the engine {engine} of this session cannot send this: {}; GET /v1/engines says which can",
        capability.without()
    )]
    EngineCannot {
        /// Which.
        engine: EngineName,
        /// What it lacks.
        capability: EngineCapability,
    },
    /// An audience for something else than a status.
    #[error("only a status has an audience; send it to status@broadcast")]
    AudienceNeedsStatus,
    /// A status nobody would see.
    #[error("nobody would see this status; name its audience")]
    NoAudience,
    /// Too many would.
    #[error("a status is seen by at most {} people", Message::MAX_AUDIENCE)]
    AudienceTooLarge,
    /// Something that cannot be a status.
    #[error("a status is a text, an image or a video")]
    NotAStatus,
    /// Nothing in a batch, or too much.
    #[error("a batch has 1 to {MAX_BATCH} messages")]
    BadBatch,
    /// Changing somebody else's message.
    #[error("only messages of this session can be edited")]
    NotOwn,
    /// Changing something without text.
    #[error("only texts, and media with a caption, can be edited")]
    NotEditable,
    /// It was written too long ago to be edited.
    #[error("WhatsApp lets messages be edited for {} minutes", EDIT_WITHIN.as_secs() / 60)]
    EditTooLate,
    /// It was written too long ago to be taken back.
    #[error("WhatsApp lets messages be taken back for {} hours", REVOKE_WITHIN.as_secs() / 3600)]
    RevokeTooLate,
    /// Taking back somebody else's message outside a group.
    #[error("messages of others can be taken back in groups only, by an admin")]
    RevokeNotAllowed,
    /// Changing something that has not gone out.
    #[error("the message has not been sent; cancel it instead")]
    NotSent,
    /// Forwarding something that cannot be.
    #[error("a {0} cannot be forwarded")]
    NotForwardable(&'static str),
    /// The medium of a forwarded message.
    #[error(transparent)]
    Forward(Box<ReadError>),
    /// The medium could not be kept.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The database.
    #[error("the message could not be stored; nothing was sent")]
    Store(#[from] StoreError),
}

impl Refusal for SendError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::Media(err) => err.kind(),
            Self::Forward(err) => err.kind(),
            Self::NotPaired(_)
            | Self::NotOwn
            | Self::NotEditable
            | Self::EditTooLate
            | Self::RevokeTooLate
            | Self::RevokeNotAllowed
            | Self::NotSent
            | Self::EngineCannot { .. }
            | Self::NotForwardable(_) => RefusalKind::Conflict,
            Self::UnknownTarget(_) | Self::UnknownMessage(_) => RefusalKind::NotFound,
            Self::Store(_) => RefusalKind::Unavailable,
            _ => RefusalKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::NotPaired(_) => "not_paired",
            Self::NotWritable(_) => "not_writable",
            Self::EmptyText => "empty_text",
            Self::TextTooLong { .. } => "text_too_long",
            Self::BadEmoji => "bad_emoji",
            Self::UnknownTarget(_) => "unknown_target",
            Self::UnknownMessage(_) => "unknown_message",
            Self::TooManyMentions => "too_many_mentions",
            Self::EverybodyNeedsGroup => "everybody_needs_group",
            Self::BadPreview(_) => "bad_preview",
            Self::BadContacts => "bad_contacts",
            Self::NotAPoll(_) => "not_a_poll",
            Self::UnknownOption(_) => "unknown_option",
            Self::TooManyChoices(_) => "too_many_choices",
            Self::CaptionNotPossible => "caption_not_possible",
            Self::ViewOnceNotPossible => "view_once_not_possible",
            Self::QuoteNotPossible => "quote_not_possible",
            Self::SendAtPast => "send_at_past",
            Self::SendAtTooFar => "send_at_too_far",
            Self::EngineCannot { .. } => "engine_cannot",
            Self::AudienceNeedsStatus => "audience_needs_status",
            Self::NoAudience => "no_audience",
            Self::AudienceTooLarge => "audience_too_large",
            Self::NotAStatus => "not_a_status",
            Self::BadBatch => "bad_batch",
            Self::NotOwn => "not_own_message",
            Self::NotEditable => "not_editable",
            Self::EditTooLate => "edit_too_late",
            Self::RevokeTooLate => "revoke_too_late",
            Self::RevokeNotAllowed => "revoke_not_allowed",
            Self::NotSent => "not_sent",
            Self::NotForwardable(_) => "not_forwardable",
            Self::Forward(err) => err.code(),
            Self::Media(err) => err.code(),
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// Why a message in the outbox was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The caller may not.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// There is none with this id.
    #[error("message {0} does not exist")]
    Unknown(MessageId),
    /// It is being handed to the network at this moment.
    #[error("the message is being handed to the network; it is too late to cancel it")]
    UnderWay,
    /// It does not wait any more.
    #[error("the message does not wait in the outbox any more")]
    NotWaiting,
    /// It was not given up.
    #[error("only messages that were given up can be sent again")]
    NotFailed,
    /// It waits in the outbox.
    #[error("the message waits in the outbox; cancel it first")]
    StillWaiting,
    /// The database.
    #[error("the message could not be read or changed")]
    Store(#[from] StoreError),
}

impl Refusal for ChangeError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::Unknown(_) => RefusalKind::NotFound,
            Self::UnderWay | Self::NotWaiting | Self::NotFailed | Self::StillWaiting => {
                RefusalKind::Conflict
            }
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::Unknown(_) => "unknown_message",
            Self::UnderWay => "message_under_way",
            Self::NotWaiting => "message_not_waiting",
            Self::NotFailed => "message_not_failed",
            Self::StillWaiting => "message_still_waiting",
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// Why a message was not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The session asked for.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// There is none with this id.
    #[error("message {0} does not exist")]
    Unknown(MessageId),
    /// It carries no medium.
    #[error("message {0} carries no media")]
    NoMedia(MessageId),
    /// The session that could fetch it is not connected.
    #[error("the media has not been fetched yet, and its session is not connected")]
    NotConnected,
    /// The network would not give it.
    #[error(transparent)]
    Fetch(#[from] MediaFailure),
    /// The media store.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The database.
    #[error("the messages could not be read")]
    Store(#[from] StoreError),
}

impl Refusal for ReadError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::Unknown(_) | Self::NoMedia(_) | Self::Fetch(MediaFailure::Gone) => {
                RefusalKind::NotFound
            }
            Self::NotConnected | Self::Fetch(_) | Self::Store(_) => RefusalKind::Unavailable,
            Self::Media(err) => err.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::Unknown(_) => "unknown_message",
            Self::NoMedia(_) => "no_media",
            Self::NotConnected => "session_not_connected",
            Self::Fetch(MediaFailure::Gone) => "media_gone",
            Self::Fetch(MediaFailure::Damaged(_)) => "media_damaged",
            Self::Fetch(_) => "media_unavailable",
            Self::Media(err) => err.code(),
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// The time `within` before `now`.
pub(super) fn earliest(now: Timestamp, within: std::time::Duration) -> Timestamp {
    let millis = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(millis))
}
