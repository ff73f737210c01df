//! The forms current clients send.

use wacore::poll::compute_option_hash;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;

use super::parts::{ContactCard, LinkPreview, Place, Poll};
use super::wrapped;

/// A message somebody points at: to react, edit, revoke or vote.
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

/// The message an answer repeats.
#[derive(Debug, Clone)]
pub(crate) struct Quoting {
    pub id: String,
    pub author: String,
    pub message: wa::Message,
    /// The chat it was in, if another than the answer's.
    pub chat: Option<String>,
}

/// What is put around the content of a message.
#[derive(Debug, Clone, Default)]
pub(crate) struct Around {
    pub quoting: Option<Quoting>,
    /// As JIDs.
    pub mentions: Vec<String>,
    pub mentions_all: bool,
    pub forwarding_score: u32,
    pub view_once: bool,
}

impl Around {
    fn is_plain(&self) -> bool {
        self.quoting.is_none()
            && self.mentions.is_empty()
            && !self.mentions_all
            && self.forwarding_score == 0
    }

    fn info(self) -> MessageField<wa::ContextInfo> {
        let forwarded = self.forwarding_score > 0;
        let mut info = wa::ContextInfo {
            mentioned_jid: self.mentions,
            non_jid_mentions: self.mentions_all.then_some(1),
            is_forwarded: forwarded.then_some(true),
            forwarding_score: forwarded.then_some(self.forwarding_score),
            ..Default::default()
        };
        if let Some(quoting) = self.quoting {
            info.stanza_id = Some(quoting.id);
            info.participant = Some(quoting.author);
            info.quoted_message = MessageField::some(quoting.message);
            info.remote_jid = quoting.chat;
        }
        MessageField::some(info)
    }
}

/// Puts marks around a message; what its kind cannot carry is left out.
pub(crate) fn around(mut message: wa::Message, marks: Around) -> wa::Message {
    let view_once = marks.view_once;
    if !marks.is_plain() {
        set_info(&mut message, marks.info());
    }
    if view_once { once(message) } else { message }
}

fn set_info(message: &mut wa::Message, info: MessageField<wa::ContextInfo>) {
    if let Some(body) = message.conversation.take() {
        message.extended_text_message = MessageField::some(wa::message::ExtendedTextMessage {
            text: Some(body),
            ..Default::default()
        });
    }
    if let Some(wrapper) = message.document_with_caption_message.as_option_mut()
        && let Some(inner) = wrapper.message.as_option_mut()
    {
        return set_info(inner, info);
    }
    let context = if let Some(one) = message.extended_text_message.as_option_mut() {
        &mut one.context_info
    } else if let Some(one) = message.image_message.as_option_mut() {
        &mut one.context_info
    } else if let Some(one) = message.video_message.as_option_mut() {
        &mut one.context_info
    } else if let Some(one) = message.audio_message.as_option_mut() {
        &mut one.context_info
    } else if let Some(one) = message.document_message.as_option_mut() {
        &mut one.context_info
    } else if let Some(one) = message.sticker_message.as_option_mut() {
        &mut one.context_info
    } else if let Some(one) = message.location_message.as_option_mut() {
        &mut one.context_info
    } else if let Some(one) = message.contact_message.as_option_mut() {
        &mut one.context_info
    } else if let Some(one) = message.contacts_array_message.as_option_mut() {
        &mut one.context_info
    } else if let Some(one) = message.poll_creation_message.as_option_mut() {
        &mut one.context_info
    } else if let Some(one) = message.poll_creation_message_v3.as_option_mut() {
        &mut one.context_info
    } else {
        return;
    };
    *context = info;
}

fn once(mut message: wa::Message) -> wa::Message {
    if let Some(image) = message.image_message.as_option_mut() {
        image.view_once = Some(true);
    } else if let Some(video) = message.video_message.as_option_mut() {
        video.view_once = Some(true);
    } else if let Some(audio) = message.audio_message.as_option_mut() {
        audio.view_once = Some(true);
    } else {
        return message;
    }
    wa::Message {
        view_once_message_v2: wrapped(message),
        ..Default::default()
    }
}

/// A text without anything attached.
pub(crate) fn text(body: &str) -> wa::Message {
    wa::Message {
        conversation: Some(body.to_owned()),
        ..Default::default()
    }
}

/// A text with a link that shows what is behind it, or on a coloured ground (0xAARRGGBB).
pub(crate) fn rich_text(
    body: &str,
    preview: Option<&LinkPreview>,
    color: Option<u32>,
) -> wa::Message {
    let mut extended = wa::message::ExtendedTextMessage {
        text: Some(body.to_owned()),
        background_argb: color,
        ..Default::default()
    };
    if let Some(preview) = preview {
        extended.matched_text = Some(preview.url.clone());
        extended.title.clone_from(&preview.title);
        extended.description.clone_from(&preview.description);
    }
    wa::Message {
        extended_text_message: MessageField::some(extended),
        ..Default::default()
    }
}

/// A place on the map.
pub(crate) fn location(place: &Place) -> wa::Message {
    wa::Message {
        location_message: MessageField::some(wa::message::LocationMessage {
            degrees_latitude: Some(place.latitude),
            degrees_longitude: Some(place.longitude),
            name: place.name.clone(),
            address: place.address.clone(),
            is_live: place.live.then_some(true),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// One card, or several together.
pub(crate) fn contacts(cards: &[ContactCard]) -> wa::Message {
    let one = |card: &ContactCard| wa::message::ContactMessage {
        display_name: Some(card.name.clone()),
        vcard: Some(card.vcard.clone()),
        ..Default::default()
    };
    let mut message = wa::Message::default();
    match cards {
        [card] => message.contact_message = MessageField::some(one(card)),
        cards => {
            message.contacts_array_message =
                MessageField::some(wa::message::ContactsArrayMessage {
                    display_name: Some(format!("{} contacts", cards.len())),
                    contacts: cards.iter().map(one).collect(),
                    ..Default::default()
                });
        }
    }
    message
}

/// A question; whoever has its secret can vote and read votes.
pub(crate) fn poll(poll: &Poll, secret: [u8; 32]) -> wa::Message {
    let option = |name: &String| wa::message::poll_creation_message::Option {
        option_name: Some(name.clone()),
        option_hash: Some(data_encoding::HEXLOWER.encode(&compute_option_hash(name))),
    };
    let created = MessageField::some(wa::message::PollCreationMessage {
        name: Some(poll.name.clone()),
        options: poll.options.iter().map(option).collect(),
        selectable_options_count: Some(poll.selectable),
        ..Default::default()
    });
    let mut message = wa::Message {
        message_context_info: MessageField::some(wa::MessageContextInfo {
            message_secret: Some(secret.to_vec()),
            ..Default::default()
        }),
        ..Default::default()
    };
    // Clients use one field for a single choice and another for several.
    if poll.selectable == 1 {
        message.poll_creation_message_v3 = created;
    } else {
        message.poll_creation_message = created;
    }
    message
}

/// A vote, sealed with the secret of its poll.
pub(crate) fn vote(target: &Target<'_>, payload: Vec<u8>, iv: [u8; 12], at_ms: i64) -> wa::Message {
    wa::Message {
        poll_update_message: MessageField::some(wa::message::PollUpdateMessage {
            poll_creation_message_key: target.key(),
            vote: MessageField::some(wa::message::PollEncValue {
                enc_payload: Some(payload),
                enc_iv: Some(iv.to_vec()),
            }),
            sender_timestamp_ms: Some(at_ms),
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
