//! The closed sets of words this API uses, each the mirror of a domain type.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_domain::{Content, extension, media, session};

/// A wire word for each word of the domain; a new domain word does not compile until it has one.
macro_rules! mirror {
    ($(#[$doc:meta])* $case:literal $name:ident of $domain:ty { $($word:ident),+ $(,)? }) => {
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
    "kebab-case" SessionState of session::SessionState {
        Created, Starting, AwaitingPairing, Connected, Reconnecting, LoggedOut, Stopped, Failed,
    }
}
mirror! {
    /// Whether a session is to run, now and after a restart of the host.
    "lowercase" Wanted of session::Wanted { Running, Stopped }
}
mirror! {
    /// Which way a message goes.
    "lowercase" Direction of warbler_domain::Direction { Inbound, Outbound }
}
mirror! {
    /// How far a message has come.
    "lowercase" MessageStatus of warbler_domain::MessageStatus {
        Queued, Sent, Delivered, Read, Played, Received, Failed,
    }
}
mirror! {
    /// What kind of media a message carries.
    "lowercase" MediaKind of media::MediaKind { Image, Video, Audio, Document, Sticker }
}
mirror! {
    /// What an extension is made of.
    "lowercase" ExtensionKind of extension::ExtensionKind { Plugin, Script }
}
mirror! {
    /// Whether an extension runs: the newest version, an older one because the newest is broken,
    /// or none.
    "kebab-case" ExtensionState of extension::ExtensionState { Active, LastGood, Broken }
}
mirror! {
    /// To whom an extension may write.
    "kebab-case" SendScope of extension::SendScope { ReplyOnly, Any }
}
mirror! {
    /// Whether the next extension of the chain is asked.
    "lowercase" Verdict of warbler_domain::Verdict { Next, Stop }
}

/// What a message is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MessageType {
    Text,
    Image,
    Video,
    Audio,
    Document,
    Sticker,
    Reaction,
    Edit,
    Revoke,
    Unsupported,
}

impl From<&Content> for MessageType {
    fn from(content: &Content) -> Self {
        match content {
            Content::Text { .. } => Self::Text,
            Content::Media(media) => match media.kind {
                media::MediaKind::Image => Self::Image,
                media::MediaKind::Video => Self::Video,
                media::MediaKind::Audio => Self::Audio,
                media::MediaKind::Document => Self::Document,
                media::MediaKind::Sticker => Self::Sticker,
            },
            Content::Reaction { .. } => Self::Reaction,
            Content::Edit { .. } => Self::Edit,
            Content::Revoke { .. } => Self::Revoke,
            Content::Unsupported { .. } => Self::Unsupported,
        }
    }
}
