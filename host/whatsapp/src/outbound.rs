//! What goes out, in the engine's words.
//!
//! Pure composition: who wrote a message that another refers to, in which of their addresses, has
//! been found out by the link, and a medium has been uploaded.

mod media;

use wacore::poll::compute_option_hash;
use wacore::proto_helpers::MessageExt;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::extended_text_message::FontType;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;
use warbler_domain::content::LinkPreview;
use warbler_domain::message::Quoted;
use warbler_domain::place::Location;
use warbler_domain::poll::Poll;
use warbler_domain::vcard::ContactCard;
use warbler_domain::{Timestamp, WhatsAppId};

pub(crate) use media::{Uploaded, media, media_type};

/// The ground a text status is shown on: a dark green.
const STATUS_GROUND: u32 = 0xFF1E_6E4F;
/// What a forwarding count becomes once a message counts as forwarded many times.
const MANY_TIMES: u32 = 127;
/// From how often on that is.
const MANY: u32 = 5;

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

/// What stands around a message: what it answers, whom it mentions, where it comes from.
#[derive(Default)]
pub(crate) struct Around {
    /// What it answers, and the author of that.
    pub(crate) quoted: Option<(Quoted, Option<String>)>,
    /// Who is mentioned, in the addresses of the chat.
    pub(crate) mentions: Vec<String>,
    /// Whether that is everybody.
    pub(crate) everybody: bool,
    /// How often it has been forwarded.
    pub(crate) forwarded: u32,
}

impl Around {
    fn is_nothing(&self) -> bool {
        let Self {
            quoted,
            mentions,
            everybody,
            forwarded,
        } = self;
        quoted.is_none() && mentions.is_empty() && !everybody && *forwarded == 0
    }

    /// Puts it around `message`, if that is of a kind that carries such things.
    pub(crate) fn put(self, message: &mut wa::Message) {
        if self.is_nothing() {
            return;
        }
        let forwarded = match self.forwarded {
            MANY.. => MANY_TIMES,
            few => few,
        };
        let mut context = wa::ContextInfo {
            mentioned_jid: self.mentions,
            non_jid_mentions: self.everybody.then_some(1),
            is_forwarded: (forwarded > 0).then_some(true),
            forwarding_score: (forwarded > 0).then_some(forwarded),
            ..Default::default()
        };
        if let Some((quoted, author)) = self.quoted {
            let said = quoted.text.unwrap_or_default();
            context.stanza_id = Some(quoted.whatsapp_id.into());
            context.participant = author;
            context.quoted_message = MessageField::some(text(&said));
        }
        message.set_context_info(context);
    }
}

/// A text.
pub(crate) fn text(text: &str) -> wa::Message {
    wa::Message {
        conversation: Some(text.to_owned()),
        ..Default::default()
    }
}

/// A text whose link shows something.
pub(crate) fn linked_text(
    text: &str,
    preview: &LinkPreview,
    thumbnail: Option<Vec<u8>>,
) -> wa::Message {
    extended(wa::message::ExtendedTextMessage {
        text: Some(text.to_owned()),
        matched_text: Some(preview.url.clone()),
        title: Some(preview.title.clone()),
        description: preview.description.clone(),
        jpeg_thumbnail: thumbnail,
        ..Default::default()
    })
}

/// A text as a status shows it.
pub(crate) fn status_text(text: &str) -> wa::Message {
    extended(wa::message::ExtendedTextMessage {
        text: Some(text.to_owned()),
        background_argb: Some(STATUS_GROUND),
        font: Some(FontType::SYSTEM),
        ..Default::default()
    })
}

fn extended(text: wa::message::ExtendedTextMessage) -> wa::Message {
    wa::Message {
        extended_text_message: MessageField::some(text),
        ..Default::default()
    }
}

/// A place.
pub(crate) fn location(place: &Location) -> wa::Message {
    wa::Message {
        location_message: MessageField::some(wa::message::LocationMessage {
            degrees_latitude: Some(place.latitude.as_f64()),
            degrees_longitude: Some(place.longitude.as_f64()),
            name: place.name.clone(),
            address: place.address.clone(),
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
    match cards {
        [card] => wa::Message {
            contact_message: MessageField::some(one(card)),
            ..Default::default()
        },
        cards => wa::Message {
            contacts_array_message: MessageField::some(wa::message::ContactsArrayMessage {
                display_name: Some(format!("{} contacts", cards.len())),
                contacts: cards.iter().map(one).collect(),
                ..Default::default()
            }),
            ..Default::default()
        },
    }
}

/// A poll; whoever has its secret can vote and read votes.
pub(crate) fn poll(poll: &Poll, secret: [u8; 32]) -> wa::Message {
    let option = |name: &String| wa::message::poll_creation_message::Option {
        option_name: Some(name.clone()),
        option_hash: Some(data_encoding::HEXLOWER.encode(&compute_option_hash(name))),
    };
    let created = MessageField::some(wa::message::PollCreationMessage {
        name: Some(poll.question.clone()),
        options: poll.options.iter().map(option).collect(),
        selectable_options_count: Some(poll.choices),
        ..Default::default()
    });
    let mut message = wa::Message {
        message_context_info: MessageField::some(wa::MessageContextInfo {
            message_secret: Some(secret.to_vec()),
            ..Default::default()
        }),
        ..Default::default()
    };
    // The network has one form for a single choice and another for several.
    if poll.choices == 1 {
        message.poll_creation_message_v3 = created;
    } else {
        message.poll_creation_message = created;
    }
    message
}

/// A choice, sealed with the secret of its poll.
pub(crate) fn vote(
    of: Reference,
    poll: &WhatsAppId,
    sealed: (Vec<u8>, [u8; 12]),
    now: Timestamp,
) -> wa::Message {
    let (payload, iv) = sealed;
    wa::Message {
        poll_update_message: MessageField::some(wa::message::PollUpdateMessage {
            poll_creation_message_key: of.key(poll),
            vote: MessageField::some(wa::message::PollEncValue {
                enc_payload: Some(payload),
                enc_iv: Some(iv.to_vec()),
            }),
            sender_timestamp_ms: Some(now.as_millis()),
            ..Default::default()
        }),
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

/// A new text for an earlier message of this account: for its caption, if it was a medium.
pub(crate) fn edit(
    of: Reference,
    target: &WhatsAppId,
    original: Option<wa::Message>,
    new_text: &str,
    now: Timestamp,
) -> wa::Message {
    let edited = original
        .and_then(|original| media::recaptioned(original, new_text))
        .unwrap_or_else(|| text(new_text));
    protocol(wa::message::ProtocolMessage {
        key: of.key(target),
        r#type: Some(ProtocolType::MESSAGE_EDIT),
        edited_message: MessageField::some(edited),
        timestamp_ms: Some(now.as_millis()),
        ..Default::default()
    })
}

/// An earlier message taken back: this account's, or somebody's in a group it is admin of.
pub(crate) fn revoke(of: Reference, target: &WhatsAppId) -> wa::Message {
    // The author of an own one is the sender of this message; the network wants no other word.
    let participant = of.participant.filter(|_| !of.own);
    let of = Reference { participant, ..of };
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
