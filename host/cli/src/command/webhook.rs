//! `warbler webhook …`: where a running host sends events, and what became of them.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::args::{NewWebhook, Webhook, WebhookVerb};
use crate::client::{Client, Items};
use crate::config::Environment;
use crate::failure::Failure;
use crate::terminal::{Screen, columns, plain};

/// Longest text of a cell that is shown.
const MAX_CELL: usize = 60;

/// The parts of a webhook that are shown.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WebhookView {
    id: String,
    url: String,
    events: Vec<String>,
    enabled: bool,
    disabled_reason: Option<String>,
    failing_since: Option<String>,
    delivered: u64,
    waiting: u64,
    dead: u64,
}

/// The parts of a delivery that are shown.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryView {
    id: String,
    kind: String,
    state: String,
    created_at: String,
    attempts: Vec<AttemptView>,
}

#[derive(Deserialize)]
struct AttemptView {
    status: Option<u16>,
    error: Option<String>,
    message: Option<String>,
}

/// What came of a trial.
#[derive(Deserialize)]
struct Trial {
    arrived: bool,
    attempt: AttemptView,
}

impl AttemptView {
    /// What came of it, in few words.
    fn outcome(&self) -> String {
        match (self.status, &self.error) {
            (Some(status), _) => format!("status {status}"),
            (None, Some(error)) => error.clone(),
            (None, None) => "arrived".to_owned(),
        }
    }
}

/// Asks the host and prints its answer.
pub(super) async fn run(
    args: Webhook,
    environment: &Environment,
    screen: Screen,
) -> Result<(), Failure> {
    let out = Out {
        client: Client::new(&args.reach, environment)?,
        screen,
        json: args.reach.json,
    };
    match args.verb {
        WebhookVerb::List => out.list().await,
        WebhookVerb::Add(new) => out.add(new).await,
        WebhookVerb::Test { id } => out.test(&id).await,
        WebhookVerb::Deliveries { id, state, limit } => {
            out.deliveries(&id, state.as_deref(), limit).await
        }
        WebhookVerb::Replay { id, delivery } => out.replay(&id, delivery.as_deref()).await,
        WebhookVerb::Clear { id, state } => out.clear(&id, &state).await,
        WebhookVerb::Enable { id } => out.switch(&id, true).await,
        WebhookVerb::Disable { id } => out.switch(&id, false).await,
        WebhookVerb::Secret { id } => {
            let path = ["webhooks", &id, "secret"];
            let answer: Value = out.client.post(&path, None).await?;
            out.secret(answer, "has a new secret")
        }
        WebhookVerb::Remove { id } => {
            out.client.delete(&["webhooks", &id]).await?;
            let words = format!("Webhook {} is gone.", plain(&id, MAX_CELL));
            out.say(json!({ "id": id, "removed": true }), &words)
        }
    }
}

/// Where a command asks and tells.
struct Out {
    client: Client,
    screen: Screen,
    json: bool,
}

impl Out {
    async fn list(&self) -> Result<(), Failure> {
        if self.json {
            let all = self.client.get_json(&["webhooks"]).await?;
            return Ok(self.screen.line(all)?);
        }
        let list: Items<WebhookView> = self.client.get(&["webhooks"]).await?;
        if list.items.is_empty() {
            let words = "No webhooks. Add one with `warbler webhook add https://crm.example.com/hook --event 'message.*'`.";
            return Ok(self.screen.line(words)?);
        }
        let rows = list.items.iter().map(|one| {
            let state = match (one.enabled, &one.disabled_reason, &one.failing_since) {
                (false, Some(_), _) => "given up",
                (false, None, _) => "off",
                (true, _, Some(_)) => "failing",
                (true, _, None) => "on",
            };
            vec![
                plain(&one.url, MAX_CELL),
                plain(&one.events.join(","), MAX_CELL),
                state.to_owned(),
                one.delivered.to_string(),
                one.waiting.to_string(),
                one.dead.to_string(),
                one.id.clone(),
            ]
        });
        let headings = [
            "URL",
            "EVENTS",
            "STATE",
            "DELIVERED",
            "WAITING",
            "DEAD",
            "ID",
        ];
        self.table(&headings, &rows.collect::<Vec<_>>())
    }

    async fn add(&self, new: NewWebhook) -> Result<(), Failure> {
        let mut headers = Map::new();
        for header in &new.headers {
            let (name, value) = header.split_once('=').ok_or_else(|| {
                Failure::Usage("write a header as NAME=VALUE, such as X-Team=sales".to_owned())
            })?;
            headers.insert(name.to_owned(), json!(value));
        }
        let mut body = json!({
            "url": new.address, "events": new.events, "headers": headers, "enabled": !new.disabled,
        });
        if let (Some(session), Some(fields)) = (new.session, body.as_object_mut()) {
            fields.insert("session".to_owned(), json!(session));
        }
        let answer: Value = self.client.post(&["webhooks"], Some(body)).await?;
        self.secret(answer, "is set up")
    }

