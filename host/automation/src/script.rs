//! Scripts: `.rhai` files, run by one shared, immutable Rhai engine.
//!
//! A script is parsed once per generation; its top level runs once, and what it defines there is
//! constant from then on. Each event calls `on_message` or `on_event` on a thread of the blocking
//! pool, under operation, time, depth and size limits. What a call may touch is set for that
//! thread while it runs (see `current`), never kept in the engine.
//!
//! Invariant: two calls share nothing but the parsed script and its constants.

mod api;
mod current;
mod engine;
mod event;
mod failure;
mod time;

use std::sync::Arc;

use async_trait::async_trait;
use rhai::{AST, CallFnOptions, Dynamic, Scope};
use tokio::sync::Semaphore;
use warbler_app::hook::{EventHook, HookCall, HookOutcome};
use warbler_domain::extension::{ExtensionKind, Grants};
use warbler_domain::{Event, EventKind, ExtensionName, Generation, Verdict};

use crate::effects::{Effects, failed, passed};
use crate::fault::Fault;
use crate::limits::{EffectLimits, Limits, ScriptLimits};
use crate::profile::Profile;
use current::{Constants, Current};
use event::ScriptEvent;
use failure::Failure;

/// What every script is told when it has no handler.
const HANDLERS: &str =
    "a script defines `fn on_message(message) { … }` or `fn on_event(event) { … }`";

/// The script engine; one for all scripts.
pub(crate) struct ScriptEngine {
    rhai: rhai::Engine,
    slots: Arc<Semaphore>,
    limits: ScriptLimits,
    effects: EffectLimits,
}

impl ScriptEngine {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            rhai: engine::new(&limits.script),
            slots: Arc::new(Semaphore::new(limits.script.concurrent.max(1))),
            limits: limits.script.clone(),
            effects: limits.effects.clone(),
        })
    }

    /// Parses a script, runs its top level and looks for its handlers. Blocks.
    pub(crate) fn compile(
        self: &Arc<Self>,
        profile: Profile,
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
        let effects = Effects::idle(&profile.name, &self.effects);
        let current = Current::new(effects, None, Constants::default(), self.limits.wall);
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
            profile,
            code: Arc::new(Code {
                ast,
                constants,
                handlers,
                source: source.to_owned(),
            }),
        })
    }
}

/// One generation of one script.
pub(crate) struct Script {
    engine: Arc<ScriptEngine>,
    profile: Profile,
    code: Arc<Code>,
}

struct Code {
    ast: AST,
    constants: Constants,
    handlers: Handlers,
    source: String,
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

/// Runs one call where it stands; blocks for as long as the script runs.
fn run(
    engine: &ScriptEngine,
    code: &Code,
    profile: &Profile,
    handler: &str,
    call: &HookCall,
) -> HookOutcome {
    let effects = Effects::new(call, &profile.name, profile.grants, &engine.effects);
    let current = Current::new(
        effects,
        Some(call.now),
        code.constants.clone(),
        engine.limits.wall,
    );
    let event = ScriptEvent::new(call);
    let (done, result) = current.run(|| {
        let options = CallFnOptions::new().eval_ast(false);
        engine.rhai.call_fn_with_options::<Dynamic>(
            options,
            &mut Scope::new(),
            &code.ast,
            handler,
            (event,),
        )
    });
    let result = result.map_err(|failure| {
        let fault = failure.into_fault(&code.source);
        fault.in_file(&profile.file).dated(call.now)
    });
    let Some(done) = done else {
        let fault = Failure::Panicked.into_fault(&code.source);
        return failed(fault.in_file(&profile.file).dated(call.now), Vec::new());
    };
    let verdict = if done.stopped {
        Verdict::Stop
    } else {
        Verdict::Next
    };
    done.effects.into_outcome(result.map(|_| verdict))
}

#[async_trait]
impl EventHook for Script {
    fn name(&self) -> &ExtensionName {
        &self.profile.name
    }

    fn kind(&self) -> ExtensionKind {
        ExtensionKind::Script
    }

    fn generation(&self) -> &Generation {
        &self.profile.generation
    }

    fn grants(&self) -> Grants {
        self.profile.grants
    }

    fn wants(&self, event: &Event) -> bool {
        self.code.handlers.of(event).is_some() && self.profile.filter.admits(event)
    }

    async fn handle(&self, call: HookCall) -> HookOutcome {
        let Some(handler) = self.code.handlers.of(&call.event) else {
            return passed();
        };
        if !self.profile.filter.admits_session(&call) {
            return passed();
        }
        let now = call.now;
        let fault = |code, message| {
            failed(
                Fault::new(code, message)
                    .in_file(&self.profile.file)
                    .dated(now),
                Vec::new(),
            )
        };
        // The slot goes with the call: one that outlives its deadline still counts.
        let Ok(slot) = Arc::clone(&self.engine.slots).acquire_owned().await else {
            return fault("script-deadline", "the host is stopping");
        };
        let (engine, code, profile) = (
            Arc::clone(&self.engine),
            Arc::clone(&self.code),
            self.profile.clone(),
        );
        let task = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            run(&engine, &code, &profile, handler, &call)
        });
        // The script stops itself at its limit; twice that catches one native function that runs long.
        match tokio::time::timeout(self.engine.limits.wall * 2, task).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_panicked)) => fault("script-panic", "the call of the script broke off"),
            Err(_elapsed) => fault("script-deadline", "the script does not answer"),
        }
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
            rhai,
            slots: Arc::new(Semaphore::new(1)),
            limits: limits.script,
            effects: limits.effects,
        })
    }

    fn profile() -> Result<Profile, warbler_domain::extension::BadExtensionName> {
        Ok(Profile {
            name: "mistaken".parse()?,
            generation: Generation::of_digest(&[0; 32]),
            file: "mistaken.rhai".into(),
            order: 0,
            filter: crate::filter::Filter::default(),
            grants: Grants::default(),
            config: String::new(),
        })
    }

    #[test]
    fn a_panic_inside_the_engine_is_a_fault_and_the_next_script_runs()
    -> Result<(), Box<dyn std::error::Error>> {
        let engine = engine_with_a_mistake();
        let result = engine.compile(profile()?, "mistake();\nfn on_message(message) {}");
        assert_eq!(result.err().map(|fault| fault.code), Some("script-panic"));
        assert!(
            engine
                .compile(profile()?, "fn on_message(message) {}")
                .is_ok()
        );
        Ok(())
    }
}
