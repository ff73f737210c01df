//! What clients have been seen to send, taken apart.

use waproto::buffa::Enumeration;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;

use super::parts::{ContactCard, LinkPreview, Marks, Place, Poll, Quote};
use super::{Content, SealedVote, body};

/// How many cards, options or mentions of one message are kept.
const MAX_LISTED: usize = 1_024;

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
            preview: None,
            color: None,
        };
    }
    if let Some(extended) = message.extended_text_message.as_option() {
        return read_extended(extended);
    }
    if let Some(media) = body::read(message) {
        return media;
    }
    if let Some(listed) = read_listed(message) {
        return listed;
    }
    if message.sender_key_distribution_message.is_set() {
        return Content::SenderKeyOnly;
    }
    Content::Other(name(message))
}

/// The message itself, without wrappers; decoding has bounded how deep they can be.
pub(crate) fn unwrap(mut message: &wa::Message) -> &wa::Message {
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
        &message.group_mentioned_message,
        &message.group_status_message,
        &message.group_status_message_v2,
        &message.status_mention_message,
        &message.poll_creation_message_v4,
    ];
    let wrapper = wrappers.iter().find_map(|wrapper| wrapper.as_option())?;
    wrapper.message.as_option()
}

/// The secret that add-ons to this message, such as votes, are sealed with.
pub(crate) fn secret(mut message: &wa::Message) -> Option<[u8; 32]> {
    loop {
        let info = message.message_context_info.as_option();
        let found = info.and_then(|info| info.message_secret.as_deref());
        if let Some(secret) = found {
            return secret.try_into().ok();
        }
        message = inner(message)?;
    }
}

/// What stands around the content.
pub(crate) fn marks(message: &wa::Message) -> Marks {
    let mut marks = Marks {
        view_once: is_once(message),
        ..Marks::default()
    };
    let message = unwrap(message);
    let Some(info) = info(message) else {
        return marks;
    };
    if let Some(id) = &info.stanza_id {
        marks.quoted = Some(Quote {
            id: id.clone(),
            author: info.participant.clone(),
            text: info.quoted_message.as_option().and_then(excerpt),
            chat: info.remote_jid.clone(),
        });
    }
    marks.mentions = info
        .mentioned_jid
        .iter()
        .take(MAX_LISTED)
        .cloned()
        .collect();
    marks.mentions_all = info.non_jid_mentions.is_some_and(|count| count > 0);
    marks.forwarding_score = info.forwarding_score.unwrap_or_default();
    marks.forwarded = info.is_forwarded.unwrap_or_default() || marks.forwarding_score > 0;
    marks.expires_after = info.expiration.filter(|seconds| *seconds > 0);
    marks
}

fn is_once(mut message: &wa::Message) -> bool {
    loop {
        let wrapped = message.view_once_message.is_set()
            || message.view_once_message_v2.is_set()
            || message.view_once_message_v2_extension.is_set();
        if wrapped {
            return true;
        }
        match inner(message) {
            Some(next) => message = next,
            None => break,
        }
    }
    let image = message.image_message.as_option().and_then(|m| m.view_once);
    let video = message.video_message.as_option().and_then(|m| m.view_once);
    let audio = message.audio_message.as_option().and_then(|m| m.view_once);
    [image, video, audio].contains(&Some(true))
}

fn info(message: &wa::Message) -> Option<&wa::ContextInfo> {
    let polls = [
        &message.poll_creation_message,
        &message.poll_creation_message_v2,
        &message.poll_creation_message_v3,
        &message.poll_creation_message_v5,
    ];
    let found = if let Some(one) = message.extended_text_message.as_option() {
        &one.context_info
    } else if let Some(one) = message.image_message.as_option() {
        &one.context_info
    } else if let Some(one) = message.video_message.as_option() {
        &one.context_info
    } else if let Some(one) = message.audio_message.as_option() {
        &one.context_info
    } else if let Some(one) = message.document_message.as_option() {
        &one.context_info
    } else if let Some(one) = message.sticker_message.as_option() {
        &one.context_info
    } else if let Some(one) = message.location_message.as_option() {
        &one.context_info
    } else if let Some(one) = message.contact_message.as_option() {
        &one.context_info
    } else if let Some(one) = message.contacts_array_message.as_option() {
        &one.context_info
    } else if let Some(one) = polls.iter().find_map(|poll| poll.as_option()) {
        &one.context_info
    } else {
        return None;
    };
    found.as_option()
}

