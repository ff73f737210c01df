//! Both ways through the engine's message type.

use super::*;
use crate::outbound::{self, Reference};

fn id(text: &str) -> WhatsAppId {
    address::id(text).unwrap_or_else(|| WhatsAppId::new(&warbler_domain::Random::seeded(1)))
}

fn content(message: &wa::Message) -> Option<Content> {
    match read(message)?.says {
        Says::Content(content) => Some(content),
        Says::Reaction { .. } => None,
    }
}

fn reference(participant: Option<&str>) -> Reference {
    Reference {
        chat: "15550100@s.whatsapp.net".to_owned(),
        own: true,
        participant: participant.map(str::to_owned),
    }
}

#[test]
fn a_text_is_read_as_it_was_written() {
    let message = outbound::text("hello", None);
    assert_eq!(
        read(&message),
        Some(Reading {
            says: Says::Content(Content::text("hello")),
            quoted: None
        })
    );
}

#[test]
fn a_quote_keeps_id_author_and_text() {
    let quoted = Quoted {
        whatsapp_id: id("3EB0AA"),
        sender: None,
        text: Some("before".to_owned()),
    };
    let context = outbound::quote(&quoted, Some("15550101@s.whatsapp.net".to_owned()));
    let read = read(&outbound::text("after", Some(context)));
    assert_eq!(
        read.and_then(|reading| reading.quoted),
        Some(Quote {
            id: id("3EB0AA"),
            sender: "15550101@s.whatsapp.net".parse().ok(),
            text: Some("before".to_owned()),
        })
    );
}

#[test]
fn a_reaction_names_its_target() {
    let now = Timestamp::from_millis(5);
    let message = outbound::reaction(reference(Some("1@lid")), &id("3EB0BB"), "👍", now);
    let says = read(&message).map(|reading| reading.says);
    let target = Target {
        id: id("3EB0BB"),
        own: true,
        participant: "1@lid".parse().ok(),
    };
    assert_eq!(
        says,
        Some(Says::Reaction {
            target,
            emoji: "👍".to_owned()
        })
    );
}

#[test]
fn an_edit_and_a_revocation_name_their_target() {
    let now = Timestamp::from_millis(5);
    let edit = outbound::edit(reference(None), &id("3EB0CC"), "better", now);
    assert_eq!(
        content(&edit),
        Some(Content::Edit {
            target: id("3EB0CC"),
            text: "better".to_owned()
        })
    );
    let revoke = outbound::revoke(reference(None), &id("3EB0CC"));
    assert_eq!(
        content(&revoke),
        Some(Content::Revoke {
            target: id("3EB0CC")
        })
    );
}

#[test]
fn a_medium_carries_a_locator_that_can_be_read_back() {
    let message = wa::Message {
        image_message: waproto::buffa::MessageField::some(wa::message::ImageMessage {
            mimetype: Some("image/png".to_owned()),
            caption: Some("look".to_owned()),
            direct_path: Some("/v/x".to_owned()),
            media_key: Some(vec![1; 32]),
            file_sha256: Some(vec![2; 32]),
            file_enc_sha256: Some(vec![3; 32]),
            file_length: Some(4),
            ..Default::default()
        }),
        ..Default::default()
    };
    let Some(Content::Media(media)) = content(&message) else {
        unreachable!("an image is a medium");
    };
    assert_eq!((media.kind, media.size), (MediaKind::Image, 4));
    assert_eq!(
        (media.mime.as_str(), media.caption.as_deref()),
        ("image/png", Some("look"))
    );
    let MediaSource::Remote { locator } = media.source else {
        unreachable!("it is on the network");
    };
    let locator: Option<Locator> = serde_json::from_str(&locator).ok();
    assert_eq!(
        locator,
        Some(Locator {
            kind: MediaKind::Image,
            path: "/v/x".to_owned(),
            key: vec![1; 32],
            sha256: vec![2; 32],
            enc_sha256: vec![3; 32],
            size: 4,
        })
    );
}

#[test]
fn housekeeping_says_nothing() {
    let keys = wa::Message {
        sender_key_distribution_message: waproto::buffa::MessageField::some(
            wa::message::SenderKeyDistributionMessage::default(),
        ),
        ..Default::default()
    };
    let share = wa::Message {
        protocol_message: waproto::buffa::MessageField::some(wa::message::ProtocolMessage {
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
    let message = wa::Message {
        location_message: waproto::buffa::MessageField::some(
            wa::message::LocationMessage::default(),
        ),
        ..Default::default()
    };
    assert_eq!(
        content(&message),
        Some(Content::Unsupported {
            what: "location".to_owned()
        })
    );
}
