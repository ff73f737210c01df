//! API keys, the tokens of sessions, and the master key.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use warbler_domain::{Secret, Timestamp};
use warbler_tests::{PATIENCE, TestHost, eventually};

use super::{ADA, add_user, audited, key, logged_in, names, session, timed};

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_and_its_streams_end() -> Result<()> {
    let host = TestHost::start().await?;
    let (id, api) = key(&host, json!({ "name": "ci", "scopes": ["read"] })).await?;
    let mut stream = api.stream(None).await?;
    api.get("/v1/sessions").await?.expect(200)?;
    host.api()
        .delete(&format!("/v1/keys/{id}"))
        .await?
        .expect(204)?;
    assert_eq!(
        api.get("/v1/sessions").await?.refusal(),
        (401, "invalid_key")
    );
    while tokio::time::timeout(PATIENCE, stream.chunk())
        .await??
        .is_some()
    {}
    let again = host.api().delete(&format!("/v1/keys/{id}")).await?;
    assert_eq!(again.refusal(), (404, "unknown_key"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_key_shows_its_secret_once_and_when_it_was_used() -> Result<()> {
    let host = TestHost::start().await?;
    let (id, api) = key(&host, json!({ "name": "ci", "scopes": ["send"] })).await?;
    let path = format!("/v1/keys/{id}");
    api.get("/v1/me").await?.expect(200)?;
    eventually("the use is noted", || async {
        let shown = host.api().get(&path).await?.expect(200)?;
        Ok(shown.body["lastUsedAt"].is_string().then_some(()))
    })
    .await?;
    let list = host.api().get("/v1/keys").await?.expect(200)?;
    let shown = list.body["items"]
        .as_array()
        .and_then(|keys| keys.last())
        .context("a key")?;
    assert_eq!(shown["scopes"], json!(["read", "send"]));
    let prefix = shown["prefix"].as_str().unwrap_or_default();
    ensure!(prefix.starts_with("wbl_") && prefix.len() == 10, "{prefix}");
    ensure!(
        shown.get("secret").is_none() && shown.get("digest").is_none(),
        "{shown}"
    );
    let renamed = host
        .api()
        .patch(&path, json!({ "name": "nightly" }))
        .await?
        .expect(200)?;
    assert_eq!(renamed.text_at("/name")?, "nightly");
    assert_eq!(
        api.get("/v1/me").await?.expect(200)?.text_at("/name")?,
        "nightly"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_key_is_good_until_its_time_and_never_more_than_its_owner() -> Result<()> {
    let (host, clock) = timed().await?;
    add_user(&host, "ada").await?;
    let ada = logged_in(&host, "ada").await?;
    for (body, refusal) in [
        (
            json!({ "name": "x", "scopes": ["admin"] }),
            (400, "scope_too_wide"),
        ),
        (
            json!({ "name": "x", "scopes": ["read"], "owner": "bob" }),
            (403, "scope_required"),
        ),
        (
            json!({ "name": "", "scopes": ["read"] }),
            (400, "bad_key_name"),
        ),
        (json!({ "name": "x", "scopes": [] }), (400, "bad_scope")),
        (
            json!({ "name": "x", "scopes": ["root"] }),
            (400, "bad_scope"),
        ),
        (
            json!({ "name": "x", "scopes": ["read"], "sessions": ["no"] }),
            (404, "unknown_session"),
        ),
        (
            json!({ "name": "x", "scopes": ["read"], "expiresAt": "2001-01-01T00:00:00Z" }),
            (400, "expired_already"),
        ),
    ] {
        assert_eq!(
            ada.post("/v1/keys", body.clone()).await?.refusal(),
            refusal,
            "{body}"
        );
    }
    let until = Timestamp::from_millis(1_900_000_000_000).plus(Duration::from_secs(60));
    let body = json!({ "name": "ci", "scopes": ["manage"], "expiresAt": until });
    let made = ada.post("/v1/keys", body).await?.expect(201)?;
    let own = host.api().with_key(made.text_at("/secret")?);
    session(&own, "adas").await?;
    assert_eq!(
        names(&ada.get("/v1/sessions").await?.expect(200)?),
        ["adas"]
    );
    // A key makes no keys and changes no user, not even its own.
    let grown = own
        .post("/v1/keys", json!({ "name": "y", "scopes": ["read"] }))
        .await?;
    assert_eq!(grown.refusal(), (403, "scope_required"));
    let taken = own
        .put("/v1/users/ada/password", json!({ "new": "12345678" }))
        .await?;
    assert_eq!(taken.refusal(), (403, "scope_required"));
    clock.advance(Duration::from_secs(61));
    assert_eq!(
        own.get("/v1/sessions").await?.refusal(),
        (401, "invalid_key")
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_token_of_a_session_acts_for_that_session_only() -> Result<()> {
    let host = TestHost::start().await?;
    session(host.api(), "shop").await?;
    session(host.api(), "other").await?;
    let path = "/v1/sessions/shop/token";
    assert_eq!(
        host.api().get(path).await?.refusal(),
        (404, "no_session_token")
    );
    let made = host.api().post(path, json!({})).await?.expect(201)?;
    assert_eq!(made.body["token"]["scopes"], json!(["read", "send"]));
    let api = host.api().with_key(made.text_at("/secret")?);
    assert_eq!(
        names(&api.get("/v1/sessions").await?.expect(200)?),
        ["shop"]
    );
    assert_eq!(
        api.get("/v1/sessions/other").await?.refusal(),
        (404, "unknown_session")
    );
    let text = json!({ "to": ADA, "text": "hi" });
    let sent = api.post("/v1/sessions/shop/messages", text).await?;
    assert_eq!(sent.refusal(), (409, "not_paired"));
    let stopped = api.order("/v1/sessions/shop/stop").await?;
    assert_eq!(stopped.refusal(), (403, "scope_required"));
    let admin = host
        .api()
        .post(path, json!({ "scopes": ["admin"] }))
        .await?;
    assert_eq!(admin.refusal(), (400, "not_for_admins"));

    let next = host
        .api()
        .post(path, json!({ "scopes": ["manage"] }))
        .await?
        .expect(201)?;
    assert_eq!(
        api.get("/v1/sessions").await?.refusal(),
        (401, "invalid_key")
    );
    let api = host.api().with_key(next.text_at("/secret")?);
    let more = api.post("/v1/sessions", json!({ "name": "third" })).await?;
    assert_eq!(more.refusal(), (403, "limited_to_sessions"));
    api.order("/v1/sessions/shop/stop").await?.expect(200)?;
    host.api().delete(path).await?.expect(204)?;
    assert_eq!(
        api.get("/v1/sessions").await?.refusal(),
        (401, "invalid_key")
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_master_key_does_everything_and_is_stored_nowhere() -> Result<()> {
    let master = "a-master-key-of-at-least-32-characters";
    let host = TestHost::start_as(move |options| {
        options.settings.access.master_key = Some(Secret::new(master));
    })
    .await?;
    let api = host.api().with_key(master);
    let me = api.get("/v1/me").await?.expect(200)?;
    assert_eq!(me.text_at("/kind")?, "master-key");
    session(&api, "shop").await?;
    assert_eq!(
        audited(&host, "session.create").await?["actor"]["kind"],
        "master-key"
    );
    let keys = host.api().get("/v1/keys").await?.expect(200)?;
    assert_eq!(keys.body["items"].as_array().map(Vec::len), Some(1));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_token_of_a_session_ends_when_the_session_changes_hands() -> Result<()> {
    let host = TestHost::start().await?;
    for name in ["ada", "bob"] {
        add_user(&host, name).await?;
    }
    let ada = logged_in(&host, "ada").await?;
    session(&ada, "shop").await?;
    let path = "/v1/sessions/shop/token";
    let made = ada.post(path, json!({})).await?.expect(201)?;
    let token = host.api().with_key(made.text_at("/secret")?);
    let disable = |disabled: bool| {
        let body = json!({ "disabled": disabled });
        host.api().patch("/v1/users/ada", body)
    };
    disable(true).await?.expect(200)?;
    let refused = token.get("/v1/sessions").await?;
    assert_eq!(refused.refusal(), (401, "invalid_key"));
    disable(false).await?.expect(200)?;
    token.get("/v1/sessions").await?.expect(200)?;
    let give = json!({ "owner": "bob" });
    host.api()
        .put("/v1/sessions/shop/owner", give)
        .await?
        .expect(200)?;
    let refused = token.get("/v1/sessions").await?;
    assert_eq!(refused.refusal(), (401, "invalid_key"));
    host.stop().await;
    Ok(())
}
