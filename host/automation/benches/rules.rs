//! What a message through 10, 200 and 10,000 rules costs.
//!
//! `cargo bench -p warbler-automation --bench rules`. Each rule looks for two words of its own; the
//! message is answered by the last one, or by none. What is measured is the whole call, as the
//! pipeline makes it.

#![allow(clippy::print_stdout, reason = "a benchmark speaks on standard output")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use warbler_app::hook::{EventHook, Extensions, HookCall, KvReader};
use warbler_automation::{Registry, RegistryConfig};
use warbler_domain::message::{Direction, MessageStatus};
use warbler_domain::{
    Content, Event, EventBody, EventId, Message, MessageId, Random, Rule, RuleId, RuleSpec,
    SessionId, SystemClock, Timestamp, WhatsAppId,
};
use warbler_store::{Store, StoreOptions};

const ROUNDS: usize = 20;
const CALLS: usize = 500;
const NOW: Timestamp = Timestamp::from_millis(1_772_618_400_000);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let config = RegistryConfig::new(dir.path().join("last-good"), Arc::new(SystemClock));
    let registry = Registry::open(config).await?;
    let store = Store::open(&StoreOptions::new(dir.path().join("store.db")))?;
    for (what, pattern) in [("words", false), ("regular expressions", true)] {
        for many in [10, 200, 1_000, 10_000] {
            if pattern && many > Rule::MOST_PATTERNS {
                continue;
            }
            let began = Instant::now();
            registry.set_rules(rules(many, pattern)?);
            let hook = hook(&registry)?;
            let event = event("a first message, which has the rules compiled")?;
            hook.handle(call(&event, &store)?).await;
            let compiled = began.elapsed();
            let last = many - 1;
            let question = format!("Hello, what does product {last}x cost?");
            let used = measure(&*hook, &store, &question, 1).await?;
            let other = "Hello, are you open on Sundays as well?";
            let unused = measure(&*hook, &store, other, 0).await?;
            println!(
                "{many:>6} rules of {what:<20} answered {used:>7.2?}   not answered {unused:>7.2?}   compiled in {compiled:.1?}"
            );
        }
    }
    registry.stop().await;
    Ok(())
}

/// The median time of a call.
async fn measure(
    hook: &dyn EventHook,
    store: &Store,
    text: &str,
    actions: usize,
) -> Result<Duration> {
    let event = event(text)?;
    let mut times = Vec::with_capacity(ROUNDS * CALLS);
    for _ in 0..ROUNDS * CALLS {
        let call = call(&event, store)?;
        let began = Instant::now();
        let outcome = hook.handle(call).await;
        times.push(began.elapsed());
        ensure!(outcome.actions.len() == actions, "{:?}", outcome.fault);
    }
    times.sort_unstable();
    times.get(times.len() / 2).copied().context("a median")
}

fn rules(many: usize, pattern: bool) -> Result<Arc<[Arc<Rule>]>> {
    let random = Random::seeded(1);
    (0..many)
        .map(|number| {
            let condition = if pattern {
                json!({ "matches": format!("product {number}x (cost|price)") })
            } else {
                json!({ "containsAny": [format!("product {number}x"), format!("item {number}x")] })
            };
            let spec: RuleSpec = serde_json::from_value(json!({
                "name": format!("product {number}"),
                "when": [condition],
                "then": [{ "reply": "It costs ${{1|10}}" }],
            }))
            .or_else(|_| {
                serde_json::from_value(json!({
                    "name": format!("product {number}"),
                    "when": [condition],
                    "then": [{ "reply": "It costs $10" }],
                }))
            })?;
            Ok(Arc::new(Rule {
                id: RuleId::new(NOW, &random),
                owner: None,
                session: None,
                enabled: true,
                spec,
                created_at: NOW,
                updated_at: NOW,
            }))
        })
        .collect()
}

fn hook(registry: &Registry) -> Result<Arc<dyn EventHook>> {
    let chain = registry.chain();
    let found = chain.iter().find(|hook| hook.name().as_str() == "rules");
    found.cloned().context("the rules are in the chain")
}

fn call(event: &Arc<Event>, store: &Store) -> Result<HookCall> {
    Ok(HookCall {
        event: Arc::clone(event),
        owner: None,
        session_name: "shop".parse()?,
        now: NOW,
        kv: KvReader::new(store.clone(), "rules".parse()?, NOW),
    })
}

fn event(text: &str) -> Result<Arc<Event>> {
    let random = Random::seeded(1);
    let session = SessionId::new(NOW, &random);
    let message = Message {
        id: MessageId::new(NOW, &random),
        session,
        whatsapp_id: WhatsAppId::new(&random),
        chat: "15550100@s.whatsapp.net".parse()?,
        chat_alt: None,
        sender: "15550100@s.whatsapp.net".parse()?,
        sender_alt: None,
        sender_name: Some("Ada".to_owned()),
        sender_saved_name: None,
        direction: Direction::Inbound,
        timestamp: NOW,
        content: Content::text(text),
        quoted: None,
        forwarded: 0,
        audience: Vec::new(),
        scheduled_for: None,
        status: MessageStatus::Received,
        error: None,
        error_code: None,
    };
    Ok(Arc::new(Event {
        id: EventId::new(NOW, &random),
        session,
        at: NOW,
        body: EventBody::Message {
            message: Box::new(message),
        },
    }))
}
