//! Who talks to whom in a test.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use warbler_simulator::{Heard, Person};

use crate::{Api, PATIENCE, TestHost};

/// A session and the phone it is linked to.
pub struct Shop<'a> {
    host: &'a TestHost,
    name: String,
    owner: Person,
}

impl<'a> Shop<'a> {
    pub(crate) fn new(host: &'a TestHost, name: &str, owner: Person) -> Self {
        Self {
            host,
            name: name.to_owned(),
            owner,
        }
    }

    /// The person whose phone it is linked to.
    pub fn owner(&self) -> &Person {
        &self.owner
    }

    /// The session's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends a text; our id of the message.
    pub async fn says(&self, to: &str, text: &str) -> Result<String> {
        self.sends(json!({ "to": to, "text": text })).await
    }

    /// Sends what the API takes; our id of the message.
    pub async fn sends(&self, body: Value) -> Result<String> {
        let path = format!("/v1/sessions/{}/messages", self.name);
        let accepted = self.host.api().post(&path, body).await?.expect(202)?;
        Ok(accepted.text_at("/id")?.to_owned())
    }

    /// Waits until a message of ours has come as far as `status`.
    pub async fn has_status(&self, message: &str, status: &str) -> Result<Value> {
        let path = format!("/v1/messages/{message}");
        eventually(&format!("message {message} is {status}"), || async {
            let found = self.host.api().get(&path).await?.expect(200)?;
            Ok((found.body["status"] == status).then_some(found.body))
        })
        .await
    }

    /// Waits until a message with this text has been received; as the API shows it.
    pub async fn has_received(&self, text: &str) -> Result<Value> {
        self.has_message(text, |message| {
            message["direction"] == "inbound" && readable(message) == text
        })
        .await
    }

    /// Waits for a message the condition holds for.
    pub async fn has_message(
        &self,
        what: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let path = format!("/v1/sessions/{}/messages?limit=200", self.name);
        eventually(&format!("a message: {what}"), || async {
            let page = self.host.api().get(&path).await?.expect(200)?;
            let items = page.body["items"].as_array().cloned().unwrap_or_default();
            Ok(items.into_iter().find(|message| condition(message)))
        })
        .await
    }

    /// All events of the session of one kind, newest first.
    pub async fn events(&self, kind: &str) -> Result<Vec<Value>> {
        let path = format!("/v1/events?session={}&kind={kind}&limit=500", self.name);
        let page = self.host.api().get(&path).await?.expect(200)?;
        Ok(page.body["items"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until `person` has heard a text.
    pub async fn is_heard_by(&self, person: &Person, text: &str) -> Result<Heard> {
        hears_text(person, text).await
    }
}

/// Makes a session, pairs it by QR with the phone of `owner`, and waits until it is connected.
pub async fn link(api: &Api, name: &str, owner: &Person) -> Result<()> {
    let new = json!({ "name": name, "start": true });
    api.post("/v1/sessions", new).await?.expect(201)?;
    let path = format!("/v1/sessions/{name}/qr");
    let qr = api.get(&path).await?.expect(200)?;
    owner.scans(qr.text_at("/text")?).await?;
    reaches_state(api, name, "connected").await
}

/// Waits until a session is in `state`.
pub async fn reaches_state(api: &Api, name: &str, state: &str) -> Result<()> {
    let path = format!("/v1/sessions/{name}");
    eventually(&format!("session {name} is {state}"), || async {
        let session = api.get(&path).await?;
        Ok((session.text_at("/state").ok() == Some(state)).then_some(()))
    })
    .await
}

/// Waits until `person` hears `text`; other messages before it are passed over.
pub async fn hears_text(person: &Person, text: &str) -> Result<Heard> {
    loop {
        let heard = person.hears_within(PATIENCE).await?;
        if heard.text() == text {
            return Ok(heard);
        }
    }
}

/// The text or caption of a message as the API shows it.
fn readable(message: &Value) -> &str {
    message["text"]
        .as_str()
        .or_else(|| message["media"]["caption"].as_str())
        .unwrap_or_default()
}

/// Asks again and again, with short pauses, until there is an answer; fails after [`PATIENCE`].
pub async fn eventually<T, F, Fut>(what: &str, mut ask: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>>>,
{
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        if tokio::time::Instant::now() > deadline {
            bail!("waited in vain until {what}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
