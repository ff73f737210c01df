//! The dialect `gateway`, as its document has it: every endpoint, its refusals, and whose it is.

mod campaigns;
mod refusals;
mod sending;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use warbler_api::Switch;
use warbler_cli::host::HostOptions;
use warbler_domain::Dialect;
use warbler_tests::{Answer, Api, Documented, KEY, PATIENCE, TestHost, eventually};

use crate::media::PNG;
use crate::media::servers::reaching_this_machine;
use crate::webhooks::receiver::{OK, Receiver};

const PHONE: &str = "+15550123";
const CUSTOMER: &str = "+15550100";
const TO: &str = "15550100";
const SESSION: &str = "mySession";
/// What may be null although the example shows it, or not although it does not.
const NULLABLE: &[&str] = &["qr", "token", "url"];

/// A host whose dialect has a listener of its own, and reaches servers on this machine.
async fn host() -> Result<TestHost> {
    host_with(|_| {}).await
}

async fn host_with(change: impl Fn(&mut HostOptions) + Send + Sync + 'static) -> Result<TestHost> {
    let settings = reaching_this_machine()?;
    TestHost::start_as(move |options| {
        options.settings = settings.clone();
        if let Some(mount) = options.dialects.mounts.get_mut(&Dialect::Gateway) {
            mount.listen = Some(([127, 0, 0, 1], 0).into());
        }
        change(options);
    })
    .await
}

/// Whoever has the token of a session.
struct Client {
    api: Api,
    session: String,
    token: String,
}

impl Client {
    /// A session, made with the master key.
    async fn create(host: &TestHost, session: &str) -> Result<Self> {
        let api = host.api().at(&host.dialect_url(Dialect::Gateway)?);
        let body = json!({ "sessionId": session });
        let headers = [("x-master-key", KEY)];
        let made = api.call("POST", "/api/v1/sessions", &headers, Some(body));
        let made = made.await?;
        kept("gateway.create-session", &made)?;
        ensure!(made.body["message"] == format!("Session {session} created."));
        Ok(Self {
            session: session.to_owned(),
            token: made.text_at("/token")?.to_owned(),
            api,
        })
    }

    /// A session that is linked to the phone of this number, and connected.
    async fn linked(host: &TestHost, session: &str, number: &str) -> Result<Self> {
        let client = Self::create(host, session).await?;
        let owner = host.person(number, "Owner")?;
        let qr = eventually("there is a QR", || async {
            Ok(client.shown().await?["qr"].as_str().map(str::to_owned))
        });
        owner.scans(&qr.await?).await?;
        eventually("the session is connected", || async {
            Ok((client.shown().await?["status"] == "CONNECTED").then_some(()))
        })
        .await?;
        Ok(client)
    }

    /// Asks with the token.
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str())];
        self.api.call(method, path, &headers, body).await
    }

    /// Sends a file as the `file` of a form, with the token.
    async fn upload(&self, path: &str, name: &str, file: &[u8]) -> Result<Answer> {
        let bearer = format!("Bearer {}", self.token);
        let (kind, body) = form(&[], Some((name, file)));
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        self.api.call_with("POST", path, &headers, body).await
    }

    /// The own session in the list.
    async fn shown(&self) -> Result<Value> {
        let list = self.ask("GET", "/api/v1/sessions", None).await?;
        kept("gateway.list-sessions", &list)?;
        let rows = list.body.as_array().context("an array")?;
        let own = rows.iter().find(|row| row["sessionId"] == self.session);
        own.cloned().context("the own session")
    }
}

