//! `warbler events explain`: an event's way through the extensions.

use serde::Deserialize;
use serde_json::Value;

use crate::client::{Client, FaultView};
use crate::failure::Failure;
use crate::terminal::{Screen, plain};

/// Longest line shown.
const MAX_LINE: usize = 300;

#[derive(Deserialize)]
struct Explained {
    event: Event,
    trace: Option<Trace>,
    #[serde(default)]
    passed: Vec<Passed>,
}

#[derive(Deserialize)]
struct Event {
    kind: String,
    at: String,
}

#[derive(Deserialize)]
struct Trace {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    extension: String,
    kind: String,
    generation: String,
    micros: u64,
    verdict: String,
    actions: Vec<Value>,
    #[serde(default)]
    logs: Vec<Log>,
    cost: Option<Cost>,
    error: Option<FaultView>,
}

#[derive(Deserialize)]
struct Log {
    level: String,
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cost {
    queue_micros: u64,
    start_micros: u64,
    guest_micros: u64,
    host_micros: u64,
    memory_bytes: u64,
    fetches: u32,
    denials: u32,
}

#[derive(Deserialize)]
struct Passed {
    extension: String,
    kind: String,
    why: String,
}

pub(super) async fn run(
    client: &Client,
    id: &str,
    json: bool,
    screen: Screen,
) -> Result<(), Failure> {
    let path = ["events", id, "trace"];
    if json {
        return Ok(screen.line(client.get_json(&path).await?)?);
    }
    let explained: Explained = client.get(&path).await?;
    let Event { kind, at } = &explained.event;
    screen.line(format!(
        "{} at {}",
        screen.accent(plain(kind, 60)),
        plain(at, 40)
    ))?;
    let steps = explained.trace.map(|trace| trace.steps).unwrap_or_default();
    if steps.is_empty() && explained.passed.is_empty() {
        screen.line(screen.faint("  no extension is loaded, or the event is not done yet"))?;
    }
    for step in &steps {
        draw(step, screen)?;
    }
    for passed in &explained.passed {
        let head = format!(
            "  · {} ({})",
            plain(&passed.extension, 64),
            plain(&passed.kind, 10)
        );
        screen.line(screen.faint(format!(
            "{head} not called: {}",
            plain(&passed.why, MAX_LINE)
        )))?;
    }
    Ok(())
}

fn draw(step: &Step, screen: Screen) -> Result<(), Failure> {
    let name = plain(&step.extension, 64);
    let sign = if step.error.is_some() { "✗" } else { "✓" };
    let made = match step.actions.len() {
        0 => "nothing asked for".to_owned(),
        1 => "1 action".to_owned(),
        many => format!("{many} actions"),
    };
    let head = format!(
        "  {sign} {name} ({} {}) {}, {made}, {} µs",
        plain(&step.kind, 10),
        plain(&step.generation, 12),
        plain(&step.verdict, 10),
        step.micros
    );
    screen.line(match step.error {
        Some(_) => screen.bad(head),
        None => head,
    })?;
    if let Some(cost) = &step.cost {
        screen.line(screen.faint(format!("      {}", cost.in_words())))?;
    }
    for action in &step.actions {
        let word = action["action"].as_str().unwrap_or("?");
        let fields = action.as_object().into_iter().flatten();
        let fields = fields.filter(|(key, _)| *key != "action");
        let fields: Vec<_> = fields
            .map(|(key, value)| format!("{key}: {value}"))
            .collect();
        let line = format!("      → {word} {}", fields.join(", "));
        screen.line(plain(&line, MAX_LINE))?;
    }
    for log in &step.logs {
        let line = format!(
            "      {}: {}",
            plain(&log.level, 16),
            plain(&log.message, MAX_LINE)
        );
        screen.line(screen.faint(line))?;
    }
    if let Some(fault) = &step.error {
        let line = format!("      {}: {}", fault.code, fault.message);
        screen.line(screen.bad(plain(&line, MAX_LINE)))?;
    }
    Ok(())
}

impl Cost {
    fn in_words(&self) -> String {
        let mut parts = vec![
            format!("waited {} µs", self.queue_micros),
            format!("started in {} µs", self.start_micros),
            format!("computed {} µs", self.guest_micros),
            format!("waited for the host {} µs", self.host_micros),
        ];
        if self.memory_bytes > 0 {
            parts.push(format!("{} KiB", self.memory_bytes / 1024));
        }
        if self.fetches > 0 {
            parts.push(format!("{} request(s)", self.fetches));
        }
        if self.denials > 0 {
            parts.push(format!(
                "refused {} time(s) for want of a grant",
                self.denials
            ));
        }
        parts.join(", ")
    }
}
