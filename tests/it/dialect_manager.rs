//! The dialect `manager`, as its document has it: every endpoint, its refusals, and whose it is.

mod access;
mod webhooks;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use warbler_domain::Dialect;
use warbler_tests::{Answer, Api, Documented, TestHost, eventually, hears_text};

use crate::media::servers::reaching_this_machine;

const PHONE: &str = "+15550123";
const CUSTOMER: &str = "+15550100";
const GRACE: &str = "15550100@c.us";
/// What may be null although the example shows it.
const NULLABLE: &[&str] = &[
    "webhookUrl",
    "lastSeen",
    "qr_code",
    "contactName",
    "toNumber",
];

/// A host whose dialect has a listener of its own.
async fn host() -> Result<TestHost> {
    host_with(|_| {}).await
}

async fn host_with(
    change: impl Fn(&mut warbler_cli::host::HostOptions) + Send + Sync + 'static,
) -> Result<TestHost> {
    let settings = reaching_this_machine()?;
    TestHost::start_as(move |options| {
        options.settings = settings.clone();
        if let Some(mount) = options.dialects.mounts.get_mut(&Dialect::Manager) {
            mount.listen = Some(([127, 0, 0, 1], 0).into());
        }
        change(options);
    })
    .await
}

/// Somebody with a key.
struct Account {
    api: Api,
    key: String,
}

impl Account {
    /// Somebody who owns sessions.
    async fn new(host: &TestHost, name: &str) -> Result<Self> {
        let user = json!({ "name": name, "password": "correct horse battery" });
        host.api().post("/v1/users", user).await?.expect(201)?;
        Self::with(host, json!({ "name": name, "owner": name })).await
    }

    /// Somebody with a key for every session.
    async fn operator(host: &TestHost) -> Result<Self> {
        Self::with(host, json!({ "name": "operator" })).await
    }

