//! A noisy neighbour: what the calls of one plugin take while another spins at its limit on every
//! event, and what loaded plugins take of memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use warbler_app::hook::{EventHook, Extensions, HookCall, KvReader};
use warbler_domain::message::MessageStatus;
use warbler_domain::{
    Clock, Content, Direction, Event, EventBody, EventId, Message, MessageId, Random, SessionId,
    SystemClock, WhatsAppId,
};
use warbler_tests::project_root;

use crate::loopback::{Bench, put_auto_reply};
use crate::{resident, spread};

const CALLS: usize = 4_000;
/// Plugins that are loaded to see what each takes.
const LOADED: usize = 50;

/// The 99th percentile of the others' calls, alone and beside the one that spins.
pub(crate) async fn neighbour() -> Result<()> {
    let put = |dir: &std::path::Path| {
        put_auto_reply(dir)?;
        let spin = project_root()?.join("tests/guests/spin.wat");
        std::fs::copy(spin, dir.join("plugins/spin.wasm"))?;
        Ok(())
    };
    let bench = Bench::start(put, |_| {}).await?;
    let hook = |name: &str| {
        let chain = bench.registry.chain();
        let found = chain.iter().find(|hook| hook.name().as_str() == name);
        found
            .cloned()
            .with_context(|| format!("{name} is not loaded"))
    };
    let (quiet, noisy) = (hook("auto-reply")?, hook("spin")?);
    let event = Arc::new(event()?);
    let alone = spread(times(&bench, &*quiet, &event).await?);
    let stop = Arc::new(AtomicBool::new(false));
    let call = call(&bench, &*noisy, &event)?;
    let spinning = tokio::spawn({
        let stop = Arc::clone(&stop);
        async move {
            let mut spun = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                noisy.handle(call.clone()).await;
                spun += 1;
            }
            spun
        }
    });
    let beside = spread(times(&bench, &*quiet, &event).await?);
    stop.store(true, Ordering::Relaxed);
    let spun = spinning.await?;
    println!(
        "noisy: p99 of a plugin's calls {:?} alone, {:?} beside one that spins ({:.1} x; medians {:?} and {:?}; it spun {spun} times)",
        alone.p99,
        beside.p99,
        beside.p99.as_secs_f64() / alone.p99.as_secs_f64(),
        alone.median,
        beside.median,
    );
    bench.stop().await;
    Ok(())
}

/// Resident memory of each further plugin.
pub(crate) async fn loaded() -> Result<()> {
    let bench = Bench::start(put_auto_reply, |_| {}).await?;
    let before = resident()?;
    let shipped = project_root()?.join("plugins/auto-reply/auto-reply.wasm");
    for n in 0..LOADED {
        std::fs::copy(&shipped, bench.path(&format!("plugins/copy-{n}.wasm")))?;
    }
    bench.registry.rescan().await;
    let size = std::fs::metadata(shipped)?.len() / 1024;
    println!(
        "loaded: {} KiB resident for each of {LOADED} plugins of {size} KiB",
        resident()?.saturating_sub(before) / LOADED as u64,
    );
    bench.stop().await;
    Ok(())
}

async fn times(bench: &Bench, hook: &dyn EventHook, event: &Arc<Event>) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let call = call(bench, hook, event)?;
        let began = Instant::now();
        let outcome = hook.handle(call).await;
        times.push(began.elapsed());
        anyhow::ensure!(outcome.actions.len() == 1, "{:?}", outcome.fault);
    }
    Ok(times)
}

fn call(bench: &Bench, hook: &dyn EventHook, event: &Arc<Event>) -> Result<HookCall> {
    let now = SystemClock.now();
    Ok(HookCall {
        event: Arc::clone(event),
        owner: None,
        session_name: "bench".parse()?,
        now,
        kv: KvReader::new(bench.store.clone(), hook.name().clone(), now),
    })
}

fn event() -> Result<Event> {
    let (random, now) = (Random::seeded(3), SystemClock.now());
    let session = SessionId::new(now, &random);
    let message = Message {
        id: MessageId::new(now, &random),
        session,
        whatsapp_id: WhatsAppId::new(&random),
        chat: "16660000001@s.whatsapp.net".parse()?,
        sender: "16660000001@s.whatsapp.net".parse()?,
        sender_alt: None,
        sender_name: Some("Contact".to_owned()),
        direction: Direction::Inbound,
        timestamp: now,
        content: Content::text("what is the price?"),
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
        id: EventId::new(now, &random),
        session,
        at: now,
        body: EventBody::Message {
            message: Box::new(message),
        },
    })
}
