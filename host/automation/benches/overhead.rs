//! What an event through a plugin and through a script costs, beside the bare engines.
//!
//! `cargo bench -p warbler-automation`. Both sides of a comparison run in turns in the same process,
//! on the shipped plugin and on the same script, so that the ratios mean something on any machine.

#![allow(clippy::print_stdout, reason = "a benchmark speaks on standard output")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use warbler_app::hook::{EventHook, Extensions, HookCall, KvReader};
use warbler_automation::{Registry, RegistryConfig};
use warbler_domain::extension::OperatorGrants;
use warbler_domain::message::{Direction, MessageStatus};
use warbler_domain::{
    Content, Event, EventBody, EventId, Message, MessageId, Random, SessionId, SystemClock,
    Timestamp, WhatsAppId,
};
use warbler_store::{Store, StoreOptions};

const ROUNDS: usize = 40;
const CALLS: usize = 250;
const TEXT: &str = "Hello, what is the price?";
const SCRIPT: &str = r#"
fn on_message(message) {
    if message.text.contains("price") {
        reply("Our prices start at $10");
    }
}"#;

mod contract {
    wasmtime::component::bindgen!({ path: "../../wit/published/0.1.0", world: "event-plugin" });
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let plugins = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins");
    let scripts = dir.path().join("scripts");
    std::fs::create_dir(&scripts)?;
    std::fs::write(scripts.join("price.rhai"), SCRIPT)?;
    let warm_dir = dir.path().join("plugins/warm");
    std::fs::create_dir_all(&warm_dir)?;
    let shipped = std::path::Path::new(plugins).join("auto-reply");
    std::fs::copy(
        shipped.join("auto-reply.wasm"),
        warm_dir.join("auto-reply.wasm"),
    )?;
    let manifest = std::fs::read_to_string(shipped.join("plugin.toml"))?;
    let asking = manifest.replacen("[capabilities]", "[capabilities]\nwarm = true", 1);
    std::fs::write(warm_dir.join("plugin.toml"), asking)?;
    let kept = OperatorGrants {
        warm: Some(true),
        ..OperatorGrants::default()
    };
    let registry = Registry::open(RegistryConfig {
        plugin_dirs: vec![plugins.into(), dir.path().join("plugins")],
        grants: [("warm".parse()?, kept)].into(),
        script_dirs: vec![scripts],
        ..RegistryConfig::new(dir.path().join("last-good"), Arc::new(SystemClock))
    })
    .await?;
    let store = Store::open(&StoreOptions::new(dir.path().join("store.db")))?;
    let event = Arc::new(event()?);
    let hook = |name: &str| {
        let chain = registry.chain();
        let found = chain
            .iter()
            .find(|hook| hook.name().as_str() == name)
            .cloned();
        found.with_context(|| format!("{name} is not loaded"))
    };
    let (plugin, script) = (hook("auto-reply")?, hook("price")?);
    let warm = hook("warm")?;

    let mut guest = BareGuest::new(&std::fs::read(format!(
        "{plugins}/auto-reply/auto-reply.wasm"
    ))?)?;
    let bare_script = BareScript::new()?;
    let mut times: [Vec<Duration>; 5] = Default::default();
    for _ in 0..ROUNDS {
        for _ in 0..CALLS {
            let call = call(&*plugin, &event, &store)?;
            let began = Instant::now();
            let outcome = plugin.handle(call).await;
            times[0].push(began.elapsed());
            anyhow::ensure!(outcome.actions.len() == 1, "{:?}", outcome.fault);
        }
        for _ in 0..CALLS {
            let call = call(&*warm, &event, &store)?;
            let began = Instant::now();
            let outcome = warm.handle(call).await;
            times[4].push(began.elapsed());
            anyhow::ensure!(outcome.actions.len() == 1, "{:?}", outcome.fault);
        }
        for _ in 0..CALLS {
            let began = Instant::now();
            guest.call()?;
            times[1].push(began.elapsed());
        }
        for _ in 0..CALLS {
            let call = call(&*script, &event, &store)?;
            let began = Instant::now();
            let outcome = script.handle(call).await;
            times[2].push(began.elapsed());
            anyhow::ensure!(outcome.actions.len() == 1, "{:?}", outcome.fault);
        }
        for _ in 0..CALLS {
            let began = Instant::now();
            bare_script.call()?;
            times[3].push(began.elapsed());
        }
    }
    let [plugin, guest, script, bare, warm] = times.map(Figures::of);
    println!("event through the plugin   {plugin}");
    println!("the same, instance kept    {warm}");
    println!(
        "bare wasmtime, same guest  {guest}   ratio {:.2}",
        plugin.ratio(&guest)
    );
    println!("event through a script     {script}");
    println!(
        "bare call_fn, same script  {bare}   ratio {:.2}",
        script.ratio(&bare)
    );
    registry.stop().await;
    Ok(())
}

fn call(hook: &dyn EventHook, event: &Arc<Event>, store: &Store) -> Result<HookCall> {
    let now = Timestamp::from_millis(1_772_618_400_000);
    Ok(HookCall {
        event: Arc::clone(event),
        owner: None,
        session_name: "shop".parse()?,
        now,
        kv: KvReader::new(store.clone(), hook.name().clone(), now),
    })
}

