//! Plugins and scripts at work in a running host.

use anyhow::{Context, Result};
use serde_json::Value;
use warbler_tests::{PATIENCE, Shop, TestHost, eventually, hears_text};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

/// Waits for the trace of the event of a message with this text.
async fn trace_of(host: &TestHost, shop: &Shop<'_>, text: &str) -> Result<Value> {
    let id = eventually("the event", || async {
        let events = shop.events("message.received").await?;
        let found = events
            .into_iter()
            .find(|event| event["message"]["text"] == text);
        Ok(found.and_then(|event| event["id"].as_str().map(str::to_owned)))
    })
    .await?;
    eventually("its trace", || async {
        let trace = host
            .api()
            .get(&format!("/v1/events/{id}/trace"))
            .await?
            .expect(200)?;
        Ok(Some(trace.body["trace"].clone()).filter(|trace| !trace.is_null()))
    })
    .await
}

#[tokio::test]
async fn a_question_about_prices_is_answered_by_the_shipped_plugin() -> Result<()> {
    let host = TestHost::with_shipped_extensions().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    ada.says(OWNER, "what is the price?").await?;
    assert_eq!(
        ada.hears_within(PATIENCE).await?.text(),
        "Our prices start at $10"
    );
    let trace = trace_of(&host, &shop, "what is the price?").await?;
    let step = &trace["steps"][0];
    assert_eq!(step["extension"], "auto-reply");
    assert_eq!(step["kind"], "plugin");
    assert!(
        step["micros"].as_u64().is_some_and(|micros| micros > 0),
        "{trace}"
    );
    assert_eq!(step["actions"][0]["action"], "reply");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_question_about_opening_hours_is_answered_by_the_shipped_script() -> Result<()> {
    let host = TestHost::with_shipped_extensions().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    ada.says(OWNER, "when are you open?").await?;
    let heard = ada.hears_within(PATIENCE).await?;
    assert!(heard.text().contains("open"), "{}", heard.text());
    let trace = trace_of(&host, &shop, "when are you open?").await?;
    let steps = trace["steps"].as_array().context("steps")?;
    let script = steps
        .iter()
        .find(|step| step["kind"] == "script")
        .context("a script ran")?;
    assert_eq!(script["extension"], "opening_hours");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_script_put_into_the_folder_answers_the_next_message_and_its_next_version_the_one_after()
-> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script("greeter", r#"fn on_message(message) { reply("one"); }"#)
        .await?;
    ada.says(OWNER, "hi").await?;
    assert_eq!(ada.hears_within(PATIENCE).await?.text(), "one");
    host.put_script("greeter", r#"fn on_message(message) { reply("two"); }"#)
        .await?;
    ada.says(OWNER, "hi").await?;
    assert_eq!(ada.hears_within(PATIENCE).await?.text(), "two");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_broken_script_keeps_the_old_answer_and_shows_file_line_and_reason() -> Result<()> {
    let mut host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script("greeter", r#"fn on_message(message) { reply("good"); }"#)
        .await?;
    let shown = host
        .put_broken_script("greeter", "fn on_message(message) {\n  reply(\"bad\"\n}\n")
        .await?;
    assert_eq!(shown["state"], "last-good");
    let error = &shown["lastError"];
    assert_eq!(error["code"], "script-syntax");
    assert!(
        error["file"]
            .as_str()
            .is_some_and(|file| file.ends_with("greeter.rhai")),
        "{error}"
    );
    assert!(
        error["line"].as_u64().is_some_and(|line| line >= 2),
        "{error}"
    );
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty()),
        "{error}"
    );
    ada.says(OWNER, "hi").await?;
    assert_eq!(ada.hears_within(PATIENCE).await?.text(), "good");

    host.restart().await?;
    host.is_connected("shop").await?;
    ada.says(OWNER, "hi again").await?;
    assert_eq!(
        ada.hears_within(PATIENCE).await?.text(),
        "good",
        "the last good version survives a restart"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_script_taken_out_of_the_folder_answers_no_more() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script("greeter", r#"fn on_message(message) { reply("hello"); }"#)
        .await?;
    ada.says(OWNER, "first").await?;
    hears_text(&ada, "hello").await?;
    std::fs::remove_file(host.script_path("greeter"))?;
    eventually("the script is gone", || async {
        Ok(host.extension("greeter").await?.is_none().then_some(()))
    })
    .await?;
    ada.says(OWNER, "second").await?;
    shop.has_received("second").await?;
    assert_eq!(ada.heard().len(), 1);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_script_reacts_and_answers_in_a_group() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script(
        "group",
        r#"fn on_message(message) { if message.is_group { react("👋"); reply("hello " + message.sender_name); } }"#,
    )
    .await?;
    let group = ada.creates_group("Friends", &[shop.owner()]).await?;
    ada.says(&group, "hi everyone").await?;
    hears_text(&ada, "👋").await?;
    let heard = hears_text(&ada, "hello Ada").await?;
    assert_eq!(heard.group, Some(group));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn writing_to_others_needs_a_grant() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person("+15550101", "Bob")?);
    host.put_script(
        "spam",
        "// send: any\nfn on_message(message) { send(\"+15550101\", \"buy now\"); }",
    )
    .await?;
    ada.says(OWNER, "hi").await?;
    let trace = trace_of(&host, &shop, "hi").await?;
    let error = &trace["steps"][0]["error"];
    let message = error["message"].as_str().context("a message")?;
    assert!(
        message.contains("not-granted") && message.contains("send = \"any\""),
        "{error}"
    );
    assert!(bob.heard().is_empty());
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_plugin_comes_before_the_script_and_may_stop_the_chain() -> Result<()> {
    let host = TestHost::with_shipped_extensions().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script(
        "zz_last",
        "// order: 1000\nfn on_message(message) { reply(\"the last word\"); }",
    )
    .await?;
    host.put_script(
        "aa_first",
        "// order: -10\nfn on_message(message) { if message.text == \"stop\" { stop(); } }",
    )
    .await?;
    ada.says(OWNER, "stop").await?;
    let trace = trace_of(&host, &shop, "stop").await?;
    assert_eq!(trace["steps"].as_array().map(Vec::len), Some(1), "{trace}");
    assert_eq!(trace["steps"][0]["verdict"], "stop");
    ada.says(OWNER, "go on").await?;
    hears_text(&ada, "the last word").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn own_messages_start_no_conversation_with_oneself() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script("parrot", "fn on_message(message) { reply(message.text); }")
        .await?;
    shop.says(ADA, "said by the shop").await?;
    hears_text(&ada, "said by the shop").await?;
    shop.owner().says(ADA, "said by hand").await?;
    hears_text(&ada, "said by hand").await?;
    shop.has_message("said by hand", |m| m["text"] == "said by hand")
        .await?;
    ada.says(OWNER, "your turn").await?;
    hears_text(&ada, "your turn").await?;
    assert_eq!(
        ada.heard().len(),
        3,
        "nothing was repeated but what she wrote"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn two_repliers_in_one_chat_are_stopped_by_the_guard() -> Result<()> {
    let mut settings = warbler_tests::quick_settings();
    settings.loop_guard = 10;
    let host = TestHost::start_with(settings).await?;
    let one = host.connected_session("one", OWNER).await?;
    host.connected_session("two", "+15550002").await?;
    host.put_script("parrot", "fn on_message(message) { reply(message.text); }")
        .await?;
    one.says("+15550002", "round and round").await?;
    let stopped = eventually("the guard", || async {
        let parrot = host.extension("parrot").await?.context("parrot")?;
        Ok((parrot["lastError"]["code"] == "loop-guard").then_some(()))
    });
    stopped.await?;
    host.stop().await;
    Ok(())
}
