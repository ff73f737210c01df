//! A message as it is shown.
//!
//! Invariant: where a medium is on the network, and the key to it, never leave; only the URL of
//! this host does.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_domain::message::Quoted;
use warbler_domain::{Jid, Message, MessageId, SessionId, Timestamp, WhatsAppId};

use super::content::ContentView;
use crate::native::words;

/// One message of one session, inbound or outbound. `type` says which of the contents is there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Message, example = json!({
    "id": "0192f0c1-9a11-7b02-8c4d-5e6f708192a3",
    "session": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "whatsappId": "3EB0A1B2C3D4E5F60718",
    "chat": "15550123@s.whatsapp.net",
    "sender": "15550123@s.whatsapp.net",
    "senderName": "Ada",
    "direction": "inbound",
    "timestamp": "2026-05-04T09:31:00.000Z",
    "status": "received",
    "type": "text",
    "text": "What is the price?",
}))]
pub(in crate::native) struct MessageView {
    /// Our id.
    #[schema(value_type = String, format = "uuid")]
    id: MessageId,
    /// The session that received or sends it.
    #[schema(value_type = String, format = "uuid")]
    session: SessionId,
    /// The network's id: unique per chat and sender only.
    #[schema(value_type = String)]
    whatsapp_id: WhatsAppId,
    /// The JID of the person or group it was written to or came from.
    #[schema(value_type = String)]
    chat: Jid,
    /// The chat's other address, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    chat_alt: Option<Jid>,
    /// Who wrote it.
    #[schema(value_type = String)]
    sender: Jid,
    /// The sender's other address, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    sender_alt: Option<Jid>,
    /// What to call the sender: the name that was saved for them here, else the one they show.
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_name: Option<String>,
    /// Which way it goes.
    direction: words::Direction,
    /// When it was written; when it was accepted, for those sent here.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// When it is to go out, if that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    scheduled_for: Option<Timestamp>,
    /// How far it has come.
    status: words::MessageStatus,
    /// Why it failed, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The same as one stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<words::FailureCode>,
    /// What it is.
    r#type: words::MessageType,
    // A doc line here would nest the fields one level deeper in the document.
    #[serde(flatten)]
    #[schema(inline)]
    content: ContentView,
    /// The message it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted: Option<QuotedView>,
    /// How often it has been forwarded; left out when it is original.
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarded: Option<u32>,
}

/// The message that another one answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Quoted)]
pub(in crate::native) struct QuotedView {
    /// Its `whatsappId`.
    #[schema(value_type = String)]
    message: WhatsAppId,
    /// Who wrote it, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    sender: Option<Jid>,
    /// Its text, as far as known.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl MessageView {
    /// Tells media by whole URLs of a host that is called `base` from outside.
    pub(in crate::native) fn told_by(&mut self, base: &str) {
        self.content.told_by(base);
    }
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            session: message.session,
            whatsapp_id: message.whatsapp_id,
            chat: message.chat,
            chat_alt: message.chat_alt,
            sender: message.sender,
            sender_alt: message.sender_alt,
            sender_name: message.sender_saved_name.or(message.sender_name),
            direction: message.direction.into(),
            timestamp: message.timestamp,
            scheduled_for: message.scheduled_for,
            status: message.status.into(),
            error: message.error,
            error_code: message.error_code.map(Into::into),
            r#type: (&message.content).into(),
            content: ContentView::of(message.id, message.content),
            quoted: message.quoted.map(QuotedView::from),
            forwarded: Some(message.forwarded).filter(|count| *count > 0),
        }
    }
}

impl From<Quoted> for QuotedView {
    fn from(quoted: Quoted) -> Self {
        Self {
            message: quoted.whatsapp_id,
            sender: quoted.sender,
            text: quoted.text,
        }
    }
}
