//! What goes out, in the engine's words.
//!
//! Pure composition: who wrote a message that another refers to, in which of their addresses, has
//! been found out by the link, and a medium has been uploaded.

use wacore::download::MediaType;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;
use warbler_domain::media::{Media, MediaKind};
use warbler_domain::message::Quoted;
use warbler_domain::{Timestamp, WhatsAppId};
use whatsapp_rust::media::{
    AudioOptions, DocumentOptions, ImageOptions, VideoOptions, audio_message, document_message,
    image_message, video_message,
};
use whatsapp_rust::upload::UploadResponse;

/// A message that another refers to, as the network names it.
pub(crate) struct Reference {
    /// The chat, in the address it is sent to.
    pub(crate) chat: String,
    /// Whether this account wrote it.
    pub(crate) own: bool,
    /// Its author, in groups; in the addresses the group uses.
    pub(crate) participant: Option<String>,
}

impl Reference {
    fn key(self, id: &WhatsAppId) -> MessageField<wa::MessageKey> {
        MessageField::some(wa::MessageKey {
            remote_jid: Some(self.chat),
            from_me: Some(self.own),
            id: Some(id.as_str().to_owned()),
            participant: self.participant,
        })
    }
}

/// A text, in the form that carries a quote when there is one.
pub(crate) fn text(text: &str, quote: Option<wa::ContextInfo>) -> wa::Message {
    let Some(context) = quote else {
        return wa::Message {
            conversation: Some(text.to_owned()),
            ..Default::default()
        };
    };
    wa::Message {
        extended_text_message: MessageField::some(wa::message::ExtendedTextMessage {
            text: Some(text.to_owned()),
            context_info: MessageField::some(context),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// The quote of a message whose author the network knows as `participant`.
pub(crate) fn quote(quoted: &Quoted, participant: Option<String>) -> wa::ContextInfo {
    wa::ContextInfo {
        stanza_id: Some(quoted.whatsapp_id.as_str().to_owned()),
        participant,
        quoted_message: MessageField::some(text(quoted.text.as_deref().unwrap_or_default(), None)),
        ..Default::default()
    }
}

/// A reaction; an empty emoji takes it back.
pub(crate) fn reaction(
    to: Reference,
    target: &WhatsAppId,
    emoji: &str,
    now: Timestamp,
) -> wa::Message {
    wa::Message {
        reaction_message: MessageField::some(wa::message::ReactionMessage {
            key: to.key(target),
            text: Some(emoji.to_owned()),
            sender_timestamp_ms: Some(now.as_millis()),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// A new text for an earlier message of this account.
pub(crate) fn edit(
    of: Reference,
    target: &WhatsAppId,
    new_text: &str,
    now: Timestamp,
) -> wa::Message {
    protocol(wa::message::ProtocolMessage {
        key: of.key(target),
        r#type: Some(ProtocolType::MESSAGE_EDIT),
        edited_message: MessageField::some(text(new_text, None)),
        timestamp_ms: Some(now.as_millis()),
        ..Default::default()
    })
}

/// An earlier message of this account, taken back.
pub(crate) fn revoke(of: Reference, target: &WhatsAppId) -> wa::Message {
    // Its author is the sender of this message; the network wants no other word about it.
    let of = Reference {
        participant: None,
        ..of
    };
    protocol(wa::message::ProtocolMessage {
        key: of.key(target),
        r#type: Some(ProtocolType::REVOKE),
        ..Default::default()
    })
}

fn protocol(message: wa::message::ProtocolMessage) -> wa::Message {
    wa::Message {
        protocol_message: MessageField::some(message),
        ..Default::default()
    }
}

/// The kind of medium, as the engine encrypts it.
pub(crate) fn media_type(kind: MediaKind) -> MediaType {
    match kind {
        MediaKind::Image => MediaType::Image,
        MediaKind::Video => MediaType::Video,
        MediaKind::Audio => MediaType::Audio,
        MediaKind::Document => MediaType::Document,
        MediaKind::Sticker => MediaType::Sticker,
    }
}

/// A medium that has been uploaded.
pub(crate) fn media(
    media: &Media,
    upload: UploadResponse,
    quote: Option<wa::ContextInfo>,
) -> wa::Message {
    let (mimetype, caption) = (Some(media.mime.clone()), media.caption.clone());
    let context_info = quote.map(Box::new);
    match media.kind {
        MediaKind::Image => image_message(
            upload,
            ImageOptions {
                caption,
                mimetype,
                context_info,
                ..Default::default()
            },
        ),
        MediaKind::Video => video_message(
            upload,
            VideoOptions {
                caption,
                mimetype,
                context_info,
                ..Default::default()
            },
        ),
        MediaKind::Audio => audio_message(
            upload,
            AudioOptions {
                mimetype,
                context_info,
                ..Default::default()
            },
        ),
        MediaKind::Document => document_message(
            upload,
            DocumentOptions {
                caption,
                mimetype,
                context_info,
                ..Default::default()
            },
        ),
        MediaKind::Sticker => sticker(media, upload, context_info),
    }
}

fn sticker(
    media: &Media,
    upload: UploadResponse,
    context: Option<Box<wa::ContextInfo>>,
) -> wa::Message {
    wa::Message {
        sticker_message: MessageField::some(wa::message::StickerMessage {
            url: Some(upload.url),
            direct_path: Some(upload.direct_path),
            media_key: Some(upload.media_key.to_vec()),
            file_sha256: Some(upload.file_sha256.to_vec()),
            file_enc_sha256: Some(upload.file_enc_sha256.to_vec()),
            file_length: Some(upload.file_length),
            media_key_timestamp: Some(upload.media_key_timestamp),
            mimetype: Some(media.mime.clone()),
            context_info: context
                .map(|context| MessageField::some(*context))
                .unwrap_or_default(),
            ..Default::default()
        }),
        ..Default::default()
    }
}
