//! An event's way through the extensions, in lines for who writes one of them.

use warbler_domain::extension::{ExtensionFault, TraceStep};
use warbler_domain::{Action, Verdict};

use super::short;
use crate::terminal::{Screen, plain};

/// Log lines shown of one call.
const LOGS: usize = 20;
/// Longest line shown.
const MAX_LINE: usize = 300;

/// The walk on one line: `greeter: reply (0.4 ms) → opening_hours: nothing (31 µs)`.
pub(super) fn line(steps: &[TraceStep]) -> String {
    let steps: Vec<String> = steps.iter().map(step).collect();
    if steps.is_empty() {
        "no extension wants it".to_owned()
    } else {
        plain(&steps.join(" → "), MAX_LINE)
    }
}

fn step(step: &TraceStep) -> String {
    let mut what: Vec<&str> = step.actions.iter().map(Action::word).collect();
    if let Some(fault) = &step.error {
        what.push(&fault.code);
    }
    if what.is_empty() {
        what.push("nothing");
    }
    let stop = match step.verdict {
        Verdict::Next => "",
        Verdict::Stop => ", stop",
    };
    let what = what.join(" + ");
    format!("{}: {what}{stop} ({})", step.extension, short(step.took))
}

/// What one call logged.
pub(super) fn logs(step: &TraceStep, screen: Screen) -> Vec<String> {
    let lines = step.logs.iter().take(LOGS).map(|log| {
        let text = plain(&log.message, MAX_LINE);
        screen.faint(format!("{} {}: {text}", step.extension, log.level))
    });
    lines.collect()
}

/// What went wrong, its place and its excerpt.
pub(super) fn fault(name: &str, fault: &ExtensionFault, screen: Screen) -> Vec<String> {
    let place = match (&fault.file, fault.line) {
        (Some(file), Some(line)) => format!(" at {file}:{line}"),
        _ => String::new(),
    };
    let head = format!("{name} failed: {}: {}", fault.code, fault.message);
    let mut lines: Vec<String> = head
        .lines()
        .map(|line| screen.bad(plain(line, MAX_LINE)))
        .collect();
    if !place.is_empty() {
        lines.push(screen.faint(plain(place.trim_start(), MAX_LINE)));
    }
    let excerpt = fault.excerpt.iter().flat_map(|excerpt| excerpt.lines());
    let excerpt = excerpt.take(4);
    lines.extend(excerpt.map(|line| screen.faint(plain(line, MAX_LINE))));
    lines
}
