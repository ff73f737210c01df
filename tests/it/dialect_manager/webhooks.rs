//! What the webhooks of the dialect `manager` are told, and what their receivers answer.

use anyhow::{Context, Result};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use warbler_api::Switch;
use warbler_simulator::{Heard, HeardContent};
use warbler_tests::{Answer, TestHost, eventually, hears_text};

use super::{Account, CUSTOMER, GRACE, PHONE, host, host_with, kept, refused};
use crate::webhooks::receiver::{OK, Receiver, Reply};

const SECRET: &str = "my-secret-key";

/// What a receiver was told of messages.
fn messages(receiver: &Receiver) -> Vec<Value> {
    let heard = receiver.heard();
    let bodies = heard.iter().filter_map(|one| one.json().ok());
    bodies.filter(|body| body["message"].is_object()).collect()
}

#[tokio::test]
async fn webhooks_are_registered_listed_and_deleted_as_documented() -> Result<()> {
    let host = host().await?;
    let ada = Account::new(&host, "ada").await?;
    let id = ada.makes(json!({ "session_name": "Shop" })).await?;
    let path = format!("/api/webhook/{id}/register");
    let wanted = json!({
        "url": "https://example.com/hook", "secret": SECRET, "events": ["message", "status"],
    });
    let made = ada.post(&path, wanted).await?;
    kept("manager.register-webhook", &made)?;
    assert_eq!(
        made.body["data"]["secret"], SECRET,
        "said back to whoever has said it"
    );
    let made = ada
        .post(&path, json!({ "url": "https://example.com/2" }))
        .await?;
    kept("manager.register-webhook", &made)?;
    assert_eq!(made.body["data"]["events"], json!(["message", "status"]));
    let list = ada.get(&format!("/api/webhook/{id}")).await?;
    kept("manager.list-webhooks", &list)?;
    assert!(
        !list.body.to_string().contains(SECRET),
        "and to nobody else"
    );
    assert_eq!(list.body["data"][0]["secret"], "********");
    for wrong in [
        json!({}),
        json!({ "url": "nowhere" }),
        json!({ "url": "https://example.com/3", "events": [] }),
        json!({ "url": "https://example.com/3", "events": ["message", "weather"] }),
        json!({ "url": "https://example.com/3", "secret": "" }),
    ] {
        refused(&ada.post(&path, wrong).await?, 400)?;
    }
    let number = list.body["data"][1]["id"].as_i64().context("a number")?;
    let path = format!("/api/webhook/{number}");
    let gone = ada.ask("DELETE", &path, None).await?;
    kept("manager.delete-webhook", &gone)?;
    let again = ada.ask("DELETE", &path, None).await?;
    refused(&again, 404)?;
    let said = format!("Webhook with ID {number} not found");
    assert_eq!(again.text_at("/message")?, said);
    let list = ada.get(&format!("/api/webhook/{id}")).await?;
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
    host.stop().await;

    let host = host_with(|options| {
        let open = &mut options.dialects.documented_unsafe;
        open.insert(Switch::EchoWebhookSecrets);
    })
    .await?;
    let ada = Account::new(&host, "ada").await?;
    let id = ada.makes(json!({ "session_name": "Shop" })).await?;
    let wanted = json!({ "url": "https://example.com/hook", "secret": SECRET });
    let path = format!("/api/webhook/{id}/register");
    kept("manager.register-webhook", &ada.post(&path, wanted).await?)?;
    let list = ada.get(&format!("/api/webhook/{id}")).await?;
    assert_eq!(list.body["data"][0]["secret"], SECRET);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_message_is_told_in_the_documented_payload_once_to_each_receiver() -> Result<()> {
    let host = host().await?;
    let ada = Account::new(&host, "ada").await?;
    let (own, both) = (
        Receiver::start(|_| OK).await?,
        Receiver::start(|_| OK).await?,
    );
    let dead = Receiver::start(|_| Reply::Head("500 Internal Server Error")).await?;
    let body = json!({ "session_name": "Demo Session", "webhook_url": both.url() });
    let id = ada.makes(body).await?;
    let path = format!("/api/webhook/{id}/register");
    for (receiver, events) in [(&own, json!(["status"])), (&both, json!(["message"]))] {
        let wanted = json!({ "url": receiver.url(), "secret": SECRET, "events": events });
        kept("manager.register-webhook", &ada.post(&path, wanted).await?)?;
    }
    let id = link(&host, &ada, id).await?;
    let grace = host.person(CUSTOMER, "Grace")?;
    grace.says(PHONE, "first").await?;
    let told = eventually("the message was told", || async {
        Ok(messages(&both).first().cloned())
    })
    .await?;
    let expected = json!({
        "sessionId": id,
        "sessionName": "Demo Session",
        "message": {
            "id": told["message"]["id"], "from": GRACE, "to": null, "contactName": "Grace",
            "groupId": null, "type": "chat", "content": "first",
            "timestamp": told["message"]["timestamp"], "mediaUrl": null,
        },
    });
    assert_eq!(told, expected);
    let heard = both.heard().pop().context("a request")?;
    assert!(
        heard.is_plainly_signed_with(SECRET)?,
        "by the secret its receiver knows"
    );
    assert_eq!(heard.header("x-webhook-event"), "message");
    let status = eventually("the status was told", || async {
        let told = own.heard().pop();
        let connected = |body: &Value| body["status"]["status"] == "connected";
        Ok(told.filter(|one| one.json().is_ok_and(|body| connected(&body))))
    })
    .await?;
    assert_eq!(status.header("x-webhook-event"), "status");
    assert_eq!(messages(&own), Vec::<Value>::new());

    // One that does not take it is seen in the message.
    let wanted = json!({ "url": dead.url(), "events": ["message"] });
    kept("manager.register-webhook", &ada.post(&path, wanted).await?)?;
    grace.says(PHONE, "second").await?;
    dead.hears(1).await?;
    eventually("the second message is told", || async {
        Ok((messages(&both).len() > 1).then_some(()))
    })
    .await?;
    assert_eq!(
        messages(&both).len(),
        2,
        "each message once, although the URL is there twice"
    );
    let expected = json!([["second", false], ["first", true]]);
    eventually("the rows say so", || async {
        let list = ada.get(&format!("/api/messages/session/{id}")).await?;
        let rows = list.body["data"]["messages"].as_array().cloned();
        let rows = rows.unwrap_or_default().into_iter();
        let sent: Value = rows
            .map(|row| json!([row["content"], row["webhookSent"]]))
            .collect();
        Ok((sent == expected).then_some(()))
    })
    .await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_receiver_answers_with_the_key_or_by_its_signature() -> Result<()> {
    let host = host().await?;
    let ada = Account::new(&host, "ada").await?;
    let id = ada.makes(json!({ "session_name": "Shop" })).await?;
    let wanted = json!({ "url": "https://example.com/hook", "secret": SECRET });
    let path = format!("/api/webhook/{id}/register");
    kept("manager.register-webhook", &ada.post(&path, wanted).await?)?;
    link(&host, &ada, id).await?;
    let grace = host.person(CUSTOMER, "Grace")?;
    let asked = grace.says(PHONE, "what is the price?").await?;
    let path = format!("/api/webhook/{id}");
    let answer = |message: &str, text: &str| json!({ "message_id": message, "reply_to": GRACE, "reply_message": text });
    eventually("the question came", || async {
        let list = ada.get(&format!("/api/messages/session/{id}")).await?;
        Ok((list.body["data"]["pagination"]["total"] == 1).then_some(()))
    })
    .await?;

    let told = ada.post(&path, answer(&asked, "$10")).await?;
    kept("manager.incoming-webhook", &told)?;
    let heard = hears_text(&grace, "$10").await?;
    assert_eq!(
        quoted(&heard),
        Some(asked.as_str()),
        "it quotes what it answers"
    );
    let told = ada
        .post(&path, answer("ABCDEF1234567890", "as you said"))
        .await?;
    kept("manager.incoming-webhook", &told)?;
    let heard = hears_text(&grace, "as you said").await?;
    assert_eq!(quoted(&heard), None, "what is not known is not quoted");

    let body = answer(&asked, "signed").to_string();
    let signed = post_signed(&ada, &path, &body, SECRET).await?;
    kept("manager.incoming-webhook", &signed)?;
    hears_text(&grace, "signed").await?;
    let again = post_signed(&ada, &path, &body, SECRET).await?;
    assert_eq!(again.body, signed.body, "a signed answer counts once");
    refused(
        &post_signed(&ada, &path, &body, "another secret").await?,
        401,
    )?;
    let other = ada.makes(json!({ "session_name": "Other" })).await?;
    let elsewhere = format!("/api/webhook/{other}");
    for path in [elsewhere.as_str(), "/api/webhook/999"] {
        refused(&post_signed(&ada, path, &body, SECRET).await?, 401)?;
    }
    refused(&post_signed(&ada, &path, "{}", SECRET).await?, 400)?;
    for wrong in [
        json!({}),
        answer("", "hi"),
        json!({ "message_id": "A", "reply_to": GRACE }),
    ] {
        refused(&ada.post(&path, wrong).await?, 400)?;
    }
    refused(
        &ada.post("/api/webhook/999", answer("A1", "hi")).await?,
        404,
    )?;
    let open = ada
        .api
        .call("POST", &path, &[], Some(answer("A1", "hi")))
        .await?;
    refused(&open, 401)?;
    host.stop().await;
    Ok(())
}

/// The id of the message that a text answers.
fn quoted(heard: &Heard) -> Option<&str> {
    match &heard.content {
        HeardContent::Text { quoted, .. } => quoted.as_deref(),
        _ => None,
    }
}

/// Links a session of this number that is there; the number.
async fn link(host: &TestHost, ada: &Account, id: i64) -> Result<i64> {
    let native = host.api().get("/v1/sessions").await?.expect(200)?;
    let name = native.text_at("/items/0/name")?.to_owned();
    let path = format!("/api/sessions/{id}/start");
    kept(
        "manager.start-session",
        &ada.ask("POST", &path, None).await?,
    )?;
    let qr = host.api().get(&format!("/v1/sessions/{name}/qr")).await?;
    host.person(PHONE, "Owner")?
        .scans(qr.text_at("/text")?)
        .await?;
    host.is_connected(&name).await?;
    Ok(id)
}

async fn post_signed(ada: &Account, path: &str, body: &str, secret: &str) -> Result<Answer> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(body.as_bytes());
    let signature = format!("sha256={}", HEXLOWER.encode(&mac.finalize().into_bytes()));
    let headers = [
        ("content-type", "application/json"),
        ("x-webhook-signature", signature.as_str()),
    ];
    ada.api
        .call_with("POST", path, &headers, body.to_owned())
        .await
}
