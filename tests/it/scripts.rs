//! Scripts in a running host: all their hooks, what they may ask, and what happens when they fail.

mod bad;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use warbler_app::Settings;
use warbler_tests::{
    PATIENCE, TestHost, eventually, hears_text, project_root, quick_settings, shipped_script,
};

use crate::webhooks::receiver::{OK, Receiver, Reply};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

/// Settings under which servers on this machine are reached.
fn reaching_here() -> Result<Settings> {
    Ok(Settings {
        outbound: vec!["127.0.0.1".to_owned()].try_into()?,
        ..quick_settings()
    })
}

/// Puts a file beside the script `name`.
fn put_beside(host: &TestHost, name: &str, file: &str, text: &str) -> Result<()> {
    let path = host.script_path(name).with_file_name(file);
    std::fs::create_dir_all(path.parent().context("a folder")?)?;
    std::fs::write(path, text)?;
    Ok(())
}

/// Waits until `receiver` hears of an event, and gives its body.
async fn hears_of(receiver: &Receiver, kind: &str) -> Result<serde_json::Value> {
    eventually("the receiver hears of it", || async {
        let heard = receiver.heard();
        let found = heard
            .iter()
            .find(|heard| heard.header("x-warbler-event") == kind);
        found.map(|heard| heard.json()).transpose()
    })
    .await
}

