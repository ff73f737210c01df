//! `warbler script test --text …`: what scripts make of a message, and which of their rules is used.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};
use warbler_automation::fixture::{TrialAnswer, TrialMessage, Tried};
use warbler_domain::Timestamp;
use warbler_domain::extension::{ExtensionFault, LogLine};

use crate::args::Message;
use crate::command::plugin::test::extensions;
use crate::command::plugin::{told, workshop};
use crate::command::rules::verdict;
use crate::failure::Failure;
use crate::terminal::{Screen, plain};

/// Longest text of a line that is shown.
const MAX_LINE: usize = 300;

/// What `--json` prints of one script.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<String>,
    /// The rules that are used, in order.
    used: Vec<String>,
    /// Every rule, and what it lacks where it is not used.
    rules: Vec<Value>,
    effects: Vec<Value>,
    logs: Vec<LogLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ExtensionFault>,
}

/// Gives the message to the script, or to each of those in the folder.
pub(super) async fn run(
    path: &Path,
    message: Message,
    json: bool,
    screen: Screen,
) -> Result<(), Failure> {
    let message = TrialMessage {
        text: message.text,
        kind: message.kind,
        from: message.from,
        name: message.name,
        chat: message.chat,
        at: message.at.as_deref().map(time).transpose()?,
        answers: answers(message.answer),
    };
    let workshop = workshop()?;
    let (mut all, mut failed) = (Vec::new(), 0);
    for path in extensions(path)? {
        let answer = match workshop.load(&path).await {
            Ok(candidate) => {
                let tried = candidate.try_message(&message).await;
                let tried = tried.map_err(Failure::Usage)?;
                answer(candidate.name.to_string(), tried)
            }
            Err(fault) => Answer {
                name: path.display().to_string(),
                verdict: None,
                used: Vec::new(),
                rules: Vec::new(),
                effects: Vec::new(),
                logs: Vec::new(),
                error: Some(fault),
            },
        };
        failed += usize::from(answer.error.is_some());
        if !json {
            show(&answer, screen)?;
        }
        all.push(answer);
    }
    if json {
        let text = serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)?;
        screen.line(text)?;
    }
    match failed {
        0 => Ok(()),
        1 => Err(Failure::failed("1 script failed")),
        many => Err(Failure::failed(format!("{many} scripts failed"))),
    }
}

/// URLs and answers, one after the other.
fn answers(said: Vec<String>) -> Vec<TrialAnswer> {
    let mut said = said.into_iter();
    let mut answers = Vec::new();
    while let (Some(url), Some(says)) = (said.next(), said.next()) {
        answers.push(TrialAnswer { url, says });
    }
    answers
}

fn time(text: &str) -> Result<Timestamp, Failure> {
    serde_json::from_value(json!(text)).map_err(|_| {
        Failure::Usage(format!(
            "`{text}` is not a time; write it like 2026-05-04T10:00:00Z"
        ))
    })
}

fn answer(name: String, tried: Tried) -> Answer {
    let verdicts = tried.rules.map(|trial| trial.verdicts).unwrap_or_default();
    let used = verdicts.iter().filter(|one| one.why_not.is_none());
    let used = used.map(|one| one.name.to_string()).collect();
    let rules = verdicts.iter().map(|one| {
        let mut rule = json!({ "name": one.name, "used": one.why_not.is_none() });
        if let (Some(why), Some(fields)) = (&one.why_not, rule.as_object_mut()) {
            fields.insert("whyNot".to_owned(), json!(why));
        }
        rule
    });
    Answer {
        name,
        verdict: tried.verdict,
        used,
        rules: rules.collect(),
        effects: tried.effects,
        logs: tried.logs,
        error: tried.fault,
    }
}

fn show(answer: &Answer, screen: Screen) -> Result<(), Failure> {
    screen.line(screen.strong(plain(&answer.name, MAX_LINE)))?;
    if answer.verdict.as_deref() == Some("not-called") {
        screen.line(screen.faint("  it is not asked about such a message"))?;
    }
    for rule in &answer.rules {
        let text = |field| rule.get(field).and_then(Value::as_str);
        let line = verdict(screen, text("name").unwrap_or_default(), text("whyNot"));
        screen.line(format!("  {line}"))?;
    }
    for effect in &answer.effects {
        let shown = plain(&effect.to_string(), MAX_LINE);
        screen.line(format!("  → {shown}"))?;
    }
    for log in &answer.logs {
        let text = plain(&format!("log {}: {}", log.level, log.message), MAX_LINE);
        screen.line(screen.faint(format!("    {text}")))?;
    }
    for line in answer.error.iter().flat_map(told) {
        screen.line(format!("  {} {line}", screen.bad("✗")))?;
    }
    Ok(())
}
