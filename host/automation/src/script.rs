//! Scripts: `.rhai` files, run by one shared, immutable Rhai engine.
//!
//! A script is parsed once per generation; its top level runs once, and what it defines there is
//! constant from then on. Each event calls `on_message` or `on_event` (see `call`) under operation,
//! time, depth and size limits. What a call may touch is set for its thread while it runs (see
//! `current`), never kept in the engine.
//!
//! Invariant: two calls share nothing but the parsed script and its constants.

mod api;
mod call;
mod current;
mod engine;
mod event;
mod failure;
mod time;

use std::sync::Arc;
use std::sync::atomic::AtomicU8;

use async_trait::async_trait;
use rhai::{AST, Scope};
use tokio::sync::Semaphore;
use warbler_app::hook::{EventHook, HookCall, HookOutcome};
use warbler_domain::extension::{ExtensionKind, Grants};
use warbler_domain::{Event, EventKind, ExtensionName, Generation, SessionName};

use crate::effects::{Effects, passed};
use crate::fault::Fault;
use crate::health::Health;
use crate::limits::{Limits, ScriptLimits};
use crate::profile::Profile;
use crate::services::Services;
use current::{Constants, Current};

/// What every script is told when it has no handler.
const HANDLERS: &str =
    "a script defines `fn on_message(message) { … }` or `fn on_event(event) { … }`";

/// The script engine; one for all scripts.
pub(crate) struct ScriptEngine {
    rhai: rhai::Engine,
    /// The same engine with the limits of a first attempt.
    quick: rhai::Engine,
    slots: Arc<Semaphore>,
    limits: ScriptLimits,
    services: Arc<Services>,
}

impl ScriptEngine {
    pub(crate) fn new(limits: &Limits, services: Arc<Services>) -> Arc<Self> {
        Arc::new(Self {
            rhai: engine::new(&limits.script),
            quick: engine::new(&call::quick_limits(&limits.script)),
            slots: Arc::new(Semaphore::new(limits.script.concurrent.max(1))),
            limits: limits.script.clone(),
            services,
        })
    }

    /// Parses a script, runs its top level and looks for its handlers. Blocks.
    pub(crate) fn compile(
        self: &Arc<Self>,
        profile: Arc<Profile>,
        health: Arc<Health>,
        source: &str,
    ) -> Result<Script, Fault> {
        let ast = self
            .rhai
            .compile(source)
            .map_err(|error| failure::of_parsing(source, &error))?;
        let has = |name: &str| {
            ast.iter_functions()
                .any(|function| function.name == name && function.params.len() == 1)
        };
        let handlers = Handlers {
            message: has("on_message"),
            event: has("on_event"),
        };
        if !handlers.message && !handlers.event {
            return Err(Fault::new("script-missing-handler", HANDLERS));
        }
        let effects = Effects::idle(&profile, &self.services);
        let current = Current::new(effects, Constants::default(), self.limits.wall).that_may_wait();
        let (_, result) = current.run(|| {
            let mut scope = Scope::new();
            self.rhai.run_ast_with_scope(&mut scope, &ast)?;
            Ok(scope
                .iter()
                .map(|(name, _constant, value)| (name.to_owned(), value))
                .collect())
        });
        let constants: Constants = result.map_err(|failure| failure.into_fault(source))?;
        Ok(Script {
            engine: Arc::clone(self),
            health,
            code: Arc::new(Code {
                profile,
                ast,
                constants,
                handlers,
                source: source.to_owned(),
                strikes: AtomicU8::new(0),
            }),
        })
    }
}

impl Script {
    /// The same script as another profile has it.
    pub(crate) fn rehearsing(
        &self,
        profile: Arc<Profile>,
        health: Arc<Health>,
    ) -> Result<Self, Fault> {
        self.engine.compile(profile, health, &self.code.source)
    }
}

/// One generation of one script.
pub(crate) struct Script {
    engine: Arc<ScriptEngine>,
    health: Arc<Health>,
    code: Arc<Code>,
}

struct Code {
    profile: Arc<Profile>,
    ast: AST,
    constants: Constants,
    handlers: Handlers,
    source: String,
    /// How often a first attempt was not enough.
    strikes: AtomicU8,
}

