//! 500 reloads under load: events lost or answered twice, how much longer they take, and the curve
//! of resident memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use warbler_domain::Random;

use crate::loopback::{Bench, message};
use crate::{Spread, resident, spread};

const RELOADS: usize = 500;
/// Chats that write in turns.
const CHATS: usize = 64;
/// Between two messages.
const PACE: Duration = Duration::from_millis(2);
/// The events that are measured without reloads first.
const CALM: Duration = Duration::from_secs(10);

/// Saves a plugin and a script 250 times each while messages keep coming.
pub(crate) async fn under_load() -> Result<()> {
    let put = |dir: &std::path::Path| {
        crate::loopback::put_auto_reply(dir)?;
        std::fs::write(dir.join("scripts/echo.rhai"), echo(0))?;
        Ok(())
    };
    let mut bench = Bench::start(put, |_| {}).await?;
    let calm = load(&mut bench, CALM, async |_| Ok(())).await?;
    let manifest = std::fs::read_to_string(bench.path("plugins/auto-reply/plugin.toml"))?;
    let mut curve = vec![resident()?];
    let mut took = Vec::new();
    let busy = load(&mut bench, Duration::MAX, async |bench| {
        for n in 1..=RELOADS / 2 {
            let began = Instant::now();
            std::fs::write(bench.path("scripts/echo.rhai"), echo(n))?;
            let text = format!("# {n}\n{manifest}");
            std::fs::write(bench.path("plugins/auto-reply/plugin.toml"), text)?;
            bench.registry.rescan().await;
            took.push(began.elapsed());
            if n % 50 == 0 {
                curve.push(resident()?);
            }
        }
        Ok(())
    })
    .await?;
    let took = spread(took);
    println!(
        "reloads: {RELOADS} under load, {} events, {} lost, {} answered twice",
        busy.asked, busy.lost, busy.doubled
    );
    println!(
        "reloads: answers p99 {:?} (median {:?}) while reloading, {:?} ({:?}) before; two saves live in {:?} (p99 {:?})",
        busy.times.p99, busy.times.median, calm.times.p99, calm.times.median, took.median, took.p99,
    );
    println!("reloads: resident KiB at the start and after every 100: {curve:?}");
    bench.stop().await;
    Ok(())
}

fn echo(version: usize) -> String {
    format!("// version {version}\nfn on_message(message) {{ reply(message.text); }}")
}

/// How a time under load went.
struct Load {
    asked: usize,
    lost: usize,
    doubled: usize,
    times: Spread,
}

/// Keeps messages coming while `act` acts, or for so long at most.
async fn load(
    bench: &mut Bench,
    longest: Duration,
    act: impl AsyncFnOnce(&Bench) -> Result<()>,
) -> Result<Load> {
    let over = Arc::new(AtomicBool::new(false));
    let (inbox, ended) = (Arc::clone(&bench.inbox), Arc::clone(&over));
    let asking = tokio::spawn(async move {
        // Ids of its own each time: one that was there before would be a redelivery.
        let random = Random::from_system();
        let mut asked = HashMap::new();
        let began = Instant::now();
        for n in 0_usize.. {
            if ended.load(Ordering::Relaxed)
                && (longest == Duration::MAX || began.elapsed() > longest)
            {
                break;
            }
            let text = format!("message {n}");
            asked.insert(text.clone(), Instant::now());
            inbox
                .receive(vec![message(&random, n % CHATS, &text)?])
                .await?;
            tokio::time::sleep(PACE).await;
        }
        anyhow::Ok(asked)
    });
    act(bench).await?;
    over.store(true, Ordering::Relaxed);
    let asked = asking.await??;
    let (mut times, mut heard) = (Vec::new(), HashMap::new());
    let patience = Duration::from_secs(5);
    while let Ok(Some((text, at))) = tokio::time::timeout(patience, bench.sent.recv()).await {
        if let Some(since) = asked.get(&text) {
            times.push(at.saturating_duration_since(*since));
            *heard.entry(text).or_insert(0) += 1;
        }
        if heard.len() == asked.len() && bench.sent.is_empty() {
            break;
        }
    }
    Ok(Load {
        asked: asked.len(),
        lost: asked.len() - heard.len(),
        doubled: heard.values().filter(|times| **times > 1).count(),
        times: spread(times),
    })
}
