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
        json!({ "type": "text", "body": "yes", "quoted": null })
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
