//! Who may call: scopes, sessions of one's own, limits, and the log of changes.

mod keys;
mod logins;
mod names;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use warbler_app::limits::Rate;
use warbler_domain::{ManualClock, Timestamp};
use warbler_tests::{Answer, Api, PATIENCE, TestHost, quick_settings};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const PASSWORD: &str = "correct horse battery staple";

/// A host whose clock the test sets.
async fn timed() -> Result<(TestHost, Arc<ManualClock>)> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_900_000_000_000)));
    let time = Arc::clone(&clock);
    let host = TestHost::start_as(move |options| options.clock = Arc::clone(&time) as _).await?;
    Ok((host, clock))
}

/// A key made by the admin; its id, and a client with it.
async fn key(host: &TestHost, body: Value) -> Result<(String, Api)> {
    let made = host.api().post("/v1/keys", body).await?.expect(201)?;
    let api = host.api().with_key(made.text_at("/secret")?);
    Ok((made.text_at("/key/id")?.to_owned(), api))
}

async fn add_user(host: &TestHost, name: &str) -> Result<Answer> {
    let body = json!({ "name": name, "password": PASSWORD });
    host.api().post("/v1/users", body).await?.expect(201)
}

async fn log_in(host: &TestHost, name: &str, password: &str) -> Result<Answer> {
    let body = json!({ "login": name, "password": password });
    host.api().post("/v1/login", body).await
}

/// A client with the token of a new login.
async fn logged_in(host: &TestHost, name: &str) -> Result<Api> {
    let login = log_in(host, name, PASSWORD).await?.expect(200)?;
    Ok(host.api().with_key(login.text_at("/token")?))
}

async fn session(api: &Api, name: &str) -> Result<String> {
    let made = api
        .post("/v1/sessions", json!({ "name": name }))
        .await?
        .expect(201)?;
    Ok(made.text_at("/id")?.to_owned())
}

fn names(list: &Answer) -> Vec<&str> {
    let items = list.body["items"].as_array().into_iter().flatten();
    items.filter_map(|item| item["name"].as_str()).collect()
}

/// The newest entry of this action.
async fn audited(host: &TestHost, action: &str) -> Result<Value> {
    let path = format!("/v1/audit?action={action}&limit=1");
    let log = host.api().get(&path).await?.expect(200)?;
    log.body
        .pointer("/items/0")
        .cloned()
        .with_context(|| format!("{action} is not in the log"))
}

