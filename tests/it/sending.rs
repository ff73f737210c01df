//! Messages of every kind go out, once, and can be changed afterwards.

use anyhow::{Context, Result, ensure};
use data_encoding::BASE64;
use serde_json::{Value, json};
use warbler_simulator::{Heard, HeardContent, Outgoing, Person};
use warbler_tests::{PATIENCE, TestHost, hears_text};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const BOB: &str = "+15550101";

/// A PNG of one pixel.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async fn hears(person: &Person, wanted: impl Fn(&HeardContent) -> bool) -> Result<Heard> {
    loop {
        let heard = person.hears_within(PATIENCE).await?;
        if wanted(&heard.content) {
            return Ok(heard);
        }
    }
}

#[tokio::test]
async fn every_kind_goes_out_as_what_it_is() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    shop.sends(json!({ "to": ADA, "image": { "data": PIXEL, "caption": "one pixel" } }))
        .await?;
    hears(&ada, |heard| matches!(heard, HeardContent::Image { .. })).await?;
    let pdf = BASE64.encode(b"%PDF-1.4\n%%EOF\n");
    shop.sends(json!({ "to": ADA, "document": { "data": pdf, "fileName": "Menu.pdf" } }))
        .await?;
    let heard = hears(&ada, |heard| matches!(heard, HeardContent::Document { .. })).await?;
    ensure!(
        matches!(&heard.content, HeardContent::Document { file_name: Some(name), .. } if name == "Menu.pdf"),
        "{:?}",
        heard.content
    );
    let place = json!({ "latitude": 52.520008, "longitude": 13.404954, "name": "Here" });
    shop.sends(json!({ "to": ADA, "location": place })).await?;
    hears(&ada, |heard| matches!(heard, HeardContent::Location(_))).await?;
    let card = json!({ "name": "Bob", "numbers": [BOB] });
    shop.sends(json!({ "to": ADA, "contacts": [card] })).await?;
    hears(&ada, |heard| matches!(heard, HeardContent::Contacts { .. })).await?;
    let poll = json!({ "question": "Tea?", "options": ["yes", "no"] });
    shop.sends(json!({ "to": ADA, "poll": poll })).await?;
    hears(&ada, |heard| matches!(heard, HeardContent::Poll(_))).await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_message_is_edited_taken_back_and_sent_on() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person(BOB, "Bob")?);
    let id = shop.says(ADA, "until six").await?;
    let heard = hears_text(&ada, "until six").await?;
    shop.has_status(&id, "delivered").await?;
    let about = |what: &str| format!("/v1/messages/{id}/{what}");
    let edit = json!({ "text": "until seven" });
    host.api().post(&about("edit"), edit).await?.expect(202)?;
    let wanted = heard.id.clone();
    hears(&ada, |heard| matches!(heard, HeardContent::Edit { target, body } if *target == wanted && body == "until seven"))
        .await?;
    let forward = json!({ "to": BOB });
    let forwarded = host
        .api()
        .post(&about("forward"), forward)
        .await?
        .expect(202)?;
    assert_eq!(forwarded.body["forwarded"], 1);
    assert!(hears_text(&bob, "until seven").await?.marks.forwarded);
    host.api().order(&about("revoke")).await?.expect(202)?;
    hears(
        &ada,
        |heard| matches!(heard, HeardContent::Revoke { target } if *target == wanted),
    )
    .await?;
    ada.says(OWNER, "mine").await?;
    let theirs = shop.has_received("mine").await?;
    let theirs = theirs["id"].as_str().context("id")?.to_owned();
    let path = format!("/v1/messages/{theirs}");
    let revoke = host.api().order(&format!("{path}/revoke")).await?;
    assert_eq!(revoke.refusal(), (409, "revoke_not_allowed"));
    let path = format!("{path}/edit");
    let edit = host.api().post(&path, json!({ "text": "x" })).await?;
    assert_eq!(edit.refusal(), (409, "not_own_message"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_batch_arrives_in_its_order() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let messages: Vec<Value> = (0..100)
        .map(|turn| json!({ "to": ADA, "text": format!("turn {turn}") }))
        .collect();
    let path = format!("/v1/sessions/{}/messages/batch", shop.name());
    let answer = host
        .api()
        .post(&path, json!({ "messages": messages }))
        .await?;
    assert_eq!(answer.expect(202)?.body["accepted"], 100);
    for turn in 0..100 {
        let heard = ada.hears_within(PATIENCE).await?;
        assert_eq!(heard.text(), format!("turn {turn}"));
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn films_sounds_and_stickers_go_out_as_what_they_are() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let film = BASE64.encode(b"\0\0\0\x18ftypisom\0\0\0\0isomiso2");
    let sound = BASE64.encode(b"OggS\0\x02........OpusHead");
    let sticker = BASE64.encode(b"RIFF\x10\0\0\0WEBPVP8 ........");
    for (form, data) in [
        ("video", &film),
        ("gif", &film),
        ("voice", &sound),
        ("audio", &sound),
        ("sticker", &sticker),
    ] {
        shop.sends(json!({ "to": ADA, form: { "data": data } }))
            .await?;
        hears(&ada, |heard| match heard {
            HeardContent::Video { gif, .. } => form == if *gif { "gif" } else { "video" },
            HeardContent::Audio { voice, .. } => form == if *voice { "voice" } else { "audio" },
            HeardContent::Sticker { .. } => form == "sticker",
            _ => false,
        })
        .await
        .context(form)?;
    }
    let path = format!("/v1/sessions/{}/messages", shop.name());
    let lie = json!({ "to": ADA, "image": { "data": film } });
    let refused = host.api().post(&path, lie).await?;
    assert_eq!(refused.refusal(), (400, "media_wrong_type"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn somebody_mentioned_is_told_and_a_vote_is_counted() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let mentions = json!({ "people": [ADA] });
    shop.sends(json!({ "to": ADA, "text": "hi @15550100", "mentions": mentions }))
        .await?;
    let heard = hears_text(&ada, "hi @15550100").await?;
    assert_eq!(heard.marks.mentions.len(), 1, "{:?}", heard.marks);
    let poll = ada
        .sends(OWNER, Outgoing::poll("Tea?", &["yes", "no"], 1))
        .await?;
    shop.has_message("the poll", |message| message["type"] == "poll")
        .await?;
    let path = format!("/v1/sessions/{}/messages", shop.name());
    let vote =
        |option: &str| json!({ "to": ADA, "vote": { "message": poll, "options": [option] } });
    let wrong = host.api().post(&path, vote("maybe")).await?;
    assert_eq!(wrong.refusal(), (400, "unknown_option"));
    shop.sends(vote("yes")).await?;
    hears(
        &ada,
        |heard| matches!(heard, HeardContent::Vote { options, .. } if options == &["yes"]),
    )
    .await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_status_is_seen_by_its_audience() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let status = json!({ "to": "status@broadcast", "text": "we are open", "audience": [ADA] });
    shop.sends(status).await?;
    assert!(hears_text(&ada, "we are open").await?.is_status());
    let poll = json!({ "question": "Tea?", "options": ["yes", "no"] });
    let wrong = json!({ "to": "status@broadcast", "poll": poll, "audience": [ADA] });
    let path = format!("/v1/sessions/{}/messages", shop.name());
    let refused = host.api().post(&path, wrong).await?;
    assert_eq!(refused.refusal(), (400, "not_a_status"));
    host.stop().await;
    Ok(())
}
