//! What is sent by request arrives as what it is.

use anyhow::{Context, Result, bail, ensure};
use data_encoding::BASE64;
use serde_json::{Value, json};
use warbler_simulator::{Heard, HeardContent};
use warbler_tests::{PATIENCE, TestHost};

use super::{ADA, BOB, FILM, OWNER, PAPER, PICTURE, Place, SOUND, STICKER, Talk};
use crate::media::servers::{reaching_this_machine, serving};

/// The forms in which a file is sent, and a file that fits.
const FORMS: [(&str, &[u8]); 7] = [
    ("image", PICTURE),
    ("video", FILM),
    ("gif", FILM),
    ("audio", SOUND),
    ("voice", SOUND),
    ("document", PAPER),
    ("sticker", STICKER),
];

impl Talk<'_> {
    /// Sends this to the place, and waits until Ada has it: our id of it, and what she heard.
    async fn sent(&self, mut body: Value) -> Result<(String, Heard)> {
        body["to"] = json!(self.to);
        let id = self.shop.sends(body).await?;
        let heard = self.ada.hears_within(PATIENCE).await?;
        let path = format!("/v1/messages/{id}");
        let message = self.host.api().get(&path).await?.expect(200)?;
        ensure!(
            message.text_at("/whatsappId")? == heard.id,
            "another message was heard: {heard:?}"
        );
        let group = (self.place == Place::Group).then_some(self.to.as_str());
        ensure!(
            heard.group.as_deref() == group,
            "heard elsewhere: {heard:?}"
        );
        Ok((id, heard))
    }
}

/// The form in which a medium was heard.
fn form(content: &HeardContent) -> &'static str {
    match content {
        HeardContent::Image { .. } => "image",
        HeardContent::Video { gif: true, .. } => "gif",
        HeardContent::Video { .. } => "video",
        HeardContent::Audio { voice: true, .. } => "voice",
        HeardContent::Audio { .. } => "audio",
        HeardContent::Document { .. } => "document",
        HeardContent::Sticker { .. } => "sticker",
        _ => "something else",
    }
}

#[tokio::test]
async fn every_file_goes_out_in_every_form_from_wherever_it_is() -> Result<()> {
    for place in [Place::Direct, Place::Group] {
        let host = TestHost::start_with(reaching_this_machine()?).await?;
        let talk = Talk::start(&host, place).await?;
        for (wanted, bytes) in FORMS {
            let upload = host.api().upload("/v1/media", bytes.to_vec()).await?;
            let upload = upload.expect(201)?.text_at("/id")?.to_owned();
            let at = serving(bytes).await?;
            let base64 = BASE64.encode(bytes);
            for mut medium in [
                json!({ "upload": upload }),
                json!({ "url": format!("http://{at}/a.bin") }),
                json!({ "data": format!("data:text/plain;base64,{base64}") }),
                json!({ "data": base64 }),
            ] {
                let captioned = ["image", "video", "gif", "document"].contains(&wanted);
                if captioned {
                    medium["caption"] = json!("below it");
                }
                let (_, heard) = talk.sent(json!({ wanted: medium })).await?;
                assert_eq!(form(&heard.content), wanted, "{place:?} {medium}");
                assert_eq!(heard.media().map(|bytes| &bytes[..]), Some(bytes));
                assert_eq!(heard.text(), if captioned { "below it" } else { "" });
            }
        }
        host.stop().await;
    }
    Ok(())
}

#[tokio::test]
async fn every_other_kind_goes_out_to_people_and_groups() -> Result<()> {
    for place in [Place::Direct, Place::Group] {
        let host = TestHost::start().await?;
        let talk = Talk::start(&host, place).await?;
        texts(&talk).await.with_context(|| format!("{place:?}"))?;
        things(&talk).await.with_context(|| format!("{place:?}"))?;
        changes(&talk).await.with_context(|| format!("{place:?}"))?;
        host.stop().await;
    }
    Ok(())
}

/// Texts with what they can have about them.
async fn texts(talk: &Talk<'_>) -> Result<()> {
    let people = json!({ "people": [BOB] });
    let text = json!({ "text": "ask @15550101", "mentions": people });
    let (_, heard) = talk.sent(text).await?;
    let [mentioned] = heard.marks.mentions.as_slice() else {
        bail!("{:?}", heard.marks);
    };
    ensure!([talk.bob.jid(), talk.bob.lid()].contains(mentioned));

    let all = json!({ "text": "all of you", "mentions": { "everybody": true }, "to": talk.to });
    if talk.place == Place::Group {
        let (_, heard) = talk.sent(all).await?;
        ensure!(heard.marks.mentions_all, "{:?}", heard.marks);
    } else {
        let path = "/v1/sessions/shop/messages";
        let refused = talk.host.api().post(path, all).await?;
        assert_eq!(refused.refusal(), (400, "everybody_needs_group"));
    }

    let preview =
        json!({ "url": "https://example.com/a", "title": "Prices", "description": "All of them" });
    let text = json!({ "text": "see https://example.com/a", "preview": preview });
    let (_, heard) = talk.sent(text).await?;
    let HeardContent::Text {
        preview: Some(shown),
        ..
    } = heard.content
    else {
        bail!("nothing is shown: {heard:?}");
    };
    assert_eq!(shown.title.as_deref(), Some("Prices"));
    assert_eq!(shown.description.as_deref(), Some("All of them"));
    let (_, heard) = talk
        .sent(json!({ "text": "see https://example.com/a" }))
        .await?;
    let plain = matches!(heard.content, HeardContent::Text { preview: None, .. });
    ensure!(plain, "a preview is only shown where it was asked for");
    Ok(())
}

