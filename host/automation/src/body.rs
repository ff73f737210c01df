//! An event in the form extensions see it: hot fields, and the rest as one JSON object.
//!
//! The JSON object is part of the contract with authors (see `host/docs/plugins.md`): keys are
//! added, never renamed. It holds no media key and nothing else that is secret.

use serde::Serialize;
use warbler_domain::content::Mentions;
use warbler_domain::event::EventBody;
use warbler_domain::media::Media;
use warbler_domain::message::{Direction, Quoted};
use warbler_domain::place::Location;
use warbler_domain::poll::Poll;
use warbler_domain::vcard::ContactCard;
use warbler_domain::{Content, Event, ExtensionName, Jid, Message, WhatsAppId};

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
            EventBody::Receipt { by, .. }
            | EventBody::ChatState { by, .. }
            | EventBody::Presence { by, .. }
            | EventBody::Call { by, .. } => Some(by),
            EventBody::ContactUpdated { contact, .. } => Some(contact),
            EventBody::GroupUpdated { by, .. } => by.as_ref(),
            EventBody::ChatUpdated { .. }
            | EventBody::SessionStatus { .. }
            | EventBody::SessionQr { .. }
            | EventBody::WebhookDisabled { .. }
            | EventBody::CampaignStatus { .. }
            | EventBody::Custom { .. }
            | EventBody::Timer { .. } => None,
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
    media.source.digest().map(|digest| digest.to_string())
}

/// What is not a hot field, as one JSON object.
pub(crate) fn json(event: &Event) -> String {
    let body = match &event.body {
        EventBody::Message { message } => Body::Message(message_body(message)),
        EventBody::Custom { by, data, .. } => Body::Made(MadeBody {
            r#type: "custom",
            by: Some(by),
            name: None,
            data: object(data),
        }),
        EventBody::Timer { name, data, .. } => Body::Made(MadeBody {
            r#type: "timer",
            by: None,
            name: Some(name),
            data: object(data),
        }),
        // These hold nothing but what their author may see.
        other => Body::Other(other),
    };
    // Strings, numbers and string-keyed maps always serialise.
    serde_json::to_string(&body).unwrap_or_else(|_| "{}".to_owned())
}

/// What is not a hot field of a message, as one JSON object.
pub(crate) fn of_message(message: &Message) -> String {
    serde_json::to_string(&message_body(message)).unwrap_or_else(|_| "{}".to_owned())
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Message(MessageBody<'a>),
    Made(MadeBody<'a>),
    Other(&'a EventBody),
}

/// What an extension made, or set for later.
#[derive(Serialize)]
struct MadeBody<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a ExtensionName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    data: serde_json::Value,
}

/// What was checked to be a JSON object when it was asked for.
fn object(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageBody<'a> {
    r#type: &'static str,
    /// Our id of the message.
    message_id: String,
    /// [`Content::word`].
    content: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_alt: Option<&'a Jid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_alt: Option<&'a Jid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted: Option<&'a Quoted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarded: Option<u32>,
    #[serde(flatten)]
    part: Part<'a>,
}

/// What a message says beside its text and medium, which are hot fields.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    /// The message a reaction, vote, edit or revocation is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a WhatsAppId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mentions: Option<&'a Mentions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a Location>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contacts: Option<&'a [ContactCard]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    poll: Option<&'a Poll>,
    /// The options chosen in a poll.
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsupported: Option<&'a str>,
}

fn message_body(message: &Message) -> MessageBody<'_> {
    MessageBody {
        r#type: "message",
        message_id: message.id.to_string(),
        content: message.content.word(),
        status: message.status.as_str(),
        chat_alt: message.chat_alt.as_ref(),
        sender_alt: message.sender_alt.as_ref(),
        quoted: message.quoted.as_ref(),
        forwarded: Some(message.forwarded).filter(|count| *count > 0),
        part: part(&message.content),
    }
}

fn part(content: &Content) -> Part<'_> {
    let mut part = Part::default();
    match content {
        Content::Text(text) => part.mentions = mentions(&text.mentions),
        Content::Media(media) => part.mentions = mentions(&media.mentions),
        Content::Location(location) => part.location = Some(location),
        Content::Contacts { cards } => part.contacts = Some(cards),
        Content::Poll(poll) => part.poll = Some(poll),
        Content::PollVote {
            target, options, ..
        } => {
            part.target = Some(target);
            part.options = Some(options);
        }
        Content::Reaction { target, emoji, .. } => {
            part.target = Some(target);
            part.emoji = Some(emoji);
        }
        Content::Edit { target, .. } | Content::Revoke { target, .. } => part.target = Some(target),
        Content::Unsupported { what } => part.unsupported = Some(what),
    }
    part
}

fn mentions(mentions: &Mentions) -> Option<&Mentions> {
    Some(mentions).filter(|mentions| !mentions.is_nobody())
}
