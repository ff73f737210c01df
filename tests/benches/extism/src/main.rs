//! What an event through an Extism plug-in costs: `./run` builds the guest and runs this beside the
//! benchmark of the host's own plugins.
//!
//! The guest has the rules of the shipped auto-reply. The event goes in as JSON, because Extism passes
//! bytes; the answer comes out through a function of the host, as it does with the host's own.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, UserData, ValType, Wasm};

const ROUNDS: usize = 40;
const CALLS: usize = 250;
const CONFIG: &str = r#"{"answers":[{"keywords":["price","prices","cost","how much"],"reply":"Our prices start at $10"},
    {"keywords":["address","where are you"],"reply":"You find us at 12 High Street."},
    {"keywords":["delivery","deliver","shipping"],"reply":["Yes, we deliver.","Tomorrow."]}]}"#;

/// The replies that the guest has asked for.
type Replies = Arc<Mutex<Vec<String>>>;

extism::host_fn!(reply(replies: Replies; text: String) {
    let replies = replies.get()?;
    let replies = replies.lock().map_err(|_| anyhow::anyhow!("poisoned"))?;
    replies.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.push(text);
    Ok(())
});

fn main() -> Result<()> {
    let path = std::env::args()
        .nth(1)
        .context("the guest's file is missing")?;
    let guest = std::fs::read(path)?;
    let replies = Replies::default();
    let data = UserData::new(Arc::clone(&replies));
    // As the host's own: an end for guests that loop, and a bound to their memory.
    let manifest = Manifest::new([Wasm::data(guest)])
        .with_config_key("config", CONFIG)
        .with_timeout(Duration::from_millis(250))
        .with_memory_max(512);
    let builder =
        PluginBuilder::new(manifest).with_function("reply", [ValType::I64], [], data, reply);
    let compiled = CompiledPlugin::new(builder)?;
    let event = event();
    let mut kept = Plugin::new_from_compiled(&compiled)?;
    let (mut fresh_times, mut kept_times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for _ in 0..CALLS {
            let began = Instant::now();
            let mut plugin = Plugin::new_from_compiled(&compiled)?;
            let verdict = plugin.call::<&[u8], String>("handle", &event)?;
            fresh_times.push(began.elapsed());
            ensure!(verdict == "next" && taken(&replies) == 1, "one reply");
        }
        for _ in 0..CALLS {
            let began = Instant::now();
            let verdict = kept.call::<&[u8], String>("handle", &event)?;
            kept_times.push(began.elapsed());
            ensure!(verdict == "next" && taken(&replies) == 1, "one reply");
        }
    }
    println!("event through Extism       {}", figures(fresh_times));
    println!("the same, plug-in kept     {}", figures(kept_times));
    Ok(())
}

/// How many replies there are, which are then forgotten.
fn taken(replies: &Replies) -> usize {
    replies
        .lock()
        .map(|mut replies| replies.drain(..).count())
        .unwrap_or_default()
}

/// The event of the host's own benchmark.
fn event() -> Vec<u8> {
    serde_json::json!({
        "id": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
        "kind": "message.received",
        "session": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
        "session_name": "shop",
        "chat": "15550100@s.whatsapp.net",
        "sender": "15550100@s.whatsapp.net",
        "sender_name": "Ada",
        "from_me": false,
        "is_group": false,
        "text": "Hello, what is the price?",
        "timestamp": 1_772_618_400_000_u64,
        "whatsapp_id": "3EB00123456789ABCDEF01",
        "body": "{}",
    })
    .to_string()
    .into_bytes()
}

fn figures(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: usize| {
        times
            .get(times.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    format!(
        "{:8.1} µs median {:8.1} µs p99",
        micros(at(50)),
        micros(at(99))
    )
}
