//! Sessions with rules send when they may, and remember it over a restart.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use warbler_domain::{ManualClock, Timestamp};
use warbler_simulator::ChatState;
use warbler_tests::{PATIENCE, TestHost, eventually, hears_text, quick_settings};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const BOB: &str = "+15550101";
const SENDING: &str = "/v1/sessions/shop/sending";
const OUTBOX: &str = "/v1/sessions/shop/outbox";
/// 2030-03-17T17:46:40Z.
const AFTERNOON: Timestamp = Timestamp::from_millis(1_900_000_000_000);

async fn host_at(start: Timestamp) -> Result<(TestHost, Arc<ManualClock>)> {
    let clock = Arc::new(ManualClock::new(start));
    let time = Arc::clone(&clock);
    let host = TestHost::start_as(move |options| {
        options.clock = Arc::clone(&time) as _;
        options.settings = quick_settings();
    });
    Ok((host.await?, clock))
}

async fn is_held(host: &TestHost, why: &str) -> Result<Value> {
    eventually(&format!("the outbox is held by {why}"), || async {
        let waiting = host
            .api()
            .get(&format!("{OUTBOX}/messages"))
            .await?
            .expect(200)?;
        let items = waiting.body["items"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        Ok(items.into_iter().find(|item| item["delayedBy"] == why))
    })
    .await
}

#[tokio::test]
async fn a_minute_takes_as_many_messages_as_the_rules_say_even_over_a_restart() -> Result<()> {
    let (mut host, clock) = host_at(AFTERNOON).await?;
    let ada = host.person(ADA, "Ada")?;
    {
        let shop = host.connected_session("shop", OWNER).await?;
        let rules = json!({ "perMinute": 2 });
        host.api().put(SENDING, rules).await?.expect(200)?;
        for turn in 0..4 {
            shop.says(ADA, &format!("turn {turn}")).await?;
        }
        for turn in 0..2 {
            assert_eq!(
                ada.hears_within(PATIENCE).await?.text(),
                format!("turn {turn}")
            );
        }
        is_held(&host, "per_minute").await?;
    }
    host.restart().await?;
    host.is_connected("shop").await?;
    is_held(&host, "per_minute").await?;
    clock.advance(Duration::from_secs(61));
    for turn in 2..4 {
        assert_eq!(
            ada.hears_within(PATIENCE).await?.text(),
            format!("turn {turn}")
        );
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn one_recipient_waits_while_another_is_written_to() -> Result<()> {
    let (host, _clock) = host_at(AFTERNOON).await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person(BOB, "Bob")?);
    let rules = json!({ "perRecipientHour": 1 });
    host.api().put(SENDING, rules).await?.expect(200)?;
    shop.says(ADA, "first").await?;
    let second = shop.says(ADA, "second").await?;
    hears_text(&ada, "first").await?;
    let held = is_held(&host, "per_recipient").await?;
    assert_eq!(held["message"]["id"], second.as_str());
    shop.says(BOB, "hello").await?;
    hears_text(&bob, "hello").await?;
    // Without rules what was held goes.
    host.api().delete(SENDING).await?.expect(200)?;
    hears_text(&ada, "second").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn in_quiet_hours_only_those_who_just_wrote_are_answered() -> Result<()> {
    let (host, clock) = host_at(AFTERNOON).await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person(BOB, "Bob")?);
    let quiet = json!({ "from": "17:00", "to": "19:00", "zone": "UTC", "answerWithinMinutes": 100_000_000 });
    host.api()
        .put(SENDING, json!({ "quiet": quiet }))
        .await?
        .expect(200)?;
    bob.says(OWNER, "are you there?").await?;
    shop.has_received("are you there?").await?;
    shop.says(ADA, "good morning").await?;
    is_held(&host, "quiet_hours").await?;
    shop.says(BOB, "yes").await?;
    hears_text(&bob, "yes").await?;
    clock.advance(Duration::from_secs(2 * 3600));
    hears_text(&ada, "good morning").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn typing_is_shown_before_a_text_when_the_rules_say_so() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let typing = json!({ "perCharacterMillis": 5, "longestMillis": 50 });
    host.api()
        .put(SENDING, json!({ "typing": typing }))
        .await?
        .expect(200)?;
    shop.says(ADA, "just a moment").await?;
    hears_text(&ada, "just a moment").await?;
    let seen = ada.chat_states();
    let typed = seen.iter().any(|seen| seen.state == ChatState::Typing);
    assert!(typed, "{seen:?}");
    host.stop().await;
    Ok(())
}
