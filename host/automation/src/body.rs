//! An event in the form extensions see it: hot fields, and the rest as one JSON object.
//!
//! The JSON object is part of the contract with authors (see `host/docs/plugins.md`): keys are
//! added, never renamed. It holds no media key and nothing else that is secret.

use serde::Serialize;
use warbler_domain::event::EventBody;
use warbler_domain::media::{Media, MediaKind, MediaSource};
use warbler_domain::message::{Content, Direction, Quoted};
use warbler_domain::{Event, Jid, Message, WhatsAppId};

/// The hot fields of an event, read in one pass.
pub(crate) struct Facts<'a> {
    pub(crate) chat: Option<&'a Jid>,
    pub(crate) sender: Option<&'a Jid>,
    pub(crate) sender_name: Option<&'a str>,
    pub(crate) from_me: bool,
    pub(crate) text: Option<&'a str>,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) timestamp: i64,
    pub(crate) whatsapp_id: Option<&'a WhatsAppId>,
    pub(crate) quoted_id: Option<&'a WhatsAppId>,
    pub(crate) media: Option<&'a Media>,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(event: &'a Event) -> Self {
        let message = event.message();
        let sender = match &event.body {
            EventBody::Message { message } => Some(&message.sender),
            EventBody::Receipt { by, .. } | EventBody::ChatState { by, .. } => Some(by),
            EventBody::GroupUpdated { by, .. } => by.as_ref(),
            EventBody::SessionStatus { .. } | EventBody::SessionQr { .. } => None,
        };
        Self {
            chat: event.chat(),
            sender,
            sender_name: message.and_then(|message| message.sender_name.as_deref()),
            from_me: message.is_some_and(|message| message.direction == Direction::Outbound),
            text: message.and_then(|message| message.content.readable()),
            timestamp: message
                .map_or(event.at, |message| message.timestamp)
                .as_millis(),
            whatsapp_id: message.map(|message| &message.whatsapp_id),
            quoted_id: message
                .and_then(|message| message.quoted.as_ref())
                .map(|quoted| &quoted.whatsapp_id),
            media: message.and_then(|message| match &message.content {
                Content::Media(media) => Some(media),
                _ => None,
            }),
        }
    }

    pub(crate) fn is_group(&self) -> bool {
        self.chat.is_some_and(Jid::is_group)
    }
}

/// The SHA-256 of a medium this host has.
pub(crate) fn stored_digest(media: &Media) -> Option<String> {
    match &media.source {
        MediaSource::Stored { digest } => Some(digest.to_string()),
        MediaSource::Remote { .. } => None,
    }
}

/// The word for a medium: `image`, `video`, …
pub(crate) fn media_word(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "image",
        MediaKind::Video => "video",
        MediaKind::Audio => "audio",
        MediaKind::Document => "document",
        MediaKind::Sticker => "sticker",
    }
}

/// What is not a hot field, as one JSON object.
pub(crate) fn json(event: &Event) -> String {
    let body = match &event.body {
        EventBody::Message { message } => Body::Message(message_body(message)),
        // These hold nothing but what their author may see.
        other => Body::Other(other),
    };
    // Strings, numbers and string-keyed maps always serialise.
    serde_json::to_string(&body).unwrap_or_else(|_| "{}".to_owned())
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Message(MessageBody<'a>),
    Other(&'a EventBody),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageBody<'a> {
    r#type: &'static str,
    /// Our id of the message.
    message_id: String,
    /// `text`, `image`, …, `reaction`, `edit`, `revoke`, `unsupported`.
    content: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_alt: Option<&'a Jid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted: Option<&'a Quoted>,
    /// The message a reaction, edit or revocation is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a WhatsAppId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsupported: Option<&'a str>,
}

fn message_body(message: &Message) -> MessageBody<'_> {
    let (target, emoji, unsupported) = match &message.content {
        Content::Reaction { target, emoji, .. } => (Some(target), Some(emoji.as_str()), None),
        Content::Edit { target, .. } | Content::Revoke { target } => (Some(target), None, None),
        Content::Unsupported { what } => (None, None, Some(what.as_str())),
        Content::Text { .. } | Content::Media(_) => (None, None, None),
    };
    MessageBody {
        r#type: "message",
        message_id: message.id.to_string(),
        content: message.content.word(),
        status: message.status.as_str(),
        sender_alt: message.sender_alt.as_ref(),
        quoted: message.quoted.as_ref(),
        target,
        emoji,
        unsupported,
    }
}