/// What is neither text nor file.
async fn things(talk: &Talk<'_>) -> Result<()> {
    let place =
        json!({ "latitude": 52.5, "longitude": 13.25, "name": "Shop", "address": "Street 1" });
    let (_, heard) = talk.sent(json!({ "location": place })).await?;
    let HeardContent::Location(heard) = heard.content else {
        bail!("not a place: {heard:?}");
    };
    assert_eq!((heard.latitude, heard.longitude), (52.5, 13.25));
    assert_eq!(
        (heard.name.as_deref(), heard.address.as_deref()),
        (Some("Shop"), Some("Street 1"))
    );

    let bob = json!({ "name": "Bob", "numbers": [BOB] });
    let carol = json!({ "vcard": "BEGIN:VCARD\nVERSION:3.0\nFN:Carol\nTEL:+15550102\nEND:VCARD" });
    for cards in [json!([bob]), json!([bob, carol])] {
        let (_, heard) = talk.sent(json!({ "contacts": cards })).await?;
        let HeardContent::Contacts { cards: heard } = heard.content else {
            bail!("no cards: {heard:?}");
        };
        assert_eq!(Some(heard.len()), cards.as_array().map(Vec::len));
        let first = heard.first().context("a card")?;
        ensure!(
            first.name == "Bob" && first.vcard.contains("waid=15550101"),
            "{first:?}"
        );
    }

    let poll = json!({ "question": "Tea?", "options": ["yes", "no"], "choices": 1 });
    let (_, heard) = talk.sent(json!({ "poll": poll })).await?;
    let HeardContent::Poll(asked) = &heard.content else {
        bail!("not a poll: {heard:?}");
    };
    assert_eq!((asked.name.as_str(), asked.selectable), ("Tea?", 1));
    talk.ada.votes(&talk.back, &heard.id, &["yes"]).await?;
    let vote = talk
        .shop
        .has_message("the vote", |message| message["type"] == "vote");
    assert_eq!(vote.await?["vote"]["options"], json!(["yes"]));
    Ok(())
}

/// What refers to another message.
async fn changes(talk: &Talk<'_>) -> Result<()> {
    let asked = talk.ada.says(&talk.back, "until when?").await?;
    talk.stores(&asked).await?;
    let (_, heard) = talk
        .sent(json!({ "text": "until six", "quote": asked }))
        .await?;
    let quoted = heard.marks.quoted.clone().context("a quote")?;
    assert_eq!(
        (quoted.id.as_str(), quoted.text.as_deref()),
        (asked.as_str(), Some("until when?"))
    );
    let answer = heard.id;

    for emoji in ["👍", ""] {
        let reaction = json!({ "message": asked, "emoji": emoji });
        let (_, heard) = talk.sent(json!({ "reaction": reaction })).await?;
        let expected = HeardContent::Reaction {
            target: asked.clone(),
            emoji: emoji.to_owned(),
        };
        assert_eq!(heard.content, expected);
    }

    let edit = json!({ "message": answer, "text": "until seven" });
    let (_, heard) = talk.sent(json!({ "edit": edit })).await?;
    let expected = HeardContent::Edit {
        target: answer.clone(),
        body: "until seven".to_owned(),
    };
    assert_eq!(heard.content, expected);

    let mine = talk.stores(&answer).await?;
    let forward = format!(
        "/v1/messages/{}/forward",
        mine["id"].as_str().context("id")?
    );
    let body = json!({ "to": talk.to });
    talk.host.api().post(&forward, body).await?.expect(202)?;
    let heard = talk.ada.hears_within(PATIENCE).await?;
    assert_eq!((heard.text(), heard.marks.forwarded), ("until seven", true));

    let (_, heard) = talk
        .sent(json!({ "revoke": { "message": answer } }))
        .await?;
    assert_eq!(heard.content, HeardContent::Revoke { target: answer });
    Ok(())
}

#[tokio::test]
async fn a_status_of_every_kind_is_seen_by_its_audience() -> Result<()> {
    let host = TestHost::start_with(reaching_this_machine()?).await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person(BOB, "Bob")?);
    let at = serving(PICTURE).await?;
    let image = json!({ "url": format!("http://{at}/"), "caption": "new" });
    let video = json!({ "data": BASE64.encode(FILM), "caption": "new" });
    for (content, bytes) in [
        (json!({ "text": "new" }), None),
        (json!({ "image": image }), Some(PICTURE)),
        (json!({ "video": video }), Some(FILM)),
    ] {
        let mut post = content;
        post["to"] = json!("status@broadcast");
        post["audience"] = json!([ADA]);
        let id = shop.sends(post).await?;
        let heard = ada.hears_within(PATIENCE).await?;
        assert!(heard.is_status(), "{heard:?}");
        assert_eq!(heard.text(), "new");
        assert_eq!(heard.media().map(|bytes| &bytes[..]), bytes);
        let message = shop.has_status(&id, "delivered").await?;
        assert_eq!(message["whatsappId"], heard.id);
        host.api()
            .order(&format!("/v1/messages/{id}/revoke"))
            .await?
            .expect(202)?;
        let back = ada.hears_within(PATIENCE).await?;
        assert_eq!(back.content, HeardContent::Revoke { target: heard.id });
    }
    assert!(
        bob.heard().is_empty(),
        "who is not of the audience sees none"
    );
    host.stop().await;
    Ok(())
}