/// The text or caption of a quoted message.
fn excerpt(quoted: &wa::Message) -> Option<String> {
    match read(quoted) {
        Content::Text { body, .. } => Some(body),
        Content::Media { look, .. } => look.caption,
        Content::Poll(poll) => Some(poll.name),
        // Quoted media often come without a way to download them.
        _ => {
            let message = unwrap(quoted);
            let image = message.image_message.as_option();
            let video = message.video_message.as_option();
            image
                .and_then(|image| image.caption.clone())
                .or_else(|| video.and_then(|video| video.caption.clone()))
        }
    }
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
                Some(Content::Media { look, .. }) => look.caption.unwrap_or_default(),
                _ => String::new(),
            },
        },
        (kind, _) => Content::Protocol(kind.proto_name()),
    }
}

fn read_extended(extended: &wa::message::ExtendedTextMessage) -> Content {
    let link = extended.matched_text.clone();
    Content::Text {
        body: extended.text.clone().unwrap_or_default(),
        preview: link.filter(|url| !url.is_empty()).map(|url| LinkPreview {
            url,
            title: extended.title.clone(),
            description: extended.description.clone(),
        }),
        color: extended.background_argb,
    }
}

/// Places, cards, polls and votes.
fn read_listed(message: &wa::Message) -> Option<Content> {
    if let Some(place) = message.location_message.as_option() {
        return Some(Content::Location(Place {
            latitude: place.degrees_latitude?,
            longitude: place.degrees_longitude?,
            name: place.name.clone(),
            address: place.address.clone(),
            live: place.is_live.unwrap_or_default(),
        }));
    }
    if let Some(place) = message.live_location_message.as_option() {
        return Some(Content::Location(Place {
            latitude: place.degrees_latitude?,
            longitude: place.degrees_longitude?,
            name: place.caption.clone(),
            address: None,
            live: true,
        }));
    }
    if let Some(card) = message.contact_message.as_option() {
        return Some(Content::Contacts(vec![read_card(card)]));
    }
    if let Some(cards) = message.contacts_array_message.as_option() {
        let cards = cards.contacts.iter().take(MAX_LISTED);
        return Some(Content::Contacts(cards.map(read_card).collect()));
    }
    let polls = [
        &message.poll_creation_message,
        &message.poll_creation_message_v2,
        &message.poll_creation_message_v3,
        &message.poll_creation_message_v5,
    ];
    if let Some(poll) = polls.iter().find_map(|poll| poll.as_option()) {
        let options = poll.options.iter().take(MAX_LISTED);
        return Some(Content::Poll(Poll {
            name: poll.name.clone().unwrap_or_default(),
            options: options
                .map(|one| one.option_name.clone().unwrap_or_default())
                .collect(),
            selectable: poll.selectable_options_count.unwrap_or_default(),
        }));
    }
    let update = message.poll_update_message.as_option()?;
    let vote = update.vote.as_option()?;
    Some(Content::Vote(SealedVote {
        poll: update.poll_creation_message_key.as_option()?.id.clone()?,
        payload: vote.enc_payload.clone()?,
        iv: vote.enc_iv.clone()?,
    }))
}

fn read_card(card: &wa::message::ContactMessage) -> ContactCard {
    ContactCard {
        name: card.display_name.clone().unwrap_or_default(),
        vcard: card.vcard.clone().unwrap_or_default(),
    }
}

/// A name for what is not read, so that a log or a test can say what came.
fn name(message: &wa::Message) -> &'static str {
    let kinds = [
        (message.location_message.is_set(), "location"),
        (message.live_location_message.is_set(), "live location"),
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
