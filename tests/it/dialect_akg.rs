//! The dialect `akg`, as its document has it: every endpoint, its refusals, and whose it is.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use warbler_domain::{Dialect, Timestamp};
use warbler_simulator::HeardContent;
use warbler_tests::{Answer, Api, Documented, KEY, PATIENCE, TestHost, eventually, hears_text};

use crate::media::PNG;
use crate::media::servers::{reaching_this_machine, serving};
use crate::webhooks::receiver::{OK, Receiver};

const PHONE: &str = "+15550123";
const CUSTOMER: &str = "+15550100";
const JID: &str = "15550100@s.whatsapp.net";
/// What may be null although the example shows it.
const NULLABLE: &[&str] = &["pushName", "creation"];

/// A host whose dialect has a listener of its own.
async fn host() -> Result<TestHost> {
    let settings = reaching_this_machine()?;
    TestHost::start_as(move |options| {
        options.settings = settings.clone();
        if let Some(mount) = options.dialects.mounts.get_mut(&Dialect::Akg) {
            mount.listen = Some(([127, 0, 0, 1], 0).into());
        }
    })
    .await
}

/// Somebody with a key.
struct Account {
    api: Api,
    key: String,
}

impl Account {
    async fn new(host: &TestHost, name: &str) -> Result<Self> {
        let user = json!({ "name": name, "password": "correct horse battery" });
        host.api().post("/v1/users", user).await?.expect(201)?;
        let key = json!({ "name": name, "scopes": ["manage"], "owner": name, "dialect": "akg" });
        let made = host.api().post("/v1/keys", key).await?.expect(201)?;
        let key = made.text_at("/secret")?.to_owned();
        assert!(key.starts_with("wag_"));
        let api = host.api().at(&host.dialect_url(Dialect::Akg)?);
        Ok(Self { api, key })
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer> {
        let headers = [("x-api-key", self.key.as_str())];
        self.api.call(method, path, &headers, body).await
    }

    /// A session of this account, linked and connected.
    async fn links(&self, host: &TestHost, id: &str) -> Result<()> {
        let body = json!({ "sessionId": id, "name": "The shop" });
        let made = self.ask("POST", "/api/sessions", Some(body)).await?;
        kept("akg.create-session", &made)?;
        let path = format!("/api/sessions/{id}/qrcode");
        let shown = self.ask("GET", &path, None).await?;
        kept("akg.session-qrcode", &shown)?;
        ensure!(shown.text_at("/qr")?.starts_with("data:image/png;base64,"));
        // Phones of the simulated network read the text of a QR, not its picture.
        let native = format!("/v1/sessions/{id}/qr");
        let qr = host.api().get(&native).await?.expect(200)?;
        let owner = host.person(PHONE, "Owner")?;
        owner.scans(qr.text_at("/text")?).await?;
        eventually("the session is connected", || async {
            let list = self.ask("GET", "/api/sessions", None).await?;
            Ok((list.body[0]["status"] == "CONNECTED").then_some(()))
        })
        .await
    }
}

/// Whether an answer is what the document promises.
fn kept(id: &str, answer: &Answer) -> Result<()> {
    Documented::of("akg")?.keeps(id, answer, NULLABLE)
}

/// Whether a refusal has this status, and the form of all refusals.
fn refused(answer: &Answer, status: u16) -> Result<()> {
    let fields = answer.body.as_object().context("an object")?;
    let told = answer.text_at("/error").is_ok_and(|text| !text.is_empty());
    let right = answer.status == status && fields.len() == 1 && told;
    ensure!(
        right,
        "{status} expected: {} {}",
        answer.status,
        answer.body
    );
    Ok(())
}

#[tokio::test]
async fn a_session_is_linked_talks_and_is_deleted_as_documented() -> Result<()> {
    let host = host().await?;
    let ada = Account::new(&host, "ada").await?;
    ada.links(&host, "shop-1").await?;
    let list = ada.ask("GET", "/api/sessions", None).await?;
    kept("akg.list-sessions", &list)?;
    assert_eq!(list.text_at("/0/name")?, "The shop");
    refused(
        &ada.ask("GET", "/api/sessions/shop-1/qrcode", None).await?,
        404,
    )?;
    let again = json!({ "sessionId": "shop-1" });
    refused(&ada.ask("POST", "/api/sessions", Some(again)).await?, 409)?;

    let customer = host.person(CUSTOMER, "Grace")?;
    let send = |message: Value| json!({ "sessionId": "shop-1", "jid": JID, "message": message });
    let text = send(json!({ "text": "Hello!" }));
    let sent = ada.ask("POST", "/api/chat/send", Some(text)).await?;
    kept("akg.send-message", &sent)?;
    hears_text(&customer, "Hello!").await?;
    let url = format!("http://{}/picture.png", serving(PNG).await?);
    let image = send(json!({ "image": { "url": url }, "caption": "Look" }));
    let sent = ada.ask("POST", "/api/chat/send", Some(image)).await?;
    kept("akg.send-message", &sent)?;
    let heard = customer.hears_within(PATIENCE).await?;
    assert!(
        matches!(heard.content, HeardContent::Image { .. }),
        "{heard:?}"
    );
    for wrong in [
        json!({}),
        json!({ "text": "two", "image": { "url": "https://example.com/x.png" } }),
        json!({ "image": { "url": "http://10.0.0.1/x.png" } }),
    ] {
        let sent = ada.ask("POST", "/api/chat/send", Some(send(wrong))).await?;
        refused(&sent, 400)?;
    }
    let path = format!("/api/chat/shop-1/{}", JID.replace('@', "%40"));
    let history = ada.ask("GET", &path, None).await?;
    kept("akg.chat-history", &history)?;
    assert_eq!(history.text_at("/1/content")?, "Hello!");

    let group = json!({ "subject": "The team", "members": [CUSTOMER] });
    host.api()
        .post("/v1/sessions/shop-1/groups", group)
        .await?
        .expect(201)?;
    let groups = ada.ask("GET", "/api/groups/shop-1", None).await?;
    kept("akg.list-groups", &groups)?;
    assert_eq!(groups.text_at("/0/subject")?, "The team");

    let gone = ada.ask("DELETE", "/api/sessions/shop-1", None).await?;
    kept("akg.delete-session", &gone)?;
    refused(&ada.ask("DELETE", "/api/sessions/shop-1", None).await?, 404)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn texts_go_out_later_to_many_and_in_answer_to_keywords() -> Result<()> {
    let host = host().await?;
    let ada = Account::new(&host, "ada").await?;
    ada.links(&host, "shop-1").await?;
    let customer = host.person(CUSTOMER, "Grace")?;
    let later = |at: &str| json!({ "sessionId": "shop-1", "jid": JID, "content": "Good morning!", "sendAt": at });
    let list = ada.ask("GET", "/api/sessions", None).await?;
    let made: Timestamp = serde_json::from_value(list.body[0]["createdAt"].clone())?;
    let soon = made.plus(Duration::from_secs(24 * 3600)).to_string();
    for at in [soon.as_str(), soon.get(..19).context("a local time")?] {
        let entry = ada.ask("POST", "/api/scheduler", Some(later(at))).await?;
        kept("akg.schedule-message", &entry)?;
        assert_eq!(entry.body["status"], "PENDING");
    }
    let path = "/api/scheduler?sessionId=shop-1";
    let entries = ada.ask("GET", path, None).await?;
    kept("akg.list-scheduled", &entries)?;
    assert_eq!(entries.body.as_array().map(Vec::len), Some(2));
    for at in ["2024-12-25T07:00:00", "tomorrow"] {
        refused(
            &ada.ask("POST", "/api/scheduler", Some(later(at))).await?,
            400,
        )?;
    }
    refused(&ada.ask("GET", "/api/scheduler", None).await?, 400)?;

    let broadcast = |to: Value| json!({ "sessionId": "shop-1", "recipients": to, "message": "Promo", "delay": 1000 });
    let path = "/api/messages/broadcast";
    let sent = ada.ask("POST", path, Some(broadcast(json!([JID])))).await?;
    kept("akg.broadcast", &sent)?;
    assert_eq!(sent.body["total"], 1);
    hears_text(&customer, "Promo").await?;
    for to in [json!([]), json!(["nobody"])] {
        refused(&ada.ask("POST", path, Some(broadcast(to))).await?, 400)?;
    }

    let rule = json!({
        "sessionId": "shop-1", "keyword": "price", "response": "Our prices start at $10",
        "matchType": "CONTAINS",
    });
    let path = "/api/autoreplies";
    let made = ada.ask("POST", path, Some(rule.clone())).await?;
    kept("akg.create-autoreply", &made)?;
    customer.says(PHONE, "what is the PRICE?").await?;
    hears_text(&customer, "Our prices start at $10").await?;
    refused(&ada.ask("POST", path, Some(rule.clone())).await?, 409)?;
    for (field, value) in [("matchType", "LIKE"), ("keyword", ""), ("response", "")] {
        let mut wrong = rule.clone();
        wrong[field] = json!(value);
        refused(&ada.ask("POST", path, Some(wrong)).await?, 400)?;
    }
    let bob = Account::new(&host, "bob").await?;
    for (path, body) in [
        ("/api/scheduler", later(&soon)),
        ("/api/messages/broadcast", broadcast(json!([JID]))),
        ("/api/autoreplies", rule),
    ] {
        refused(&bob.ask("POST", path, Some(body)).await?, 404)?;
    }
    let path = "/api/scheduler?sessionId=shop-1";
    refused(&bob.ask("GET", path, None).await?, 404)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_webhook_hears_in_the_words_of_the_dialect() -> Result<()> {
    let host = host().await?;
    let ada = Account::new(&host, "ada").await?;
    let receiver = Receiver::start(|_| OK).await?;
    let wanted = json!({
        "name": "CRM", "url": receiver.url(), "events": ["message.upsert", "connection.update"],
    });
    let made = ada
        .ask("POST", "/api/webhooks", Some(wanted.clone()))
        .await?;
    kept("akg.create-webhook", &made)?;
    ada.links(&host, "shop-1").await?;
    host.person(CUSTOMER, "Grace")?
        .says(PHONE, "what is the price?")
        .await?;
    let told = eventually("the message was told", || async {
        let heard = receiver.heard();
        let bodies: Vec<Value> = heard.iter().filter_map(|one| one.json().ok()).collect();
        let message = bodies.iter().any(|body| body["event"] == "message.upsert");
        Ok(message.then_some(bodies))
    })
    .await?;
    let of = |event: &str| told.iter().find(|body| body["event"] == event).cloned();
    let update = of("connection.update").context("an update")?;
    assert_eq!(update["sessionId"], "shop-1");
    assert!(update["data"]["status"].is_string());
    let message = of("message.upsert").context("a message")?;
    assert_eq!(message["data"]["content"], "what is the price?");
    assert_eq!(message["data"]["fromMe"], false);
    assert_eq!(message["data"]["type"], "text");
    let mut unknown = wanted;
    unknown["events"] = json!(["message.maybe"]);
    refused(&ada.ask("POST", "/api/webhooks", Some(unknown)).await?, 400)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn every_refusal_is_an_object_with_its_error() -> Result<()> {
    let host = host().await?;
    let (ada, bob) = (
        Account::new(&host, "ada").await?,
        Account::new(&host, "bob").await?,
    );
    let body = json!({ "sessionId": "shop-1" });
    let made = ada.ask("POST", "/api/sessions", Some(body)).await?;
    kept("akg.create-session", &made)?;
    refused(&ada.api.call("GET", "/nowhere", &[], None).await?, 404)?;
    refused(&ada.api.call("PUT", "/api/sessions", &[], None).await?, 405)?;
    refused(&ada.ask("POST", "/api/sessions", None).await?, 415)?;
    refused(
        &ada.ask("POST", "/api/sessions", Some(json!({}))).await?,
        400,
    )?;
    let bad = json!({ "sessionId": "no such name" });
    refused(&ada.ask("POST", "/api/sessions", Some(bad)).await?, 400)?;
    for endpoint in Documented::of("akg")?.endpoints()? {
        let path = endpoint
            .path
            .replace("{sessionId}", "shop-1")
            .replace("{jid}", JID);
        let body = (endpoint.method == "POST").then(|| json!({}));
        for headers in [
            vec![],
            vec![("x-api-key", KEY)],
            vec![("x-api-key", "wag_nonsense")],
        ] {
            let asked = ada
                .api
                .call(&endpoint.method, &path, &headers, body.clone());
            refused(&asked.await?, 401)?;
        }
        // What is somebody else's does not exist.
        if path.contains("shop-1") {
            refused(&bob.ask(&endpoint.method, &path, None).await?, 404)?;
        }
    }
    let body = json!({ "sessionId": "shop-1", "jid": JID, "message": { "text": "hi" } });
    refused(&bob.ask("POST", "/api/chat/send", Some(body)).await?, 404)?;
    assert_eq!(bob.ask("GET", "/api/sessions", None).await?.body, json!([]));
    host.stop().await;
    Ok(())
}
