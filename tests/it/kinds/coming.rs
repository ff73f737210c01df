//! What people write comes in as what it is, with its file to be had.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use warbler_simulator::{ContactCard, LinkPreview, Outgoing, Place as Spot};
use warbler_tests::{TestHost, eventually};

use super::{ADA, BOB, FILM, OWNER, PAPER, PICTURE, Place, SOUND, STICKER, Talk, holds};

/// What Ada sends, and what of it is shown.
fn said() -> Vec<(Outgoing, Value)> {
    let link = LinkPreview {
        url: "https://example.com/a".to_owned(),
        title: Some("Prices".to_owned()),
        description: None,
    };
    let spot = Spot {
        latitude: 52.5,
        longitude: 13.25,
        name: Some("Shop".to_owned()),
        address: None,
        live: false,
    };
    let card = ContactCard {
        name: "Bob".to_owned(),
        vcard: "BEGIN:VCARD\nVERSION:3.0\nFN:Bob\nTEL;waid=15550101:+15550101\nEND:VCARD"
            .to_owned(),
    };
    vec![
        (
            Outgoing::text("ask @15550101").mentioning(&[BOB]),
            json!({ "type": "text", "text": "ask @15550101", "mentions": { "people": ["15550101@s.whatsapp.net"] } }),
        ),
        (
            Outgoing::text("see https://example.com/a").previewing(link),
            json!({ "type": "text", "preview": { "title": "Prices" } }),
        ),
        (
            Outgoing::text("news").forwarded(3),
            json!({ "type": "text", "forwarded": 3 }),
        ),
        (
            Outgoing::location(spot),
            json!({ "type": "location", "location": { "latitude": 52.5, "longitude": 13.25, "name": "Shop" } }),
        ),
        (
            Outgoing::contacts(vec![card.clone()]),
            json!({ "type": "contacts", "contacts": [{ "name": "Bob", "numbers": ["+15550101"], "vcard": card.vcard }] }),
        ),
        (
            Outgoing::poll("Tea?", &["yes", "no"], 1),
            json!({ "type": "poll", "poll": { "question": "Tea?", "options": ["yes", "no"], "choices": 1 } }),
        ),
    ]
}

/// The files Ada sends, what of them is shown, and their bytes.
fn files() -> Vec<(Outgoing, Value, &'static [u8])> {
    let captioned =
        |kind: &str| json!({ "type": kind, "media": { "kind": kind, "caption": "below it" } });
    vec![
        (
            Outgoing::image(PICTURE, "image/png").captioned("below it"),
            captioned("image"),
            PICTURE,
        ),
        (
            Outgoing::image(PICTURE, "image/png").once(),
            json!({ "type": "image", "media": { "viewOnce": true } }),
            PICTURE,
        ),
        (
            Outgoing::video(FILM, "video/mp4", 3).captioned("below it"),
            captioned("video"),
            FILM,
        ),
        (
            Outgoing::gif(FILM),
            json!({ "type": "gif", "media": { "mime": "video/mp4" } }),
            FILM,
        ),
        (
            Outgoing::audio(SOUND, "audio/ogg", 4),
            json!({ "type": "audio", "media": { "seconds": 4 } }),
            SOUND,
        ),
        (
            Outgoing::voice_note(SOUND, 5, vec![1, 2, 3]),
            json!({ "type": "voice", "media": { "seconds": 5 } }),
            SOUND,
        ),
        (
            Outgoing::document(PAPER, "application/pdf", "Menu.pdf").captioned("below it"),
            json!({ "type": "document", "media": { "fileName": "Menu.pdf", "caption": "below it" } }),
            PAPER,
        ),
        (
            Outgoing::sticker(STICKER, true),
            json!({ "type": "sticker", "media": { "animated": true } }),
            STICKER,
        ),
    ]
}

