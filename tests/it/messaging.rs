//! Messages both ways, to people and groups, with everything the network adds to them.

use std::time::Duration;

use anyhow::{Context, Result};
use data_encoding::BASE64;
use serde_json::json;
use tokio::time::timeout;
use warbler_simulator::HeardContent;
use warbler_tests::{PATIENCE, TestHost, eventually, hears_text};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

/// A PNG of one pixel.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[tokio::test]
async fn a_text_goes_out_and_its_status_follows_the_receipts() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let id = shop.says(ADA, "hello Ada").await?;
    let heard = hears_text(&ada, "hello Ada").await?;
    let message = shop.has_status(&id, "delivered").await?;
    assert_eq!(
        message["whatsappId"], heard.id,
        "the id on the wire is the one we chose"
    );
    ada.reads(&heard);
    shop.has_status(&id, "read").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_text_comes_in_with_who_wrote_it() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    ada.says(OWNER, "hello shop").await?;
    let message = shop.has_received("hello shop").await?;
    assert_eq!(message["chat"], "15550100@s.whatsapp.net");
    assert_eq!(message["sender"], "15550100@s.whatsapp.net");
    assert_eq!(message["senderName"], "Ada");
    assert_eq!(message["status"], "received");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_conversation_goes_on_in_order() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    for turn in 0..20 {
        shop.says(ADA, &format!("turn {turn}")).await?;
    }
    for turn in 0..20 {
        assert_eq!(
            ada.hears_within(PATIENCE).await?.text(),
            format!("turn {turn}")
        );
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_group_is_written_to_and_heard() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person("+15550101", "Bob")?);
    let group = ada.creates_group("Friends", &[&bob, shop.owner()]).await?;
    ada.says(&group, "hello all").await?;
    let message = shop.has_received("hello all").await?;
    assert_eq!(message["chat"], group.as_str());
    assert_eq!(message["sender"], "15550100@s.whatsapp.net");
    hears_text(&bob, "hello all").await?;
    shop.says(&group, "hello from the shop").await?;
    for person in [&ada, &bob] {
        let heard = hears_text(person, "hello from the shop").await?;
        assert_eq!(heard.group.as_deref(), Some(group.as_str()));
    }
    host.stop().await;
    Ok(())
}

