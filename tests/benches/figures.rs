//! The figures of `host/docs/benchmarks.md` that need the whole host.
//!
//! `cargo bench -p warbler-tests --bench figures` runs all of them; a name runs one:
//! `ready`, `echo`, `pipeline`, `sends`, `history`, `memory`, `noisy`, `loaded`, `reloads`,
//! `webhooks`, `csv`, `plan`. Only by its name runs `outside`, which measures another program as
//! `memory` measures the host. The bare engine bot they are held against is
//! `cargo run --profile bench -p warbler-simulator --example bare_echo`.

#![allow(clippy::print_stdout, reason = "the figures are the output")]

#[path = "figures/campaigns.rs"]
mod campaigns;
#[path = "figures/echo.rs"]
mod echo;
#[path = "figures/history.rs"]
mod history;
#[path = "figures/idle.rs"]
mod idle;
#[path = "figures/loopback.rs"]
mod loopback;
#[path = "figures/memory.rs"]
mod memory;
#[path = "figures/noisy.rs"]
mod noisy;
#[path = "figures/outside.rs"]
mod outside;
#[path = "figures/pipeline.rs"]
mod pipeline;
#[path = "figures/reloads.rs"]
mod reloads;
#[path = "figures/sends.rs"]
mod sends;
#[path = "figures/webhooks.rs"]
mod webhooks;

use std::time::Duration;

use anyhow::Result;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .collect();
    let runs = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    if runs("ready") {
        echo::ready_to_first_reply().await?;
    }
    if runs("echo") {
        echo::round_trips().await?;
    }
    if runs("pipeline") {
        pipeline::events_per_second().await?;
    }
    if runs("sends") {
        sends::accepted_per_second().await?;
    }
    if runs("history") {
        history::pages_and_searches().await?;
    }
    if runs("memory") {
        memory::per_session().await?;
    }
    if wanted.iter().any(|wanted| wanted == "outside") {
        outside::per_session().await?;
    }
    if runs("noisy") {
        noisy::neighbour().await?;
    }
    if runs("loaded") {
        noisy::loaded().await?;
    }
    if runs("reloads") {
        reloads::under_load().await?;
    }
    if runs("webhooks") {
        webhooks::deliveries_per_second().await?;
    }
    if runs("csv") {
        campaigns::preview()?;
    }
    if runs("plan") {
        campaigns::planning().await?;
    }
    Ok(())
}

/// Resident memory of this process, in KiB.
fn resident() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.unwrap_or_default().parse()?)
}

/// Median and 99th percentile.
struct Spread {
    median: Duration,
    p99: Duration,
}

fn spread(mut samples: Vec<Duration>) -> Spread {
    samples.sort();
    let at = |part: f64| {
        let index = (samples.len() as f64 * part) as usize;
        samples
            .get(index.min(samples.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    };
    Spread {
        median: at(0.5),
        p99: at(0.99),
    }
}
