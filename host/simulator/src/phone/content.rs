//! Plaintexts: what a person wants to say, as the message phones exchange, and back.
//!
//! The builders make the forms current clients send. [`read`] accepts what clients have been
//! seen to send, looks through the wrappers (copies of own messages, disappearing, view-once,
//! edited) and never fails: what it does not know becomes [`Content::Other`].

use wacore::download::Downloadable;
use waproto::buffa::{Enumeration, MessageField};
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;

use super::media::{MediaKind, Sealed};

/// A message somebody points at: to react, edit or revoke.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The chat it is in, as a JID.
    pub chat: &'a str,
    pub id: &'a str,
    /// Whether the one who points also wrote it.
    pub from_me: bool,
    /// In a group: who wrote it, as a JID.
    pub participant: Option<&'a str>,
}

impl Target<'_> {
    fn key(&self) -> MessageField<wa::MessageKey> {
        MessageField::some(wa::MessageKey {
            remote_jid: Some(self.chat.to_owned()),
            from_me: Some(self.from_me),
            id: Some(self.id.to_owned()),
            participant: self.participant.map(str::to_owned),
        })
    }
}

/// A sealed body that was uploaded, and what to show of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attachment<'a> {
    pub kind: MediaKind,
    pub sealed: &'a Sealed,
    pub direct_path: &'a str,
    pub url: &'a str,
    pub mime: &'a str,
    /// Ignored by audio and stickers, which have none.
    pub caption: Option<&'a str>,
}

