//! The closed sets of words this API uses, each the mirror of a domain type.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_domain::caller::Identity;
use warbler_domain::{Content, extension, media, session};

/// A wire word for each word of the domain; a new domain word does not compile until it has one.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident in $case:tt of $domain:ty { $($word:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Serialize, ToSchema)]
        #[serde(rename_all = $case)]
        pub(crate) enum $name { $($word),+ }

        impl From<$domain> for $name {
            fn from(word: $domain) -> Self {
                match word { $(<$domain>::$word => Self::$word),+ }
            }
        }
    };
}

mirror! {
    /// Where a session stands.
    SessionState in "kebab-case" of session::SessionState {
        Created, Starting, AwaitingPairing, Connected, Reconnecting, LoggedOut, Stopped, Failed,
    }
}
mirror! {
    /// Whether a session is to run, now and after a restart of the host.
    Wanted in "lowercase" of session::Wanted { Running, Stopped }
}
mirror! {
    /// What a credential may do; each scope holds those before it.
    Scope in "lowercase" of warbler_domain::Scope { Read, Send, Manage, Admin }
}
mirror! {
    /// What a user is here.
    Role in "lowercase" of warbler_domain::Role { Admin, User }
}
mirror! {
    /// Which way a message goes.
    Direction in "lowercase" of warbler_domain::Direction { Inbound, Outbound }
}
mirror! {
    /// How far a message has come.
    MessageStatus in "lowercase" of warbler_domain::MessageStatus {
        Queued, Sent, Delivered, Read, Played, Received, Failed, Cancelled,
    }
}
mirror! {
    /// How far a delivery is.
    DeliveryState in "lowercase" of warbler_domain::webhook::DeliveryState {
        Waiting, Delivered, Dropped, Dead,
    }
}
mirror! {
    /// Where a campaign stands.
    CampaignState in "lowercase" of warbler_domain::campaign::CampaignState {
        Draft, Scheduled, Running, Paused, Completed, Cancelled, Failed,
    }
}
mirror! {
    /// How far a recipient of a campaign is.
    RecipientState in "lowercase" of warbler_domain::campaign::RecipientState {
        Planned, Queued, Sent, Delivered, Read, Failed, Invalid, Suppressed, Cancelled,
    }
}
mirror! {
    /// What becomes of a run whose time has passed while the host was down.
    Missed in "lowercase" of warbler_domain::schedule::Missed { Run, Skip }
}
mirror! {
    /// Where a schedule stands.
    ScheduleState in "lowercase" of warbler_domain::schedule::ScheduleState {
        Active, Paused, Done, Cancelled,
    }
}
mirror! {
    /// Why a message was given up.
    FailureCode in "snake_case" of warbler_domain::FailureCode {
        NotOnWhatsapp, SessionLoggedOut, MediaRefused, Restricted, Expired, NotAcknowledged,
        TooManyAttempts, Refused,
    }
}
mirror! {
    /// Where a message in the outbox stands.
    Standing in "kebab-case" of warbler_app::outbox::Standing { Scheduled, Queued, UnderWay, Dead }
}
mirror! {
    /// What kind of media a message carries.
    MediaKind in "lowercase" of media::MediaKind { Image, Video, Audio, Document, Sticker }
}
mirror! {
    /// What happens to a call.
    CallState in "lowercase" of warbler_domain::call::CallState {
        Ringing, Accepted, Rejected, Ended,
    }
}
mirror! {
    /// What an extension is made of.
    ExtensionKind in "lowercase" of extension::ExtensionKind { Plugin, Script, Rules }
}
mirror! {
    /// Whether an extension runs: the newest version, an older one because the newest does not
    /// run, none, or not for a while because it failed again and again.
    ExtensionState in "kebab-case" of extension::ExtensionState {
        Active, LastGood, Broken, Quarantined,
    }
}
mirror! {
    /// Where an extension is called: at events, for the messages of a campaign, for deliveries to
    /// webhook endpoints.
    Hook in "lowercase" of extension::Hook { Event, Template, Webhook }
}
mirror! {
    /// What a medium is sent as.
    MediaForm in "lowercase" of media::MediaForm {
        Image, Video, Gif, Audio, Voice, Document, Sticker,
    }
}
mirror! {
    /// Which stored messages an extension may read.
    HistoryScope in "kebab-case" of extension::HistoryScope { None, Chat, Any }
}
mirror! {
    /// To whom an extension may write.
    SendScope in "kebab-case" of extension::SendScope { ReplyOnly, Contacts, Any }
}
mirror! {
    /// Whether the next extension of the chain is asked.
    Verdict in "lowercase" of warbler_domain::Verdict { Next, Stop }
}

/// What a caller has shown.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CallerKind {
    Host,
    MasterKey,
    Key,
    User,
    SessionToken,
    Nobody,
}

impl From<Identity> for CallerKind {
    fn from(identity: Identity) -> Self {
        match identity {
            Identity::Host => Self::Host,
            Identity::MasterKey => Self::MasterKey,
            Identity::Key(_) => Self::Key,
            Identity::User(..) => Self::User,
            Identity::SessionToken(_) => Self::SessionToken,
            Identity::Nobody => Self::Nobody,
        }
    }
}

mirror! {
    /// What somebody may do in a group.
    MemberRole in "lowercase" of warbler_domain::group::MemberRole { Member, Admin, Owner }
}

/// What a message is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MessageType {
    Text,
    Image,
    Gif,
    Video,
    Voice,
    Audio,
    Document,
    Sticker,
    Location,
    Contacts,
    Poll,
    Vote,
    Reaction,
    Edit,
    Revoke,
    Unsupported,
}

impl From<&Content> for MessageType {
    fn from(content: &Content) -> Self {
        match content {
            Content::Text(_) => Self::Text,
            Content::Media(media) => match media.kind {
                media::MediaKind::Image => Self::Image,
                media::MediaKind::Video if media.gif => Self::Gif,
                media::MediaKind::Video => Self::Video,
                media::MediaKind::Audio if media.voice => Self::Voice,
                media::MediaKind::Audio => Self::Audio,
                media::MediaKind::Document => Self::Document,
                media::MediaKind::Sticker => Self::Sticker,
            },
            Content::Location(_) => Self::Location,
            Content::Contacts { .. } => Self::Contacts,
            Content::Poll(_) => Self::Poll,
            Content::PollVote { .. } => Self::Vote,
            Content::Reaction { .. } => Self::Reaction,
            Content::Edit { .. } => Self::Edit,
            Content::Revoke { .. } => Self::Revoke,
            Content::Unsupported { .. } => Self::Unsupported,
        }
    }
}
