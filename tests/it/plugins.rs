//! What extensions can have done in a running host, beside answering.

use anyhow::{Context, Result};
use serde_json::Value;
use warbler_domain::extension::Grants;
use warbler_simulator::HeardContent;
use warbler_tests::{PATIENCE, TestHost, eventually, hears_text, project_root};

use super::media::servers::{reaching_this_machine, serving};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

/// Waits until an event of the session "shop" fits.
async fn event(host: &TestHost, kind: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
    let shop = host.shop("shop", OWNER)?;
    eventually(&format!("an event {kind}"), || async {
        let events = shop.events(kind).await?;
        Ok(events.into_iter().find(|event| fits(event)))
    })
    .await
}

/// Waits for the way an event went through the extensions.
async fn trace(host: &TestHost, event: &Value) -> Result<Value> {
    let id = event["id"].as_str().context("an id")?;
    eventually("a trace", || async {
        let path = format!("/v1/events/{id}/trace");
        let trace = host.api().get(&path).await?.expect(200)?;
        Ok(Some(trace.body["trace"].clone()).filter(|trace| !trace.is_null()))
    })
    .await
}

#[tokio::test]
async fn a_script_sends_a_medium_a_place_and_a_contact_into_the_chat() -> Result<()> {
    let host = TestHost::start_with(reaching_this_machine()?).await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let at = serving(b"the price list").await?;
    let source = format!(
        r#"fn on_message(message) {{
            send_media("document", "http://{at}/prices.txt", "Our prices");
            send_location(52.5, 13.25, "Our shop");
            send_contact("Grace", "+15550123");
        }}"#
    );
    host.put_script("shop", &source).await?;
    ada.says(OWNER, "hello").await?;

    let heard = ada.hears_within(PATIENCE).await?;
    assert_eq!(heard.text(), "Our prices");
    assert_eq!(
        heard.media().map(|bytes| bytes.as_ref()),
        Some(&b"the price list"[..])
    );
    let heard = ada.hears_within(PATIENCE).await?;
    let HeardContent::Location(place) = &heard.content else {
        anyhow::bail!("a place, not {:?}", heard.content);
    };
    assert!((place.latitude - 52.5).abs() < 1e-6, "{place:?}");
    let heard = ada.hears_within(PATIENCE).await?;
    let HeardContent::Contacts { cards } = &heard.content else {
        anyhow::bail!("a contact, not {:?}", heard.content);
    };
    assert_eq!(cards.len(), 1);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_medium_that_cannot_be_had_is_a_fault_and_nothing_of_the_call_is_sent() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let source = r#"fn on_message(message) {
        reply("first");
        if message.text == "bad" { send_media("image", "http://127.0.0.1:1/x.png"); }
    }"#;
    host.put_script("shop", source).await?;
    ada.says(OWNER, "bad").await?;
    ada.says(OWNER, "good").await?;
    assert_eq!(ada.hears_within(PATIENCE).await?.text(), "first");

    let bad = event(&host, "message.received", |event| {
        event["message"]["text"] == "bad"
    })
    .await?;
    let trace = trace(&host, &bad).await?;
    let error = &trace["steps"][0]["error"];
    assert_eq!(error["code"], "bad-action", "{trace}");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains("url_not_allowed"), "{message}");
    assert_eq!(trace["steps"][0]["actions"], serde_json::json!([]));
    let good = event(&host, "message.received", |event| {
        event["message"]["text"] == "good"
    })
    .await?;
    assert_eq!(
        self::trace(&host, &good).await?["steps"][0]["error"],
        Value::Null
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_script_shows_that_it_read_and_types_and_corrects_itself() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let source = r#"// events: message.received, message.sent
// own: true
fn on_event(event) {
    if event.kind == "message.received" {
        mark_read();
        typing("composing");
        reply("wrong");
    } else if event.text == "wrong" {
        edit(event.whatsapp_id, "right");
    }
}"#;
    host.put_script("shop", source).await?;
    let said = ada.says(OWNER, "hello").await?;

    ada.sees_receipt(&said, "read", PATIENCE).await?;
    let wrong = hears_text(&ada, "wrong").await?;
    let right = hears_text(&ada, "right").await?;
    let HeardContent::Edit { target, .. } = &right.content else {
        anyhow::bail!("a correction, not {:?}", right.content);
    };
    assert_eq!(*target, wrong.id);
    eventually("typing was seen", || async {
        Ok((!ada.sees_typing().is_empty()).then_some(()))
    })
    .await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_one_extension_emits_another_one_hears() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let orders = r#"fn on_message(message) { emit("custom.order", #{ number: 7 }); }"#;
    host.put_script("orders", orders).await?;
    let answers =
        "// events: custom.*\nfn on_event(event) { reply(`order ${event.body.data.number}`); }";
    host.put_script("answers", answers).await?;
    ada.says(OWNER, "one pizza").await?;

    assert_eq!(ada.hears_within(PATIENCE).await?.text(), "order 7");
    let order = event(&host, "custom.order", |_| true).await?;
    assert_eq!(order["custom"]["by"], "orders");
    assert_eq!(order["custom"]["data"]["number"], 7);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn events_that_lead_to_one_another_come_to_an_end() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let echo = r#"// events: message.received, custom.*
fn on_event(event) { emit("custom.echo", #{}); }"#;
    host.put_script("echo", echo).await?;
    ada.says(OWNER, "hello").await?;

    let last = eventually("the eighth echo", || async {
        let echoes = shop.events("custom.echo").await?;
        Ok((echoes.len() == 8)
            .then(|| echoes.first().cloned())
            .flatten())
    })
    .await?;
    let trace = trace(&host, &last).await?;
    assert_eq!(trace["steps"][0]["error"]["code"], "loop-guard", "{trace}");
    assert_eq!(shop.events("custom.echo").await?.len(), 8);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_timer_comes_back_to_its_chat_after_a_restart_and_once() -> Result<()> {
    let mut host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let source = r#"fn on_message(message) {
    set_timer("remind", 1, #{ about: "never" });
    set_timer("remind", 2, #{ about: message.text });
    set_timer("not", 1);
    cancel_timer("not");
}
fn on_event(event) { reply(`${event.body.name} ${event.body.data.about}`); }"#;
    host.put_script("reminders", source).await?;
    ada.says(OWNER, "milk").await?;
    let said = event(&host, "message.received", |_| true).await?;
    let set = trace(&host, &said).await?;
    assert_eq!(
        set["steps"][0]["actions"][0]["action"], "set-timer",
        "{set}"
    );
    host.restart().await?;

    assert_eq!(ada.hears_within(PATIENCE).await?.text(), "remind milk");
    let shop = host.shop("shop", OWNER)?;
    let timers = shop.events("timer").await?;
    assert_eq!(timers.len(), 1, "{timers:?}");
    assert_eq!(timers[0]["timer"]["extension"], "reminders");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_plugin_fetches_from_where_it_is_granted_and_the_api_shows_what_holds() -> Result<()> {
    let at = serving(b"4 degrees").await?;
    let settings = reaching_this_machine()?;
    let granted: Grants =
        serde_json::from_value(serde_json::json!({ "http": [format!("http://{at}")] }))?;
    let name = "granted".parse()?;
    let host = TestHost::start_as(move |options| {
        options.settings = settings.clone();
        options
            .grants
            .insert(Clone::clone(&name), granted.clone().into());
    })
    .await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let guest = std::fs::read(project_root()?.join("tests/guests/granted.wat"))?;
    let manifest =
        format!("[capabilities]\nsend = \"any\"\nhttp = [\"http://{at}\"]\nhistory = \"chat\"\n");
    host.put_guest("granted", &manifest, &guest)?;
    let shown = eventually("the plugin runs", || async {
        let found = host.extension("granted").await?;
        Ok(found.filter(|found| found["state"] == "active"))
    })
    .await?;
    assert_eq!(shown["hooks"], serde_json::json!(["event"]));
    assert_eq!(shown["grants"]["http"][0], format!("http://{at}"));
    assert_eq!(shown["withheld"]["send"], "any");
    assert_eq!(shown["withheld"]["history"], "chat");

    ada.says(OWNER, &format!("fhttp://{at}/weather")).await?;
    assert_eq!(ada.hears_within(PATIENCE).await?.text(), "4 degrees");
    ada.says(OWNER, "fhttp://127.0.0.2/").await?;
    assert_eq!(ada.hears_within(PATIENCE).await?.text(), "not-granted");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn events_flow_past_an_extension_in_quarantine() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script(
        "broken",
        "// order: 1\nfn on_message(message) { throw \"no\"; }",
    )
    .await?;
    host.put_script("echo", "fn on_message(message) { reply(message.text); }")
        .await?;
    for number in 0..5 {
        ada.says(OWNER, &number.to_string()).await?;
        hears_text(&ada, &number.to_string()).await?;
    }
    let shown = host.extension("broken").await?.context("it is listed")?;
    assert_eq!(shown["state"], "quarantined", "{shown}");
    assert!(shown["quarantinedUntil"].is_string(), "{shown}");
    assert_eq!(shown["lastError"]["code"], "script-error");

    ada.says(OWNER, "past").await?;
    hears_text(&ada, "past").await?;
    let past = event(&host, "message.received", |event| {
        event["message"]["text"] == "past"
    })
    .await?;
    let trace = trace(&host, &past).await?;
    let steps = trace["steps"].as_array().context("steps")?;
    assert_eq!(steps.len(), 1, "{trace}");
    assert_eq!(steps[0]["extension"], "echo");
    host.stop().await;
    Ok(())
}
