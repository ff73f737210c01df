//! What an extension asks the host to do.
//!
//! Actions are collected while an extension runs and carried out only when the whole chain is
//! through, in one transaction with "this event is done".

use serde::{Deserialize, Serialize};

use crate::chat::ChatState;
use crate::clock::Timestamp;
use crate::event::EventKind;
use crate::ids::{UploadId, WhatsAppId};
use crate::jid::Jid;
use crate::media::MediaForm;
use crate::place::Location;
use crate::vcard::ContactCard;

/// Whether the chain goes on after an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The next extension is asked.
    Next,
    /// Nobody else is asked.
    Stop,
}

/// One thing an extension asks for. Where `to` is absent, the chat the event came from is meant;
/// every other recipient needs the grant `send`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "action",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Action {
    /// A text into the chat the event came from.
    Reply {
        /// The text.
        text: String,
        /// Whether it quotes the message it answers.
        quote: bool,
    },
    /// A text to anybody; needs the grant `send`.
    SendText {
        /// To whom.
        to: Jid,
        /// The text.
        text: String,
    },
    /// A reaction to a message of the chat the event came from.
    React {
        /// The message; the event's own when absent.
        target: Option<WhatsAppId>,
        /// The emoji; empty takes a reaction back.
        emoji: String,
    },
    /// A picture, film, sound, document or sticker.
    SendMedia {
        /// To whom.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        to: Option<Jid>,
        /// What it is sent as.
        form: MediaForm,
        /// Where its bytes are.
        source: ActionMedia,
        /// The text below it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        caption: Option<String>,
        /// What recipients see the file called.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        file_name: Option<String>,
    },
    /// A place on the map.
    SendLocation {
        /// To whom.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        to: Option<Jid>,
        /// Where it is.
        location: Location,
    },
    /// An address-book entry.
    SendContact {
        /// To whom.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        to: Option<Jid>,
        /// The entry.
        card: ContactCard,
    },
    /// The event's message, sent on to somebody.
    Forward {
        /// To whom.
        to: Jid,
    },
    /// A new text for an earlier message of the account in the event's chat.
    Edit {
        /// The message.
        target: WhatsAppId,
        /// Its new text.
        text: String,
    },
    /// An earlier message of the event's chat, taken back for everyone.
    Revoke {
        /// The message.
        target: WhatsAppId,
    },
    /// The event's chat is marked as read.
    MarkRead,
    /// What the account shows in the event's chat.
    SetTyping {
        /// That it writes, records, or has stopped.
        state: ChatState,
    },
    /// An event of the extension's own making, for every extension that wants it.
    Emit {
        /// Its kind: `custom.` and a word.
        kind: EventKind,
        /// What it says, as one JSON object.
        data: String,
    },
    /// An event `timer` for this extension alone, later.
    SetTimer {
        /// Its name; one of the same name in the same chat is set anew.
        name: String,
        /// When.
        due_at: Timestamp,
        /// What it is to say, as one JSON object.
        data: String,
    },
    /// The timer of this name in the event's chat does not come.
    CancelTimer {
        /// Its name.
        name: String,
    },
}

/// Where the bytes of a medium are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionMedia {
    /// At a URL, fetched by the host.
    Url(String),
    /// Uploaded before.
    Upload(UploadId),
}

impl Action {
    /// Bytes that count against an event's limit.
    pub fn weight(&self) -> usize {
        match self {
            Self::Reply { text, .. } | Self::SendText { text, .. } | Self::Edit { text, .. } => {
                text.len()
            }
            Self::React { emoji, .. } => emoji.len(),
            Self::SendMedia {
                source, caption, ..
            } => {
                let url = match source {
                    ActionMedia::Url(url) => url.len(),
                    ActionMedia::Upload(_) => 0,
                };
                url + caption.as_ref().map_or(0, String::len)
            }
            Self::SendLocation { location, .. } => {
                let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
                length(&location.name) + length(&location.address)
            }
            Self::SendContact { card, .. } => card.vcard.len(),
            Self::Emit { data, .. } => data.len(),
            Self::SetTimer { name, data, .. } => name.len() + data.len(),
            Self::Forward { .. }
            | Self::Revoke { .. }
            | Self::MarkRead
            | Self::SetTyping { .. }
            | Self::CancelTimer { .. } => 0,
        }
    }

    /// The word for it: `reply`, `send-text`, `react`, …
    pub fn word(&self) -> &'static str {
        match self {
            Self::Reply { .. } => "reply",
            Self::SendText { .. } => "send-text",
            Self::React { .. } => "react",
            Self::SendMedia { .. } => "send-media",
            Self::SendLocation { .. } => "send-location",
            Self::SendContact { .. } => "send-contact",
            Self::Forward { .. } => "forward",
            Self::Edit { .. } => "edit",
            Self::Revoke { .. } => "revoke",
            Self::MarkRead => "mark-read",
            Self::SetTyping { .. } => "set-typing",
            Self::Emit { .. } => "emit",
            Self::SetTimer { .. } => "set-timer",
            Self::CancelTimer { .. } => "cancel-timer",
        }
    }

    /// Whom it writes to, when that is not the event's chat.
    pub fn recipient(&self) -> Option<&Jid> {
        match self {
            Self::SendText { to, .. } | Self::Forward { to } => Some(to),
            Self::SendMedia { to, .. }
            | Self::SendLocation { to, .. }
            | Self::SendContact { to, .. } => to.as_ref(),
            _ => None,
        }
    }

    /// Whether somebody gets a message by it.
    pub fn is_message(&self) -> bool {
        !matches!(
            self,
            Self::MarkRead
                | Self::SetTyping { .. }
                | Self::Emit { .. }
                | Self::SetTimer { .. }
                | Self::CancelTimer { .. }
        )
    }

    /// Whether it is about the event's chat, so that there has to be one.
    pub fn needs_chat(&self) -> bool {
        match self {
            Self::Reply { .. }
            | Self::React { .. }
            | Self::Edit { .. }
            | Self::Revoke { .. }
            | Self::MarkRead
            | Self::SetTyping { .. } => true,
            Self::SendMedia { to, .. }
            | Self::SendLocation { to, .. }
            | Self::SendContact { to, .. } => to.is_none(),
            Self::SendText { .. }
            | Self::Forward { .. }
            | Self::Emit { .. }
            | Self::SetTimer { .. }
            | Self::CancelTimer { .. } => false,
        }
    }
}