/// Keys that have just read a message wait for it, which must not make answers wait for the next one.
#[tokio::test]
async fn who_writes_fast_is_answered_in_order_and_without_pauses() -> Result<()> {
    const TURNS: usize = 30;
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    host.put_script(
        "echo",
        r#"fn on_message(message) { reply("echo " + message.text); }"#,
    )
    .await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person("+15550101", "Bob")?);
    let group = bob.creates_group("Friends", &[shop.owner()]).await?;
    let fast = async {
        for turn in 0..TURNS {
            ada.says(OWNER, &format!("turn {turn}")).await?;
            bob.says(&group, &format!("turn {turn}")).await?;
        }
        for person in [&ada, &bob] {
            for turn in 0..TURNS {
                let heard = person.hears_within(PATIENCE).await?;
                assert_eq!(heard.text(), format!("echo turn {turn}"));
            }
        }
        anyhow::Ok(())
    };
    // A pause of half a second at each would take 30 s.
    timeout(Duration::from_secs(20), fast).await??;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_image_goes_out() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    shop.sends(json!({ "to": ADA, "image": { "data": PIXEL, "caption": "one pixel" } }))
        .await?;
    let heard = hears_text(&ada, "one pixel").await?;
    let HeardContent::Image { bytes, mime, .. } = heard.content else {
        anyhow::bail!("not an image: {:?}", heard.content);
    };
    assert_eq!(mime, "image/png");
    assert_eq!(BASE64.encode(&bytes), PIXEL);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_image_comes_in_and_can_be_had_even_after_it_left_the_network() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let pixel = BASE64.decode(PIXEL.as_bytes())?;
    ada.sends_image(OWNER, &pixel, "image/png", Some("look"))
        .await?;
    let message = shop.has_received("look").await?;
    let path = message["media"]["url"].as_str().context("url")?.to_owned();
    for _ in 0..2 {
        let media = host.api().get(&path).await?.expect(200)?;
        assert_eq!(media.content_type, "image/png");
        assert_eq!(media.bytes, pixel);
        // The second time it comes from the host's own store.
        host.network().faults().inject(
            warbler_simulator::Scope::All,
            warbler_simulator::Fault::MediaError {
                status: 404,
                times: 100,
            },
        )?;
    }
    assert!(
        !message.to_string().contains("mediaKey"),
        "keys are never shown"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_reaction_and_a_quote_name_the_message_they_belong_to() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let asked = ada.says(OWNER, "do you like it?").await?;
    shop.has_received("do you like it?").await?;
    shop.sends(json!({ "to": ADA, "reaction": { "message": asked, "emoji": "👍" } }))
        .await?;
    let heard = hears_text(&ada, "👍").await?;
    assert_eq!(
        heard.content,
        HeardContent::Reaction {
            target: asked.clone(),
            emoji: "👍".to_owned()
        }
    );
    shop.sends(json!({ "to": ADA, "text": "very much", "quote": asked }))
        .await?;
    let heard = hears_text(&ada, "very much").await?;
    let HeardContent::Text { quoted, .. } = heard.content else {
        anyhow::bail!("not a text");
    };
    assert_eq!(quoted, Some(asked));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn reactions_edits_and_deletions_come_in_as_events_of_their_kind() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let first = shop.says(ADA, "rate us").await?;
    let rated = hears_text(&ada, "rate us").await?;
    ada.reacts(OWNER, &rated.id, "❤️").await?;
    let said = ada.says(OWNER, "gooood").await?;
    ada.edits(OWNER, &said, "good").await?;
    let wrong = ada.says(OWNER, "wrong chat").await?;
    ada.revokes(OWNER, &wrong).await?;
    for kind in ["message.reaction", "message.edited", "message.revoked"] {
        eventually(kind, || async {
            Ok((shop.events(kind).await?.len() == 1).then_some(()))
        })
        .await?;
    }
    shop.has_status(&first, "delivered").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_message_to_somebody_who_is_away_arrives_when_they_are_back() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    ada.goes_offline();
    let id = shop.says(ADA, "for later").await?;
    shop.has_status(&id, "sent").await?;
    assert!(ada.heard().is_empty());
    ada.comes_online();
    hears_text(&ada, "for later").await?;
    shop.has_status(&id, "delivered").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_message_accepted_while_the_session_is_stopped_goes_out_when_it_is_back() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.api()
        .order("/v1/sessions/shop/stop")
        .await?
        .expect(200)?;
    let id = shop.says(ADA, "queued").await?;
    shop.has_status(&id, "queued").await?;
    host.api()
        .order("/v1/sessions/shop/start")
        .await?
        .expect(200)?;
    hears_text(&ada, "queued").await?;
    shop.has_status(&id, "delivered").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_was_written_while_the_host_was_down_arrives_once() -> Result<()> {
    let mut host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.while_stopped(async {
        for turn in 0..5 {
            ada.says(OWNER, &format!("while you were away {turn}"))
                .await?;
        }
        Ok(())
    })
    .await?;
    let shop = host.shop("shop", OWNER)?;
    for turn in 0..5 {
        shop.has_received(&format!("while you were away {turn}"))
            .await?;
    }
    assert_eq!(shop.events("message.received").await?.len(), 5);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_the_owner_writes_on_the_phone_is_seen_as_sent() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    shop.owner().says(ADA, "written by hand").await?;
    hears_text(&ada, "written by hand").await?;
    let message = shop
        .has_message("written by hand", |m| m["text"] == "written by hand")
        .await?;
    assert_eq!(message["direction"], "outbound");
    assert_eq!(message["chat"], "15550100@s.whatsapp.net");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn typing_is_an_event() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    ada.says(OWNER, "one moment").await?;
    shop.has_received("one moment").await?;
    ada.types(OWNER)?;
    let typing = eventually("typing", || async {
        Ok(shop.events("presence").await?.into_iter().next())
    })
    .await?;
    assert_eq!(typing["presence"]["state"], "composing");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn history_is_listed_by_chat_and_page() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person("+15550101", "Bob")?);
    for turn in 0..5 {
        ada.says(OWNER, &format!("from Ada {turn}")).await?;
    }
    bob.says(OWNER, "from Bob").await?;
    shop.has_received("from Bob").await?;
    shop.has_received("from Ada 4").await?;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/sessions/shop/messages?chat=%2B15550100&limit=2{cursor}");
        let page = host.api().get(&path).await?.expect(200)?;
        let items = page.body["items"].as_array().context("items")?.clone();
        seen.extend(
            items
                .iter()
                .filter_map(|m| m["text"].as_str().map(str::to_owned)),
        );
        match page.body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(
        seen,
        [
            "from Ada 4",
            "from Ada 3",
            "from Ada 2",
            "from Ada 1",
            "from Ada 0"
        ]
    );
    host.stop().await;
    Ok(())
}