    /// Shows a webhook that has a new secret.
    fn secret(&self, answer: Value, what: &str) -> Result<(), Failure> {
        let text = |pointer| answer.pointer(pointer).and_then(Value::as_str);
        let (Some(id), Some(secret)) = (text("/webhook/id"), text("/secret")) else {
            return Err(Failure::failed(
                "the host's answer could not be read; is it another version?",
            ));
        };
        let words = format!(
            "Webhook {id} {what}. Its secret, which is not shown again:\n  {secret}\nTry it with `warbler webhook test {id}`."
        );
        self.say(answer.clone(), &words)
    }

    async fn test(&self, id: &str) -> Result<(), Failure> {
        let answer: Value = self.client.post(&["webhooks", id, "test"], None).await?;
        let trial: Trial = read(&answer)?;
        let attempt = &trial.attempt;
        if self.json {
            self.screen.line(&answer)?;
        } else if trial.arrived {
            self.screen
                .line(format!("It arrived: {}.", attempt.outcome()))?;
        }
        if trial.arrived {
            return Ok(());
        }
        let outcome = attempt.outcome();
        let why = attempt.message.as_deref().unwrap_or(&outcome);
        Err(Failure::failed(format!(
            "it did not arrive: {}",
            plain(why, 300)
        )))
    }

    async fn deliveries(&self, id: &str, state: Option<&str>, limit: u32) -> Result<(), Failure> {
        let limit = limit.to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(state.map(|state| ("state", state)));
        let path = ["webhooks", id, "deliveries"];
        let answer: Value = self.client.get_with(&path, &query).await?;
        if self.json {
            return Ok(self.screen.line(answer)?);
        }
        let list: Items<DeliveryView> = read(&answer)?;
        if list.items.is_empty() {
            return Ok(self.screen.line("No deliveries.")?);
        }
        let rows = list.items.iter().map(|one| {
            let last = one.attempts.last();
            vec![
                one.created_at.clone(),
                plain(&one.kind, MAX_CELL),
                one.state.clone(),
                one.attempts.len().to_string(),
                plain(
                    &last.map_or_else(String::new, AttemptView::outcome),
                    MAX_CELL,
                ),
                one.id.clone(),
            ]
        });
        let headings = ["MADE", "EVENT", "STATE", "ATTEMPTS", "LAST", "ID"];
        self.table(&headings, &rows.collect::<Vec<_>>())
    }

    async fn replay(&self, id: &str, delivery: Option<&str>) -> Result<(), Failure> {
        let Some(delivery) = delivery else {
            let path = ["webhooks", id, "replay"];
            let answer: Value = self.client.post(&path, None).await?;
            let count = answer.get("replayed").and_then(Value::as_u64).unwrap_or(0);
            let words = format!("{count} deliveries are made again.");
            return self.say(answer, &words);
        };
        let path = ["webhooks", id, "deliveries", delivery, "replay"];
        self.client.post_empty(&path).await?;
        let answer = json!({ "replayed": 1 });
        self.say(answer, "The delivery is made again.")
    }

    async fn clear(&self, id: &str, state: &str) -> Result<(), Failure> {
        let path = ["webhooks", id, "deliveries"];
        self.client.delete_with(&path, &[("state", state)]).await?;
        let words = format!("Deliveries that were {} are gone.", plain(state, MAX_CELL));
        self.say(json!({ "cleared": state }), &words)
    }

    async fn switch(&self, id: &str, enabled: bool) -> Result<(), Failure> {
        let body = json!({ "enabled": enabled });
        let answer: Value = self.client.patch(&["webhooks", id], body).await?;
        let view: WebhookView = read(&answer)?;
        let state = if enabled { "on" } else { "off" };
        let words = format!("The webhook to {} is {state}.", plain(&view.url, MAX_CELL));
        self.say(answer, &words)
    }

    fn table(&self, headings: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        for line in columns(self.screen, headings, rows) {
            self.screen.line(line)?;
        }
        Ok(())
    }

    fn say(&self, data: Value, words: &str) -> Result<(), Failure> {
        if self.json {
            self.screen.line(data)?;
        } else {
            self.screen.line(words)?;
        }
        Ok(())
    }
}

fn read<'a, T: Deserialize<'a>>(answer: &'a Value) -> Result<T, Failure> {
    T::deserialize(answer).map_err(|err| {
        Failure::failed(format!(
            "the host's answer could not be read: {err}; is it another version?"
        ))
    })
}
