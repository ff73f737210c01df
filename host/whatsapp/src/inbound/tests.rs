//! Both ways through the engine's message type.

use super::*;
use crate::outbound::{self, Around, Reference, Uploaded};
use waproto::buffa::MessageField;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;
use warbler_domain::content::{LinkPreview, Mentions};
use warbler_domain::media::{Media, MediaKind, MediaSource};
use warbler_domain::place::{Degrees, Location};
use warbler_domain::poll::Poll;
use warbler_domain::vcard::ContactCard;
use warbler_domain::{Random, WhatsAppId};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn id(text: &str) -> WhatsAppId {
    address::id(text).unwrap_or_else(|| WhatsAppId::new(&Random::seeded(1)))
}

fn content(message: &wa::Message) -> Option<Content> {
    match read(message)?.says {
        Says::Content(content) => Some(content),
        _ => None,
    }
}

fn reference(own: bool, participant: Option<&str>) -> Reference {
    Reference {
        chat: "15550100@s.whatsapp.net".to_owned(),
        own,
        participant: participant.map(str::to_owned),
    }
}

fn quoting(text: &str) -> Quoted {
    Quoted {
        whatsapp_id: id("3EB0AA"),
        sender: None,
        text: Some(text.to_owned()),
    }
}

/// As if its bytes had gone over the wire.
fn sent(message: &wa::Message) -> Result<wa::Message> {
    let bytes = waproto::codec::message_to_vec(message);
    Ok(waproto::codec::message_decode(&bytes)?)
}

fn upload() -> Uploaded {
    Uploaded {
        url: "https://mmg.whatsapp.net/v/x".to_owned(),
        path: "/v/x".to_owned(),
        key: [1; 32],
        sha256: [2; 32],
        enc_sha256: [3; 32],
        size: 4,
        key_at: 5,
        sidecar: None,
    }
}

/// A medium as it is read after it was sent.
fn through(media: &Media) -> Result<Option<Media>> {
    let caption = media.caption.clone();
    let thumbnail = Some(vec![9]);
    let message = outbound::media(media, caption, thumbnail, upload(), Around::default());
    Ok(match content(&sent(&message)?) {
        Some(Content::Media(mut media)) => {
            media.source = MediaSource::Remote {
                locator: String::new(),
            };
            Some(media)
        }
        _ => None,
    })
}

fn medium(kind: MediaKind, mime: &str) -> Media {
    let source = MediaSource::Remote {
        locator: String::new(),
    };
    Media::new(kind, mime, 4, source)
}

#[test]
fn a_text_is_read_as_it_was_written() -> Result<()> {
    let message = sent(&outbound::text("hello"))?;
    assert_eq!(read(&message), Some(Reading::of(Content::text("hello"))));
    Ok(())
}

#[test]
fn what_stands_around_a_text_survives() -> Result<()> {
    let mut message = outbound::text("@1 after");
    let around = Around {
        quoted: Some((
            quoting("before"),
            Some("15550101@s.whatsapp.net".to_owned()),
        )),
        mentions: vec!["1@lid".to_owned()],
        everybody: true,
        forwarded: 2,
    };
    around.put(&mut message);
    let reading = read(&sent(&message)?).ok_or("nothing was read")?;
    assert_eq!(reading.says, Says::Content(Content::text("@1 after")));
    assert_eq!(
        reading.quoted,
        Some(Quote {
            id: id("3EB0AA"),
            sender: "15550101@s.whatsapp.net".parse().ok(),
            text: Some("before".to_owned()),
        })
    );
    let mentioned: EngineJid = "1@lid".parse()?;
    assert_eq!(reading.mentions, [mentioned]);
    assert!(reading.everybody);
    assert_eq!(reading.forwarded, 2);
    Ok(())
}

#[test]
fn what_was_forwarded_many_times_says_so_for_good() -> Result<()> {
    let mut message = outbound::text("news");
    let around = Around {
        forwarded: 5,
        ..Around::default()
    };
    around.put(&mut message);
    let reading = read(&message).ok_or("nothing was read")?;
    assert_eq!(reading.forwarded, 127);
    Ok(())
}

#[test]
fn a_link_shows_what_it_showed_but_for_the_picture() -> Result<()> {
    let preview = LinkPreview {
        url: "https://example.com".to_owned(),
        title: "Example".to_owned(),
        description: Some("An example".to_owned()),
        thumbnail: None,
    };
    let message = outbound::linked_text("see https://example.com", &preview, Some(vec![1]));
    let text = Text {
        text: "see https://example.com".to_owned(),
        mentions: Mentions::default(),
        preview: Some(preview),
    };
    assert_eq!(content(&sent(&message)?), Some(Content::Text(text)));
    Ok(())
}

