//! A message as it is shown.
//!
//! Invariant: where a medium is on the network, and the key to it, never leave; only the URL of
//! this host does.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_domain::media::Media;
use warbler_domain::message::Quoted;
use warbler_domain::{Content, Jid, Message, MessageId, SessionId, Timestamp, WhatsAppId};

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
    /// Who wrote it.
    #[schema(value_type = String)]
    sender: Jid,
    /// The sender's other address, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    sender_alt: Option<Jid>,
    /// The name the sender shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_name: Option<String>,
    /// Which way it goes.
    direction: words::Direction,
    /// When it was written; when it was accepted, for those sent here.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// How far it has come.
    status: words::MessageStatus,
    /// Why it failed, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What it is.
    r#type: words::MessageType,
    // A doc line here would nest the fields one level deeper in the document.
    #[serde(flatten)]
    #[schema(inline)]
    content: ContentView,
    /// The message it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted: Option<QuotedView>,
}

/// What a message says: at most one of these.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageContent)]
pub(in crate::native) struct ContentView {
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The picture, film, sound, document or sticker.
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<MediaView>,
    /// The reaction to another message.
    #[serde(skip_serializing_if = "Option::is_none")]
    reaction: Option<ReactionView>,
    /// The new text of an earlier message.
    #[serde(skip_serializing_if = "Option::is_none")]
    edit: Option<EditView>,
    /// The earlier message that was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoke: Option<RevokeView>,
    /// The network's word for something this version does not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    unsupported: Option<String>,
}

/// One medium of a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Media)]
pub(in crate::native) struct MediaView {
    /// What it is.
    kind: words::MediaKind,
    /// The content type its sender named.
    #[schema(example = "image/png")]
    mime: String,
    /// Its size in bytes, as far as known.
    size: u64,
    /// The text below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    caption: Option<String>,
    /// Where its bytes are, on this host.
    #[schema(example = "/v1/messages/0192f0c1-9a11-7b02-8c4d-5e6f708192a3/media")]
    url: String,
}

/// A reaction to another message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reaction)]
pub(in crate::native) struct ReactionView {
    /// The `whatsappId` of that message.
    #[schema(value_type = String)]
    message: WhatsAppId,
    /// Who wrote that message.
    #[schema(value_type = String)]
    sender: Jid,
    /// The emoji; empty when the reaction is taken back.
    #[schema(example = "👍")]
    emoji: String,
}

/// A new text for an earlier message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Edit)]
pub(in crate::native) struct EditView {
    /// The `whatsappId` of that message.
    #[schema(value_type = String)]
    message: WhatsAppId,
    /// Its new text.
    text: String,
}

/// An earlier message that was taken back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Revoke)]
pub(in crate::native) struct RevokeView {
    /// The `whatsappId` of that message.
    #[schema(value_type = String)]
    message: WhatsAppId,
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

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            session: message.session,
            whatsapp_id: message.whatsapp_id,
            chat: message.chat,
            sender: message.sender,
            sender_alt: message.sender_alt,
            sender_name: message.sender_name,
            direction: message.direction.into(),
            timestamp: message.timestamp,
            status: message.status.into(),
            error: message.error,
            r#type: (&message.content).into(),
            content: ContentView::of(message.id, message.content),
            quoted: message.quoted.map(QuotedView::from),
        }
    }
}

impl ContentView {
    fn of(id: MessageId, content: Content) -> Self {
        let mut view = Self::default();
        match content {
            Content::Text { text } => view.text = Some(text),
            Content::Media(media) => view.media = Some(MediaView::of(id, media)),
            Content::Reaction {
                target,
                target_sender,
                emoji,
            } => {
                view.reaction = Some(ReactionView {
                    message: target,
                    sender: target_sender,
                    emoji,
                });
            }
            Content::Edit { target, text } => {
                view.edit = Some(EditView {
                    message: target,
                    text,
                })
            }
            Content::Revoke { target } => view.revoke = Some(RevokeView { message: target }),
            Content::Unsupported { what } => view.unsupported = Some(what),
        }
        view
    }
}

impl MediaView {
    fn of(id: MessageId, media: Media) -> Self {
        // `source` stays behind: it may hold the key to the medium.
        let Media {
            kind,
            mime,
            size,
            caption,
            source: _,
        } = media;
        Self {
            kind: kind.into(),
            mime,
            size,
            caption,
            url: format!("/v1/messages/{id}/media"),
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
