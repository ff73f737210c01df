//! `warbler plugin test`: runs fixtures, and says what is not as expected.

use std::path::{Path, PathBuf};

use serde::Serialize;
use warbler_automation::fixture::{Candidate, Report, Workshop};
use warbler_domain::extension::{ExtensionFault, LogLine};

use super::{placed, short, shown, told, workshop};
use crate::command::rules::verdict;
use crate::failure::Failure;
use crate::terminal::{Screen, plain};

/// Rules of a fixture that fails of which it is told what they lack.
const RULES: usize = 20;
/// Log lines shown of a fixture that fails.
const LOGS: usize = 10;
/// Longest of them.
const MAX_LOG: usize = 300;
/// Width of the column with names.
const NAME: usize = 28;

/// What `--json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tested {
    passed: usize,
    failed: usize,
    blessed: usize,
    extensions: Vec<TestedExtension>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TestedExtension {
    name: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ExtensionFault>,
    fixtures: Vec<TestedFixture>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TestedFixture {
    name: String,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    passed: bool,
    micros: u64,
    differences: Vec<Differs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<ExtensionFault>,
    logs: Vec<LogLine>,
}

#[derive(Serialize)]
struct Differs {
    what: String,
    expected: String,
    got: String,
}

/// Runs all there are.
pub(in crate::command) async fn run(
    path: &Path,
    bless: bool,
    json: bool,
    screen: Screen,
) -> Result<(), Failure> {
    let workshop = workshop()?;
    let mut all = Tested {
        passed: 0,
        failed: 0,
        blessed: 0,
        extensions: Vec::new(),
    };
    for extension in extensions(path)? {
        let tested = one(&workshop, &extension, bless, json, screen, &mut all).await?;
        all.extensions.push(tested);
    }
    let (passed, failed, blessed) = (all.passed, all.failed, all.blessed);
    if json {
        let text = serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)?;
        screen.line(text)?;
    } else if passed + failed + blessed == 0 {
        screen.line(
            screen.warn("no fixtures: put one into `fixtures/` beside plugin.toml, or into `NAME.fixtures/` beside NAME.rhai"),
        )?;
    } else {
        let mut parts = vec![format!("{passed} passed")];
        parts.extend((failed > 0).then(|| screen.bad(format!("{failed} failed"))));
        parts.extend((blessed > 0).then(|| format!("{blessed} written anew")));
        screen.line(format!("\n  {}", parts.join(", ")))?;
    }
    match failed {
        0 => Ok(()),
        1 => Err(Failure::failed("1 fixture or extension failed")),
        _ => Err(Failure::failed(format!(
            "{failed} fixtures or extensions failed"
        ))),
    }
}

async fn one(
    workshop: &Workshop,
    path: &Path,
    bless: bool,
    json: bool,
    screen: Screen,
    all: &mut Tested,
) -> Result<TestedExtension, Failure> {
    let say = |line: String| if json { Ok(()) } else { screen.line(line) };
    let candidate = match workshop.load(path).await {
        Ok(candidate) => candidate,
        Err(fault) => {
            all.failed += 1;
            for line in told(&fault) {
                say(format!("  {} {line}", screen.bad("✗")))?;
            }
            if fault.code == "unreadable" && path.join("plugin.toml").is_file() {
                say("    build it first: warbler plugin build".to_owned())?;
            }
            return Ok(TestedExtension {
                name: path.display().to_string(),
                path: path.display().to_string(),
                error: Some(fault),
                fixtures: Vec::new(),
            });
        }
    };
    say(screen.strong(&candidate.name))?;
    for warning in &candidate.warnings {
        say(screen.warn(format!("  {}", plain(warning, MAX_LOG))))?;
    }
    let reports = workshop.test(&candidate, |_| {}).await;
    let mut fixtures = Vec::new();
    for report in &reports {
        let written = bless && blessed(&candidate, report)?;
        if written {
            all.blessed += 1;
            say(format!(
                "  {} {:<NAME$} written anew",
                screen.good("✎"),
                report.name
            ))?;
        } else if report.passed() {
            all.passed += 1;
            let took = screen.faint(short(report.took));
            say(format!(
                "  {} {:<NAME$} {took}",
                screen.good("✓"),
                report.name
            ))?;
        } else {
            all.failed += 1;
            for line in failed(report, screen) {
                say(line)?;
            }
        }
        fixtures.push(tested(report));
    }
    Ok(TestedExtension {
        name: candidate.name.to_string(),
        path: candidate.file.display().to_string(),
        error: None,
        fixtures,
    })
}

/// A fixture that failed, in lines.
fn failed(report: &Report, screen: Screen) -> Vec<String> {
    let line = report
        .line
        .map_or_else(String::new, |line| format!(":{line}"));
    let place = format!("{}{line}", shown(&report.path));
    let mut lines = vec![format!(
        "  {} {:<NAME$} {}",
        screen.bad("✗"),
        report.name,
        screen.faint(place)
    )];
    let broken = report
        .fault
        .as_ref()
        .filter(|fault| fault.code == "fixture");
    if let Some(fault) = broken {
        lines.extend(told(fault).into_iter().map(|line| format!("      {line}")));
        return lines;
    }
    for difference in &report.differences {
        let text = difference.to_string();
        lines.extend(
            text.lines()
                .map(|line| format!("      {}", plain(line, 700))),
        );
    }
    if let Some(fault) = report.fault.as_ref().filter(|fault| fault.line.is_some()) {
        lines.extend(
            placed(fault)
                .into_iter()
                .map(|line| format!("      {line}")),
        );
    }
    for rule in report.rules.iter().take(RULES) {
        let line = verdict(screen, rule.name.as_str(), rule.why_not.as_deref());
        lines.push(format!("      {line}"));
    }
    for log in report.logs.iter().take(LOGS) {
        let text = plain(&format!("log {}: {}", log.level, log.message), MAX_LOG);
        lines.push(format!("      {}", screen.faint(text)));
    }
    lines
}

/// Writes what happened into a fixture that did not expect it; whether there was something to write.
fn blessed(candidate: &Candidate, report: &Report) -> Result<bool, Failure> {
    let mut fixtures = candidate.fixtures();
    let fixture = fixtures.find(|fixture| fixture.path() == report.path);
    let Some(text) = fixture.and_then(|fixture| fixture.blessed(report)) else {
        return Ok(false);
    };
    std::fs::write(&report.path, text)?;
    Ok(true)
}

fn tested(report: &Report) -> TestedFixture {
    TestedFixture {
        name: report.name.clone(),
        file: report.path.display().to_string(),
        line: report.line,
        passed: report.passed(),
        micros: u64::try_from(report.took.as_micros()).unwrap_or(u64::MAX),
        differences: report
            .differences
            .iter()
            .map(|one| Differs {
                what: one.what.clone(),
                expected: one.expected.clone(),
                got: one.got.clone(),
            })
            .collect(),
        fault: report.fault.clone(),
        logs: report.logs.clone(),
    }
}

/// The extension at `path`, or those in the folder it is.
pub(in crate::command) fn extensions(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if Workshop::is_extension(path) {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path)
        .map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", path.display())))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_none_or(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && Workshop::is_extension(&path) {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(Failure::Usage(format!(
            "{} has no plugin.toml, and no plugins or scripts in it",
            path.display()
        )));
    }
    Ok(found)
}
