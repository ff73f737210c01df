//! Messages and contacts in the dialect `hub`.

use anyhow::Result;
use serde_json::json;
use warbler_domain::Dialect;
use warbler_simulator::HeardContent;
use warbler_tests::{PATIENCE, TestHost, hears_text};

use super::{Account, ID, PHONE, kept, refused, serve};
use crate::media::PNG;
use crate::media::servers::{reaching_this_machine, serving};

const CUSTOMER: &str = "+15550100";
const TO: &str = "15550100";
/// The smallest sticker there is: one pixel of WebP.
const WEBP: &[u8] =
    b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0";

#[tokio::test]
async fn every_kind_of_message_is_queued_and_heard() -> Result<()> {
    let settings = reaching_this_machine()?;
    let host = TestHost::start_as(move |options| {
        options.settings = settings.clone();
        serve(options, false);
    })
    .await?;
    let ada = Account::register(&host, "ada@example.com").await?;
    ada.links(&host, PHONE).await?;
    let customer = host.person(CUSTOMER, "Grace")?;

    let body = json!({ "session": ID, "to": TO, "text": "Hello!", "is_group": false });
    let sent = ada.keyed("POST", "/message/send-text", Some(body)).await?;
    kept("hub.send-text", &sent)?;
    hears_text(&customer, "Hello!").await?;
    let path = format!("/message/send-text?session={ID}&to=%2B{TO}&text=by%20query");
    let sent = ada.keyed("GET", &path, None).await?;
    kept("hub.send-text-get", &sent)?;
    assert_eq!(
        (sent.header("deprecation"), sent.header("cache-control")),
        ("true", "no-store")
    );
    hears_text(&customer, "by query").await?;

    let picture = format!("http://{}/picture.png", serving(PNG).await?);
    let body = json!({ "session": ID, "to": TO, "text": "Look", "image_url": picture });
    let sent = ada.keyed("POST", "/message/send-image", Some(body)).await?;
    kept("hub.send-image", &sent)?;
    let heard = customer.hears_within(PATIENCE).await?;
    assert!(
        matches!(heard.content, HeardContent::Image { .. }),
        "{heard:?}"
    );
    let body = json!({
        "session": ID, "to": TO, "document_url": picture, "document_name": "offer.png",
    });
    let sent = ada
        .keyed("POST", "/message/send-document", Some(body))
        .await?;
    kept("hub.send-document", &sent)?;
    let heard = customer.hears_within(PATIENCE).await?;
    let HeardContent::Document { file_name, .. } = heard.content else {
        anyhow::bail!("not a document: {:?}", heard.content);
    };
    assert_eq!(file_name.as_deref(), Some("offer.png"));
    let sticker = format!("http://{}/wave.webp", serving(WEBP).await?);
    let body = json!({ "session": ID, "to": TO, "image_url": sticker });
    let sent = ada
        .keyed("POST", "/message/send-sticker", Some(body))
        .await?;
    kept("hub.send-sticker", &sent)?;
    let body = json!({ "session": ID, "to": TO, "image_url": picture });
    refused(
        &ada.keyed("POST", "/message/send-sticker", Some(body))
            .await?,
        400,
    )?;
    for url in ["not a url", "file:///etc/passwd", "http://10.0.0.1/x.png"] {
        let body = json!({ "session": ID, "to": TO, "image_url": url });
        refused(
            &ada.keyed("POST", "/message/send-image", Some(body)).await?,
            400,
        )?;
    }

    let path = format!("/message/queue-status?session={ID}");
    let queue = ada.keyed("GET", &path, None).await?;
    kept("hub.queue-status", &queue)?;
    let body = json!({ "session": ID, "target": format!("{TO}@s.whatsapp.net") });
    let shown = ada.keyed("POST", "/profile", Some(body)).await?;
    kept("hub.contact-profile", &shown)?;
    assert_eq!(shown.text_at("/data/phoneNumber")?, CUSTOMER);
    let body = json!({ "session": ID, "target": "15550777@s.whatsapp.net" });
    refused(&ada.keyed("POST", "/profile", Some(body)).await?, 400)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_waits_is_shown_with_its_number_kind_and_time() -> Result<()> {
    let host = super::host().await?;
    let ada = Account::register(&host, "ada@example.com").await?;
    let id = ada.links(&host, PHONE).await?;
    host.person(CUSTOMER, "Grace")?;
    host.api()
        .order(&format!("/v1/sessions/{id}/stop"))
        .await?
        .expect(200)?;
    let body = json!({ "session": id, "to": TO, "text": "later" });
    let sent = ada.keyed("POST", "/message/send-text", Some(body)).await?;
    let path = format!("/message/queue-status?session={id}");
    let queue = ada.keyed("GET", &path, None).await?;
    kept("hub.queue-status", &queue)?;
    assert_eq!(queue.body["stats"]["pending"], 1);
    assert_eq!(
        queue.text_at("/queue/0/messageId")?,
        sent.text_at("/messageId")?
    );
    assert_eq!(queue.text_at("/queue/0/to")?, TO);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_documented_limits_hold_and_say_when_to_try_again() -> Result<()> {
    let host = TestHost::start_as(|options| serve(options, true)).await?;
    let ada = Account::register(&host, "ada@example.com").await?;
    ada.links(&host, PHONE).await?;
    let send = |to: String| json!({ "session": ID, "to": to, "text": "hi" });
    for _ in 0..10 {
        let body = Some(send(TO.to_owned()));
        ada.keyed("POST", "/message/send-text", body)
            .await?
            .expect(200)?;
    }
    let one_too_many = Some(send(TO.to_owned()));
    let sent = ada
        .keyed("POST", "/message/send-text", one_too_many)
        .await?;
    refused(&sent, 429)?;
    assert!(!sent.header("retry-after").is_empty());
    for other in 0..10 {
        let body = Some(send(format!("1555020{other}")));
        ada.keyed("POST", "/message/send-text", body)
            .await?
            .expect(200)?;
    }
    let body = Some(send("15550300".to_owned()));
    refused(&ada.keyed("POST", "/message/send-text", body).await?, 429)?;

    let api = host.api().at(&host.dialect_url(Dialect::Hub)?);
    let body = json!({ "email": "nobody@example.com", "password": "wrong" });
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let tried = api
            .call("POST", "/auth/login", &[], Some(body.clone()))
            .await?;
        statuses.push(tried.status);
    }
    assert_eq!(
        statuses,
        [401, 401, 401, 401, 429],
        "registering counted too"
    );
    host.stop().await;
    Ok(())
}