#[tokio::test]
async fn a_key_does_what_its_scope_allows_and_no_more() -> Result<()> {
    let host = TestHost::start().await?;
    session(host.api(), "shop").await?;
    let text = json!({ "to": ADA, "text": "hi" });
    for (scope, send, manage, admin) in [
        (
            "read",
            (403, "scope_required"),
            (403, "scope_required"),
            403,
        ),
        ("send", (409, "not_paired"), (403, "scope_required"), 403),
        ("manage", (409, "not_paired"), (200, ""), 403),
        ("admin", (409, "not_paired"), (200, ""), 200),
    ] {
        let (_, api) = key(&host, json!({ "name": scope, "scopes": [scope] })).await?;
        assert_eq!(
            names(&api.get("/v1/sessions").await?.expect(200)?),
            ["shop"],
            "{scope}"
        );
        let sent = api.post("/v1/sessions/shop/messages", text.clone()).await?;
        assert_eq!(sent.refusal(), send, "{scope}");
        let stopped = api.order("/v1/sessions/shop/stop").await?;
        assert_eq!(stopped.refusal(), manage, "{scope}");
        for path in ["/v1/users", "/v1/keys", "/v1/audit"] {
            assert_eq!(api.get(path).await?.status, admin, "{scope} {path}");
        }
    }
    let (_, reader) = key(&host, json!({ "name": "reader", "scopes": ["read"] })).await?;
    let refused = reader.order("/v1/sessions/shop/stop").await?;
    ensure!(
        refused.text_at("/detail")?.contains("`manage`"),
        "{}",
        refused.body
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_of_somebody_else_does_not_exist() -> Result<()> {
    let host = TestHost::start().await?;
    add_user(&host, "ada").await?;
    add_user(&host, "bob").await?;
    let (ada, bob) = (
        logged_in(&host, "ada").await?,
        logged_in(&host, "bob").await?,
    );
    let id = session(&ada, "adas").await?;
    session(host.api(), "nobodys").await?;
    assert_eq!(
        names(&ada.get("/v1/sessions").await?.expect(200)?),
        ["adas"]
    );
    assert_eq!(names(&bob.get("/v1/sessions").await?.expect(200)?), [""; 0]);
    let both = host.api().get("/v1/sessions").await?.expect(200)?;
    assert_eq!(names(&both), ["adas", "nobodys"]);
    for name in ["adas", id.as_str(), "nobodys"] {
        let unknown = bob.get("/v1/sessions/nowhere").await?;
        for path in ["", "/messages", "/token"] {
            let foreign = bob.get(&format!("/v1/sessions/{name}{path}")).await?;
            assert_eq!(foreign.refusal(), unknown.refusal(), "{name}{path}");
        }
        let deleted = bob.delete(&format!("/v1/sessions/{name}")).await?;
        assert_eq!(deleted.refusal(), (404, "unknown_session"));
    }
    // Passed on to bob, it is there for bob and gone for ada.
    let give = json!({ "owner": "bob" });
    host.api()
        .put("/v1/sessions/adas/owner", give)
        .await?
        .expect(200)?;
    bob.get("/v1/sessions/adas").await?.expect(200)?;
    assert_eq!(
        ada.get("/v1/sessions/adas").await?.refusal(),
        (404, "unknown_session")
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn messages_and_events_of_somebody_else_do_not_exist() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    host.person(ADA, "Ada")?.says(OWNER, "hello").await?;
    let message = shop.has_received("hello").await?;
    let id = message["id"].as_str().context("an id")?;
    add_user(&host, "bob").await?;
    let bob = logged_in(&host, "bob").await?;
    session(&bob, "bobs").await?;
    for path in ["", "/media"] {
        let foreign = bob.get(&format!("/v1/messages/{id}{path}")).await?;
        assert_eq!(foreign.refusal(), (404, "unknown_message"), "{path}");
    }
    let events = host
        .api()
        .get("/v1/events?kind=message.received")
        .await?
        .expect(200)?;
    let event = events.text_at("/items/0/id")?;
    let foreign = bob.get(&format!("/v1/events/{event}/trace")).await?;
    assert_eq!(foreign.refusal(), (404, "unknown_event"));
    let own = bob.get("/v1/events?limit=500").await?.expect(200)?;
    assert_eq!(own.body["items"], json!([]));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_stream_shows_only_what_happens_in_ones_own_sessions() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    host.connected_session("other", "+15550002").await?;
    let body = json!({ "name": "one", "scopes": ["read"], "sessions": ["other"] });
    let (_, api) = key(&host, body).await?;
    let mut stream = api.stream(None).await?;
    let ada = host.person(ADA, "Ada")?;
    ada.says(OWNER, "not for you").await?;
    ada.says("+15550002", "for you").await?;
    let mut text = String::new();
    while !text.contains("for you") {
        let chunk = tokio::time::timeout(PATIENCE, stream.chunk()).await??;
        text.push_str(std::str::from_utf8(&chunk.context("the stream ended")?)?);
    }
    ensure!(!text.contains("not for you"), "{text}");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn every_answer_says_how_many_requests_are_left() -> Result<()> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_900_000_000_000)));
    let time = Arc::clone(&clock);
    let host = TestHost::start_as(move |options| {
        options.clock = Arc::clone(&time) as _;
        options.settings = quick_settings();
        options.settings.access.limits.caller = Rate::new(60, 3);
        options.settings.access.limits.address = Rate::new(60, 2);
    })
    .await?;
    let (_, api) = key(&host, json!({ "name": "ci", "scopes": ["read"] })).await?;
    let (_, other) = key(&host, json!({ "name": "other", "scopes": ["read"] })).await?;
    for left in ["2", "1", "0"] {
        let answer = api.get("/v1/sessions").await?.expect(200)?;
        assert_eq!(answer.header("ratelimit-limit"), "3");
        assert_eq!(answer.header("ratelimit-remaining"), left);
    }
    let refused = api.get("/v1/sessions").await?;
    assert_eq!(refused.refusal(), (429, "rate_limited"));
    let told = ["retry-after", "ratelimit-remaining", "ratelimit-reset"];
    assert_eq!(told.map(|name| refused.header(name)), ["1", "0", "3"]);
    other.get("/v1/sessions").await?.expect(200)?;
    clock.advance(Duration::from_secs(1));
    api.get("/v1/sessions").await?.expect(200)?;
    // Admins are not counted.
    for _ in 0..20 {
        let answer = host.api().get("/v1/sessions").await?.expect(200)?;
        assert_eq!(answer.header("ratelimit-limit"), "");
    }
    // Strangers are, by address, but not who asks whether the host is well.
    for expected in [
        (401, "invalid_key"),
        (401, "invalid_key"),
        (429, "rate_limited"),
    ] {
        assert_eq!(
            host.api().with_key("wrong").get("/v1/me").await?.refusal(),
            expected
        );
    }
    assert_eq!(host.api().get_as(None, "/docs").await?.status, 429);
    for _ in 0..5 {
        host.api().get_as(None, "/healthz").await?.expect(200)?;
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn every_change_is_in_the_log_with_who_and_from_where() -> Result<()> {
    let host = TestHost::start().await?;
    let user = add_user(&host, "ada").await?;
    let ada = logged_in(&host, "ada").await?;
    let id = session(&ada, "adas").await?;
    let entry = audited(&host, "session.create").await?;
    let actor = &entry["actor"];
    assert_eq!(actor["kind"], "user");
    assert_eq!(actor["id"], user.body["id"]);
    assert_eq!(
        (&actor["name"], &actor["address"]),
        (&json!("ada"), &json!("127.0.0.1"))
    );
    assert_eq!(entry["target"], json!({ "id": id, "name": "adas" }));
    assert_eq!(entry["outcome"], "done");
    log_in(&host, "ada", "a wrong password")
        .await?
        .expect(401)?;
    log_in(&host, PASSWORD, PASSWORD).await?.expect(401)?;
    ada.delete("/v1/sessions/adas").await?.expect(204)?;
    let refused = host
        .api()
        .post("/v1/users", json!({ "name": "ADA", "password": PASSWORD }));
    assert_eq!(refused.await?.refusal(), (409, "user_taken"));
    let log = host.api().get("/v1/audit?limit=500").await?.expect(200)?;
    let items = log.body["items"].as_array().context("items")?;
    let actions: Vec<_> = items
        .iter()
        .filter_map(|item| item["action"].as_str())
        .collect();
    let expected = [
        "session.delete",
        "login",
        "login",
        "session.create",
        "login",
        "user.create",
        "key.create",
    ];
    assert_eq!(actions, expected);
    ensure!(
        !log.body.to_string().contains("horse"),
        "a password is in the log"
    );
    let page = host
        .api()
        .get("/v1/audit?action=session.&limit=1")
        .await?
        .expect(200)?;
    let next = page.text_at("/next")?;
    let page = host
        .api()
        .get(&format!("/v1/audit?action=session.&cursor={next}"))
        .await?;
    assert_eq!(
        page.expect(200)?.text_at("/items/0/action")?,
        "session.create"
    );
    let by = format!("/v1/audit?actor={}", user.text_at("/id")?);
    let by = host.api().get(&by).await?.expect(200)?;
    assert_eq!(by.body["items"].as_array().map(Vec::len), Some(3));
    host.stop().await;
    Ok(())
}
