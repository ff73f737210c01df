//! Rules: answers that need no program, from the API and from scripts.

mod actions;
mod conditions;
mod dialogues;
mod many;
mod posts;
mod requests;
mod sentences;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use warbler_simulator::Person;
use warbler_tests::{PATIENCE, Shop, TestHost, eventually};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const BOB: &str = "+15550101";

/// Makes a rule; its id.
async fn rule(host: &TestHost, body: Value) -> Result<String> {
    let made = host.api().post("/v1/rules", body).await?.expect(201)?;
    Ok(made.text_at("/id")?.to_owned())
}

/// A rule that answers.
fn answering(name: &str, when: Value, answer: &str) -> Value {
    json!({ "name": name, "when": when, "then": [{ "reply": answer }] })
}

/// What a person hears next after saying something.
async fn answer_to(person: &Person, text: &str) -> Result<String> {
    person.says(OWNER, text).await?;
    Ok(person.hears_within(PATIENCE).await?.text().to_owned())
}

/// What rules would do with a message.
async fn tried(host: &TestHost, body: Value) -> Result<Value> {
    Ok(host
        .api()
        .post("/v1/rules/test", body)
        .await?
        .expect(200)?
        .body)
}

/// The step of the rules in the trace of the event of a message with this text.
async fn step_of(host: &TestHost, shop: &Shop<'_>, text: &str, extension: &str) -> Result<Value> {
    let trace = eventually("its trace", || async {
        let events = shop.events("message.received").await?;
        let found = events.iter().find(|event| event["message"]["text"] == text);
        let Some(id) = found.and_then(|event| event["id"].as_str()) else {
            return Ok(None);
        };
        let path = format!("/v1/events/{id}/trace");
        let shown = host.api().get(&path).await?.expect(200)?;
        Ok(Some(shown.body["trace"].clone()).filter(|trace| !trace.is_null()))
    })
    .await?;
    let steps = trace["steps"].as_array().context("steps")?;
    let mut found = steps.iter().filter(|step| step["extension"] == extension);
    found
        .next()
        .cloned()
        .with_context(|| format!("no step of {extension} in {trace}"))
}

/// Grants the rules something.
async fn grant(host: &TestHost, grants: Value) -> Result<()> {
    let path = "/v1/extensions/rules/grants";
    host.api().put(path, grants).await?.expect(200)?;
    Ok(())
}
