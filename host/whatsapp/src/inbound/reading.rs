//! What a message says, looked at alone, with addresses still in the engine's form.

use wacore_binary::Jid as EngineJid;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;
use warbler_domain::content::{LinkPreview, Mentions, Text};
use warbler_domain::place::{Degrees, Location};
use warbler_domain::poll::Poll;
use warbler_domain::vcard::ContactCard;
use warbler_domain::{Content, WhatsAppId};

use super::{media, replies, wrapping};
use crate::address;
use crate::votes::Sealed;

/// What a message says, and what stands around it.
#[derive(Debug, PartialEq)]
pub(crate) struct Reading {
    pub(super) says: Says,
    pub(super) quoted: Option<Quote>,
    pub(super) mentions: Vec<EngineJid>,
    pub(super) everybody: bool,
    pub(super) forwarded: u32,
}

impl Reading {
    /// Something with nothing around it.
    pub(super) fn of(content: Content) -> Self {
        Self {
            says: Says::Content(content),
            quoted: None,
            mentions: Vec::new(),
            everybody: false,
            forwarded: 0,
        }
    }
}

#[derive(Debug, PartialEq)]
pub(super) enum Says {
    Content(Content),
    Reaction { target: Target, emoji: String },
    Revoke { target: Target },
    Vote { target: Target, sealed: Sealed },
}

/// The message that another refers to.
#[derive(Debug, PartialEq)]
pub(super) struct Target {
    pub(super) id: WhatsAppId,
    /// Whether the one who refers to it also wrote it.
    pub(super) own: bool,
    pub(super) participant: Option<EngineJid>,
}

impl Target {
    fn read(key: &wa::MessageKey) -> Option<Self> {
        Some(Self {
            id: address::id(key.id.as_deref()?)?,
            own: key.from_me.unwrap_or(false),
            participant: key.participant.as_deref().and_then(|jid| jid.parse().ok()),
        })
    }
}

#[derive(Debug, PartialEq)]
pub(super) struct Quote {
    pub(super) id: WhatsAppId,
    pub(super) sender: Option<EngineJid>,
    pub(super) text: Option<String>,
}

/// What `message` says; `None` when it only keeps the protocol running.
pub(crate) fn read(message: &wa::Message) -> Option<Reading> {
    let unwrapped = wrapping::unwrapped(message);
    let base = unwrapped.message;
    let says = says(base, unwrapped.once)?;
    // A new text stands among what the old one stood among, and names people itself.
    let edited = base.protocol_message.as_option();
    let edited = edited.and_then(|protocol| protocol.edited_message.as_option());
    let context = context(edited.map_or(base, |edited| wrapping::unwrapped(edited).message));
    let around = context.filter(|_| edited.is_none());
    Some(Reading {
        says,
        quoted: around.and_then(quote),
        mentions: context.map(mentioned).unwrap_or_default(),
        everybody: context.is_some_and(|context| context.non_jid_mentions.unwrap_or(0) > 0),
        forwarded: around.map(forwarded).unwrap_or_default(),
    })
}

fn says(base: &wa::Message, once: bool) -> Option<Says> {
    if let Some(reaction) = base.reaction_message.as_option() {
        let target = Target::read(reaction.key.as_option()?)?;
        let emoji = reaction.text.clone().unwrap_or_default();
        return Some(Says::Reaction { target, emoji });
    }
    if let Some(protocol) = base.protocol_message.as_option() {
        return protocol_says(protocol);
    }
    if let Some(vote) = vote(base) {
        return Some(vote);
    }
    content(base, once).map(Says::Content)
}

/// What a message says that refers to no other.
fn content(base: &wa::Message, once: bool) -> Option<Content> {
    if let Some(text) = text(base) {
        return Some(Content::Text(text));
    }
    if let Some(media) = media::media(base, once) {
        return Some(Content::Media(media));
    }
    if let Some(place) = place(base) {
        return Some(Content::Location(place));
    }
    let cards = cards(base);
    if !cards.is_empty() {
        return Some(Content::Contacts { cards });
    }
    if let Some(poll) = poll(base) {
        return Some(Content::Poll(poll));
    }
    if let Some(chosen) = replies::chosen(base) {
        return Some(Content::text(chosen));
    }
    replies::word(base).map(|what| Content::Unsupported {
        what: what.to_owned(),
    })
}

fn text(base: &wa::Message) -> Option<Text> {
    let plain = base.conversation.as_deref().filter(|text| !text.is_empty());
    if let Some(text) = plain {
        return Some(Text {
            text: text.to_owned(),
            ..Text::default()
        });
    }
    let extended = base.extended_text_message.as_option()?;
    let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let preview = said(&extended.matched_text).zip(said(&extended.title));
    Some(Text {
        text: extended.text.clone()?,
        mentions: Mentions::default(),
        preview: preview.map(|(url, title)| LinkPreview {
            url,
            title,
            description: said(&extended.description),
            thumbnail: None,
        }),
    })
}

