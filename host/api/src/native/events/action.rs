//! What an extension asked for, as it is shown.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_domain::action::ActionMedia;
use warbler_domain::{Action, Jid, Timestamp, UploadId, WhatsAppId};

use super::view::data;
use crate::native::words;

/// One thing an extension asked for. Where `to` is absent, the chat the event came from is meant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(
    tag = "action",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[schema(as = Action)]
pub(in crate::native) enum ActionView {
    /// A text into the chat the event came from.
    Reply {
        /// The text.
        text: String,
        /// Whether it quotes the message it answers.
        quote: bool,
    },
    /// A text to anybody.
    SendText {
        /// To whom.
        #[schema(value_type = String)]
        to: Jid,
        /// The text.
        text: String,
    },
    /// A reaction to a message of the chat the event came from.
    React {
        /// The message; the event's own when absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        message: Option<WhatsAppId>,
        /// The emoji; empty takes a reaction back.
        emoji: String,
    },
    /// A picture, film, sound, document or sticker.
    SendMedia {
        /// To whom.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        to: Option<Jid>,
        /// What it is sent as.
        form: words::MediaForm,
        /// Where it is fetched from.
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// The upload it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, format = "uuid")]
        upload: Option<UploadId>,
        /// The text below it.
        #[serde(skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
        /// What recipients see the file called.
        #[serde(skip_serializing_if = "Option::is_none")]
        file_name: Option<String>,
    },
    /// A place on the map.
    SendLocation {
        /// To whom.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        to: Option<Jid>,
        /// North of the equator, in degrees.
        latitude: f64,
        /// East of Greenwich, in degrees.
        longitude: f64,
        /// What is there.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// An address-book entry.
    SendContact {
        /// To whom.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        to: Option<Jid>,
        /// The name in it.
        name: String,
    },
    /// The message that came in, sent on to somebody.
    Forward {
        /// To whom.
        #[schema(value_type = String)]
        to: Jid,
    },
    /// A new text for an earlier message of the account.
    Edit {
        /// The message.
        #[schema(value_type = String)]
        message: WhatsAppId,
        /// Its new text.
        text: String,
    },
    /// An earlier message, taken back for everyone.
    Revoke {
        /// The message.
        #[schema(value_type = String)]
        message: WhatsAppId,
    },
    /// The event's chat is marked as read.
    MarkRead,
    /// What the account shows in the event's chat.
    SetTyping {
        /// `composing`, `recording` or `paused`.
        #[schema(example = "composing")]
        state: &'static str,
    },
    /// An event of the extension's own making.
    Emit {
        /// Its kind.
        #[schema(example = "custom.order")]
        kind: String,
        /// What it says.
        #[schema(value_type = Object)]
        data: serde_json::Value,
    },
    /// An event `timer` for this extension alone, later.
    SetTimer {
        /// Its name.
        name: String,
        /// When.
        #[schema(value_type = String, format = DateTime)]
        due_at: Timestamp,
    },
    /// The timer of this name does not come.
    CancelTimer {
        /// Its name.
        name: String,
    },
}

impl From<Action> for ActionView {
    fn from(action: Action) -> Self {
        match action {
            Action::Reply { text, quote } => Self::Reply { text, quote },
            Action::SendText { to, text } => Self::SendText { to, text },
            Action::React { target, emoji } => Self::React {
                message: target,
                emoji,
            },
            Action::SendMedia {
                to,
                form,
                source,
                caption,
                file_name,
            } => {
                let (url, upload) = match source {
                    ActionMedia::Url(url) => (Some(url), None),
                    ActionMedia::Upload(id) => (None, Some(id)),
                };
                Self::SendMedia {
                    to,
                    form: form.into(),
                    url,
                    upload,
                    caption,
                    file_name,
                }
            }
            Action::SendLocation { to, location } => Self::SendLocation {
                to,
                latitude: location.latitude.as_f64(),
                longitude: location.longitude.as_f64(),
                name: location.name,
            },
            Action::SendContact { to, card } => Self::SendContact {
                to,
                name: card.name,
            },
            Action::Forward { to } => Self::Forward { to },
            Action::Edit { target, text } => Self::Edit {
                message: target,
                text,
            },
            Action::Revoke { target } => Self::Revoke { message: target },
            Action::MarkRead => Self::MarkRead,
            Action::SetTyping { state } => Self::SetTyping {
                state: state.as_str(),
            },
            Action::Emit { kind, data: text } => Self::Emit {
                kind: kind.to_string(),
                data: data(&text),
            },
            Action::SetTimer { name, due_at, .. } => Self::SetTimer { name, due_at },
            Action::CancelTimer { name } => Self::CancelTimer { name },
        }
    }
}
