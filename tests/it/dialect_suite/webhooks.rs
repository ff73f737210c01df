//! Webhooks of the dialect `suite`: one place per session, told in its words.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use warbler_tests::{TestHost, eventually};

use super::{Account, PHONE, kept, refused, serve};
use crate::media::servers::reaching_this_machine;
use crate::webhooks::receiver::{OK, Receiver, Reply};

const CUSTOMER: &str = "+15550100";
const SECRET: &str = "a secret of your own";

async fn reaching_host() -> Result<TestHost> {
    let settings = reaching_this_machine()?;
    TestHost::start_as(move |options| {
        options.settings = settings.clone();
        serve(options, false);
    })
    .await
}

#[tokio::test]
async fn what_happens_is_told_in_the_words_of_the_document() -> Result<()> {
    let host = reaching_host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let id = ada.makes("Hers").await?;
    let receiver = Receiver::start(|_| OK).await?;
    let path = format!("/api/webhook/config/{id}");
    let body = json!({ "url": receiver.url(), "secret": SECRET });
    let made = ada.keyed("PUT", &path, Some(body)).await?;
    kept("suite.configure-webhook", &made)?;
    assert_eq!(made.text_at("/config/secret")?, SECRET);
    ada.scans(&id, &host.person(PHONE, "Ada")?).await?;
    let customer = host.person(CUSTOMER, "Grace")?;
    customer.says(PHONE, "hello").await?;
    let body = json!({ "sessionId": id, "to": "15550100", "text": "hi" });
    let sent = ada
        .keyed("POST", "/api/messages/send/text", Some(body))
        .await?
        .expect(200)?;
    let told = |event: &'static str| {
        let receiver = &receiver;
        async move {
            eventually(event, || async {
                let heard = receiver.heard().into_iter();
                let mut heard =
                    heard.filter(|one| one.json().is_ok_and(|body| body["event"] == event));
                Ok(heard.next())
            })
            .await
        }
    };
    let message = told("message").await?;
    ensure!(
        message.is_plainly_signed_with(SECRET)?,
        "{:?}",
        message.headers
    );
    ensure!(!message.header("x-webhook-id").is_empty());
    let body = message.json()?;
    assert_eq!(
        (&body["sessionId"], &body["data"]["text"]),
        (&json!(id), &json!("hello"))
    );
    assert_eq!(
        (&body["data"]["from"], &body["data"]["to"]),
        (&json!("15550100"), &json!("me"))
    );
    assert_eq!(body["data"]["status"], "received");
    let status = told("status").await?.json()?;
    assert_eq!(status["data"]["messageId"], sent.body["messageId"]);
    assert_eq!(status["data"]["status"], "delivered");
    let ready = told("ready").await?.json()?;
    assert_eq!(ready["data"]["phoneNumber"], PHONE);
    let path = format!("/api/sessions/{id}/stop");
    ada.keyed("POST", &path, None).await?.expect(200)?;
    let gone = told("disconnected").await?.json()?;
    ensure!(gone["data"]["reason"].is_string(), "{gone}");
    let path = format!("/api/webhook/stats/{id}");
    let stats = eventually("deliveries are counted", || async {
        let stats = ada.keyed("GET", &path, None).await?;
        Ok((stats.body["stats"]["successful"].as_u64() >= Some(4)).then_some(stats))
    })
    .await?;
    kept("suite.webhook-stats", &stats)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn only_the_events_that_are_wanted_are_told() -> Result<()> {
    let host = reaching_host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let id = ada.makes("Hers").await?;
    let receiver = Receiver::start(|_| OK).await?;
    let path = format!("/api/webhook/config/{id}");
    let body = json!({ "url": receiver.url(), "events": ["ready", "message"] });
    let made = ada.keyed("PUT", &path, Some(body)).await?.expect(200)?;
    assert_eq!(made.body["config"]["events"], json!(["message", "ready"]));
    ada.scans(&id, &host.person(PHONE, "Ada")?).await?;
    let stop = format!("/api/sessions/{id}/stop");
    receiver.hears(1).await?;
    ada.keyed("POST", &stop, None).await?.expect(200)?;
    ada.keyed("POST", &format!("/api/sessions/{id}/start"), None)
        .await?
        .expect(200)?;
    let heard = receiver.hears(2).await?;
    for one in heard {
        assert_eq!(one.json()?["event"], "ready");
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_webhook_is_set_up_shown_tried_and_cleared() -> Result<()> {
    let host = reaching_host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let id = ada.links(&host.person(PHONE, "Ada")?).await?;
    let path = format!("/api/webhook/config/{id}");
    let none = ada.keyed("GET", &path, None).await?;
    kept("suite.get-webhook-config", &none)?;
    for bad in [
        json!({ "url": "nowhere" }),
        json!({ "url": "https://example.com", "events": ["song"] }),
        json!({ "url": "https://example.com", "events": [] }),
        json!({ "url": "https://example.com", "secret": "" }),
        json!({}),
    ] {
        let tried = ada.keyed("PUT", &path, Some(bad)).await?;
        refused(&tried, 400, "VALIDATION_ERROR")?;
    }
    let deaf = Receiver::start(|_| Reply::Head("500 No")).await?;
    let body = json!({ "url": deaf.url(), "events": ["message", "status"], "secret": SECRET });
    let made = ada.ask("PUT", &path, Some(body.clone())).await?;
    kept("suite.configure-webhook", &made)?;
    let again = ada.keyed("PUT", &path, Some(body)).await?;
    kept("suite.configure-webhook", &again)?;
    let shown = ada.keyed("GET", &path, None).await?;
    kept("suite.get-webhook-config", &shown)?;
    assert_eq!(shown.text_at("/config/secret")?, "********");
    assert_eq!(shown.text_at("/config/url")?, deaf.url());
    let all = host.api().get("/v1/webhooks").await?.expect(200)?;
    assert_eq!(
        all.body["items"].as_array().map(Vec::len),
        Some(1),
        "one per session"
    );

    let customer = host.person(CUSTOMER, "Grace")?;
    customer.says(PHONE, "hello").await?;
    deaf.hears(1).await?;
    let queue = eventually("it waits", || async {
        let queue = ada.keyed("GET", "/api/webhook/queue", None).await?;
        Ok((queue.body["queue"]["pending"].as_u64() >= Some(1)).then_some(queue))
    })
    .await?;
    kept("suite.webhook-queue", &queue)?;
    let path = format!("/api/webhook/queue/{id}");
    let cleared = ada.keyed("DELETE", &path, None).await?;
    kept("suite.clear-webhook-queue", &cleared)?;
    let queue = ada.keyed("GET", "/api/webhook/queue", None).await?;
    assert_eq!(queue.body["queue"]["pending"], 0);
    let types = ada.keyed("GET", "/api/webhook/event-types", None).await?;
    kept("suite.webhook-event-types", &types)?;

    let good = Receiver::start(|_| OK).await?;
    let payload = json!({ "test": true, "any": ["thing"] });
    let body = json!({ "url": good.url(), "payload": payload });
    let tried = ada.keyed("POST", "/api/webhook/test", Some(body)).await?;
    kept("suite.test-webhook", &tried)?;
    let heard = good.hears(1).await?;
    assert_eq!(heard.first().context("a request")?.json()?, payload);
    for url in [deaf.url(), "http://10.0.0.1/hook".to_owned()] {
        let body = json!({ "url": url });
        let tried = ada.keyed("POST", "/api/webhook/test", Some(body)).await?;
        kept("suite.test-webhook", &tried)?;
        assert_eq!(tried.body["success"], false);
    }
    let body = json!({ "url": "nowhere" });
    let bad = ada.keyed("POST", "/api/webhook/test", Some(body)).await?;
    refused(&bad, 400, "VALIDATION_ERROR")?;
    host.stop().await;
    Ok(())
}
