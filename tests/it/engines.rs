//! Sessions on the second engine, beside sessions on the first.

use anyhow::Result;
use serde_json::json;
use warbler_simulator::Person;
use warbler_tests::{TestHost, hears_text};

const FIRST: &str = "+15550001";
const SECOND: &str = "+15550002";
const ADA: &str = "+15550100";

/// Makes a session on the second engine, and links it to the phone of `owner`.
async fn second(host: &TestHost, owner: &Person) -> Result<()> {
    let new = json!({ "name": "second", "engine": "wa-rs", "start": true });
    let made = host.api().post("/v1/sessions", new).await?.expect(201)?;
    assert_eq!(made.text_at("/engine")?, "wa-rs");
    let qr = host
        .api()
        .get("/v1/sessions/second/qr")
        .await?
        .expect(200)?;
    owner.scans(qr.text_at("/text")?).await?;
    host.is_connected("second").await
}

#[tokio::test]
async fn a_session_on_the_second_engine_is_paired_and_its_customer_answered() -> Result<()> {
    let mut host = TestHost::start().await?;
    host.connected_session("first", FIRST).await?;
    let owner = host.person(SECOND, "Olive")?;
    let ada = host.person(ADA, "Ada")?;
    second(&host, &owner).await?;
    host.put_script(
        "answers",
        "fn on_message(message) { reply(\"heard \" + message.text); }",
    )
    .await?;
    ada.says(SECOND, "on the second").await?;
    hears_text(&ada, "heard on the second").await?;
    ada.says(FIRST, "on the first").await?;
    hears_text(&ada, "heard on the first").await?;

    host.restart().await?;
    host.is_connected("second").await?;
    ada.says(SECOND, "once more").await?;
    hears_text(&ada, "heard once more").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_linked_session_keeps_its_engine() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", FIRST).await?;
    let other = || json!({ "engine": "wa-rs" });
    let refused = host.api().put("/v1/sessions/shop/engine", other()).await?;
    assert_eq!(refused.refusal(), (409, "engine_needs_pairing"));
    host.api()
        .post("/v1/sessions/shop/logout", json!({}))
        .await?
        .expect(200)?;
    let moved = host
        .api()
        .put("/v1/sessions/shop/engine", other())
        .await?
        .expect(200)?;
    assert_eq!(moved.text_at("/engine")?, "wa-rs");
    let unknown = json!({ "engine": "baileys" });
    let refused = host.api().put("/v1/sessions/shop/engine", unknown).await?;
    assert_eq!(refused.refusal(), (400, "unknown_engine"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_engines_say_what_they_cannot_do() -> Result<()> {
    let host = TestHost::start().await?;
    let engines = host.api().get("/v1/engines").await?.expect(200)?;
    assert_eq!(engines.text_at("/items/0/name")?, "whatsapp-rust");
    assert_eq!(engines.text_at("/items/1/name")?, "wa-rs");
    assert_eq!(
        engines.text_at("/items/1/lacks/0/name")?,
        "store_before_ack"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_an_engine_lacks_is_refused_by_name() -> Result<()> {
    let host = TestHost::start().await?;
    let owner = host.person(SECOND, "Olive")?;
    second(&host, &owner).await?;
    let name = json!({ "name": "Olivia" });
    let refused = host
        .api()
        .patch("/v1/sessions/second/profile", name)
        .await?;
    assert_eq!(refused.refusal(), (409, "engine_cannot"));
    let status = json!({ "to": "status@broadcast", "text": "open today", "audience": [ADA] });
    let refused = host
        .api()
        .post("/v1/sessions/second/messages", status)
        .await?;
    assert_eq!(refused.refusal(), (409, "engine_cannot"));
    host.stop().await;
    Ok(())
}
