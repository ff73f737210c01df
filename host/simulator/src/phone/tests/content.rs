//! Contents and media, built and read back.

use waproto::buffa::MessageField;
use waproto::whatsapp as wa;

use super::Outcome;
use crate::phone::PhoneError;
use crate::phone::content::body::{Attachment, media};
use crate::phone::content::compose::{
    Around, Quoting, Target, around, edit, reaction, revoke, text,
};
use crate::phone::content::parts::Look;
use crate::phone::content::{Content, destination, marks, read};
use crate::phone::media::{MediaKind, decrypt, encrypt};

const TARGET: Target<'_> = Target {
    chat: "15550100001@s.whatsapp.net",
    id: "3EB0AA",
    from_me: true,
    participant: None,
};

fn said(body: &str) -> Content {
    Content::Text {
        body: body.to_owned(),
        preview: None,
        color: None,
    }
}

#[test]
fn what_was_built_is_read_back() {
    assert_eq!(read(&text("hello")), said("hello"));
    let quoting = Quoting {
        id: TARGET.id.to_owned(),
        author: TARGET.chat.to_owned(),
        message: text("what?"),
        chat: None,
    };
    let reply = around(
        text("yes"),
        Around {
            quoting: Some(quoting),
            ..Around::default()
        },
    );
    assert_eq!(read(&reply), said("yes"));
    let quote = marks(&reply).quoted;
    assert_eq!(
        quote.as_ref().map(|quote| quote.id.as_str()),
        Some("3EB0AA")
    );
    assert_eq!(quote.and_then(|quote| quote.text), Some("what?".to_owned()));
    let target = || TARGET.id.to_owned();
    assert_eq!(
        read(&reaction(&TARGET, "👍", 1)),
        Content::Reaction {
            target: target(),
            emoji: "👍".to_owned()
        }
    );
    assert_eq!(
        read(&edit(&TARGET, "better", 1)),
        Content::Edit {
            target: target(),
            body: "better".to_owned()
        }
    );
    assert_eq!(read(&revoke(&TARGET)), Content::Revoke { target: target() });
}

#[test]
fn wrappers_are_looked_through() {
    let wrapped = wa::Message {
        message_context_info: MessageField::some(wa::MessageContextInfo::default()),
        device_sent_message: MessageField::some(wa::message::DeviceSentMessage {
            destination_jid: Some(TARGET.chat.to_owned()),
            message: MessageField::some(wa::Message {
                ephemeral_message: MessageField::some(wa::message::FutureProofMessage {
                    message: MessageField::some(text("inside")),
                }),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(destination(&wrapped), Some(TARGET.chat));
    assert_eq!(read(&wrapped), said("inside"));
    assert_eq!(destination(&text("own")), None);

    let edited = wa::Message {
        edited_message: MessageField::some(wa::message::FutureProofMessage {
            message: MessageField::some(edit(&TARGET, "better", 1)),
        }),
        ..Default::default()
    };
    assert!(matches!(read(&edited), Content::Edit { .. }));
}

#[test]
fn the_unknown_and_the_incomplete_have_names() {
    let mut share = crate::phone::Phone::new(1);
    let share = share.app_state_key_share(1);
    assert_eq!(read(&share), Content::Protocol("APP_STATE_SYNC_KEY_SHARE"));
    assert_eq!(read(&wa::Message::default()), Content::Other("unknown"));
    let place = wa::Message {
        location_message: MessageField::some(wa::message::LocationMessage::default()),
        ..Default::default()
    };
    assert_eq!(read(&place), Content::Other("location"));
    let picture = wa::Message {
        image_message: MessageField::some(wa::message::ImageMessage::default()),
        ..Default::default()
    };
    assert_eq!(read(&picture), Content::Other("media without path or key"));
    let nothing = wa::Message {
        reaction_message: MessageField::some(wa::message::ReactionMessage::default()),
        protocol_message: MessageField::default(),
        ..Default::default()
    };
    assert_eq!(read(&nothing), Content::Other("reaction to nothing"));
}

#[test]
fn media_of_every_kind_survives_the_way() -> Outcome {
    let kinds = [
        (MediaKind::Image, "image/png"),
        (MediaKind::Video, "video/mp4"),
        (MediaKind::Audio, "audio/ogg"),
        (MediaKind::Document, "application/pdf"),
        (MediaKind::Sticker, "image/webp"),
    ];
    for (number, (kind, mime)) in (1..).zip(kinds) {
        let plain = vec![number; 1000 * usize::from(number)];
        let sealed = encrypt(kind, &plain, [number; 32])?;
        let message = media(&Attachment {
            kind,
            sealed: &sealed,
            direct_path: "/v/1",
            url: "https://mmg.whatsapp.net/v/1",
            mime,
            look: &Look {
                caption: Some("look".to_owned()),
                ..Look::default()
            },
        });
        let Content::Media {
            kind: received,
            locator,
            mime: received_mime,
            ..
        } = read(&message)
        else {
            return Err("no media".into());
        };
        assert_eq!((received, received_mime.as_str()), (kind, mime));
        assert_eq!(locator.direct_path, "/v/1");
        assert_eq!(locator.sha256, Some(sealed.sha256));
        assert_eq!(locator.length, Some(plain.len() as u64));
        assert_eq!(decrypt(received, &sealed.body, &locator.key)?, plain);
    }
    Ok(())
}

#[test]
fn a_damaged_body_or_another_key_does_not_open() -> Outcome {
    let sealed = encrypt(MediaKind::Image, b"picture", [1; 32])?;
    let refused = |kind, body: &[u8], key: &[u8; 32]| {
        matches!(decrypt(kind, body, key), Err(PhoneError::Media(_)))
    };
    assert!(refused(MediaKind::Video, &sealed.body, &sealed.key));
    assert!(refused(MediaKind::Image, &sealed.body, &[2; 32]));
    for end in 0..sealed.body.len() {
        let short = sealed.body.get(..end).ok_or("shorter")?;
        assert!(refused(MediaKind::Image, short, &sealed.key));
    }
    Ok(())
}