    async fn with(host: &TestHost, mut key: Value) -> Result<Self> {
        key["scopes"] = json!(["manage"]);
        key["dialect"] = json!("manager");
        let made = host.api().post("/v1/keys", key).await?.expect(201)?;
        let key = made.text_at("/secret")?.to_owned();
        assert!(key.starts_with("wmg_"));
        let api = host.api().at(&host.dialect_url(Dialect::Manager)?);
        Ok(Self { api, key })
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer> {
        let bearer = format!("Bearer {}", self.key);
        let headers = [("authorization", bearer.as_str())];
        self.api.call(method, path, &headers, body).await
    }

    async fn get(&self, path: &str) -> Result<Answer> {
        self.ask("GET", path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        self.ask("POST", path, Some(body)).await
    }

    /// Makes a session; its number.
    async fn makes(&self, body: Value) -> Result<i64> {
        let made = self.post("/api/sessions", body).await?;
        kept("manager.create-session", &made)?;
        made.body["data"]["id"].as_i64().context("a number")
    }

    /// A session of this account, linked and connected; its number.
    async fn links(&self, host: &TestHost, body: Value) -> Result<i64> {
        let id = self.makes(body).await?;
        let path = format!("/api/sessions/{id}/start");
        let started = self.ask("POST", &path, None).await?;
        kept("manager.start-session", &started)?;
        let shown = self.get(&format!("/api/sessions/{id}/qr")).await?;
        kept("manager.get-session-qr", &shown)?;
        ensure!(
            shown
                .text_at("/data/qr_code")?
                .starts_with("data:image/png;base64,")
        );
        assert_eq!(shown.text_at("/data/status")?, "connecting");
        assert_eq!(shown.header("cache-control"), "no-store");
        // Phones of the simulated network read the text of a QR, not its picture.
        let sessions = host.api().get("/v1/sessions").await?.expect(200)?;
        let items = sessions.body["items"].as_array().context("sessions")?;
        let waiting = items.iter().find(|one| one["state"] == "awaiting-pairing");
        let native = waiting.context("one waits")?["id"].as_str().context("id")?;
        let path = format!("/v1/sessions/{native}/qr");
        let qr = host.api().get(&path).await?.expect(200)?;
        let owner = host.person(PHONE, "Owner")?;
        owner.scans(qr.text_at("/text")?).await?;
        let path = format!("/api/sessions/{id}");
        eventually("the session is connected", || async {
            let shown = self.get(&path).await?;
            Ok((shown.body["data"]["status"] == "connected").then_some(()))
        })
        .await?;
        Ok(id)
    }
}

/// Whether an answer is what the document promises.
fn kept(id: &str, answer: &Answer) -> Result<()> {
    Documented::of("manager")?.keeps(id, answer, NULLABLE)
}

/// Whether a refusal has this status, and the form of all refusals.
fn refused(answer: &Answer, status: u16) -> Result<()> {
    let fields = answer.body.as_object().context("an object")?;
    let told = answer
        .text_at("/message")
        .is_ok_and(|text| !text.is_empty());
    let whole = fields.len() == 2 && answer.body["status"] == "error";
    ensure!(
        answer.status == status && whole && told,
        "{status} expected: {} {}",
        answer.status,
        answer.body
    );
    Ok(())
}

#[tokio::test]
async fn a_session_is_made_called_otherwise_linked_and_deleted_as_documented() -> Result<()> {
    let host = host().await?;
    let ada = Account::new(&host, "ada").await?;
    let body = json!({
        "session_name": "My Session", "webhook_url": "https://example.com/hook", "user_id": 1,
    });
    let id = ada.links(&host, body).await?;
    assert_eq!(id, 1, "the first session of the host");
    let list = ada.get("/api/sessions").await?;
    kept("manager.list-sessions", &list)?;
    let shown = ada.get("/api/sessions/1").await?;
    kept("manager.get-session", &shown)?;
    assert_eq!(list.body["data"][0], shown.body["data"]);
    let before = &shown.body["data"];
    assert_eq!(before["webhookUrl"], "https://example.com/hook");
    assert_eq!(
        (&before["userId"], &before["sessionName"]),
        (&json!(1), &json!("My Session"))
    );
    assert!(before["lastSeen"].is_string());
    let qr = ada.get("/api/sessions/1/qr").await?;
    kept("manager.get-session-qr", &qr)?;
    assert_eq!(
        qr.body["data"],
        json!({ "qr_code": null, "status": "connected" })
    );

    let change = json!({ "session_name": "Updated", "webhook_url": null });
    let changed = ada.ask("PUT", "/api/sessions/1", Some(change)).await?;
    kept("manager.update-session", &changed)?;
    let after = &changed.body["data"];
    assert_eq!(
        (&after["sessionName"], &after["webhookUrl"]),
        (&json!("Updated"), &Value::Null)
    );
    assert_eq!(after["createdAt"], before["createdAt"]);
    assert_ne!(after["updatedAt"], before["updatedAt"]);
    // What is wrong about one of the two changes neither.
    let half = json!({ "sessionName": "Again", "webhookUrl": "nowhere" });
    refused(&ada.ask("PUT", "/api/sessions/1", Some(half)).await?, 400)?;
    let half = json!({ "session_name": " ", "webhook_url": "https://example.com/hook" });
    refused(&ada.ask("PUT", "/api/sessions/1", Some(half)).await?, 400)?;
    let shown = ada.get("/api/sessions/1").await?;
    assert_eq!(shown.body["data"]["sessionName"], "Updated");
    assert_eq!(shown.body["data"]["webhookUrl"], Value::Null);

    let stopped = ada.ask("POST", "/api/sessions/1/stop", None).await?;
    kept("manager.stop-session", &stopped)?;
    assert_eq!(
        stopped.text_at("/message")?,
        "Session 1 stopped successfully"
    );
    assert_eq!(
        ada.get("/api/sessions/1").await?.body["data"]["status"],
        "disconnected"
    );
    let gone = ada.ask("DELETE", "/api/sessions/1", None).await?;
    kept("manager.delete-session", &gone)?;
    let missing = ada.get("/api/sessions/1").await?;
    refused(&missing, 404)?;
    assert_eq!(missing.text_at("/message")?, "Session with ID 1 not found");
    assert_eq!(
        ada.makes(json!({ "session_name": "Next" })).await?,
        2,
        "no number comes again"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_is_made_whole_or_not_at_all_and_for_whom_it_may_be() -> Result<()> {
    let host = host().await?;
    let operator = Account::operator(&host).await?;
    // Nobody is here yet, and the document's own number is good all the same.
    let made = operator
        .makes(json!({ "session_name": "Early", "user_id": 1 }))
        .await?;
    let shown = operator.get(&format!("/api/sessions/{made}")).await?;
    assert_eq!(shown.body["data"]["userId"], 1);
    let (ada, bob) = (
        Account::new(&host, "ada").await?,
        Account::new(&host, "bob").await?,
    );
    for (who, user, good) in [
        (&operator, 2, true),
        (&operator, 9, false),
        (&ada, 1, true),
        (&ada, 2, false),
        (&bob, 9, false),
    ] {
        let body = json!({ "sessionName": "One", "userId": user });
        let made = who.post("/api/sessions", body).await?;
        match good {
            true => kept("manager.create-session", &made)?,
            false => refused(&made, 400)?,
        }
    }
    for wrong in [
        json!({}),
        json!({ "session_name": "" }),
        json!({ "session_name": 7 }),
        json!({ "session_name": "One", "webhook_url": "ftp://example.com/hook" }),
        json!({ "session_name": "One", "user_id": "ada" }),
    ] {
        refused(&ada.post("/api/sessions", wrong).await?, 400)?;
    }
    let own = ada.get("/api/sessions").await?;
    assert_eq!(own.body["data"].as_array().map(Vec::len), Some(1));
    let all = operator.get("/api/sessions").await?;
    assert_eq!(all.body["data"].as_array().map(Vec::len), Some(3));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn messages_are_sent_listed_and_shown_as_documented() -> Result<()> {
    let host = host().await?;
    let ada = Account::new(&host, "ada").await?;
    let unlinked = ada.makes(json!({ "session_name": "New" })).await?;
    let hello = json!({ "to": GRACE, "message": "Hello from WhatsApp Management System!" });
    let path = format!("/api/messages/session/{unlinked}/send");
    let early = ada.post(&path, hello.clone()).await?;
    refused(&early, 400)?;
    assert_eq!(early.text_at("/message")?, "Session 1 is not connected");

    let id = ada.links(&host, json!({ "session_name": "Shop" })).await?;
    let grace = host.person(CUSTOMER, "Grace")?;
    let path = format!("/api/messages/session/{id}/send");
    let sent = ada.post(&path, hello).await?;
    kept("manager.send-message", &sent)?;
    let row = &sent.body["data"];
    assert_eq!(
        (&row["fromNumber"], &row["toNumber"]),
        (&json!("15550123@c.us"), &json!(GRACE))
    );
    assert_eq!(
        (&row["messageType"], &row["webhookSent"]),
        (&json!("chat"), &json!(true))
    );
    hears_text(&grace, "Hello from WhatsApp Management System!").await?;
    for wrong in [
        json!({ "to": "nobody", "message": "hi" }),
        json!({ "to": GRACE, "message": "" }),
        json!({ "to": GRACE }),
    ] {
        refused(&ada.post(&path, wrong).await?, 400)?;
    }

    grace.says(PHONE, "Hello, world!").await?;
    host.person("+15550101", "Alan")?
        .says(PHONE, "Me too")
        .await?;
    let list = format!("/api/messages/session/{id}");
    let all = eventually("all came", || async {
        let all = ada.get(&list).await?;
        Ok((all.body["data"]["pagination"]["total"] == 3).then_some(all))
    })
    .await?;
    kept("manager.list-messages", &all)?;
    let count = |answer: &Answer| answer.body["data"]["messages"].as_array().map(Vec::len);
    for (query, total, shown) in [
        ("", 3, 3),
        ("?limit=2", 3, 2),
        ("?limit=2&offset=2", 3, 1),
        ("?phone=15550100", 2, 2),
        ("?phone=%2B15550100&limit=1", 2, 1),
        ("?phone=15550101@c.us", 1, 1),
        ("?phone=15550199", 0, 0),
    ] {
        let page = ada.get(&format!("{list}{query}")).await?;
        kept("manager.list-messages", &page)?;
        assert_eq!(page.body["data"]["pagination"]["total"], total, "{query}");
        assert_eq!(count(&page), Some(shown), "{query}");
    }
    for wrong in ["?limit=many", "?offset=-1", "?phone=nobody"] {
        refused(&ada.get(&format!("{list}{wrong}")).await?, 400)?;
    }
    let rows = all.body["data"]["messages"]
        .as_array()
        .context("messages")?;
    let came = rows.iter().find(|row| row["content"] == "Hello, world!");
    let came = came.context("the message")?;
    assert_eq!(
        (&came["contactName"], &came["toNumber"]),
        (&json!("Grace"), &Value::Null)
    );
    let number = came["id"].as_i64().context("a number")?;
    let one = ada.get(&format!("/api/messages/{number}")).await?;
    kept("manager.get-message", &one)?;
    assert_eq!(&one.body["data"], came);
    let missing = ada.get("/api/messages/999").await?;
    refused(&missing, 404)?;
    assert_eq!(
        missing.text_at("/message")?,
        "Message with ID 999 not found"
    );
    refused(&ada.get("/api/messages/first").await?, 400)?;
    host.stop().await;
    Ok(())
}
