//! What is old is forgotten, what is needed stays, and a full disk loses nothing.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use warbler_app::retention::RetentionSettings;
use warbler_cli::host::DATABASE;
use warbler_domain::{ExtensionName, ManualClock, Timestamp};
use warbler_store::kv::KvWrite;
use warbler_store::{Store, StoreOptions};
use warbler_tests::{TestHost, eventually, hears_text, quick_settings};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const DAY: Duration = Duration::from_secs(24 * 3600);
const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn everything_is_kept_for_as_long_as_it_is_set_and_no_longer() -> Result<()> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_900_000_000_000)));
    let time = Arc::clone(&clock);
    let host = TestHost::start_as(move |options| {
        options.clock = Arc::clone(&time) as _;
        options.settings = quick_settings();
        options.settings.retention = RetentionSettings {
            events: Some(10 * DAY),
            traces: Some(2 * DAY),
            messages: Some(20 * DAY),
            every: Duration::from_millis(50),
            ..RetentionSettings::default()
        };
    })
    .await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script("greet", "fn on_event(event) { reply(\"hello\"); }")
        .await?;
    ada.says(OWNER, "hi").await?;
    hears_text(&ada, "hello").await?;
    let received = shop.events("message.received").await?;
    let id = received
        .first()
        .and_then(|event| event["id"].as_str())
        .unwrap_or_default()
        .to_owned();
    let trace = format!("/v1/events/{id}/trace");
    eventually("the event is done", || async {
        let explained = host.api().get(&trace).await?.expect(200)?;
        Ok((explained.body["trace"]["steps"] != Value::Null).then_some(()))
    })
    .await?;
    clock.advance(3 * DAY);
    eventually("the trace is gone", || async {
        let explained = host.api().get(&trace).await?.expect(200)?;
        Ok(explained.body["trace"].is_null().then_some(()))
    })
    .await?;
    clock.advance(8 * DAY);
    eventually("the event is gone", || async {
        Ok((host.api().get(&trace).await?.status == 404).then_some(()))
    })
    .await?;
    shop.has_received("hi").await?;
    clock.advance(10 * DAY);
    eventually("the messages are gone", || async {
        let page = host
            .api()
            .get("/v1/sessions/shop/messages")
            .await?
            .expect(200)?;
        Ok((page.body["items"] == json!([])).then_some(()))
    })
    .await?;
    // The host works on, and new things are new.
    ada.says(OWNER, "hi again").await?;
    shop.has_received("hi again").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_full_disk_refuses_loses_nothing_and_ends_without_a_restart() -> Result<()> {
    let host = TestHost::start_as(|options| {
        options.settings = quick_settings();
        options.max_database = Some(4 * MIB as u64);
    })
    .await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let beside = Store::open(&StoreOptions::new(host.data().join(DATABASE)))?;
    let ballast: ExtensionName = "ballast".parse()?;
    fill(&beside, &ballast, 3 * MIB).await?;

    // Long texts fill the rest.
    let long = "x".repeat(32 * 1024);
    let mut accepted = Vec::new();
    let refused = loop {
        let body = json!({ "to": ADA, "text": format!("{} {long}", accepted.len()) });
        let answer = host.api().post("/v1/sessions/shop/messages", body).await?;
        match answer.status {
            202 => accepted.push(answer.text_at("/id")?.to_owned()),
            _ => break answer,
        }
        ensure!(accepted.len() < 200, "the disk is never full");
    };
    assert_eq!(
        (refused.status, refused.text_at("/code")?),
        (503, "disk_full")
    );
    let ready = host.api().get("/readyz").await?;
    assert_eq!((ready.status, ready.text_at("/code")?), (503, "disk_full"));
    ada.says(OWNER, &format!("kept by the network {long}"))
        .await?;

    empty(&beside, &ballast).await?;
    eventually("the host is ready again", || async {
        Ok((host.api().get("/readyz").await?.status == 200).then_some(()))
    })
    .await?;
    shop.has_message("what the network kept", |message| {
        let text = message["text"].as_str().unwrap_or_default();
        message["direction"] == "inbound" && text.starts_with("kept by the network")
    })
    .await?;
    for number in 0..accepted.len() {
        let begins = format!("{number} x");
        let times = || {
            ada.heard()
                .iter()
                .filter(|heard| heard.text().starts_with(&begins))
                .count()
        };
        eventually(
            &format!("message {number} reached the customer"),
            || async { Ok((times() > 0).then_some(())) },
        )
        .await?;
        assert_eq!(times(), 1, "message {number} reached the customer once");
    }
    shop.says(ADA, "there is room").await?;
    hears_text(&ada, "there is room").await?;
    beside.close().await;
    host.stop().await;
    Ok(())
}

async fn fill(store: &Store, name: &ExtensionName, bytes: usize) -> Result<()> {
    let name = name.clone();
    let writes = (0..bytes / (64 * 1024)).map(|part| KvWrite::Set {
        key: format!("part-{part}"),
        value: vec![7; 64 * 1024],
        expires_at: None,
    });
    let writes: Vec<KvWrite> = writes.collect();
    let apply = store.write(move |tx| tx.kv_mut().apply(&name, &writes, Timestamp::from_millis(0)));
    Ok(apply.await?)
}

async fn empty(store: &Store, name: &ExtensionName) -> Result<()> {
    let name = name.clone();
    let writes: Vec<KvWrite> = (0..64)
        .map(|part| KvWrite::Delete {
            key: format!("part-{part}"),
        })
        .collect();
    let apply = store.write(move |tx| tx.kv_mut().apply(&name, &writes, Timestamp::from_millis(0)));
    Ok(apply.await?)
}
