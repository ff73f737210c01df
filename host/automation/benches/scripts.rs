//! How many events scripts take on one core and on two.
//!
//! `cargo bench -p warbler-automation --bench scripts`. Two workers are to do nearly twice as much as
//! one: there is no lock around a call.

#![allow(clippy::print_stdout, reason = "a benchmark speaks on standard output")]

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use warbler_app::hook::{EventHook, Extensions, HookCall, KvReader};
use warbler_automation::{Registry, RegistryConfig};
use warbler_domain::message::{Direction, MessageStatus};
use warbler_domain::{
    Content, Event, EventBody, EventId, Message, MessageId, Random, SessionId, SystemClock,
    Timestamp, WhatsAppId,
};
use warbler_store::{Store, StoreOptions};

const CALLS: usize = 60_000;
const ROUNDS: usize = 5;
const NOW: Timestamp = Timestamp::from_millis(1_772_618_400_000);

/// A rule, a pattern, a date and a list: what a usual script does.
const SCRIPT: &str = r#"
const WORDS = ["price", "cost"];
fn on_message(message) {
    if has_any_word(message.text, WORDS) && now("Europe/Berlin").is_between("09:00", "18:00") {
        let order = find(message.text, `\d{3,}`) ?? "none";
        reply("Our prices start at $10, order " + order);
    }
}"#;

fn main() -> Result<()> {
    let mut best = [0.0_f64; 2];
    for _ in 0..ROUNDS {
        for (best, workers) in best.iter_mut().zip([1, 2]) {
            let runtime = runtime(workers)?;
            let per_second = runtime.block_on(calls(workers))?;
            *best = best.max(per_second);
        }
    }
    let [one, two] = best;
    println!("events a second, 1 worker   {one:9.0}");
    println!(
        "events a second, 2 workers  {two:9.0}   ratio {:.2}",
        two / one
    );
    Ok(())
}

fn runtime(workers: usize) -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(workers).enable_all().build()?)
}

/// Events a second when each of `workers` has a task of its own.
async fn calls(workers: usize) -> Result<f64> {
    let dir = tempfile::tempdir()?;
    let registry = open(dir.path()).await?;
    let store = Store::open(&StoreOptions::new(dir.path().join("store.db")))?;
    let chain = registry.chain();
    let hook = chain.first().context("a script")?;
    let event = Arc::new(event()?);
    let began = Instant::now();
    let tasks: Vec<_> = (0..workers)
        .map(|_| {
            let (hook, event, store) = (Arc::clone(hook), Arc::clone(&event), store.clone());
            tokio::spawn(async move {
                for _ in 0..CALLS {
                    let outcome = hook.handle(call(&*hook, &event, &store)?).await;
                    anyhow::ensure!(outcome.actions.len() == 1, "{:?}", outcome.fault);
                }
                Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    let took = began.elapsed();
    registry.stop().await;
    Ok((workers * CALLS) as f64 / took.as_secs_f64())
}

async fn open(dir: &std::path::Path) -> Result<Registry> {
    let scripts = dir.join("scripts");
    std::fs::create_dir_all(&scripts)?;
    std::fs::write(scripts.join("usual.rhai"), SCRIPT)?;
    let config = RegistryConfig {
        script_dirs: vec![scripts],
        ..RegistryConfig::new(dir.join("last-good"), Arc::new(SystemClock))
    };
    Ok(Registry::open(config).await?)
}

fn call(hook: &dyn EventHook, event: &Arc<Event>, store: &Store) -> Result<HookCall> {
    Ok(HookCall {
        event: Arc::clone(event),
        owner: None,
        session_name: "shop".parse()?,
        now: NOW,
        kv: KvReader::new(store.clone(), hook.name().clone(), NOW),
    })
}

fn event() -> Result<Event> {
    let random = Random::seeded(1);
    let session = SessionId::new(NOW, &random);
    let message = Message {
        id: MessageId::new(NOW, &random),
        session,
        whatsapp_id: WhatsAppId::new(&random),
        chat: "15550100@s.whatsapp.net".parse()?,
        sender: "15550100@s.whatsapp.net".parse()?,
        sender_alt: None,
        sender_name: Some("Ada".to_owned()),
        direction: Direction::Inbound,
        timestamp: NOW,
        content: Content::text("Hello, what is the price of order 4711?"),
        quoted: None,
        status: MessageStatus::Received,
        error: None,
        chat_alt: None,
        forwarded: 0,
        audience: Vec::new(),
        scheduled_for: None,
        error_code: None,
        sender_saved_name: None,
    };
    Ok(Event {
        id: EventId::new(NOW, &random),
        session,
        at: NOW,
        body: EventBody::Message {
            message: Box::new(message),
        },
    })
}