fn place(base: &wa::Message) -> Option<Location> {
    let (latitude, longitude, name, address, live) =
        if let Some(place) = base.location_message.as_option() {
            let live = place.is_live.unwrap_or_default();
            let (name, address) = (place.name.clone(), place.address.clone());
            let (north, east) = (place.degrees_latitude, place.degrees_longitude);
            (north, east, name, address, live)
        } else {
            let place = base.live_location_message.as_option()?;
            let (north, east) = (place.degrees_latitude, place.degrees_longitude);
            (north, east, place.caption.clone(), None, true)
        };
    Some(Location {
        latitude: Degrees::latitude(latitude?).ok()?,
        longitude: Degrees::longitude(longitude?).ok()?,
        name: name.filter(|name| !name.is_empty()),
        address: address.filter(|address| !address.is_empty()),
        live,
    })
}

fn cards(base: &wa::Message) -> Vec<ContactCard> {
    let one = base.contact_message.as_option();
    let several = base.contacts_array_message.as_option();
    let several = several.map(|several| several.contacts.as_slice());
    let cards = one.into_iter().chain(several.unwrap_or_default());
    cards.take(ContactCard::MAX_CARDS).map(card).collect()
}

fn card(card: &wa::message::ContactMessage) -> ContactCard {
    let card = ContactCard {
        name: card.display_name.clone().unwrap_or_default(),
        vcard: card.vcard.clone().unwrap_or_default(),
    };
    if card.vcard.len() > ContactCard::MAX {
        // Mostly a portrait: what counts stays.
        return ContactCard::new(&card.name, &card.numbers());
    }
    card
}

/// The poll a message asks, in whichever of its forms.
pub(super) fn poll(base: &wa::Message) -> Option<Poll> {
    let forms = [
        &base.poll_creation_message,
        &base.poll_creation_message_v2,
        &base.poll_creation_message_v3,
        &base.poll_creation_message_v5,
        &base.poll_creation_message_v6,
    ];
    let poll = forms.iter().find_map(|form| form.as_option())?;
    let options = poll.options.iter().take(Poll::MAX_OPTIONS);
    Some(Poll {
        question: poll.name.clone().unwrap_or_default(),
        options: options
            .map(|option| option.option_name.clone().unwrap_or_default())
            .collect(),
        choices: poll.selectable_options_count.unwrap_or_default(),
    })
}

fn vote(base: &wa::Message) -> Option<Says> {
    let update = base.poll_update_message.as_option()?;
    let target = Target::read(update.poll_creation_message_key.as_option()?)?;
    let vote = update.vote.as_option()?;
    let sealed = Sealed {
        payload: vote.enc_payload.clone()?,
        iv: vote.enc_iv.clone()?,
    };
    Some(Says::Vote { target, sealed })
}

/// Edits and revocations; everything else of the protocol is its own business.
fn protocol_says(protocol: &wa::message::ProtocolMessage) -> Option<Says> {
    let target = || Target::read(protocol.key.as_option()?);
    let edited = protocol.edited_message.as_option();
    match (protocol.r#type, edited) {
        (Some(ProtocolType::REVOKE), _) => Some(Says::Revoke { target: target()? }),
        (Some(ProtocolType::MESSAGE_EDIT) | None, Some(edited)) => {
            let edited = wrapping::unwrapped(edited);
            let new = content(edited.message, edited.once)?;
            Some(Says::Content(match new.readable() {
                Some(text) => Content::Edit {
                    target: target()?.id,
                    text: text.to_owned(),
                },
                None => Content::Unsupported {
                    what: "edit".to_owned(),
                },
            }))
        }
        _ => None,
    }
}

fn context(base: &wa::Message) -> Option<&wa::ContextInfo> {
    macro_rules! first {
        ($($field:ident),+ $(,)?) => {
            $(if let Some(part) = base.$field.as_option() { return part.context_info.as_option(); })+
        };
    }
    first! {
        extended_text_message, image_message, video_message, ptv_message, audio_message,
        document_message, sticker_message, location_message, live_location_message,
        contact_message, contacts_array_message, poll_creation_message, poll_creation_message_v2,
        poll_creation_message_v3, poll_creation_message_v5, poll_creation_message_v6,
        buttons_response_message, list_response_message, template_button_reply_message,
        interactive_response_message, buttons_message, list_message, template_message,
        interactive_message, group_invite_message, event_message, product_message, order_message,
    }
    None
}

fn quote(context: &wa::ContextInfo) -> Option<Quote> {
    let quoted = context.quoted_message.as_option();
    let text = quoted.and_then(|quoted| {
        let quoted = wrapping::unwrapped(quoted);
        let content = content(quoted.message, quoted.once)?;
        let text = content.readable().unwrap_or_else(|| content.word());
        Some(text.to_owned())
    });
    let participant = context.participant.as_deref();
    Some(Quote {
        id: address::id(context.stanza_id.as_deref()?)?,
        sender: participant.and_then(|jid| jid.parse().ok()),
        text,
    })
}

fn mentioned(context: &wa::ContextInfo) -> Vec<EngineJid> {
    let jids = context.mentioned_jid.iter().take(Mentions::MAX);
    jids.filter_map(|jid| jid.parse().ok()).collect()
}

fn forwarded(context: &wa::ContextInfo) -> u32 {
    let once = u32::from(context.is_forwarded.unwrap_or_default());
    context.forwarding_score.unwrap_or_default().max(once)
}
