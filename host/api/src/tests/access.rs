//! What stands between a request and the core: credentials, addresses, admins.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::harness::{Answer, KEY, TestApi};
use crate::caller::Peer;

async fn new_key(api: &TestApi, scope: &str) -> anyhow::Result<String> {
    let body = json!({ "name": scope, "scopes": [scope] });
    let made = api.call("POST", "/v1/keys", Some(body)).await?.json()?;
    Ok(made["secret"].as_str().unwrap_or_default().to_owned())
}

async fn get_with(api: &TestApi, key: &str, path: &str) -> anyhow::Result<Answer> {
    let request = Request::get(path).header("x-api-key", key);
    api.send(request.body(Body::empty())?).await
}

#[tokio::test]
async fn the_embedded_network_is_for_admins() -> anyhow::Result<()> {
    let network = Router::new().route("/people", get(async || "nobody"));
    let api = TestApi::with(|options| options.embedded_network = Some(network)).await?;
    let manager = new_key(&api, "manage").await?;
    let refused = get_with(&api, &manager, "/v1/simulator/people").await?;
    assert_eq!(refused.problem()?, (403, "scope_required".to_owned()));
    let admin = get_with(&api, KEY, "/v1/simulator/people").await?;
    assert_eq!(admin.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn whoever_calls_is_told_what_it_may() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let reader = new_key(&api, "send").await?;
    let me = get_with(&api, &reader, "/v1/me").await?;
    assert_eq!(
        me.shape()?,
        json!({
            "kind": "key", "id": "<id>", "name": "send", "scopes": ["read", "send"],
            "allSessions": true,
        })
    );
    Ok(())
}

#[tokio::test]
async fn the_log_names_whom_a_trusted_proxy_calls_for() -> anyhow::Result<()> {
    let proxy: SocketAddr = "127.0.0.1:9".parse()?;
    let api = TestApi::with(|options| options.trusted_proxies = vec![proxy.ip()]).await?;
    for (name, peer, expected) in [
        ("one", proxy, "203.0.113.7"),
        ("two", "192.0.2.4:9".parse()?, "192.0.2.4"),
    ] {
        let request = Request::post("/v1/sessions")
            .header("x-api-key", KEY)
            .header("x-forwarded-for", "203.0.113.7")
            .header("content-type", "application/json")
            .extension(Peer(peer))
            .body(Body::from(json!({ "name": name }).to_string()))?;
        assert_eq!(api.send(request).await?.status, StatusCode::CREATED);
        let log = api.get("/v1/audit?action=session.create").await?.json()?;
        let address = log
            .pointer("/items/0/actor/address")
            .and_then(Value::as_str);
        assert_eq!(address, Some(expected), "{log}");
    }
    Ok(())
}

#[tokio::test]
async fn a_login_is_refused_in_whole_words() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let log_in = |body: &Value| {
        Request::post("/v1/login")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
    };
    for (body, expected) in [
        (
            json!({ "login": "ada", "password": "x" }),
            (401, "wrong_password"),
        ),
        (json!({ "login": "ada" }), (400, "invalid_body")),
        (
            json!({ "login": "ada", "password": "x", "otp": 1 }),
            (400, "unknown_field"),
        ),
        (
            json!({ "login": "a".repeat(999), "password": "x" }),
            (401, "wrong_password"),
        ),
    ] {
        let answer = api.send(log_in(&body)?).await?;
        assert_eq!(answer.problem()?, (expected.0, expected.1.to_owned()));
    }
    let body = json!({ "refreshToken": "wbr_none" });
    let request = Request::post("/v1/login/refresh").header("content-type", "application/json");
    let answer = api
        .send(request.body(Body::from(body.to_string()))?)
        .await?;
    assert_eq!(answer.problem()?, (401, "invalid_refresh_token".to_owned()));
    Ok(())
}
