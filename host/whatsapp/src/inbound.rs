//! What came in, in our words.
//!
//! [`read`] looks at a decrypted message alone; [`message`] adds who, where and when. Messages
//! that only keep the protocol running (key distribution, app-state keys, history notices) say
//! nothing and become nothing.

use serde::{Deserialize, Serialize};
use wacore::proto_helpers::MessageExt;
use wacore::types::events::InboundMessage as EngineMessage;
use wacore_binary::Jid as EngineJid;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;
use warbler_app::driver::{Inbound, InboundMessage};
use warbler_domain::media::{Media, MediaKind, MediaSource};
use warbler_domain::message::Quoted;
use warbler_domain::{Content, Direction, Jid, Timestamp, WhatsAppId};
use whatsapp_rust::Client;

use crate::address::{self, Known};

/// Longest content type that is believed, in characters.
const MAX_MIME: usize = 100;

/// Where a medium is on the network, as it is written into [`MediaSource::Remote`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Locator {
    pub(crate) kind: MediaKind,
    pub(crate) path: String,
    #[serde(with = "base64")]
    pub(crate) key: Vec<u8>,
    #[serde(with = "base64")]
    pub(crate) sha256: Vec<u8>,
    #[serde(with = "base64")]
    pub(crate) enc_sha256: Vec<u8>,
    pub(crate) size: u64,
}

mod base64 {
    use data_encoding::BASE64;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        BASE64.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}

/// What a message says, with addresses still in the engine's form.
#[derive(Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) says: Says,
    pub(crate) quoted: Option<Quote>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Says {
    Content(Content),
    Reaction { target: Target, emoji: String },
}

/// The message that another refers to.
#[derive(Debug, PartialEq)]
pub(crate) struct Target {
    id: WhatsAppId,
    /// Whether the one who refers to it also wrote it.
    own: bool,
    participant: Option<EngineJid>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Quote {
    id: WhatsAppId,
    sender: Option<EngineJid>,
    text: Option<String>,
}

/// The message in our words; `None` when it says nothing to anybody.
pub(crate) async fn message(client: &Client, from: &EngineMessage) -> Option<Inbound> {
    let reading = read(&from.message)?;
    let info = &from.info;
    let source = &info.source;
    let Some(whatsapp_id) = address::id(&info.id) else {
        tracing::warn!("A message with an impossible id was taken over and dropped");
        return None;
    };
    let own = client.pn().as_ref().and_then(address::plain);
    let chat_alt = match (source.is_group, source.is_from_me) {
        (true, _) => None,
        (false, true) => source.recipient_alt.as_ref(),
        (false, false) => source.sender_alt.as_ref(),
    };
    let chat = address::known(client, &source.chat, chat_alt).await;
    let sender = address::known(client, &source.sender, source.sender_alt.as_ref()).await;
    let (Some(Known { jid: chat, .. }), Some(mut sender)) = (chat, sender) else {
        // Bots and WhatsApp itself, for whom there is no word here.
        tracing::debug!("A message from an address of another kind was passed over");
        return None;
    };
    if let (true, Some(own)) = (source.is_from_me, &own) {
        if sender.jid != *own {
            sender.alt = Some(sender.jid);
        }
        sender.jid = own.clone();
    }
    let content = match reading.says {
        Says::Content(content) => content,
        Says::Reaction { target, emoji } => {
            let author = author(client, &target, &sender.jid, &chat, own.as_ref()).await;
            Content::Reaction {
                target: target.id,
                target_sender: author,
                emoji,
            }
        }
    };
    let quoted = match reading.quoted {
        None => None,
        Some(quote) => Some(Quoted {
            whatsapp_id: quote.id,
            sender: match quote.sender {
                Some(jid) => address::known(client, &jid, None)
                    .await
                    .map(|known| known.jid),
                None => None,
            },
            text: quote.text,
        }),
    };
    let direction = if source.is_from_me {
        Direction::Outbound
    } else {
        Direction::Inbound
    };
    Some(Inbound::Message(InboundMessage {
        whatsapp_id,
        chat,
        sender: sender.jid,
        sender_alt: sender.alt,
        sender_name: Some(info.push_name.clone()).filter(|name| !name.is_empty()),
        direction,
        timestamp: Timestamp::from_millis(info.timestamp.timestamp_millis()),
        content,
        quoted,
    }))
}

async fn author(
    client: &Client,
    target: &Target,
    sender: &Jid,
    chat: &Jid,
    own: Option<&Jid>,
) -> Jid {
    if target.own {
        return sender.clone();
    }
    if let Some(jid) = &target.participant
        && let Some(known) = address::known(client, jid, None).await
    {
        return known.jid;
    }
    // Two people: what one of them did not write, the other did.
    match own {
        Some(own) if sender != own => own.clone(),
        _ => chat.clone(),
    }
}

/// What `message` says; `None` when it only keeps the protocol running.
pub(crate) fn read(message: &wa::Message) -> Option<Reading> {
    let base = message.get_base_message();
    if let Some(reaction) = base.reaction_message.as_option() {
        let target = target(reaction.key.as_option()?)?;
        let emoji = reaction.text.clone().unwrap_or_default();
        return Some(Reading {
            says: Says::Reaction { target, emoji },
            quoted: None,
        });
    }
    if let Some(protocol) = base.protocol_message.as_option() {
        let content = protocol_content(protocol)?;
        return Some(Reading {
            says: Says::Content(content),
            quoted: None,
        });
    }
    if let Some(text) = base.text_content() {
        let context = base.extended_text_message.as_option();
        let context = context.and_then(|text| text.context_info.as_option());
        return Some(reading(Content::text(text), context));
    }
    if let Some((media, context)) = media(base) {
        return Some(reading(Content::Media(media), context));
    }
    let what = unsupported(base)?;
    Some(reading(
        Content::Unsupported {
            what: what.to_owned(),
        },
        None,
    ))
}

fn reading(content: Content, context: Option<&wa::ContextInfo>) -> Reading {
    Reading {
        says: Says::Content(content),
        quoted: context.and_then(quote),
    }
}

fn target(key: &wa::MessageKey) -> Option<Target> {
    Some(Target {
        id: address::id(key.id.as_deref()?)?,
        own: key.from_me.unwrap_or(false),
        participant: key.participant.as_deref().and_then(|jid| jid.parse().ok()),
    })
}

fn quote(context: &wa::ContextInfo) -> Option<Quote> {
    let quoted = context.quoted_message.as_option();
    let text = quoted.and_then(|quoted| quoted.text_content().or_else(|| quoted.get_caption()));
    Some(Quote {
        id: address::id(context.stanza_id.as_deref()?)?,
        sender: context
            .participant
            .as_deref()
            .and_then(|jid| jid.parse().ok()),
        text: text.map(str::to_owned),
    })
}

/// Edits and revocations; everything else of the protocol is its own business.
fn protocol_content(protocol: &wa::message::ProtocolMessage) -> Option<Content> {
    let target = || address::id(protocol.key.as_option()?.id.as_deref()?);
    match protocol.r#type? {
        ProtocolType::REVOKE => Some(Content::Revoke { target: target()? }),
        ProtocolType::MESSAGE_EDIT => {
            let edited = protocol.edited_message.as_option()?;
            let text = edited.text_content().or_else(|| edited.get_caption());
            Some(match text {
                Some(text) => Content::Edit {
                    target: target()?,
                    text: text.to_owned(),
                },
                None => Content::Unsupported {
                    what: "edit".to_owned(),
                },
            })
        }
        _ => None,
    }
}

