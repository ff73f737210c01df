//! What operators grant, see and explain about extensions of a running host.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use warbler_tests::{PATIENCE, TestHost, eventually, hears_text, project_root};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

const FORWARDING: &str = "// send: any\nfn on_message(message) { send(\"+15550123\", message.text); reply(\"passed on\"); }";

/// The way of the event of a message with this text, when it is done.
async fn explained(host: &TestHost, text: &str) -> Result<Value> {
    let shop = host.shop("shop", OWNER)?;
    eventually("the event is done", || async {
        let events = shop.events("message.received").await?;
        let found = events.iter().find(|event| event["message"]["text"] == text);
        let Some(id) = found.and_then(|event| event["id"].as_str()) else {
            return Ok(None);
        };
        let answer = host.api().get(&format!("/v1/events/{id}/trace")).await?;
        let explained = answer.expect(200)?.body;
        Ok(Some(explained).filter(|explained| !explained["trace"].is_null()))
    })
    .await
}

async fn metrics(host: &TestHost) -> Result<String> {
    let answer = host.api().get("/metrics").await?.expect(200)?;
    Ok(String::from_utf8(answer.bytes)?)
}

#[tokio::test]
async fn a_grant_given_at_runtime_holds_at_once_and_after_a_restart() -> Result<()> {
    let mut host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let grace = host.person("+15550123", "Grace")?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script("a", FORWARDING).await?;
    let path = "/v1/extensions/a/grants";
    let before = host.api().get(path).await?.expect(200)?.body;
    assert_eq!(before["asked"]["send"], "any");
    assert_eq!(before["effective"]["send"], "reply-only");
    assert_eq!(before["withheld"]["send"], "any");

    let given = json!({ "send": "any", "rate": 20 });
    let after = host.api().put(path, given.clone()).await?.expect(200)?.body;
    assert_eq!(after["runtime"], given);
    assert_eq!(after["config"], json!({}));
    assert_eq!(after["effective"]["send"], "any");
    ada.says(OWNER, "first").await?;
    hears_text(&grace, "first").await?;

    host.restart().await?;
    let shown = host.extension("a").await?.context("it is loaded")?;
    assert_eq!(shown["grants"]["send"], "any", "{shown}");
    assert_eq!(shown["grants"]["rate"], 20);
    let log = host.api().get("/v1/audit?action=extension.grant").await?;
    assert_eq!(log.expect(200)?.body["items"][0]["target"]["name"], "a");

    host.api().put(path, json!({})).await?.expect(200)?;
    let shown = host.extension("a").await?.context("it is loaded")?;
    assert_eq!(shown["grants"]["send"], "reply-only", "{shown}");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_grant_that_cannot_be_is_refused_and_only_admins_give_one() -> Result<()> {
    let host = TestHost::start().await?;
    host.put_script("a", FORWARDING).await?;
    let path = "/v1/extensions/a/grants";
    for bad in [
        json!({ "send": "everybody" }),
        json!({ "rate": 0 }),
        json!({ "memory": 4096 }),
        json!({ "http": ["not an origin"] }),
        json!({ "sessions": ["not a name"] }),
    ] {
        let refused = host.api().put(path, bad.clone()).await?;
        assert_eq!(refused.refusal(), (400, "bad_grant"), "{bad}");
    }
    let refused = host
        .api()
        .put("/v1/extensions/none/grants", json!({}))
        .await?;
    assert_eq!(refused.refusal(), (404, "unknown_extension"));

    let key = json!({ "name": "manager", "scopes": ["manage"] });
    let key = host.api().post("/v1/keys", key).await?.expect(201)?;
    let manager = host.api().with_key(key.text_at("/secret")?);
    for refused in [
        manager.put(path, json!({ "send": "any" })).await?,
        manager.get(path).await?,
        manager.get("/metrics").await?,
    ] {
        assert_eq!(refused.refusal(), (403, "scope_required"));
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn figures_are_for_admins_unless_they_are_opened_to_this_machine() -> Result<()> {
    let host = TestHost::start().await?;
    let refused = host.api().get_as(None, "/metrics").await?;
    assert_eq!(refused.refusal(), (401, "missing_key"));
    host.stop().await;

    let host = TestHost::start_as(|options| options.open_metrics = true).await?;
    let open = host.api().get_as(None, "/metrics").await?.expect(200)?;
    assert!(
        open.content_type.starts_with("text/plain"),
        "{}",
        open.content_type
    );
    assert_eq!(host.api().get_as(None, "/v1/extensions").await?.status, 401);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_event_is_explained_by_who_was_called_who_was_not_and_why() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script(
        "early",
        "// order: 1\n// text: price\nfn on_message(message) { reply(\"$10\"); }",
    )
    .await?;
    host.put_script(
        "guard",
        "// order: 2\nfn on_message(message) { reply(\"ok\"); stop(); }",
    )
    .await?;
    host.put_script(
        "late",
        "// order: 3\nfn on_message(message) { reply(\"late\"); }",
    )
    .await?;
    host.put_script(
        "groups",
        "// chats: group\nfn on_message(message) { reply(\"group\"); }",
    )
    .await?;
    ada.says(OWNER, "hello").await?;
    assert_eq!(ada.hears_within(PATIENCE).await?.text(), "ok");

    let explained = explained(&host, "hello").await?;
    let steps = explained["trace"]["steps"].as_array().context("steps")?;
    assert_eq!(steps.len(), 1, "{explained}");
    assert_eq!(steps[0]["extension"], "guard");
    assert_eq!(steps[0]["verdict"], "stop");
    assert!(steps[0]["cost"]["guestMicros"].is_u64(), "{explained}");
    let why = |name: &str| {
        let passed = explained["passed"].as_array().into_iter().flatten();
        let found = passed
            .into_iter()
            .find(|passed| passed["extension"] == name);
        found
            .and_then(|passed| passed["why"].as_str())
            .unwrap_or_default()
    };
    assert!(why("early").contains("`text` [\"price\"]"), "{explained}");
    assert_eq!(why("late"), "guard stopped the chain before it");
    assert!(why("groups").contains("`chats`"), "{explained}");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn every_event_is_answered_while_a_plugin_spins_and_the_figures_say_what_it_cost()
-> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let spin = std::fs::read(project_root()?.join("tests/guests/spin.wat"))?;
    host.put_guest("spin", "order = 1\n", &spin)?;
    eventually("the plugin runs", || async {
        let found = host.extension("spin").await?;
        Ok(found.filter(|found| found["state"] == "active"))
    })
    .await?;
    host.put_script("echo", "fn on_message(message) { reply(message.text); }")
        .await?;
    for number in 0..6 {
        ada.says(OWNER, &number.to_string()).await?;
    }
    for number in 0..6 {
        assert_eq!(
            ada.hears_within(PATIENCE).await?.text(),
            number.to_string(),
            "in order"
        );
    }
    let shown = eventually("it is left out", || async {
        let found = host.extension("spin").await?;
        Ok(found.filter(|found| found["state"] == "quarantined"))
    })
    .await?;
    assert_eq!(shown["usage"]["failed"]["cpu"], 5, "{shown}");
    assert_eq!(shown["usage"]["quarantines"], 1, "{shown}");
    let first = explained(&host, "0").await?;
    let step = &first["trace"]["steps"][0];
    assert_eq!(step["error"]["code"], "cpu", "{first}");
    assert!(
        step["cost"]["guestMicros"]
            .as_u64()
            .is_some_and(|micros| micros >= 50_000),
        "{first}"
    );

    let text = metrics(&host).await?;
    for line in [
        "warbler_extension_quarantines_total{extension=\"spin\"} 1",
        "warbler_extension_running{extension=\"spin\"} 0",
        "warbler_extension_running{extension=\"echo\"} 1",
        "warbler_sessions{state=\"connected\"} 1",
        "warbler_events_done_total{kind=\"message.received\",result=\"with_faults\"} 5",
        "warbler_events_done_total{kind=\"message.received\",result=\"well\"} 1",
        "warbler_outbox_messages{state=\"dead\"} 0",
        "# TYPE warbler_http_requests_total counter",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let of_echo = "warbler_extension_calls_total{extension=\"echo\"";
    let line = text
        .lines()
        .find(|line| line.starts_with(of_echo))
        .context("calls of echo")?;
    assert!(line.ends_with("result=\"ok\"} 6"), "{line}");
    assert!(!text.contains("15550"), "no numbers of people");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_version_that_fails_at_once_makes_room_for_the_one_before() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script("a", "fn on_message(message) { reply(\"good\"); }")
        .await?;
    ada.says(OWNER, "hello").await?;
    hears_text(&ada, "good").await?;
    host.put_script("a", "fn on_message(message) { throw \"bad\"; }")
        .await?;
    for number in 0..5 {
        ada.says(OWNER, &number.to_string()).await?;
    }
    let shown = eventually("the one before runs again", || async {
        let found = host.extension("a").await?;
        Ok(found.filter(|found| found["lastError"]["code"] == "failed-trial"))
    })
    .await?;
    assert_eq!(shown["state"], "last-good", "{shown}");
    ada.says(OWNER, "again").await?;
    hears_text(&ada, "good").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_replay_shows_where_two_versions_differ_and_sends_nothing() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script(
        "a",
        "fn on_message(message) { reply(\"one \" + message.text); }",
    )
    .await?;
    for text in ["first", "second"] {
        ada.says(OWNER, text).await?;
        hears_text(&ada, &format!("one {text}")).await?;
    }
    let newer = "fn on_message(message) { reply((if message.text == \"first\" { \"two \" } else { \"one \" }) + message.text); }";
    host.put_script("a", newer).await?;
    let path = "/v1/extensions/a/replay";
    let replay = host
        .api()
        .post(path, json!({ "events": 10 }))
        .await?
        .expect(200)?
        .body;
    assert_eq!(replay["different"], 1, "{replay}");
    let events = replay["events"].as_array().context("events")?;
    assert_eq!(events.len(), 2, "{replay}");
    assert_eq!(events[0]["same"], true);
    assert_eq!(events[1]["before"]["actions"][0]["text"], "one first");
    assert_eq!(events[1]["after"]["actions"][0]["text"], "two first");
    let one = json!({ "event": events[0]["id"] });
    let replay = host.api().post(path, one).await?.expect(200)?.body;
    assert_eq!(replay["events"].as_array().map(Vec::len), Some(1));

    for (body, code) in [
        (json!({ "events": 0 }), "bad_replay"),
        (json!({ "event": "x" }), "bad_replay"),
    ] {
        assert_eq!(host.api().post(path, body).await?.refusal(), (400, code));
    }
    // What it would have sent did not go anywhere: the next thing heard is an answer.
    ada.says(OWNER, "third").await?;
    assert_eq!(ada.hears_within(PATIENCE).await?.text(), "one third");
    host.stop().await;
    Ok(())
}
