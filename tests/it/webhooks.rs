//! Webhooks: what happens reaches who wants it, at least once and signed, whatever receivers do.

mod crash;
pub(crate) mod receiver;
mod tls;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use warbler_app::Settings;
use warbler_app::webhooks::WebhookSettings;
use warbler_simulator::Person;
use warbler_tests::{TestHost, eventually, quick_settings};

use receiver::{OK, Receiver, Reply};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

/// Settings under which receivers on this machine are reached, and tried again soon.
fn impatient() -> Result<Settings> {
    Ok(Settings {
        outbound: vec!["127.0.0.1".to_owned()].try_into()?,
        webhooks: WebhookSettings {
            answer_within: Duration::from_millis(400),
            pauses: vec![Duration::from_millis(50)],
            tried_for: Duration::from_secs(60),
            failing_for: Duration::from_secs(60),
            first_rest: Duration::from_millis(50),
            longest_rest: Duration::from_millis(200),
        },
        ..quick_settings()
    })
}

/// Sets a webhook up for all messages that come in; its path and its secret.
async fn webhook(host: &TestHost, receiver: &Receiver) -> Result<(String, String)> {
    let new = json!({ "url": receiver.url(), "events": ["message.received"] });
    let made = host.api().post("/v1/webhooks", new).await?.expect(201)?;
    let path = format!("/v1/webhooks/{}", made.text_at("/webhook/id")?);
    Ok((path, made.text_at("/secret")?.to_owned()))
}

async fn shown(host: &TestHost, path: &str) -> Result<Value> {
    Ok(host.api().get(path).await?.expect(200)?.body)
}

/// Waits until a webhook looks so.
async fn becomes(
    host: &TestHost,
    path: &str,
    what: &str,
    looks: impl Fn(&Value) -> bool,
) -> Result<Value> {
    eventually(what, || async {
        let webhook = shown(host, path).await?;
        Ok(looks(&webhook).then_some(webhook))
    })
    .await
}

async fn says_all(ada: &Person, texts: impl IntoIterator<Item = String>) -> Result<Vec<String>> {
    let mut said = Vec::new();
    for text in texts {
        ada.says(OWNER, &text).await?;
        said.push(text);
    }
    Ok(said)
}

fn numbered(what: &str, many: usize) -> impl Iterator<Item = String> + use<'_> {
    (0..many).map(move |n| format!("{what} {n}"))
}

