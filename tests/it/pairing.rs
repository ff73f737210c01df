//! Linking a session to a phone, and what becomes of the link.

use anyhow::{Context, Result};
use serde_json::json;
use warbler_tests::{TestHost, eventually, hears_text};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

#[tokio::test]
async fn a_session_is_paired_by_scanning_its_qr() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let session = host.api().get("/v1/sessions/shop").await?.expect(200)?;
    assert_eq!(session.text_at("/account/jid")?, "15550001@s.whatsapp.net");
    assert_eq!(shop.owner().devices().len(), 1);
    let states: Vec<String> = shop
        .events("session.status")
        .await?
        .iter()
        .rev()
        .filter_map(|event| event["status"]["to"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(states.first().map(String::as_str), Some("starting"));
    assert!(
        states.contains(&"awaiting-pairing".to_owned()),
        "{states:?}"
    );
    assert_eq!(states.last().map(String::as_str), Some("connected"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_qr_is_served_as_text_as_data_url_and_as_a_picture() -> Result<()> {
    let host = TestHost::start().await?;
    host.api()
        .post("/v1/sessions", json!({ "name": "shop", "start": true }))
        .await?
        .expect(201)?;
    let qr = host.api().get("/v1/sessions/shop/qr").await?.expect(200)?;
    assert!(
        qr.text_at("/dataUrl")?
            .starts_with("data:image/png;base64,")
    );
    assert!(qr.text_at("/text")?.contains(','));
    let png = host
        .api()
        .get("/v1/sessions/shop/qr.png")
        .await?
        .expect(200)?;
    assert_eq!(png.content_type, "image/png");
    assert!(png.bytes.starts_with(b"\x89PNG"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_is_paired_by_typing_its_code() -> Result<()> {
    let host = TestHost::start().await?;
    let owner = host.person(OWNER, "Owner")?;
    host.api()
        .post("/v1/sessions", json!({ "name": "shop", "start": true }))
        .await?
        .expect(201)?;
    let code = host
        .api()
        .post("/v1/sessions/shop/pairing-code", json!({ "phone": OWNER }))
        .await?
        .expect(200)?;
    owner.types_code(code.text_at("/code")?).await?;
    host.is_connected("shop").await?;
    let ada = host.person(ADA, "Ada")?;
    host.shop("shop", OWNER)?
        .says(ADA, "paired by code")
        .await?;
    hears_text(&ada, "paired by code").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_comes_back_after_a_restart_without_pairing() -> Result<()> {
    let mut host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    host.restart().await?;
    host.is_connected("shop").await?;
    let ada = host.person(ADA, "Ada")?;
    let shop = host.shop("shop", OWNER)?;
    shop.says(ADA, "still here").await?;
    hears_text(&ada, "still here").await?;
    assert_eq!(
        shop.owner().devices().len(),
        1,
        "it is still the same device"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_stopped_session_stays_stopped_after_a_restart_and_starts_without_pairing() -> Result<()>
{
    let mut host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let stopped = host
        .api()
        .order("/v1/sessions/shop/stop")
        .await?
        .expect(200)?;
    assert_eq!(stopped.text_at("/state")?, "stopped");
    host.restart().await?;
    let session = host.api().get("/v1/sessions/shop").await?.expect(200)?;
    assert_eq!(session.text_at("/state")?, "stopped");
    host.api()
        .order("/v1/sessions/shop/start")
        .await?
        .expect(200)?;
    host.is_connected("shop").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_that_is_logged_out_can_be_paired_again() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let out = host
        .api()
        .order("/v1/sessions/shop/logout")
        .await?
        .expect(200)?;
    assert_eq!(out.text_at("/state")?, "logged-out");
    eventually("the phone lists it no longer", || async {
        Ok(shop.owner().devices().is_empty().then_some(()))
    })
    .await?;
    host.api()
        .order("/v1/sessions/shop/start")
        .await?
        .expect(200)?;
    let qr = host.api().get("/v1/sessions/shop/qr").await?.expect(200)?;
    shop.owner().scans(qr.text_at("/text")?).await?;
    host.is_connected("shop").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_phone_that_unlinks_the_device_logs_the_session_out() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    shop.owner().unlinks_all().await;
    host.is_in_state("shop", "logged-out").await?;
    let session = host.api().get("/v1/sessions/shop").await?.expect(200)?;
    assert!(session.body["account"].is_null(), "{}", session.body);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_deleted_session_is_gone_with_all_it_had() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let id = shop.says(ADA, "soon forgotten").await?;
    hears_text(&ada, "soon forgotten").await?;
    host.api().delete("/v1/sessions/shop").await?.expect(204)?;
    host.api().get("/v1/sessions/shop").await?.expect(404)?;
    host.api()
        .get(&format!("/v1/messages/{id}"))
        .await?
        .expect(404)?;
    eventually("the phone lists it no longer", || async {
        Ok(shop.owner().devices().is_empty().then_some(()))
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn two_sessions_of_one_host_talk_to_each_other() -> Result<()> {
    let host = TestHost::start().await?;
    let one = host.connected_session("one", OWNER).await?;
    let two = host.connected_session("two", "+15550002").await?;
    one.says("+15550002", "from one").await?;
    two.has_received("from one").await?;
    two.says(OWNER, "from two").await?;
    let message = one.has_received("from two").await?;
    assert_eq!(
        message["chat"].as_str().context("chat")?,
        "15550002@s.whatsapp.net"
    );
    host.stop().await;
    Ok(())
}