#[test]
fn every_medium_is_read_as_it_was_sent() -> Result<()> {
    let mut picture = medium(MediaKind::Image, "image/png");
    picture.caption = Some("look".to_owned());
    (picture.width, picture.height) = (Some(3), Some(4));
    let mut once = picture.clone();
    once.view_once = true;
    let mut gif = medium(MediaKind::Video, "video/mp4");
    (gif.gif, gif.seconds) = (true, Some(2));
    let mut voice = medium(MediaKind::Audio, "audio/ogg; codecs=opus");
    (voice.voice, voice.seconds) = (true, Some(7));
    let mut voice_once = voice.clone();
    voice_once.view_once = true;
    let mut document = medium(MediaKind::Document, "application/pdf");
    document.file_name = Some("prices.pdf".to_owned());
    let mut captioned = document.clone();
    captioned.caption = Some("as asked".to_owned());
    let mut sticker = medium(MediaKind::Sticker, "image/webp");
    (sticker.animated, sticker.width) = (true, Some(512));
    let plain = medium(MediaKind::Audio, "audio/mpeg");
    for media in [
        picture, once, gif, voice, voice_once, document, captioned, sticker, plain,
    ] {
        assert_eq!(through(&media)?, Some(media));
    }
    Ok(())
}

#[test]
fn nothing_of_what_is_shown_once_is_shown_before() {
    let mut picture = medium(MediaKind::Image, "image/png");
    picture.view_once = true;
    let message = outbound::media(&picture, None, Some(vec![9]), upload(), Around::default());
    let inner = wrapping::unwrapped(&message).message;
    let image = inner.image_message.as_option();
    assert_eq!(image.and_then(|image| image.jpeg_thumbnail.clone()), None);
}

#[test]
fn a_medium_carries_a_locator_that_can_be_read_back() -> Result<()> {
    let picture = medium(MediaKind::Image, "image/png");
    let message = outbound::media(&picture, None, None, upload(), Around::default());
    let Some(Content::Media(media)) = content(&message) else {
        return Err("an image is a medium".into());
    };
    let MediaSource::Remote { locator } = media.source else {
        return Err("it is on the network".into());
    };
    assert_eq!(
        serde_json::from_str::<Locator>(&locator)?,
        Locator {
            kind: MediaKind::Image,
            path: "/v/x".to_owned(),
            key: vec![1; 32],
            sha256: vec![2; 32],
            enc_sha256: vec![3; 32],
            size: 4,
        }
    );
    Ok(())
}

#[test]
fn places_cards_and_polls_are_read_as_they_were_sent() -> Result<()> {
    let place = Location {
        latitude: Degrees::latitude(52.520_008)?,
        longitude: Degrees::longitude(-13.404_954)?,
        name: Some("Here".to_owned()),
        address: Some("Street 1".to_owned()),
        live: false,
    };
    let message = sent(&outbound::location(&place))?;
    assert_eq!(content(&message), Some(Content::Location(place)));
    let card = |name| ContactCard::new(name, &[]);
    for cards in [vec![card("Ada")], vec![card("Ada"), card("Bob")]] {
        let message = sent(&outbound::contacts(&cards))?;
        assert_eq!(content(&message), Some(Content::Contacts { cards }));
    }
    for choices in [0, 1, 2] {
        let poll = Poll::new("Tea?", ["yes", "no"], choices)?;
        let message = sent(&outbound::poll(&poll, [7; 32]))?;
        assert_eq!(content(&message), Some(Content::Poll(poll)));
    }
    Ok(())
}

#[test]
fn a_card_too_large_to_keep_keeps_its_numbers() -> Result<()> {
    let portrait = "x".repeat(ContactCard::MAX);
    let card = ContactCard {
        name: "Ada".to_owned(),
        vcard: format!("BEGIN:VCARD\nFN:Ada\nTEL:+15550100\nPHOTO:{portrait}\nEND:VCARD"),
    };
    let small = ContactCard::new("Ada", &["15550100".parse()?]);
    assert_eq!(
        content(&outbound::contacts(&[card])),
        Some(Content::Contacts { cards: vec![small] })
    );
    Ok(())
}

#[test]
fn a_reaction_and_a_vote_name_their_target() -> Result<()> {
    let now = Timestamp::from_millis(5);
    let target = || Target {
        id: id("3EB0BB"),
        own: true,
        participant: "1@lid".parse().ok(),
    };
    let to = || reference(true, Some("1@lid"));
    let reaction = outbound::reaction(to(), &id("3EB0BB"), "👍", now);
    assert_eq!(
        read(&sent(&reaction)?).map(|reading| reading.says),
        Some(Says::Reaction {
            target: target(),
            emoji: "👍".to_owned()
        })
    );
    let vote = outbound::vote(to(), &id("3EB0BB"), (vec![1], [2; 12]), now);
    assert_eq!(
        read(&sent(&vote)?).map(|reading| reading.says),
        Some(Says::Vote {
            target: target(),
            sealed: votes::Sealed {
                payload: vec![1],
                iv: vec![2; 12]
            }
        })
    );
    Ok(())
}