fn event() -> Result<Event> {
    let random = Random::seeded(1);
    let now = Timestamp::from_millis(1_772_618_400_000);
    let session = SessionId::new(now, &random);
    let message = Message {
        id: MessageId::new(now, &random),
        session,
        whatsapp_id: WhatsAppId::new(&random),
        chat: "15550100@s.whatsapp.net".parse()?,
        sender: "15550100@s.whatsapp.net".parse()?,
        sender_alt: None,
        sender_name: Some("Ada".to_owned()),
        direction: Direction::Inbound,
        timestamp: now,
        content: Content::text(TEXT),
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

/// The shipped plugin with nothing around it: no limits, no buffers, no async.
struct BareGuest {
    engine: wasmtime::Engine,
    guest: contract::EventPluginPre<Nothing>,
}

impl BareGuest {
    fn new(bytes: &[u8]) -> Result<Self> {
        let mut config = wasmtime::Config::new();
        config.allocation_strategy(wasmtime::InstanceAllocationStrategy::pooling());
        let engine = wasmtime::Engine::new(&config).map_err(anyhow::Error::msg)?;
        let mut linker = wasmtime::component::Linker::new(&engine);
        contract::EventPlugin::add_to_linker::<_, wasmtime::component::HasSelf<_>>(
            &mut linker,
            |nothing| nothing,
        )
        .map_err(anyhow::Error::msg)?;
        let component =
            wasmtime::component::Component::new(&engine, bytes).map_err(anyhow::Error::msg)?;
        let linked = linker
            .instantiate_pre(&component)
            .map_err(anyhow::Error::msg)?;
        let guest = contract::EventPluginPre::new(linked).map_err(anyhow::Error::msg)?;
        Ok(Self { engine, guest })
    }

    fn call(&mut self) -> Result<()> {
        let mut store = wasmtime::Store::new(&self.engine, Nothing { replies: 0 });
        let instance = self
            .guest
            .instantiate(&mut store)
            .map_err(anyhow::Error::msg)?;
        let event = contract::warbler::plugin::types::Event {
            id: "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a".to_owned(),
            kind: "message.received".to_owned(),
            session: "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a".to_owned(),
            session_name: "shop".to_owned(),
            chat: Some("15550100@s.whatsapp.net".to_owned()),
            sender: Some("15550100@s.whatsapp.net".to_owned()),
            sender_name: Some("Ada".to_owned()),
            from_me: false,
            is_group: false,
            text: Some(TEXT.to_owned()),
            timestamp: 1_772_618_400_000,
            whatsapp_id: Some("3EB00123456789ABCDEF01".to_owned()),
            quoted_id: None,
            media: None,
            body: "{}".to_owned(),
        };
        let handler = instance.warbler_plugin_event_handler();
        let verdict = handler
            .call_handle(&mut store, &event)
            .map_err(anyhow::Error::msg)?;
        verdict.map_err(anyhow::Error::msg)?;
        anyhow::ensure!(store.data().replies == 1, "the guest did not reply");
        Ok(())
    }
}

struct Nothing {
    replies: usize,
}

type Answer<T> = Result<T, contract::warbler::plugin::types::Refusal>;

impl contract::warbler::plugin::types::Host for Nothing {}

impl contract::warbler::plugin::outbox::Host for Nothing {
    fn reply(&mut self, _text: String, _quote: bool) -> Answer<()> {
        self.replies += 1;
        Ok(())
    }

    fn send_text(&mut self, _to: String, _text: String) -> Answer<()> {
        Ok(())
    }

    fn react(&mut self, _target: Option<String>, _emoji: String) -> Answer<()> {
        Ok(())
    }
}

impl contract::warbler::plugin::kv::Host for Nothing {
    fn get(&mut self, _key: String) -> Answer<Option<Vec<u8>>> {
        Ok(None)
    }

    fn set(&mut self, _key: String, _value: Vec<u8>, _ttl_seconds: Option<u64>) -> Answer<()> {
        Ok(())
    }

    fn delete(&mut self, _key: String) -> Answer<()> {
        Ok(())
    }

    fn increment(&mut self, _key: String, by: i64) -> Answer<i64> {
        Ok(by)
    }
}

impl contract::warbler::plugin::log::Host for Nothing {
    fn log(&mut self, _level: String, _message: String) {}
}

impl contract::warbler::plugin::config::Host for Nothing {
    fn get(&mut self) -> String {
        r#"{"answers":[{"keywords":["price","prices","cost","how much"],"reply":"Our prices start at $10"},
            {"keywords":["address","where are you"],"reply":"You find us at 12 High Street."},
            {"keywords":["delivery","deliver","shipping"],"reply":["Yes, we deliver.","Tomorrow."]}]}"#
            .to_owned()
    }
}

/// The same script with nothing around it.
struct BareScript {
    engine: rhai::Engine,
    ast: rhai::AST,
}

impl BareScript {
    fn new() -> Result<Self> {
        let mut engine = rhai::Engine::new();
        engine.register_fn("reply", |_text: rhai::ImmutableString| {});
        let ast = engine.compile(SCRIPT)?;
        Ok(Self { engine, ast })
    }

    fn call(&self) -> Result<()> {
        let mut message = rhai::Map::new();
        message.insert("text".into(), TEXT.into());
        self.engine
            .call_fn::<()>(&mut rhai::Scope::new(), &self.ast, "on_message", (message,))?;
        Ok(())
    }
}

struct Figures {
    median: Duration,
    p99: Duration,
}

impl Figures {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let at = |share: usize| {
            times
                .get(times.len() * share / 100)
                .copied()
                .unwrap_or_default()
        };
        Self {
            median: at(50),
            p99: at(99),
        }
    }

    fn ratio(&self, bare: &Self) -> f64 {
        self.median.as_secs_f64() / bare.median.as_secs_f64()
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        write!(
            f,
            "median {:7.1} µs   p99 {:7.1} µs",
            micros(self.median),
            micros(self.p99)
        )
    }
}