#[tokio::test]
async fn an_event_is_delivered_once_and_signed() -> Result<()> {
    let host = TestHost::start_with(impatient()?).await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let receiver = Receiver::start(|_| OK).await?;
    let new = json!({
        "url": receiver.url(), "session": "shop", "events": ["message.*"],
        "headers": { "X-Team": "sales" },
    });
    let made = host.api().post("/v1/webhooks", new).await?.expect(201)?;
    let (secret, path) = (
        made.text_at("/secret")?,
        format!("/v1/webhooks/{}", made.text_at("/webhook/id")?),
    );
    let ada = host.person(ADA, "Ada")?;
    ada.says(OWNER, "hello").await?;
    shop.has_received("hello").await?;
    let heard = receiver.hears(1).await?;
    let first = heard.first().context("a delivery")?;
    assert_eq!(first.text(), "hello");
    let told = first.json()?;
    assert_eq!(
        (&told["kind"], &told["sessionName"]),
        (&json!("message.received"), &json!("shop"))
    );
    assert_eq!(first.header("content-type"), "application/json");
    assert_eq!(first.header("x-warbler-event"), "message.received");
    assert_eq!(first.header("x-team"), "sales");
    ensure!(first.is_signed_with(secret)?, "{:?}", first.headers);
    let webhook = becomes(&host, &path, "it is counted", |one| one["delivered"] == 1).await?;
    ensure!(
        webhook.get("secret").is_none() && !webhook.to_string().contains("sales"),
        "{webhook}"
    );
    assert_eq!(webhook["headers"], json!(["X-Team"]));
    let deliveries = shown(&host, &format!("{path}/deliveries?state=delivered")).await?;
    assert_eq!(deliveries["items"][0]["id"], first.header("webhook-id"));
    assert_eq!(deliveries["items"][0]["attempts"][0]["status"], 200);
    assert_eq!(receiver.heard().len(), 1);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_a_receiver_refuses_comes_again_under_the_same_id() -> Result<()> {
    let host = TestHost::start_with(impatient()?).await?;
    host.connected_session("shop", OWNER).await?;
    let receiver = Receiver::start(|n| match n {
        0 => Reply::Head("500 Internal Server Error"),
        1 => Reply::Head("429 Too Many Requests\r\nRetry-After: 1"),
        2 => Reply::Head("301 Moved Permanently\r\nLocation: http://127.0.0.1:1/"),
        _ => OK,
    })
    .await?;
    let (path, secret) = webhook(&host, &receiver).await?;
    host.person(ADA, "Ada")?.says(OWNER, "hello").await?;
    let heard = receiver.hears(4).await?;
    for one in &heard {
        assert_eq!(one.header("webhook-id"), heard[0].header("webhook-id"));
        assert_eq!(one.body, heard[0].body);
        ensure!(one.is_signed_with(&secret)?, "each attempt is signed");
    }
    let time = |at: usize| -> Result<u64> { Ok(heard[at].header("webhook-timestamp").parse()?) };
    ensure!(time(2)? > time(1)?, "`Retry-After` is honoured");
    let webhook = becomes(&host, &path, "it arrived", |one| one["delivered"] == 1).await?;
    assert_eq!(
        (&webhook["failed"], &webhook["waiting"]),
        (&json!(3), &json!(0))
    );
    ensure!(webhook.get("failingSince").is_none(), "{webhook}");
    let deliveries = shown(&host, &format!("{path}/deliveries")).await?;
    let attempts = deliveries["items"][0]["attempts"]
        .as_array()
        .context("attempts")?;
    let statuses: Vec<&Value> = attempts.iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, [500, 429, 301, 200]);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn nothing_is_lost_with_a_receiver_that_does_everything_wrong() -> Result<()> {
    let host = TestHost::start_with(impatient()?).await?;
    host.connected_session("shop", OWNER).await?;
    let wild = Receiver::start(|n| match n {
        1 => Reply::Silence,
        3 => Reply::HangUp,
        5 => Reply::Head("500 Internal Server Error"),
        7 => Reply::Drip,
        9 => Reply::Nonsense,
        11 => Reply::Endless,
        13 => Reply::Head("301 Moved Permanently\r\nLocation: /elsewhere"),
        15 => Reply::Head("204 No Content"),
        _ => OK,
    })
    .await?;
    let (path, _) = webhook(&host, &wild).await?;
    let ada = host.person(ADA, "Ada")?;
    let said = says_all(&ada, numbered("word", 24)).await?;
    let done = |one: &Value| one["waiting"] == 0 && one["dead"] == 0 && one["delivered"] == 24;
    let webhook = becomes(&host, &path, "everything arrived", done).await?;
    assert_eq!(
        webhook["failed"], 6,
        "an endless answer is one that arrived"
    );
    let heard = wild.heard();
    for text in &said {
        ensure!(
            heard.iter().any(|one| one.text() == *text),
            "{text} is missing"
        );
    }
    let ids: std::collections::BTreeSet<_> =
        heard.iter().map(|one| one.header("webhook-id")).collect();
    assert_eq!(ids.len(), 24);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_says_nothing_delays_no_other() -> Result<()> {
    let mut settings = impatient()?;
    settings.webhooks.answer_within = Duration::from_secs(15);
    let host = TestHost::start_with(settings).await?;
    host.connected_session("shop", OWNER).await?;
    let silent = Receiver::start(|_| Reply::Silence).await?;
    let good = Receiver::start(|_| OK).await?;
    let (silent_path, _) = webhook(&host, &silent).await?;
    let (good_path, _) = webhook(&host, &good).await?;
    let ada = host.person(ADA, "Ada")?;
    let said = says_all(&ada, numbered("word", 30)).await?;
    let heard = good.hears(30).await?;
    let told: Vec<String> = heard.iter().map(receiver::Heard::text).collect();
    assert_eq!(told, said, "in the order of the chat");
    becomes(&host, &good_path, "all are counted", |one| {
        one["delivered"] == 30
    })
    .await?;
    let waits = shown(&host, &silent_path).await?;
    assert_eq!(
        (&waits["delivered"], &waits["waiting"]),
        (&json!(0), &json!(30))
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_given_up_is_a_dead_letter_that_can_be_replayed() -> Result<()> {
    let mut settings = impatient()?;
    settings.webhooks.tried_for = Duration::from_millis(300);
    let host = TestHost::start_with(settings).await?;
    host.connected_session("shop", OWNER).await?;
    let (path, receiver) = {
        let open = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let look = std::sync::Arc::clone(&open);
        let receiver =
            Receiver::start(
                move |_| match look.load(std::sync::atomic::Ordering::Acquire) {
                    true => OK,
                    false => Reply::Head("503 Service Unavailable"),
                },
            )
            .await?;
        let (path, _) = webhook(&host, &receiver).await?;
        let ada = host.person(ADA, "Ada")?;
        says_all(&ada, numbered("word", 3)).await?;
        becomes(&host, &path, "all are given up", |one| one["dead"] == 3).await?;
        open.store(true, std::sync::atomic::Ordering::Release);
        (path, receiver)
    };
    let dead = shown(&host, &format!("{path}/deliveries?state=dead")).await?;
    let last = dead["items"][0]["attempts"]
        .as_array()
        .and_then(|all| all.last());
    assert_eq!(last.context("an attempt")?["error"], "receiver_status");
    let one = dead["items"][0]["id"].as_str().context("an id")?;
    let replay = format!("{path}/deliveries/{one}/replay");
    host.api().order(&replay).await?.expect(202)?;
    becomes(&host, &path, "one arrived", |one| {
        one["dead"] == 2 && one["delivered"] == 1
    })
    .await?;
    let all = host
        .api()
        .order(&format!("{path}/replay"))
        .await?
        .expect(202)?;
    assert_eq!(all.body, json!({ "replayed": 2 }));
    becomes(&host, &path, "all arrived", |one| {
        one["dead"] == 0 && one["delivered"] == 3
    })
    .await?;
    let texts: std::collections::BTreeSet<_> =
        receiver.heard().iter().map(receiver::Heard::text).collect();
    assert_eq!(texts.len(), 3);
    let cleared = host
        .api()
        .delete(&format!("{path}/deliveries?state=delivered"))
        .await?;
    assert_eq!(cleared.expect(200)?.body, json!({ "cleared": 3 }));
    let gone = host.api().order(&replay).await?;
    assert_eq!(gone.refusal(), (404, "unknown_delivery"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_waits_when_the_host_stops_is_delivered_when_it_is_back() -> Result<()> {
    let mut host = TestHost::start_with(impatient()?).await?;
    host.connected_session("shop", OWNER).await?;
    let open = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let look = std::sync::Arc::clone(&open);
    let receiver =
        Receiver::start(
            move |_| match look.load(std::sync::atomic::Ordering::Acquire) {
                true => OK,
                false => Reply::HangUp,
            },
        )
        .await?;
    let (path, _) = webhook(&host, &receiver).await?;
    let ada = host.person(ADA, "Ada")?;
    let said = says_all(&ada, numbered("word", 5)).await?;
    becomes(&host, &path, "all wait", |one| one["waiting"] == 5).await?;
    let before = receiver.heard().len();
    host.restart().await?;
    open.store(true, std::sync::atomic::Ordering::Release);
    becomes(&host, &path, "all arrived", |one| one["delivered"] == 5).await?;
    let heard = receiver.heard();
    let after: Vec<_> = heard
        .get(before..)
        .unwrap_or_default()
        .iter()
        .map(receiver::Heard::text)
        .collect();
    for text in &said {
        ensure!(after.contains(text), "{text} is missing");
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_is_gone_for_good_switches_its_webhook_off() -> Result<()> {
    let host = TestHost::start_with(impatient()?).await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let receiver = Receiver::start(|_| Reply::Head("410 Gone")).await?;
    let (path, _) = webhook(&host, &receiver).await?;
    host.person(ADA, "Ada")?.says(OWNER, "hello").await?;
    let off = becomes(&host, &path, "it is off", |one| one["enabled"] == false).await?;
    ensure!(
        off["disabledReason"]
            .as_str()
            .is_some_and(|why| why.contains("410")),
        "{off}"
    );
    let events = shop.events("webhook.disabled").await?;
    assert_eq!(events[0]["webhook"]["id"], off["id"]);
    let body = json!({ "enabled": true });
    let on = host.api().patch(&path, body).await?.expect(200)?.body;
    ensure!(
        on["enabled"] == true && on.get("disabledReason").is_none(),
        "{on}"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_private_address_is_not_sent_to_unless_the_operator_allows_it() -> Result<()> {
    let host = TestHost::start().await?;
    let receiver = Receiver::start(|_| OK).await?;
    let (path, _) = webhook(&host, &receiver).await?;
    let tried = host
        .api()
        .order(&format!("{path}/test"))
        .await?
        .expect(200)?
        .body;
    assert_eq!(
        (&tried["arrived"], &tried["attempt"]["error"]),
        (&json!(false), &json!("url_not_allowed"))
    );
    assert_eq!(receiver.heard().len(), 0);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_trial_is_signed_and_says_what_came_of_it() -> Result<()> {
    let host = TestHost::start_with(impatient()?).await?;
    let receiver = Receiver::start(|n| match n {
        0 => OK,
        _ => Reply::Head("404 Not Found"),
    })
    .await?;
    let (path, _) = webhook(&host, &receiver).await?;
    let renewed = host
        .api()
        .order(&format!("{path}/secret"))
        .await?
        .expect(200)?;
    let tried = host
        .api()
        .order(&format!("{path}/test"))
        .await?
        .expect(200)?
        .body;
    assert_eq!(
        (&tried["arrived"], &tried["attempt"]["status"]),
        (&json!(true), &json!(200))
    );
    let heard = receiver.hears(1).await?;
    ensure!(
        heard[0].is_signed_with(renewed.text_at("/secret")?)?,
        "with the new secret"
    );
    assert_eq!(heard[0].json()?["kind"], "webhook.test");
    let tried = host
        .api()
        .order(&format!("{path}/test"))
        .await?
        .expect(200)?
        .body;
    assert_eq!(
        (&tried["arrived"], &tried["attempt"]["status"]),
        (&json!(false), &json!(404))
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_a_webhook_is_refused_by_name() -> Result<()> {
    let host = TestHost::start().await?;
    let url = "https://example.com/hook";
    for (body, code) in [
        (
            json!({ "url": "ftp://example.com", "events": ["*"] }),
            "url_scheme",
        ),
        (json!({ "url": "no url", "events": ["*"] }), "url_invalid"),
        (
            json!({ "url": "https://a:b@example.com", "events": ["*"] }),
            "url_credentials",
        ),
        (json!({ "url": url, "events": [] }), "bad_event_kind"),
        (json!({ "url": url, "events": ["mess*"] }), "bad_event_kind"),
        (
            json!({ "url": url, "events": ["*"], "headers": { "Host": "x" } }),
            "bad_header",
        ),
        (
            json!({ "url": url, "events": ["*"], "headers": { "a b": "x" } }),
            "bad_header",
        ),
        (
            json!({ "url": url, "events": ["*"], "headers": { "X": "y".repeat(9000) } }),
            "too_many_headers",
        ),
        (
            json!({ "url": url, "events": ["*"], "secret": "1234" }),
            "bad_webhook_secret",
        ),
    ] {
        let refused = host.api().post("/v1/webhooks", body.clone()).await?;
        assert_eq!(refused.refusal(), (400, code), "{body}");
    }
    let missing = json!({ "url": url, "events": ["*"], "session": "nobody" });
    let refused = host.api().post("/v1/webhooks", missing).await?;
    assert_eq!(refused.refusal(), (404, "unknown_session"));
    let list = host.api().get("/v1/webhooks").await?.expect(200)?;
    assert_eq!(list.body["items"], json!([]), "nothing half-made remains");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn webhooks_of_others_do_not_exist_for_a_limited_key() -> Result<()> {
    let host = TestHost::start_with(impatient()?).await?;
    host.connected_session("shop", OWNER).await?;
    host.connected_session("other", "+15550002").await?;
    let receiver = Receiver::start(|_| OK).await?;
    let (everyones, _) = webhook(&host, &receiver).await?;
    let key = json!({ "name": "crm", "scopes": ["manage"], "sessions": ["shop"] });
    let key = host.api().post("/v1/keys", key).await?.expect(201)?;
    let api = host.api().with_key(key.text_at("/secret")?);
    let hidden = api.get(&everyones).await?;
    assert_eq!(hidden.refusal(), (404, "unknown_webhook"));
    let everything = json!({ "url": receiver.url(), "events": ["*"] });
    let refused = api.post("/v1/webhooks", everything).await?;
    assert_eq!(refused.refusal(), (400, "session_required"));
    let others = json!({ "url": receiver.url(), "events": ["*"], "session": "other" });
    let refused = api.post("/v1/webhooks", others).await?;
    assert_eq!(refused.refusal(), (404, "unknown_session"));
    let own = json!({ "url": receiver.url(), "events": ["message.received"], "session": "shop" });
    api.post("/v1/webhooks", own).await?.expect(201)?;
    let list = api.get("/v1/webhooks").await?.expect(200)?;
    assert_eq!(list.body["items"].as_array().map(Vec::len), Some(1));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_a_plugin_shapes_is_what_arrives_and_is_signed() -> Result<()> {
    let host = TestHost::start_with(impatient()?).await?;
    host.connected_session("shop", OWNER).await?;
    let component =
        warbler_tests::project_root()?.join("plugins/webhook-transform/webhook-transform.wasm");
    let manifest = r#"
        [config]
        others = "drop"
        [[config.maps]]
        events = ["message.received"]
        constants = { source = "whatsapp" }
        headers = { x-crm = "notes" }
        method = "PUT"
        path = "/contacts/{message.sender | digits}?kind={$kind}"
        [config.maps.fields]
        "contact.phone" = "message.sender | phone"
        "note.text" = "message.text"
    "#;
    host.put_guest("shaper", manifest, &std::fs::read(component)?)?;
    eventually("the plugin runs", || async {
        let found = host.extension("shaper").await?;
        Ok(found.filter(|one| one["state"] == "active").map(|_| ()))
    })
    .await?;
    let receiver = Receiver::start(|n| match n {
        0 => Reply::HangUp,
        _ => OK,
    })
    .await?;
    let new = json!({ "url": receiver.url(), "events": ["message.*", "presence"] });
    let made = host.api().post("/v1/webhooks", new).await?.expect(201)?;
    let path = format!("/v1/webhooks/{}", made.text_at("/webhook/id")?);
    let ada = host.person(ADA, "Ada")?;
    ada.says(OWNER, "hello").await?;
    let heard = receiver.hears(2).await?;
    for one in &heard {
        assert_eq!(
            one.json()?,
            json!({ "source": "whatsapp", "contact": { "phone": ADA }, "note": { "text": "hello" } })
        );
        assert_eq!(one.header("x-crm"), "notes");
        // Also when it is sent again.
        let digits = ADA.trim_start_matches('+');
        assert_eq!(
            one.asked,
            format!("PUT /contacts/{digits}?kind=message.received")
        );
        ensure!(
            one.is_signed_with(made.text_at("/secret")?)?,
            "what was shaped is signed"
        );
    }
    let id = ada.says(OWNER, "bye").await?;
    ada.reacts(OWNER, &id, "\u{1f44d}").await?;
    eventually("the reaction is dropped", || async {
        let page = shown(&host, &format!("{path}/deliveries?state=dropped")).await?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let reaction = items
            .into_iter()
            .find(|one| one["kind"] == "message.reaction");
        Ok(reaction.filter(|one| one["attempts"][0]["error"] == "dropped"))
    })
    .await?;
    host.stop().await;
    Ok(())
}