#[test]
fn an_edit_changes_a_caption_where_there_was_one() -> Result<()> {
    let now = Timestamp::from_millis(5);
    let target = id("3EB0CC");
    let mut picture = medium(MediaKind::Image, "image/png");
    picture.caption = Some("good".to_owned());
    let caption = picture.caption.clone();
    let original = outbound::media(&picture, caption, None, upload(), Around::default());
    for original in [None, Some(original)] {
        let had_caption = original.is_some();
        let edit = outbound::edit(reference(true, None), &target, original, "better", now);
        assert_eq!(
            content(&sent(&edit)?),
            Some(Content::Edit {
                target: target.clone(),
                text: "better".to_owned()
            })
        );
        let edited = edit.protocol_message.as_option();
        let edited = edited.and_then(|protocol| protocol.edited_message.as_option());
        assert_eq!(
            edited.map(|edited| edited.image_message.is_set()),
            Some(had_caption)
        );
    }
    Ok(())
}

#[test]
fn a_revocation_says_whose_message_it_takes_back() -> Result<()> {
    for own in [true, false] {
        let revoke = outbound::revoke(reference(own, Some("1@lid")), &id("3EB0CC"));
        assert_eq!(
            read(&sent(&revoke)?).map(|reading| reading.says),
            Some(Says::Revoke {
                target: Target {
                    id: id("3EB0CC"),
                    own,
                    participant: "1@lid".parse().ok().filter(|_| !own),
                }
            })
        );
    }
    Ok(())
}

#[test]
fn wrappers_do_not_hide_what_is_in_them() {
    let wrapped = |message| {
        MessageField::some(wa::message::FutureProofMessage {
            message: MessageField::some(message),
        })
    };
    let vanishing = wa::Message {
        ephemeral_message: wrapped(wa::Message {
            group_mentioned_message: wrapped(outbound::text("hello")),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(content(&vanishing), Some(Content::text("hello")));
    let mut nested = outbound::text("deep");
    for _ in 0..100 {
        nested = wa::Message {
            ephemeral_message: wrapped(nested),
            ..Default::default()
        };
    }
    assert_ne!(content(&nested), Some(Content::text("deep")));
}

#[test]
fn what_is_quoted_is_told_by_its_text_or_its_word() {
    let quoted = |quoted| {
        let message = wa::Message {
            extended_text_message: MessageField::some(wa::message::ExtendedTextMessage {
                text: Some("yes".to_owned()),
                context_info: MessageField::some(wa::ContextInfo {
                    stanza_id: Some("3EB0AA".to_owned()),
                    quoted_message: MessageField::some(quoted),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            ..Default::default()
        };
        read(&message)
            .and_then(|reading| reading.quoted)
            .and_then(|quote| quote.text)
    };
    let picture = |caption: Option<&str>| wa::Message {
        image_message: MessageField::some(wa::message::ImageMessage {
            caption: caption.map(str::to_owned),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(quoted(picture(Some("look"))).as_deref(), Some("look"));
    assert_eq!(quoted(picture(None)).as_deref(), Some("image"));
}

#[test]
fn a_choice_from_a_business_is_read_as_text() {
    let chosen = wa::Message {
        list_response_message: MessageField::some(wa::message::ListResponseMessage {
            title: Some("Tea".to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(content(&chosen), Some(Content::text("Tea")));
}

#[test]
fn housekeeping_says_nothing() {
    let keys = wa::Message {
        sender_key_distribution_message: MessageField::some(
            wa::message::SenderKeyDistributionMessage::default(),
        ),
        ..Default::default()
    };
    let share = wa::Message {
        protocol_message: MessageField::some(wa::message::ProtocolMessage {
            r#type: Some(ProtocolType::APP_STATE_SYNC_KEY_SHARE),
            ..Default::default()
        }),
        ..Default::default()
    };
    for message in [wa::Message::default(), keys, share] {
        assert_eq!(read(&message), None);
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let nowhere = wa::Message {
        location_message: MessageField::some(wa::message::LocationMessage::default()),
        ..Default::default()
    };
    let event = wa::Message {
        event_message: MessageField::some(wa::message::EventMessage::default()),
        ..Default::default()
    };
    for (message, what) in [(nowhere, "location"), (event, "event")] {
        assert_eq!(
            content(&message),
            Some(Content::Unsupported {
                what: what.to_owned()
            })
        );
    }
}
