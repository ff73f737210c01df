//! The control API does by HTTP what a test does by calls.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use wacore::net::{HttpClient, HttpRequest};
use warbler_simulator::{Network, NetworkOptions};

use super::support::{Engine, SOON};
use super::wiring::Redirected;

struct Control {
    http: Redirected,
    base: String,
}

impl Control {
    fn new(network: &Network) -> Self {
        let base = network.http_url();
        Self {
            http: Redirected { base: base.clone() },
            base,
        }
    }

    async fn post(&self, path: &str, body: Value) -> Result<(u16, Value)> {
        let request = HttpRequest::post(format!("{}/control{path}", self.base))
            .with_header("content-type", "application/json")
            .with_body(body.to_string());
        let answer = self.http.execute(request).await?;
        Ok((answer.status_code, serde_json::from_slice(&answer.body)?))
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let request = HttpRequest::get(format!("{}/control{path}", self.base));
        let answer = self.http.execute(request).await?;
        Ok(serde_json::from_slice(&answer.body)?)
    }
}

#[tokio::test]
async fn a_session_is_linked_and_talked_to_by_http() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let control = Control::new(&network);
    for (number, name) in [("+1 555 0900", "Shop"), ("15550901", "Customer")] {
        let person = json!({ "number": number, "name": name });
        let (status, answer) = control.post("/people", person).await?;
        assert_eq!((status, &answer["name"]), (200, &json!(name)));
    }
    let mut engine = Engine::new(&network).await?;
    let qr = engine.qr().await?;
    let (status, _) = control
        .post("/people/15550900/scan", json!({ "qr": qr }))
        .await?;
    assert_eq!(status, 200);
    engine.connected().await?;
    let shop = network.find_person("15550900").context("no shop")?;
    shop.has_active_device(SOON).await?;

    let say = json!({ "to": "15550900", "text": "anybody?" });
    let (status, said) = control.post("/people/15550901/say", say).await?;
    assert_eq!(status, 200);
    let heard = engine.hears().await?;
    assert_eq!(json!(heard.id), said["id"]);
    engine.says(&heard.chat.to_string(), "yes").await?;
    let customer = network.find_person("15550901").context("no customer")?;
    customer.hears().await?;
    let heard = control.get("/people/15550901/heard").await?;
    assert_eq!(
        heard[0]["content"],
        json!({ "type": "text", "body": "yes", "quoted": null, "preview": null, "color": null })
    );
    let people = control.get("/people").await?;
    assert_eq!(people[0]["activeDevices"], json!([1]));

    let fault = json!({ "fault": "stream_error", "code": 503, "number": "15550900" });
    let (status, met) = control.post("/faults", fault).await?;
    assert_eq!((status, met), (200, json!({ "met": 1 })));
    engine.connected().await?;
    assert!(
        !control
            .get("/journal")
            .await?
            .as_array()
            .context("no list")?
            .is_empty()
    );
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn refusals_say_why() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let control = Control::new(&network);
    let (status, answer) = control
        .post("/people/15550999/say", json!({ "to": "1", "text": "hi" }))
        .await?;
    assert_eq!(status, 404);
    assert_eq!(
        answer["error"],
        "\"15550999\" is not the number of anybody here"
    );
    network.person("15550902", "Shop")?;
    let (status, answer) = control
        .post("/people/15550902/scan", json!({ "qr": "nonsense" }))
        .await?;
    assert_eq!(status, 400);
    assert_eq!(answer["error"], "the phone failed: the QR is malformed");
    let (status, _) = control
        .post(
            "/people/15550902/say",
            json!({ "to": "nobody", "text": "hi" }),
        )
        .await?;
    assert_eq!(status, 400);
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn every_kind_of_message_is_sent_by_http() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let control = Control::new(&network);
    let shop = network.person("15550910", "Shop")?;
    network.person("15550911", "Customer")?;
    let bodies = [
        json!({ "type": "text", "text": "hi", "forwardingScore": 2 }),
        json!({ "type": "image", "base64": "aGk=", "mime": "image/png", "viewOnce": true }),
        json!({ "type": "video", "base64": "aGk=", "mime": "video/mp4", "gif": true }),
        json!({ "type": "audio", "base64": "aGk=", "mime": "audio/ogg", "voice": true, "seconds": 2 }),
        json!({ "type": "document", "base64": "aGk=", "mime": "text/plain", "fileName": "a.txt" }),
        json!({ "type": "sticker", "base64": "aGk=", "mime": "image/webp" }),
        json!({ "type": "location", "latitude": 1.5, "longitude": -2.5 }),
        json!({ "type": "contacts", "cards": [{ "name": "Ada", "vcard": "BEGIN:VCARD" }] }),
        json!({ "type": "poll", "name": "Tea?", "options": ["Yes", "No"], "selectable": 1 }),
    ];
    for mut body in bodies {
        let kind = body["type"].clone();
        body["to"] = json!("15550910");
        let (status, answer) = control.post("/people/15550911/send", body).await?;
        assert_eq!(status, 200, "{kind}: {answer}");
        let heard = shop.hears().await?;
        let shown = serde_json::to_value(&heard)?;
        assert_eq!(shown["content"]["type"], kind, "{shown}");
    }
    let poll = shop.heard().last().context("nothing heard")?.id.clone();
    let vote = json!({ "to": "15550911", "pollId": poll, "options": ["No"] });
    assert_eq!(control.post("/people/15550910/vote", vote).await?.0, 200);
    let status = json!({ "type": "text", "text": "open" });
    assert_eq!(
        control.post("/people/15550910/status", status).await?.0,
        200
    );
    let (status, called) = control
        .post("/people/15550911/call", json!({ "to": "15550910" }))
        .await?;
    assert_eq!(status, 200);
    let call = called["call"].clone();
    let (status, _) = control
        .post("/people/15550910/reject", json!({ "call": call }))
        .await?;
    assert_eq!(status, 200);
    let change = json!({ "chat": "15550911", "archived": true });
    assert_eq!(control.post("/people/15550910/chat", change).await?.0, 200);
    let seen = control.get("/people/15550910/chat?chat=15550911").await?;
    assert_eq!(seen["archived"], true);
    network.stop().await;
    Ok(())
}