/// Where a received body is, and how to open and check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Locator {
    pub direct_path: String,
    pub key: [u8; 32],
    /// Digest of the plain bytes, if told.
    pub sha256: Option<[u8; 32]>,
    pub length: Option<u64>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Text {
        body: String,
        /// The id of the message it replies to.
        quoted: Option<String>,
    },
    Media {
        kind: MediaKind,
        locator: Locator,
        mime: String,
        caption: Option<String>,
    },
    /// An empty emoji takes an earlier reaction back.
    Reaction {
        target: String,
        emoji: String,
    },
    Edit {
        target: String,
        body: String,
    },
    Revoke {
        target: String,
    },
    /// A group's sender key and nothing to show.
    SenderKeyOnly,
    /// Between devices, by its name in the protocol.
    Protocol(&'static str),
    /// Not for a simulated phone, by a short name.
    Other(&'static str),
}

/// A text without anything attached.
pub(crate) fn text(body: &str) -> wa::Message {
    wa::Message {
        conversation: Some(body.to_owned()),
        ..Default::default()
    }
}

/// A text that quotes a message of `participant`.
pub(crate) fn reply(body: &str, quoted_id: &str, participant: &str) -> wa::Message {
    wa::Message {
        extended_text_message: MessageField::some(wa::message::ExtendedTextMessage {
            text: Some(body.to_owned()),
            context_info: MessageField::some(wa::ContextInfo {
                stanza_id: Some(quoted_id.to_owned()),
                participant: Some(participant.to_owned()),
                quoted_message: MessageField::some(wa::Message::default()),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// An emoji at a message; an empty one takes it back.
pub(crate) fn reaction(target: &Target<'_>, emoji: &str, at_ms: i64) -> wa::Message {
    wa::Message {
        reaction_message: MessageField::some(wa::message::ReactionMessage {
            key: target.key(),
            text: Some(emoji.to_owned()),
            sender_timestamp_ms: Some(at_ms),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Another text for an own message.
pub(crate) fn edit(target: &Target<'_>, body: &str, at_ms: i64) -> wa::Message {
    protocol(wa::message::ProtocolMessage {
        key: target.key(),
        r#type: Some(ProtocolType::MESSAGE_EDIT),
        edited_message: MessageField::some(text(body)),
        timestamp_ms: Some(at_ms),
        ..Default::default()
    })
}

/// Takes a message back for everybody.
pub(crate) fn revoke(target: &Target<'_>) -> wa::Message {
    protocol(wa::message::ProtocolMessage {
        key: target.key(),
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

/// A message with an uploaded body.
pub(crate) fn media(attachment: &Attachment<'_>) -> wa::Message {
    let sealed = attachment.sealed;
    let url = Some(attachment.url.to_owned());
    let direct_path = Some(attachment.direct_path.to_owned());
    let mimetype = Some(attachment.mime.to_owned());
    let caption = attachment.caption.map(str::to_owned);
    let media_key = Some(sealed.key.to_vec());
    let file_sha256 = Some(sealed.sha256.to_vec());
    let file_enc_sha256 = Some(sealed.enc_sha256.to_vec());
    let file_length = Some(sealed.length);
    let mut message = wa::Message::default();
    match attachment.kind {
        MediaKind::Image => {
            message.image_message = MessageField::some(wa::message::ImageMessage {
                url,
                direct_path,
                mimetype,
                caption,
                media_key,
                file_sha256,
                file_enc_sha256,
                file_length,
                ..Default::default()
            });
        }
        MediaKind::Video => {
            message.video_message = MessageField::some(wa::message::VideoMessage {
                url,
                direct_path,
                mimetype,
                caption,
                media_key,
                file_sha256,
                file_enc_sha256,
                file_length,
                ..Default::default()
            });
        }
        MediaKind::Audio => {
            message.audio_message = MessageField::some(wa::message::AudioMessage {
                url,
                direct_path,
                mimetype,
                media_key,
                file_sha256,
                file_enc_sha256,
                file_length,
                ..Default::default()
            });
        }
        MediaKind::Document => {
            message.document_message = MessageField::some(wa::message::DocumentMessage {
                url,
                direct_path,
                mimetype,
                caption,
                media_key,
                file_sha256,
                file_enc_sha256,
                file_length,
                ..Default::default()
            });
        }
        MediaKind::Sticker => {
            message.sticker_message = MessageField::some(wa::message::StickerMessage {
                url,
                direct_path,
                mimetype,
                media_key,
                file_sha256,
                file_enc_sha256,
                file_length,
                ..Default::default()
            });
        }
    }
    message
}

/// For a copy of an own message (`deviceSentMessage`): the chat it was sent to.
pub(crate) fn destination(message: &wa::Message) -> Option<&str> {
    let sent = message.device_sent_message.as_option()?;
    sent.destination_jid.as_deref()
}

/// What the message says, whatever it is wrapped in.
pub(crate) fn read(message: &wa::Message) -> Content {
    let message = unwrap(message);
    if let Some(protocol) = message.protocol_message.as_option() {
        return read_protocol(protocol);
    }
    if let Some(reaction) = message.reaction_message.as_option() {
        return match reaction.key.as_option().and_then(|key| key.id.clone()) {
            Some(target) => Content::Reaction {
                target,
                emoji: reaction.text.clone().unwrap_or_default(),
            },
            None => Content::Other("reaction to nothing"),
        };
    }
    if let Some(body) = &message.conversation {
        return Content::Text {
            body: body.clone(),
            quoted: None,
        };
    }
    if let Some(extended) = message.extended_text_message.as_option() {
        let context = extended.context_info.as_option();
        return Content::Text {
            body: extended.text.clone().unwrap_or_default(),
            quoted: context.and_then(|context| context.stanza_id.clone()),
        };
    }
    if let Some(media) = read_media(message) {
        return media;
    }
    if message.sender_key_distribution_message.is_set() {
        return Content::SenderKeyOnly;
    }
    Content::Other(name(message))
}

/// Takes every wrapper off; decoding has bounded how deep they can be.
fn unwrap(mut message: &wa::Message) -> &wa::Message {
    while let Some(inner) = inner(message) {
        message = inner;
    }
    message
}

fn inner(message: &wa::Message) -> Option<&wa::Message> {
    if let Some(sent) = message.device_sent_message.as_option() {
        return sent.message.as_option();
    }
    let wrappers = [
        &message.ephemeral_message,
        &message.view_once_message,
        &message.view_once_message_v2,
        &message.view_once_message_v2_extension,
        &message.document_with_caption_message,
        &message.edited_message,
    ];
    let wrapper = wrappers.iter().find_map(|wrapper| wrapper.as_option())?;
    wrapper.message.as_option()
}

fn read_protocol(protocol: &wa::message::ProtocolMessage) -> Content {
    // The first value of the type is REVOKE, so a message without type is one.
    let kind = protocol.r#type.unwrap_or(ProtocolType::REVOKE);
    let target = protocol.key.as_option().and_then(|key| key.id.clone());
    match (kind, target) {
        (ProtocolType::REVOKE, Some(target)) => Content::Revoke { target },
        (ProtocolType::MESSAGE_EDIT, Some(target)) => Content::Edit {
            target,
            body: match protocol.edited_message.as_option().map(read) {
                Some(Content::Text { body, .. }) => body,
                Some(Content::Media { caption, .. }) => caption.unwrap_or_default(),
                _ => String::new(),
            },
        },
        (kind, _) => Content::Protocol(kind.proto_name()),
    }
}

fn read_media(message: &wa::Message) -> Option<Content> {
    let content = if let Some(image) = message.image_message.as_option() {
        received(MediaKind::Image, image, &image.mimetype, &image.caption)
    } else if let Some(video) = message.video_message.as_option() {
        received(MediaKind::Video, video, &video.mimetype, &video.caption)
    } else if let Some(audio) = message.audio_message.as_option() {
        received(MediaKind::Audio, audio, &audio.mimetype, &None)
    } else if let Some(document) = message.document_message.as_option() {
        let (mime, caption) = (&document.mimetype, &document.caption);
        received(MediaKind::Document, document, mime, caption)
    } else if let Some(sticker) = message.sticker_message.as_option() {
        received(MediaKind::Sticker, sticker, &sticker.mimetype, &None)
    } else {
        return None;
    };
    Some(content)
}

fn received(
    kind: MediaKind,
    media: &impl Downloadable,
    mime: &Option<String>,
    caption: &Option<String>,
) -> Content {
    match locate(media) {
        Some(locator) => Content::Media {
            kind,
            locator,
            mime: mime.clone().unwrap_or_default(),
            caption: caption.clone(),
        },
        None => Content::Other("media without path or key"),
    }
}

fn locate(media: &impl Downloadable) -> Option<Locator> {
    let direct_path = media.direct_path().filter(|path| !path.is_empty())?;
    let key = <[u8; 32]>::try_from(media.media_key()?);
    Some(Locator {
        direct_path: direct_path.to_owned(),
        key: key.ok()?,
        sha256: media
            .file_sha256()
            .and_then(|digest| digest.try_into().ok()),
        length: media.file_length(),
    })
}

/// A name for what is not read, so that a log or a test can say what came.
fn name(message: &wa::Message) -> &'static str {
    let kinds = [
        (message.contact_message.is_set(), "contact"),
        (message.contacts_array_message.is_set(), "contacts"),
        (message.location_message.is_set(), "location"),
        (message.live_location_message.is_set(), "live location"),
        (message.poll_creation_message.is_set(), "poll"),
        (message.poll_creation_message_v2.is_set(), "poll"),
        (message.poll_creation_message_v3.is_set(), "poll"),
        (message.poll_update_message.is_set(), "poll vote"),
        (message.event_message.is_set(), "event"),
        (message.list_message.is_set(), "list"),
        (message.buttons_message.is_set(), "buttons"),
        (message.template_message.is_set(), "template"),
        (message.interactive_message.is_set(), "interactive"),
        (message.group_invite_message.is_set(), "group invite"),
        (message.pin_in_chat_message.is_set(), "pin"),
        (message.keep_in_chat_message.is_set(), "keep"),
        (message.album_message.is_set(), "album"),
        (message.enc_reaction_message.is_set(), "encrypted reaction"),
        (message.secret_encrypted_message.is_set(), "encrypted edit"),
    ];
    let known = kinds.iter().find(|(is_set, _)| *is_set);
    known.map_or("unknown", |(_, name)| name)
}