#[tokio::test]
async fn every_kind_comes_in_from_people_and_groups() -> Result<()> {
    for place in [Place::Direct, Place::Group] {
        let host = TestHost::start().await?;
        let talk = Talk::start(&host, place).await?;
        // Whoever has written is known by both addresses when somebody mentions them.
        let hello = talk.bob.says(&talk.back, "hello").await?;
        talk.stores(&hello).await?;
        for (outgoing, shown) in said() {
            let id = talk.ada.sends(&talk.back, outgoing).await?;
            let message = talk.stores(&id).await?;
            holds(&message, &shown).with_context(|| format!("{place:?} {message}"))?;
            came_from_ada(&talk, &message).with_context(|| format!("{place:?} {message}"))?;
        }
        for (outgoing, shown, bytes) in files() {
            let id = talk.ada.sends(&talk.back, outgoing).await?;
            let message = talk.stores(&id).await?;
            holds(&message, &shown).with_context(|| format!("{place:?} {message}"))?;
            let path = message["media"]["url"].as_str().context("a url")?;
            let file = host.api().get(path).await?.expect(200)?;
            assert_eq!(file.bytes, bytes, "{message}");
        }
        pointing_back(&talk)
            .await
            .with_context(|| format!("{place:?}"))?;
        host.stop().await;
    }
    Ok(())
}

/// Both addresses of whoever wrote it, and the one of its chat.
fn came_from_ada(talk: &Talk<'_>, message: &Value) -> Result<()> {
    let chat = match talk.place {
        Place::Direct => json!({ "chat": talk.ada.jid(), "chatAlt": talk.ada.lid() }),
        Place::Group => json!({ "chat": talk.to }),
    };
    holds(message, &chat)?;
    holds(
        message,
        &json!({
            "direction": "inbound", "status": "received", "senderName": "Ada",
            "sender": talk.ada.jid(), "senderAlt": talk.ada.lid(),
        }),
    )
}

/// What refers to another message.
async fn pointing_back(talk: &Talk<'_>) -> Result<()> {
    let (ada, back) = (&talk.ada, &talk.back);
    let body = json!({ "to": talk.to, "text": "rate us" });
    let ours = talk.shop.sends(body).await?;
    talk.shop.has_status(&ours, "delivered").await?;
    let heard = ada.heard().pop().context("the question")?;

    let reply = ada.replies(back, &heard.id, "five stars").await?;
    let quoted =
        json!({ "text": "five stars", "quoted": { "message": heard.id, "text": "rate us" } });
    holds(&talk.stores(&reply).await?, &quoted)?;
    let all = ada
        .sends(back, Outgoing::text("all of you").mentioning_all())
        .await?;
    if talk.place == Place::Group {
        let everybody = json!({ "mentions": { "everybody": true } });
        holds(&talk.stores(&all).await?, &everybody)?;
    }

    let reaction = ada.reacts(back, &heard.id, "⭐").await?;
    let edit = ada.edits(back, &reply, "four stars").await?;
    let poll = ada
        .sends(back, Outgoing::poll("Tea?", &["yes", "no"], 1))
        .await?;
    let vote = ada.votes(back, &poll, &["no"]).await?;
    let revoke = ada.revokes(back, &reply).await?;
    for (kind, id, shown) in [
        (
            "message.reaction",
            reaction,
            json!({ "reaction": { "message": heard.id, "emoji": "⭐" } }),
        ),
        (
            "message.edited",
            edit,
            json!({ "edit": { "message": reply, "text": "four stars" } }),
        ),
        (
            "message.vote",
            vote,
            json!({ "vote": { "message": poll, "options": ["no"], "count": 1 } }),
        ),
        (
            "message.revoked",
            revoke,
            json!({ "revoke": { "message": reply } }),
        ),
    ] {
        let event = eventually(kind, || async {
            let events = talk.shop.events(kind).await?;
            Ok(events
                .into_iter()
                .find(|event| event["message"]["whatsappId"] == id))
        });
        holds(&event.await?["message"], &shown).context(kind)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_status_of_every_kind_comes_in() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    ada.knows(shop.owner());
    for (post, kind, bytes) in [
        (Outgoing::text("open today"), "text", None),
        (
            Outgoing::image(PICTURE, "image/png"),
            "image",
            Some(PICTURE),
        ),
        (Outgoing::video(FILM, "video/mp4", 3), "video", Some(FILM)),
    ] {
        let id = ada.posts_status(post).await?;
        let event = eventually(kind, || async {
            let events = shop.events("status.received").await?;
            Ok(events
                .into_iter()
                .find(|event| event["message"]["whatsappId"] == id))
        })
        .await?;
        let shown = json!({ "type": kind, "chat": "status@broadcast", "sender": ada.jid() });
        holds(&event["message"], &shown)?;
        if let Some(bytes) = bytes {
            let path = event["message"]["media"]["url"].as_str().context("a url")?;
            assert_eq!(host.api().get(path).await?.expect(200)?.bytes, bytes);
        }
    }
    host.stop().await;
    Ok(())
}
