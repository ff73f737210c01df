//! Linking a session to a phone, and what becomes of the link.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use warbler_cli::host::Platform;
use warbler_simulator::PersonError;
use warbler_tests::{TestHost, eventually, hears_text, quick_settings};

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

/// A session that is offered for linking, and what its QR says.
async fn offered(host: &TestHost, name: &str) -> Result<String> {
    host.api()
        .post("/v1/sessions", json!({ "name": name, "start": true }))
        .await?
        .expect(201)?;
    shown_qr(host, name).await
}

async fn shown_qr(host: &TestHost, name: &str) -> Result<String> {
    let path = format!("/v1/sessions/{name}/qr");
    let qr = host.api().get(&path).await?.expect(200)?;
    Ok(qr.text_at("/text")?.to_owned())
}

async fn asked_for_code(host: &TestHost, name: &str) -> Result<String> {
    let path = format!("/v1/sessions/{name}/pairing-code");
    let asked = host.api().post(&path, json!({ "phone": OWNER })).await?;
    Ok(asked.expect(200)?.text_at("/code")?.to_owned())
}

#[tokio::test]
async fn the_phone_lists_the_session_by_the_name_and_kind_that_are_configured() -> Result<()> {
    let host = TestHost::start_as(|options| {
        options.device_name = "The bakery's computer".to_owned();
        options.device_platform = Platform::Firefox;
    })
    .await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let listed = shop.owner().linked_devices();
    let listed: Vec<_> = listed
        .iter()
        .map(|one| (one.name.as_str(), one.platform.as_str()))
        .collect();
    assert_eq!(listed, [("The bakery's computer", "firefox")]);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_nobody_links_in_time_says_so_and_can_be_started_again() -> Result<()> {
    let mut settings = quick_settings();
    settings.pairing_window = Duration::from_secs(3);
    let host = TestHost::start_with(settings).await?;
    let owner = host.person(OWNER, "Owner")?;
    let old = offered(&host, "shop").await?;
    host.is_in_state("shop", "failed").await?;
    let session = host.api().get("/v1/sessions/shop").await?.expect(200)?;
    assert!(
        session.text_at("/reason")?.contains("nobody linked"),
        "{}",
        session.body
    );
    assert!(owner.scans(&old).await.is_err(), "its QR is void");
    host.api()
        .order("/v1/sessions/shop/start")
        .await?
        .expect(200)?;
    owner.scans(&shown_qr(&host, "shop").await?).await?;
    host.is_connected("shop").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_wrong_code_links_nothing_and_another_code_does() -> Result<()> {
    let host = TestHost::start().await?;
    let owner = host.person(OWNER, "Owner")?;
    offered(&host, "shop").await?;
    let first = asked_for_code(&host, "shop").await?;
    let wrong = if first == "2345-6789" {
        "9876-5432"
    } else {
        "2345-6789"
    };
    assert!(owner.types_code(wrong).await.is_err());
    assert!(owner.devices().is_empty());
    let second = asked_for_code(&host, "shop").await?;
    assert_ne!(first, second, "each is for one attempt");
    owner.types_code(&second).await?;
    host.is_connected("shop").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_code_is_void_once_there_is_another() -> Result<()> {
    let host = TestHost::start().await?;
    let owner = host.person(OWNER, "Owner")?;
    offered(&host, "shop").await?;
    let first = asked_for_code(&host, "shop").await?;
    let second = asked_for_code(&host, "shop").await?;
    assert!(owner.types_code(&first).await.is_err());
    let third = asked_for_code(&host, "shop").await?;
    assert_ne!(second, third);
    owner.types_code(&third).await?;
    host.is_connected("shop").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_qr_can_still_be_scanned_after_a_code_was_asked_for() -> Result<()> {
    let host = TestHost::start().await?;
    let owner = host.person(OWNER, "Owner")?;
    offered(&host, "shop").await?;
    asked_for_code(&host, "shop").await?;
    owner.scans(&shown_qr(&host, "shop").await?).await?;
    host.is_connected("shop").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_phone_with_as_many_devices_as_it_may_have_links_no_more() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    shop.owner().links_at_most(1);
    let qr = offered(&host, "bakery").await?;
    let refused = shop.owner().scans(&qr).await;
    assert!(matches!(refused, Err(PersonError::TooManyDevices)));
    let code = asked_for_code(&host, "bakery").await?;
    let refused = shop.owner().types_code(&code).await;
    assert!(matches!(refused, Err(PersonError::TooManyDevices)));
    host.is_in_state("bakery", "awaiting-pairing").await?;
    host.api()
        .order("/v1/sessions/shop/logout")
        .await?
        .expect(200)?;
    eventually("the phone lists it no longer", || async {
        Ok(shop.owner().devices().is_empty().then_some(()))
    })
    .await?;
    shop.owner()
        .scans(&shown_qr(&host, "bakery").await?)
        .await?;
    host.is_connected("bakery").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_link_that_does_not_come_from_the_phone_is_refused_with_its_reason() -> Result<()> {
    let host = TestHost::start().await?;
    let owner = host.person(OWNER, "Owner")?;
    let qr = offered(&host, "shop").await?;
    // Somebody who does not know the secret of the QR signs in the phone's place.
    let mut fields: Vec<&str> = qr.split(',').collect();
    let other = data_encoding::BASE64.encode(&[7; 32]);
    *fields.get_mut(3).context("the secret")? = &other;
    let refused = owner.scans(&fields.join(",")).await;
    assert!(matches!(refused, Err(PersonError::Declined)), "{refused:?}");
    let path = "/v1/events?session=shop&kind=session.status";
    eventually("the session says why", || async {
        let events = host.api().get(path).await?.expect(200)?;
        let items = events.body["items"].as_array().cloned();
        let why = items.into_iter().flatten().find(|event| {
            let status = &event["status"];
            status["from"] == status["to"] && status["reason"].is_string()
        });
        Ok(why)
    })
    .await?;
    assert!(owner.devices().is_empty());
    host.api()
        .order("/v1/sessions/shop/restart")
        .await?
        .expect(200)?;
    owner.scans(&shown_qr(&host, "shop").await?).await?;
    host.is_connected("shop").await?;
    host.stop().await;
    Ok(())
}
