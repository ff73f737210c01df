//! Sessions that reach the network through a proxy.

mod server;

use anyhow::Result;
use serde_json::json;
use warbler_tests::{TestHost, eventually, hears_text};

use server::{PASSWORD, Speaks, TestProxy, USER};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const PATH: &str = "/v1/sessions/shop/proxy";

/// A PNG of one pixel.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async fn talks_through(speaks: Speaks, scheme: &str) -> Result<()> {
    let proxy = TestProxy::start(speaks).await?;
    let host = TestHost::start().await?;
    let api = host.api();
    let (owner, ada) = (host.person(OWNER, "Owner")?, host.person(ADA, "Ada")?);
    api.post("/v1/sessions", json!({ "name": "shop" }))
        .await?
        .expect(201)?;
    let password = PASSWORD.replace('@', "%40").replace(' ', "%20");
    let url = format!("{scheme}://{USER}:{password}@{}", proxy.address);
    let set = api.put(PATH, json!({ "url": url })).await?.expect(200)?;
    let shown = format!("{scheme}://{USER}:***@{}", proxy.address);
    assert_eq!(set.text_at("/url")?, shown);
    api.order("/v1/sessions/shop/start").await?.expect(200)?;
    let qr = api.get("/v1/sessions/shop/qr").await?.expect(200)?;
    owner.scans(qr.text_at("/text")?).await?;
    host.is_connected("shop").await?;
    let connected = proxy.led();
    assert!(connected > 0, "the session goes around its proxy");
    let shop = host.shop("shop", OWNER)?;
    shop.sends(json!({ "to": ADA, "image": { "data": PIXEL, "caption": "one pixel" } }))
        .await?;
    hears_text(&ada, "one pixel").await?;
    assert!(proxy.led() > connected, "media go around the proxy");
    // What is set besides leaves it alone.
    let settings = json!({ "autoRejectCalls": true });
    api.put("/v1/sessions/shop/settings", settings)
        .await?
        .expect(200)?;
    assert_eq!(api.get(PATH).await?.expect(200)?.text_at("/url")?, shown);
    api.delete(PATH).await?.expect(204)?;
    assert!(api.get(PATH).await?.expect(200)?.body["url"].is_null());
    drop(proxy);
    api.order("/v1/sessions/shop/restart").await?.expect(200)?;
    host.is_connected("shop").await?;
    shop.says(ADA, "the direct way").await?;
    hears_text(&ada, "the direct way").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_talks_through_an_http_proxy() -> Result<()> {
    talks_through(Speaks::Http, "http").await
}

#[tokio::test]
async fn a_session_talks_through_a_socks_proxy() -> Result<()> {
    talks_through(Speaks::Socks, "socks5").await
}

#[tokio::test]
async fn a_proxy_that_wants_another_password_is_why_a_session_does_not_connect() -> Result<()> {
    let host = TestHost::start().await?;
    let api = host.api();
    for (name, speaks, scheme) in [
        ("one", Speaks::Http, "http"),
        ("two", Speaks::Socks, "socks5"),
    ] {
        let proxy = TestProxy::start(speaks).await?;
        api.post("/v1/sessions", json!({ "name": name }))
            .await?
            .expect(201)?;
        let url = format!("{scheme}://{USER}:wrong@{}", proxy.address);
        let path = format!("/v1/sessions/{name}/proxy");
        api.put(&path, json!({ "url": url })).await?.expect(200)?;
        let path = format!("/v1/sessions/{name}");
        api.order(&format!("{path}/start")).await?.expect(200)?;
        let reason = eventually("the session says why it does not connect", || async {
            let session = api.get(&path).await?.expect(200)?;
            let reason = session.body["reason"].as_str().unwrap_or_default();
            Ok(reason.contains("proxy").then(|| reason.to_owned()))
        })
        .await?;
        assert!(reason.contains("another user or password"), "{reason}");
        assert!(!reason.contains("wrong"), "{reason}");
        api.delete(&path).await?.expect(204)?;
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_no_proxy_is_refused_and_only_admins_set_one() -> Result<()> {
    let host = TestHost::start().await?;
    let api = host.api();
    api.post("/v1/sessions", json!({ "name": "shop" }))
        .await?
        .expect(201)?;
    let refused = api.put(PATH, json!({ "url": "ftp://proxy:21" })).await?;
    assert_eq!(refused.expect(400)?.text_at("/code")?, "bad_proxy");
    let key = json!({ "name": "manager", "scopes": ["manage"] });
    let made = api.post("/v1/keys", key).await?.expect(201)?;
    let manager = api.with_key(made.text_at("/secret")?);
    let proxy = json!({ "url": "http://127.0.0.1:3128" });
    manager.put(PATH, proxy).await?.expect(403)?;
    manager.get(PATH).await?.expect(403)?;
    host.stop().await;
    Ok(())
}