type Read<'a> = (Media, Option<&'a wa::ContextInfo>);

fn media(message: &wa::Message) -> Option<Read<'_>> {
    /// The five kinds differ in their types, not in the names of their fields.
    macro_rules! medium {
        ($field:ident, $kind:expr, $caption:expr) => {
            if let Some(part) = message.$field.as_option() {
                let locator = Locator {
                    kind: $kind,
                    path: part.direct_path.clone().unwrap_or_default(),
                    key: part.media_key.clone().unwrap_or_default(),
                    sha256: part.file_sha256.clone().unwrap_or_default(),
                    enc_sha256: part.file_enc_sha256.clone().unwrap_or_default(),
                    size: part.file_length.unwrap_or_default(),
                };
                let caption: Option<String> = $caption(part);
                let media = remote(locator, part.mimetype.as_deref(), caption);
                return Some((media, part.context_info.as_option()));
            }
        };
    }
    medium!(
        image_message,
        MediaKind::Image,
        |part: &wa::message::ImageMessage| part.caption.clone()
    );
    medium!(
        video_message,
        MediaKind::Video,
        |part: &wa::message::VideoMessage| part.caption.clone()
    );
    medium!(
        ptv_message,
        MediaKind::Video,
        |part: &wa::message::VideoMessage| part.caption.clone()
    );
    medium!(audio_message, MediaKind::Audio, |_| None);
    medium!(
        document_message,
        MediaKind::Document,
        |part: &wa::message::DocumentMessage| { part.caption.clone() }
    );
    medium!(sticker_message, MediaKind::Sticker, |_| None);
    None
}

fn remote(locator: Locator, mime: Option<&str>, caption: Option<String>) -> Media {
    let mime = mime.unwrap_or("application/octet-stream");
    Media {
        kind: locator.kind,
        mime: mime.chars().take(MAX_MIME).collect(),
        size: locator.size,
        caption: caption.filter(|caption| !caption.is_empty()),
        source: MediaSource::Remote {
            // Bytes, a path and a number always become JSON.
            locator: serde_json::to_string(&locator).unwrap_or_default(),
        },
    }
}

/// The network's word for a message this version does not read; `None` for housekeeping.
fn unsupported(message: &wa::Message) -> Option<&'static str> {
    macro_rules! word {
        ($($field:ident => $word:literal),+ $(,)?) => {
            $(if message.$field.is_set() { return Some($word); })+
        };
    }
    word! {
        location_message => "location",
        live_location_message => "live location",
        contact_message => "contact",
        contacts_array_message => "contacts",
        group_invite_message => "group invite",
        poll_creation_message => "poll",
        poll_creation_message_v2 => "poll",
        poll_creation_message_v3 => "poll",
        poll_update_message => "poll vote",
        event_message => "event",
        list_message => "list",
        list_response_message => "list response",
        buttons_message => "buttons",
        buttons_response_message => "buttons response",
        template_message => "template",
        template_button_reply_message => "template reply",
        interactive_message => "interactive",
        interactive_response_message => "interactive response",
        product_message => "product",
        order_message => "order",
        album_message => "album",
        sticker_pack_message => "sticker pack",
        lottie_sticker_message => "animated sticker",
        pin_in_chat_message => "pin",
        keep_in_chat_message => "keep",
        enc_reaction_message => "encrypted reaction",
        secret_encrypted_message => "encrypted change",
        comment_message => "comment",
        call => "call",
        call_log_messsage => "call log",
        send_payment_message => "payment",
        request_payment_message => "payment request",
        placeholder_message => "placeholder",
    }
    let mut rest = message.clone();
    rest.sender_key_distribution_message.take();
    rest.fast_ratchet_key_sender_key_distribution_message.take();
    rest.message_context_info.take();
    rest.chat.take();
    rest.conversation = None;
    (waproto::codec::message_encoded_len(&rest) > 0).then_some("unknown")
}

#[cfg(test)]
mod tests;