/// A form with these texts, and perhaps a file; its content type and its bytes.
fn form(fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> (&'static str, Vec<u8>) {
    let mut body = Vec::new();
    for (name, text) in fields {
        let head = format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend([head.as_bytes(), text.as_bytes(), b"\r\n"].concat());
    }
    if let Some((name, bytes)) = file {
        let head = format!(
            "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
        );
        body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
    }
    body.extend(b"--XX--\r\n");
    ("multipart/form-data; boundary=XX", body)
}

/// Whether an answer is what the document promises.
fn kept(id: &str, answer: &Answer) -> Result<()> {
    Documented::of("gateway")?.keeps(id, answer, NULLABLE)
}

/// Whether a refusal has this status, and the form of all refusals.
fn refused(answer: &Answer, status: u16) -> Result<()> {
    let fields = answer.body.as_object().context("an object")?;
    let keys: Vec<&str> = fields.keys().map(String::as_str).collect();
    let whole = keys == ["status", "message"] && answer.body["status"] == "error";
    let told = answer
        .text_at("/message")
        .is_ok_and(|text| !text.is_empty());
    ensure!(
        answer.status == status && whole && told,
        "{status} expected: {} {}",
        answer.status,
        answer.body
    );
    Ok(())
}

#[tokio::test]
async fn a_session_is_made_linked_shown_and_deleted_as_documented() -> Result<()> {
    let host = host().await?;
    let client = Client::linked(&host, SESSION, PHONE).await?;
    let own = client.shown().await?;
    assert_eq!(own["token"], client.token);
    let detail = own["detail"].as_str().unwrap_or_default();
    assert!(detail.starts_with("Connected as "), "{detail}");
    assert_eq!(own["qr"], Value::Null);
    let body = json!({ "sessionId": SESSION });
    let headers = [("x-master-key", KEY)];
    let again = client
        .api
        .call("POST", "/api/v1/sessions", &headers, Some(body));
    let again = again.await?;
    refused(&again, 409)?;
    assert!(!again.body.to_string().contains("wgw_"));

    let path = format!("/api/v1/sessions/{SESSION}");
    let deleted = client.ask("DELETE", &path, None).await?;
    kept("gateway.delete-session", &deleted)?;
    refused(&client.ask("DELETE", &path, None).await?, 401)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_list_shows_strangers_nothing_but_names_unless_the_operator_opens_it() -> Result<()> {
    let mut host = host().await?;
    let client = Client::create(&host, "one").await?;
    let other = Client::create(&host, "two").await?;
    host.api()
        .post("/v1/sessions", json!({ "name": "native" }))
        .await?
        .expect(201)?;
    let list = client
        .api
        .call("GET", "/api/v1/sessions", &[], None)
        .await?;
    kept("gateway.list-sessions", &list)?;
    let rows = list.body.as_array().context("rows")?;
    let blank = |row: &Value| row["token"].is_null() && row["qr"].is_null() && row["detail"] == "";
    assert_eq!(rows.len(), 2, "what has no token here is not shown");
    assert!(rows.iter().all(blank), "{rows:?}");
    let own = client.ask("GET", "/api/v1/sessions", None).await?;
    let tokens: Vec<&Value> = own
        .body
        .as_array()
        .context("rows")?
        .iter()
        .map(|row| &row["token"])
        .collect();
    assert_eq!(tokens, [&json!(client.token), &Value::Null]);
    let headers = [("x-master-key", KEY)];
    let all = client
        .api
        .call("GET", "/api/v1/sessions", &headers, None)
        .await?;
    kept("gateway.list-sessions", &all)?;
    let tokens: Vec<&Value> = all
        .body
        .as_array()
        .context("rows")?
        .iter()
        .map(|row| &row["token"])
        .collect();
    assert_eq!(
        tokens,
        [&Value::Null, &json!(client.token), &json!(other.token)]
    );
    let headers = [("authorization", "Bearer nonsense")];
    let wrong = client
        .api
        .call("GET", "/api/v1/sessions", &headers, None)
        .await?;
    refused(&wrong, 401)?;
    // Tokens are read again after a restart.
    host.restart().await?;
    let api = host.api().at(&host.dialect_url(Dialect::Gateway)?);
    let client = Client { api, ..client };
    assert_eq!(client.shown().await?["token"], client.token);
    host.stop().await;

    let host = host_with(|options| {
        let open = &mut options.dialects.documented_unsafe;
        open.insert(Switch::GatewayPublicSessionList);
    })
    .await?;
    let client = Client::create(&host, "one").await?;
    let list = client
        .api
        .call("GET", "/api/v1/sessions", &[], None)
        .await?;
    kept("gateway.list-sessions", &list)?;
    assert_eq!(list.body[0]["token"], client.token);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn events_of_a_session_go_to_its_one_webhook() -> Result<()> {
    let host = host().await?;
    let client = Client::linked(&host, SESSION, PHONE).await?;
    let path = format!("/api/v1/webhook?sessionId={SESSION}");
    let none = client.ask("GET", &path, None).await?;
    kept("gateway.get-webhook", &none)?;
    assert_eq!(none.body["url"], Value::Null);
    let receiver = Receiver::start(|_| OK).await?;
    for url in ["http://127.0.0.1:9/other".to_owned(), receiver.url()] {
        let body = json!({ "sessionId": SESSION, "url": url });
        let set = client.ask("POST", "/api/v1/webhook", Some(body)).await?;
        kept("gateway.set-webhook", &set)?;
    }
    let shown = client.ask("GET", &path, None).await?;
    kept("gateway.get-webhook", &shown)?;
    assert_eq!(shown.body["url"], receiver.url());
    host.person(CUSTOMER, "Ada")?.says(PHONE, "hello").await?;
    let heard = receiver.hears(1).await?;
    let told = heard.first().context("a delivery")?;
    assert!(!told.header("webhook-signature").is_empty());
    let told = told.json()?;
    let timestamp = told["timestamp"].clone();
    let id = told["data"]["id"].clone();
    assert!(timestamp.is_string() && id.is_string(), "{told}");
    assert_eq!(
        told,
        json!({
            "event": "message",
            "sessionId": SESSION,
            "timestamp": timestamp,
            "data": {
                "id": id,
                "remoteJid": format!("{TO}@s.whatsapp.net"),
                "fromMe": false,
                "pushName": "Ada",
                "type": "text",
                "text": "hello",
                "mediaUrl": null,
            },
        })
    );
    let body = json!({ "sessionId": SESSION, "url": "not a url" });
    refused(
        &client.ask("POST", "/api/v1/webhook", Some(body)).await?,
        400,
    )?;
    let body = json!({ "sessionId": SESSION });
    for body in [Some(body), None] {
        let path = match body {
            Some(_) => "/api/v1/webhook",
            None => path.as_str(),
        };
        let deleted = client.ask("DELETE", path, body).await?;
        kept("gateway.delete-webhook", &deleted)?;
    }
    assert_eq!(
        client.ask("GET", &path, None).await?.body["url"],
        Value::Null
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_file_is_uploaded_served_and_sent_by_its_id() -> Result<()> {
    let host = host().await?;
    let client = Client::linked(&host, SESSION, PHONE).await?;
    let customer = host.person(CUSTOMER, "Ada")?;
    let made = client
        .upload("/api/v1/media", "a.jpg", PNG)
        .await?
        .expect(200)?;
    kept("gateway.upload-media", &made)?;
    let (id, url) = (made.text_at("/mediaId")?, made.text_at("/url")?);
    assert!(
        id.ends_with(".png") && url == format!("/media/{id}"),
        "by its content"
    );
    let served = client.api.call("GET", url, &[], None).await?;
    kept("gateway.get-media", &served)?;
    assert_eq!(served.bytes, PNG);
    assert_eq!(served.header("x-content-type-options"), "nosniff");
    // The host's own listener knows the same names.
    assert_eq!(host.api().get(url).await?.expect(200)?.bytes, PNG);
    for name in [
        "nothing.png",
        "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0.png",
        "..%2Fx",
    ] {
        let path = format!("/media/{name}");
        let missing = client.api.call("GET", &path, &[], None).await?;
        kept("gateway.get-media", &missing)?;
        refused(&missing, 404)?;
    }
    let body = json!({
        "recipient_type": "individual", "to": TO, "type": "image",
        "image": { "id": id, "caption": "Look" },
    });
    let path = format!("/api/v1/messages?sessionId={SESSION}");
    let sent = client.ask("POST", &path, Some(body.clone())).await?;
    kept("gateway.send-messages", &sent)?;
    let heard = customer.hears_within(PATIENCE).await?;
    assert!(matches!(
        heard.content,
        warbler_simulator::HeardContent::Image { .. }
    ));
    let other = Client::linked(&host, "other", "+15550124").await?;
    let foreign = other.ask("POST", "/api/v1/messages?sessionId=other", Some(body));
    refused(&foreign.await?, 404)?;

    let text = client
        .upload("/api/v1/media", "a.png", b"just text")
        .await?;
    kept("gateway.upload-media", &text)?;
    refused(&text, 400)?;
    let large = [PNG, &vec![0; 5 * 1024 * 1024]].concat();
    let large = client.upload("/api/v1/media", "a.png", &large).await?;
    refused(&large, 400)?;
    assert_eq!(
        large.body["message"],
        "File too large. Maximum size is 5MB."
    );
    let (kind, body) = form(&[("file", "no file")], None);
    let bearer = format!("Bearer {}", client.token);
    let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
    let none = client
        .api
        .call_with("POST", "/api/v1/media", &headers, body);
    refused(&none.await?, 400)?;
    host.stop().await;
    Ok(())
}