#[tokio::test]
async fn a_script_shapes_what_a_webhook_is_sent_and_a_fault_of_it_changes_nothing() -> Result<()> {
    let host = TestHost::start_with(reaching_here()?).await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let receiver = Receiver::start(|_| OK).await?;
    host.put_script(
        "to_crm",
        r#"
fn transform(delivery) {
    let message = delivery.data.message;
    if message.text == "broken" { throw "no"; }
    if message.text == "secret" { return false; }
    header("x-source", "whatsapp");
    #{ from: phone(message.sender), said: message.text, by: delivery.session }
}"#,
    )
    .await?;
    let new = json!({ "url": receiver.url(), "events": ["message.received"] });
    host.api().post("/v1/webhooks", new).await?.expect(201)?;

    ada.says(OWNER, "the price?").await?;
    let heard = receiver.hears(1).await?;
    let first = heard.first().context("a request")?;
    assert_eq!(
        first.json()?,
        json!({ "from": "+15550100", "said": "the price?", "by": "shop" })
    );
    assert_eq!(first.header("x-source"), "whatsapp");

    ada.says(OWNER, "secret").await?;
    ada.says(OWNER, "broken").await?;
    let heard = receiver.hears(2).await?;
    let second = heard.get(1).context("a second request")?;
    assert_eq!(second.json()?["message"]["text"], "broken");
    let shown = host.shows_error("to_crm").await?["lastError"].clone();
    assert_eq!(
        (&shown["code"], &shown["line"]),
        (&json!("script-error"), &json!(4))
    );
    assert_eq!(shown["event"], second.json()?["id"]);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_script_asks_a_server_that_is_granted_and_answers_with_what_it_says() -> Result<()> {
    let host = TestHost::start_with(reaching_here()?).await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let server = Receiver::start(|_| Reply::Head("202 Accepted")).await?;
    let url = server.url();
    let origin = url.split("/hook").next().context("an origin")?;
    host.put_script(
        "asks",
        &format!(
            "// http: {origin}\n// history: chat\nfn on_message(message) {{\n    try {{\n        let answer = http_post(\"{url}\", \
             #{{ text: message.text }});\n        reply(`${{answer.status}} after ${{history(10).len()}} messages`);\n    \
             }} catch (error) {{ reply(error); }}\n}}"
        ),
    )
    .await?;
    ada.says(OWNER, "first").await?;
    let refused = ada.hears_within(PATIENCE).await?;
    assert!(
        refused.text().starts_with("not-granted"),
        "{}",
        refused.text()
    );

    let grants = json!({ "http": [origin], "history": "chat" });
    let path = "/v1/extensions/asks/grants";
    host.api().put(path, grants).await?.expect(200)?;
    ada.says(OWNER, "second").await?;
    let told = ada.hears_within(PATIENCE).await?;
    assert!(told.text().starts_with("202 after "), "{}", told.text());
    let asked = server.hears(1).await?;
    assert_eq!(
        asked.first().context("a request")?.json()?,
        json!({ "text": "second" })
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_talk_of_the_shipped_lead_capture_ends_at_a_webhook() -> Result<()> {
    let host = TestHost::start_with(reaching_here()?).await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let receiver = Receiver::start(|_| OK).await?;
    let new = json!({ "url": receiver.url(), "events": ["custom.lead"] });
    host.api().post("/v1/webhooks", new).await?.expect(201)?;
    put_beside(
        &host,
        "lead_capture",
        "lead_capture.toml",
        "enabled = true\n",
    )?;
    host.put_script("lead_capture", &shipped_script("lead_capture")?)
        .await?;
    for (said, answer) in [
        (
            "I want an offer",
            "Gladly! What is your name? (\"cancel\" ends this)",
        ),
        ("Ada Lovelace", "Thank you, Ada Lovelace. What is it about?"),
        ("A new roof", "Thank you! We will come back to you today."),
    ] {
        ada.says(OWNER, said).await?;
        hears_text(&ada, answer).await?;
    }
    let lead = hears_of(&receiver, "custom.lead").await?;
    assert_eq!(
        lead["custom"]["data"],
        json!({ "name": "Ada Lovelace", "need": "A new roof", "phone": "+15550100", "session": "shop" }),
        "{lead}"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_script_with_modules_and_settings_reminds_somebody_later() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    put_beside(
        &host,
        "reminds",
        "reminds/words.rhai",
        "const HELLO = \"Remember\";\nfn told(what) { `${HELLO}: ${what}` }",
    )?;
    put_beside(&host, "reminds", "reminds.toml", "seconds = 1\n")?;
    host.put_script(
        "reminds",
        "// config.seconds: 86400\nimport \"words\" as words;\nfn on_message(message) { set_timer(\"later\", config(\"seconds\"), #{ what: message.text }); }\n\
         fn on_event(event) { reply(words::told(event.body.data.what)); }",
    )
    .await?;
    ada.says(OWNER, "call Bob").await?;
    hears_text(&ada, "Remember: call Bob").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn hostile_scripts_fail_with_a_name_and_a_place_and_the_others_answer() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let hostile = [
        (
            "endless",
            "let n = 0; loop { n += 1; }",
            "script-operations",
        ),
        ("deep", "deeper(0);", "script-recursion"),
        ("greedy", "let s = \"x\"; loop { s += s; }", "script-memory"),
        ("throws", "throw \"on purpose\";", "script-error"),
        ("wrong", "message.text.no_such_thing;", "script-error"),
    ];
    for (name, body, _) in hostile {
        let source = format!(
            "// order: 1\nfn deeper(n) {{ deeper(n + 1) }}\nfn on_message(message) {{\n    {body}\n}}"
        );
        host.put_script(name, &source).await?;
    }
    host.put_script(
        "good",
        "// order: 9\nfn on_message(message) { reply(\"still here\"); }",
    )
    .await?;
    ada.says(OWNER, "hello").await?;
    hears_text(&ada, "still here").await?;
    let received = shop.has_received("hello").await?;
    let events = shop.events("message.received").await?;
    let event = events
        .iter()
        .find(|event| event["message"]["id"] == received["id"]);
    let event = event.context("its event")?;
    for (name, _, code) in hostile {
        let shown = host.shows_error(name).await?["lastError"].clone();
        assert_eq!(shown["code"], code, "{name}");
        assert_eq!(shown["event"], event["id"], "{name}");
        // Rhai says no place of a limit.
        if code == "script-error" {
            assert_eq!(shown["line"], 4, "{name}");
            ensure!(shown["excerpt"].is_string(), "{name}: {shown}");
        }
    }
    // What cannot be loaded says so, and what ran before runs on.
    for (source, code) in [
        ("fn on_message(message) { repyl(1); }", "script-unknown"),
        (
            "import \"../good\" as good;\nfn on_message(message) {}",
            "script-unknown",
        ),
        ("fn on_message(message) { eval(\"1\"); }", "script-syntax"),
        ("fn on_message(message) { reply(\"x\" }", "script-syntax"),
    ] {
        let shown = host.put_broken_script("good", source).await?;
        eventually("the newest fault is shown", || async {
            let shown = host.shows_error("good").await?["lastError"].clone();
            Ok((shown["code"] == code).then_some(()))
        })
        .await
        .with_context(|| format!("{source}: {shown}"))?;
        ada.says(OWNER, "again").await?;
        hears_text(&ada, "still here").await?;
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn every_shipped_script_is_loaded_by_a_host_and_answers_nobody_unasked() -> Result<()> {
    let scripts = project_root()?.join("scripts");
    let folders = vec![scripts];
    let host = TestHost::start_as(move |options| options.script_dirs.clone_from(&folders)).await?;
    host.connected_session("shop", OWNER).await?;
    let all = host.api().get("/v1/extensions").await?.expect(200)?;
    let items = all.body["items"].as_array().context("items")?;
    ensure!(items.len() >= 10, "{}", items.len());
    for item in items {
        assert_eq!(item["state"], "active", "{item}");
    }
    let ada = host.person(ADA, "Ada")?;
    for text in [
        "menu",
        "order 4711",
        "I want an offer",
        "appointment 2099-01-01 10:00",
        "hours",
    ] {
        ada.says(OWNER, text).await?;
    }
    // Only the opening hours answer: at night all five, at day the last one.
    let last = eventually("the last answer", || async {
        let heard = ada.hears_within(PATIENCE).await?;
        ensure!(heard.text().contains("pen"), "{}", heard.text());
        Ok(heard
            .text()
            .contains("We are ")
            .then(|| heard.text().to_owned()))
    })
    .await?;
    ensure!(last.contains("opening hours"), "{last}");
    host.stop().await;
    Ok(())
}
