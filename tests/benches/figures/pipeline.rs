//! Events through the durable pipeline, without a network: ingest, one plugin and one script, the
//! commit with their effects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;
use warbler_app::hook::Extensions;
use warbler_domain::Random;

use crate::loopback::{Bench, message, put_auto_reply};

const CHATS: usize = 256;
const EACH: usize = 80;

/// Events per second from the driver's door to the last commit.
pub(crate) async fn events_per_second() -> Result<()> {
    let put = |dir: &std::path::Path| {
        put_auto_reply(dir)?;
        std::fs::write(
            dir.join("scripts/look.rhai"),
            "fn on_message(message) { if message.text == \"never\" { reply(\"no\"); } }",
        )?;
        Ok(())
    };
    let bench = Bench::start(put, |_| {}).await?;
    let random = Arc::new(Random::seeded(2));
    let began = Instant::now();
    let mut running = JoinSet::new();
    for chat in 0..CHATS {
        let (inbox, random) = (Arc::clone(&bench.inbox), Arc::clone(&random));
        running.spawn(async move {
            for _ in 0..EACH {
                let message = message(&random, chat, "just saying hello to you all")?;
                inbox.receive(vec![message]).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(finished) = running.join_next().await {
        finished??;
    }
    let stored = began.elapsed();
    loop {
        let pending = bench.store.read(|db| db.events().pending(0, 1)).await?;
        if pending.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let done = began.elapsed();
    let total = (CHATS * EACH) as f64;
    println!(
        "pipeline: {:.0} events/s durable through one plugin and one script ({total} events; stored alone {:.0}/s)",
        total / done.as_secs_f64(),
        total / stored.as_secs_f64(),
    );
    let registry = Arc::clone(&bench.registry);
    bench.stop().await;
    let statuses = registry.statuses();
    // The two, and the rules that are data, of which there are none.
    let fine = statuses.len() == 3 && statuses.iter().all(|status| status.last_error.is_none());
    anyhow::ensure!(fine, "{statuses:?}");
    Ok(())
}
