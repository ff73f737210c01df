//! `warbler extensions replay`: where two versions of an extension differ.

use serde_json::Value;

use crate::client::Client;
use crate::failure::Failure;
use crate::terminal::{Screen, plain};

/// Longest line shown.
const MAX_LINE: usize = 300;

pub(super) async fn run(
    client: &Client,
    name: &str,
    body: Value,
    json: bool,
    screen: Screen,
) -> Result<(), Failure> {
    let replay: Value = client
        .post(&["extensions", name, "replay"], Some(body))
        .await?;
    if json {
        return Ok(screen.line(&replay)?);
    }
    let version = |of: &str| {
        replay[of]
            .as_str()
            .map_or_else(|| "none".to_owned(), |found| plain(found, 12))
    };
    let events = replay["events"].as_array().cloned().unwrap_or_default();
    screen.line(format!(
        "{} events, {} of them different: {} → {}",
        events.len(),
        replay["different"],
        version("before"),
        version("after"),
    ))?;
    if let Some(code) = replay["error"]["code"].as_str() {
        let message = replay["error"]["message"].as_str().unwrap_or_default();
        screen.line(screen.bad(plain(&format!("{code}: {message}"), MAX_LINE)))?;
    }
    for event in events.iter().filter(|event| event["same"] == false) {
        let head =
            ["at", "kind", "id"].map(|key| plain(event[key].as_str().unwrap_or_default(), 60));
        screen.line(screen.accent(head.join("  ")))?;
        for line in outcome(&event["before"]) {
            screen.line(screen.bad(format!("  - {line}")))?;
        }
        for line in outcome(&event["after"]) {
            screen.line(screen.good(format!("  + {line}")))?;
        }
    }
    if replay["cutShort"] == true {
        screen.line(screen.faint("Time ran out before all events were replayed."))?;
    }
    Ok(())
}

/// What a version would do, a line each.
fn outcome(outcome: &Value) -> Vec<String> {
    if outcome.is_null() {
        return vec!["is not called for it".to_owned()];
    }
    let mut lines: Vec<String> = outcome["actions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|action| plain(&action.to_string(), MAX_LINE))
        .collect();
    if let Some(writes) = outcome["kvWrites"].as_u64().filter(|writes| *writes > 0) {
        lines.push(format!("{writes} write(s) to its key-value space"));
    }
    if let Some(code) = outcome["error"]["code"].as_str() {
        let message = outcome["error"]["message"].as_str().unwrap_or_default();
        lines.push(plain(&format!("{code}: {message}"), MAX_LINE));
    }
    if outcome["verdict"] == "stop" {
        lines.push("stops the chain".to_owned());
    }
    if lines.is_empty() {
        lines.push("nothing".to_owned());
    }
    lines
}
