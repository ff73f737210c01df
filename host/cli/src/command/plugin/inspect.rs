//! `warbler plugin inspect`: what a component is, and what the host would say to it.

use std::path::Path;

use serde::Serialize;
use warbler_automation::fixture::Candidate;
use warbler_domain::extension::{ExtensionFault, ExtensionKind, Grants, Hook};

use super::{fresh_workshop, short, shown, size, told};
use crate::failure::Failure;
use crate::terminal::Screen;

/// What `--json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Inspected<'a> {
    name: &'a str,
    kind: ExtensionKind,
    file: String,
    bytes: usize,
    sha256: &'a str,
    generation: &'a str,
    hooks: &'a [Hook],
    imports: &'a [String],
    exports: &'a [String],
    asks: &'a Grants,
    order: i32,
    events: &'a [String],
    compiled_in_micros: u64,
    warnings: &'a [String],
    loads: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a ExtensionFault>,
}

/// Looks at it.
pub(super) async fn run(path: &Path, json: bool, screen: Screen) -> Result<(), Failure> {
    let workshop = fresh_workshop()?;
    match workshop.load(path).await {
        Ok(candidate) => show(&candidate, json, screen).await,
        Err(fault) => refused(&fault, json, screen),
    }
}

/// Says what a candidate is, and whether it starts.
pub(super) async fn show(candidate: &Candidate, json: bool, screen: Screen) -> Result<(), Failure> {
    let fault = candidate.start().await.err();
    if json {
        let text = serde_json::to_string_pretty(&inspected(candidate, fault.as_ref()));
        screen.line(text.map_err(anyhow::Error::from)?)?;
    } else {
        for (what, value) in facts(candidate) {
            screen.line(format!("  {} {value}", screen.faint(format!("{what:<9}"))))?;
        }
        for warning in &candidate.warnings {
            screen.line(format!("  {} {warning}", screen.warn("warning  ")))?;
        }
    }
    let Some(fault) = fault else {
        if !json {
            screen.line(format!("  {} the host loads it", screen.good("✓")))?;
            for line in to_grant(candidate) {
                screen.line(format!("    {line}"))?;
            }
        }
        return Ok(());
    };
    if !json {
        refused_lines(&fault, screen)?;
    }
    Err(Failure::failed(format!(
        "the host would not load it: {}",
        fault.code
    )))
}

fn refused(fault: &ExtensionFault, json: bool, screen: Screen) -> Result<(), Failure> {
    if json {
        let text = serde_json::json!({ "loads": false, "fault": fault });
        screen.line(format!("{text:#}"))?;
    } else {
        refused_lines(fault, screen)?;
    }
    Err(Failure::failed(format!(
        "the host would not load it: {}",
        fault.code
    )))
}

fn refused_lines(fault: &ExtensionFault, screen: Screen) -> Result<(), Failure> {
    for (index, line) in told(fault).into_iter().enumerate() {
        let mark = if index == 0 { "✗" } else { " " };
        screen.line(format!("  {} {line}", screen.bad(mark)))?;
    }
    Ok(())
}

/// What is known, in the order one asks.
fn facts(candidate: &Candidate) -> Vec<(&'static str, String)> {
    let words = |items: &[String]| items.join(", ");
    let hooks: Vec<&str> = candidate.hooks.iter().map(|hook| hook.as_str()).collect();
    let asks = candidate.asked.lines();
    let mut facts = vec![
        ("name", candidate.name.to_string()),
        (
            "file",
            format!("{}, {}", shown(&candidate.file), size(candidate.size)),
        ),
        ("sha256", candidate.digest.clone()),
        ("version", candidate.generation.to_string()),
        ("hooks", hooks.join(", ")),
    ];
    if candidate.hooks.contains(&Hook::Event) {
        facts.push(("events", words(&candidate.events)));
    }
    if candidate.kind == ExtensionKind::Plugin {
        facts.push(("exports", words(&candidate.exports)));
        facts.push(("imports", imports(&candidate.imports)));
    }
    let asks = if asks.is_empty() {
        "nothing beyond what every plugin may".to_owned()
    } else {
        asks.join(", ")
    };
    facts.push(("asks for", asks));
    facts.push(("compiled", format!("in {}", short(candidate.compiled_in))));
    facts
}

/// Ours by name; those of WASI only by how many there are.
fn imports(all: &[String]) -> String {
    let (wasi, ours): (Vec<&String>, Vec<&String>) =
        all.iter().partition(|name| name.starts_with("wasi:"));
    let mut words: Vec<String> = ours.into_iter().cloned().collect();
    if let Some(first) = wasi.first() {
        let version = first.rsplit_once('@').map_or("", |(_, version)| version);
        words.push(format!("{} of WASI {version}", wasi.len()));
    }
    if words.is_empty() {
        return "nothing".to_owned();
    }
    words.join(", ")
}

/// What the operator has to add, as it stands in the configuration.
fn to_grant(candidate: &Candidate) -> Vec<String> {
    let lines = candidate.asked.lines();
    if lines.is_empty() {
        return Vec::new();
    }
    let mut all = vec![
        "it gets what it asks for when the operator adds to warbler.toml:".to_owned(),
        format!("[extensions.grants.\"{}\"]", candidate.name),
    ];
    all.extend(lines);
    all
}

fn inspected<'a>(candidate: &'a Candidate, fault: Option<&'a ExtensionFault>) -> Inspected<'a> {
    Inspected {
        name: candidate.name.as_str(),
        kind: candidate.kind,
        file: candidate.file.display().to_string(),
        bytes: candidate.size,
        sha256: &candidate.digest,
        generation: candidate.generation.as_str(),
        hooks: &candidate.hooks,
        imports: &candidate.imports,
        exports: &candidate.exports,
        asks: &candidate.asked,
        order: candidate.order,
        events: &candidate.events,
        compiled_in_micros: u64::try_from(candidate.compiled_in.as_micros()).unwrap_or(u64::MAX),
        warnings: &candidate.warnings,
        loads: fault.is_none(),
        fault,
    }
}
