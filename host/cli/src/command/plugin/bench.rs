//! `warbler plugin bench`: how long the calls of fixtures take.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use warbler_automation::fixture::{Bench, Times};

use super::{fresh_workshop, short, size, told};
use crate::failure::Failure;
use crate::terminal::{Screen, columns};

/// What `--json` prints of one fixture.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    fixture: String,
    as_expected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    fresh: MeasuredTimes,
    #[serde(skip_serializing_if = "Option::is_none")]
    warm: Option<MeasuredTimes>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MeasuredTimes {
    calls: usize,
    per_second: f64,
    p50_micros: f64,
    p99_micros: f64,
}

/// Measures.
pub(super) async fn run(
    path: &Path,
    only: Option<&str>,
    time: Duration,
    json: bool,
    screen: Screen,
) -> Result<(), Failure> {
    let workshop = fresh_workshop()?;
    let loaded = workshop.load(path).await;
    let candidate = loaded.map_err(|fault| Failure::failed(told(&fault).join("\n")))?;
    let wanted = candidate
        .fixtures()
        .filter(|fixture| only.is_none_or(|only| only == fixture.name()));
    let mut measured = Vec::new();
    for fixture in wanted {
        if screen.is_terminal() && !json {
            screen.line(screen.faint(format!("  measuring {} …", fixture.name())))?;
        }
        let bench = workshop.bench(&candidate, fixture, time).await;
        if screen.is_terminal() && !json {
            screen.take_back(1)?;
        }
        let bench = bench.map_err(|fault| Failure::failed(told(&fault).join("\n")))?;
        // What is not called costs nothing that could be measured.
        if bench.called || only.is_some() {
            measured.push((fixture.name().to_owned(), bench));
        }
    }
    if measured.is_empty() {
        return Err(Failure::Usage(match only {
            Some(name) => format!("there is no fixture `{name}`"),
            None => "there are no fixtures to measure".to_owned(),
        }));
    }
    if json {
        let all: Vec<Measured> = measured.iter().map(written).collect();
        let text = serde_json::json!({
            "name": candidate.name, "bytes": candidate.size,
            "compiledInMicros": u64::try_from(candidate.compiled_in.as_micros()).unwrap_or(u64::MAX),
            "fixtures": all,
        });
        return Ok(screen.line(format!("{text:#}"))?);
    }
    screen.line(format!(
        "{}, {}, compiled in {}",
        screen.strong(&candidate.name),
        size(candidate.size),
        short(candidate.compiled_in)
    ))?;
    let headings = ["FIXTURE", "INSTANCE", "CALLS/S", "P50", "P99", "MEMORY"];
    for line in columns(screen, &headings, &rows(&measured)) {
        screen.line(format!("  {line}"))?;
    }
    for (name, bench) in &measured {
        if !bench.as_expected {
            let text =
                format!("  {name} does not come to what it expects; see `warbler plugin test`");
            screen.line(screen.warn(text))?;
        }
    }
    Ok(())
}

fn rows(measured: &[(String, Bench)]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (name, bench) in measured {
        let memory = bench.memory.and_then(|bytes| usize::try_from(bytes).ok());
        let memory = memory.map_or_else(String::new, size);
        let mut row = |instance: &str, times: &Times| {
            rows.push(vec![
                name.clone(),
                instance.to_owned(),
                format!("{:.0}", times.per_second),
                short(times.p50),
                short(times.p99),
                memory.clone(),
            ]);
        };
        row("fresh", &bench.fresh);
        if let Some(warm) = &bench.warm {
            row("warm", warm);
        }
    }
    rows
}

fn written((name, bench): &(String, Bench)) -> Measured {
    let times = |times: &Times| MeasuredTimes {
        calls: times.calls,
        per_second: times.per_second,
        p50_micros: times.p50.as_secs_f64() * 1e6,
        p99_micros: times.p99.as_secs_f64() * 1e6,
    };
    Measured {
        fixture: name.clone(),
        as_expected: bench.as_expected,
        memory_bytes: bench.memory,
        fresh: times(&bench.fresh),
        warm: bench.warm.as_ref().map(times),
    }
}