#[derive(Debug, Clone, Copy)]
struct Handlers {
    message: bool,
    event: bool,
}

impl Handlers {
    /// The function for an event: `on_message` for messages that came in, `on_event` for the rest
    /// and where there is no `on_message`.
    fn of(self, event: &Event) -> Option<&'static str> {
        if self.message && event.kind() == EventKind::MESSAGE_RECEIVED {
            Some("on_message")
        } else if self.event {
            Some("on_event")
        } else {
            None
        }
    }
}

#[async_trait]
impl EventHook for Script {
    fn name(&self) -> &ExtensionName {
        &self.code.profile.name
    }

    fn kind(&self) -> ExtensionKind {
        ExtensionKind::Script
    }

    fn generation(&self) -> &Generation {
        &self.code.profile.generation
    }

    fn grants(&self) -> &Grants {
        &self.code.profile.grants
    }

    fn wants(&self, event: &Event) -> bool {
        self.code.handlers.of(event).is_some()
            && self.code.profile.wants(event)
            && self.health.quarantined_until().is_none()
    }

    fn why_not(&self, event: &Event, session: &SessionName) -> Option<String> {
        if self.code.handlers.of(event).is_none() {
            return Some("it has no handler for this kind of event".to_owned());
        }
        let why = self.code.profile.why_not(event, session);
        why.or_else(|| self.health.why_not())
    }

    async fn handle(&self, call: HookCall) -> HookOutcome {
        let Some(handler) = self.code.handlers.of(&call.event) else {
            return passed();
        };
        if !self.code.profile.admits_session(&call.session_name) {
            return passed();
        }
        let _running = self.health.usage().running();
        let outcome = match call::quick(&self.engine, &self.code, handler, &call) {
            Some(outcome) => outcome,
            None => call::offloaded(&self.engine, &self.code, handler, call).await,
        };
        self.health
            .usage()
            .called(&outcome.cost, outcome.actions.len());
        // Failures are counted where the pipeline notes them, whoever found them.
        if outcome.fault.is_none() {
            self.health.succeeded();
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An engine with a function that panics, as a mistake in one of ours would.
    fn engine_with_a_mistake() -> Arc<ScriptEngine> {
        let limits = Limits::default();
        let mut rhai = engine::new(&limits.script);
        rhai.register_fn("mistake", || {
            std::panic::resume_unwind(Box::new("a mistake of the host"));
        });
        Arc::new(ScriptEngine {
            quick: engine::new(&call::quick_limits(&limits.script)),
            rhai,
            slots: Arc::new(Semaphore::new(1)),
            limits: limits.script,
            services: Arc::new(Services {
                fetcher: None,
                limits: limits.effects,
            }),
        })
    }

    fn profile() -> Result<Arc<Profile>, warbler_domain::extension::BadExtensionName> {
        Ok(Arc::new(Profile {
            name: "mistaken".parse()?,
            generation: Generation::of_digest(&[0; 32]),
            file: "mistaken.rhai".into(),
            order: 0,
            filter: crate::filter::Filter::default(),
            grants: Grants::default(),
            withheld: Grants::default(),
            secrets: crate::secrets::Secrets::default(),
            kv: crate::profile::KvSpace::default(),
            rate: Arc::default(),
            config: "{}".into(),
            rehearsal: None,
        }))
    }

    fn health() -> Result<Arc<Health>, warbler_domain::extension::BadExtensionName> {
        let limits = Limits::default().quarantine;
        let clock = Arc::new(warbler_domain::SystemClock);
        Ok(Health::new("mistaken".parse()?, clock, limits))
    }

    #[test]
    fn a_panic_inside_the_engine_is_a_fault_and_the_next_script_runs()
    -> Result<(), Box<dyn std::error::Error>> {
        let engine = engine_with_a_mistake();
        let result = engine.compile(
            profile()?,
            health()?,
            "mistake();\nfn on_message(message) {}",
        );
        assert_eq!(result.err().map(|fault| fault.code), Some("script-panic"));
        assert!(
            engine
                .compile(profile()?, health()?, "fn on_message(message) {}")
                .is_ok()
        );
        Ok(())
    }
}
