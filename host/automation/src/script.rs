//! Scripts: `.rhai` files, run by one shared, immutable Rhai engine.
//!
//! A script is parsed once per generation, with the modules it imports; its top level runs once, and
//! what it defines there is constant from then on. Each event calls `on_message` or `on_event`, each
//! message of a campaign `render`, each delivery `transform` (see `call`), under operation, time,
//! depth and size limits. What a call may touch is set for its thread while it runs (see
//! `current`), never kept in the engine.
//!
//! Invariant: two calls share nothing but the parsed script and its constants.

mod api;
mod book;
mod call;
mod current;
mod delivery;
mod engine;
mod event;
mod failure;
mod handlers;
mod json;
mod modules;
mod occasion;
mod pattern;
mod plain;
mod recipient;
pub mod reference;
mod rules;
mod texts;
mod time;
mod unknown;
mod watch;

use std::sync::Arc;
use std::sync::atomic::AtomicU8;

use async_trait::async_trait;
use rhai::{AST, Dynamic, Module, Scope, Stmt};
use tokio::sync::Semaphore;
use warbler_app::hook::{EventHook, HookCall, HookOutcome, RuleTrial};
use warbler_domain::extension::{CallCost, ExtensionFault, ExtensionKind, Grants, Hook};
use warbler_domain::session::Called;
use warbler_domain::{Event, EventKind, ExtensionName, Generation, Timestamp, Verdict};

use crate::effects::{Effects, failed, passed};
use crate::fault::{self, Fault};
use crate::health::Health;
use crate::limits::{Limits, ScriptLimits};
use crate::profile::Profile;
use crate::registry::ModuleText;
use crate::rules::RuleSet;
use crate::services::Services;
use call::Ended;
use current::{Current, Fixed};
use failure::Sources;
use handlers::Handlers;
use modules::Loading;
use occasion::Occasion;
use unknown::Known;

/// The script engine; one for all scripts.
pub(crate) struct ScriptEngine {
    rhai: rhai::Engine,
    /// The same engine with the limits of a first attempt.
    quick: rhai::Engine,
    /// The same engine, which notes where a call is.
    watching: rhai::Engine,
    known: Arc<Known>,
    slots: Arc<Semaphore>,
    /// For scripts that may ask others, and so may take seconds.
    patient_slots: Arc<Semaphore>,
    limits: ScriptLimits,
    services: Arc<Services>,
}

impl ScriptEngine {
    pub(crate) fn new(limits: &Limits, services: Arc<Services>) -> Arc<Self> {
        let rhai = engine::new(&limits.script);
        let slots = || Arc::new(Semaphore::new(limits.script.concurrent.max(1)));
        Arc::new(Self {
            known: Arc::new(Known::of(&rhai)),
            rhai,
            quick: engine::new(&call::quick_limits(&limits.script)),
            watching: watch::new(&limits.script),
            slots: slots(),
            patient_slots: slots(),
            limits: limits.script.clone(),
            services,
        })
    }

    /// Parses a script and its modules, runs their top levels and looks for handlers. Blocks.
    pub(crate) fn compile(
        self: &Arc<Self>,
        profile: Arc<Profile>,
        health: Arc<Health>,
        source: &str,
        modules: Arc<[ModuleText]>,
    ) -> Result<Script, Fault> {
        let wall = self.limits.wall;
        let collecting = rules::Collecting::begin();
        let effects = Effects::idle(&profile, &self.services);
        let config = json::parse(&profile.config).unwrap_or_default();
        let before = Fixed {
            config: config.clone(),
            ..Fixed::default()
        };
        let mut current = Current::new(effects, Arc::new(before), wall).that_may_wait();
        let known = Arc::clone(&self.known);
        current.loading = Some(Loading::new(Arc::clone(&modules), known, wall));
        let (current, result) = current.run(|| {
            let ast = self
                .rhai
                .compile_into_self_contained(&Scope::new(), source)?;
            let handlers = match handlers::look_at(&self.known, &ast, source) {
                Ok(handlers) => handlers,
                Err(fault) => return Ok(Err(fault)),
            };
            // The text may have taken long to read.
            current::begin_again(wall);
            let mut scope = Scope::new();
            self.rhai.run_ast_with_scope(&mut scope, &ast)?;
            Ok(Ok((ast, handlers, modules::names_of(&scope))))
        });
        let sources = Sources {
            script: source,
            modules: &modules,
            engine: self,
        };
        let loading = current.and_then(|current| current.loading);
        let (ast, handlers, own) = result.map_err(|failure| {
            let fault = failure.into_fault(sources);
            match &loading {
                Some(loading) if !fault.has_place() => loading.at_import(fault, &self.rhai, source),
                _ => fault,
            }
        })??;
        let rules = collecting.rules(source)?;
        if handlers.hooks().is_empty() && rules.is_none() {
            return Err(handlers::missing(&ast, source));
        }
        let is_off = is_off(&config);
        let fixed = Fixed {
            own,
            modules: loading.map(Loading::into_names).unwrap_or_default(),
            config,
            patterns: pattern::Patterns::default(),
        };
        let (ast, imports) = without_top_level(&ast);
        Ok(Script {
            engine: Arc::clone(self),
            health,
            code: Arc::new(Code {
                profile,
                ast,
                imports,
                fixed: Arc::new(fixed),
                handlers,
                is_off,
                rules,
                source: source.to_owned(),
                modules,
                strikes: AtomicU8::new(0),
                turns: Arc::new(Semaphore::new((self.limits.concurrent / 2).max(1))),
            }),
        })
    }
}

/// Whether the setting `enabled` is false.
fn is_off(config: &Dynamic) -> bool {
    let config = config.as_map_ref();
    config.is_ok_and(|config| {
        let enabled = config.get("enabled");
        enabled.is_some_and(|enabled| matches!(enabled.as_bool(), Ok(false)))
    })
}

/// Of a script that has been loaded what its calls need: functions, and the imports of its top level,
/// which are there already and only given their names again. Whether there are any.
fn without_top_level(ast: &AST) -> (AST, bool) {
    let functions = ast.clone_functions_only();
    let statements = ast.statements().iter();
    let imports: Vec<Stmt> = statements
        .filter(|statement| matches!(statement, Stmt::Import(..)))
        .cloned()
        .collect();
    if imports.is_empty() {
        return (functions, false);
    }
    (AST::new(imports, Module::new()).merge(&functions), true)
}

impl Script {
    /// The same script as another profile has it.
    pub(crate) fn rehearsing(
        &self,
        profile: Arc<Profile>,
        health: Arc<Health>,
    ) -> Result<Self, Fault> {
        let Code {
            source, modules, ..
        } = &*self.code;
        self.engine
            .compile(profile, health, source, Arc::clone(modules))
    }

    /// What is likely a mistake in it.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let rules = self.code.rules.as_ref();
        rules.map(|rules| rules.warnings()).unwrap_or_default()
    }

    /// What it is called for. One that is off stays among those of events, so that it can be asked
    /// why it is not called.
    pub(crate) fn hooks(&self) -> Vec<Hook> {
        let mut hooks = self.code.handlers.hooks();
        if self.code.rules.is_some() && !hooks.contains(&Hook::Event) {
            hooks.insert(0, Hook::Event);
        }
        hooks.retain(|hook| !self.code.is_off || *hook == Hook::Event);
        hooks
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
    /// Whether the names of modules are to be given before a call.
    imports: bool,
    fixed: Arc<Fixed>,
    handlers: Handlers,
    /// Whether the operator, or its author, has switched it off.
    is_off: bool,
    /// What it says about events without a handler.
    rules: Option<Arc<RuleSet>>,
    source: String,
    modules: Arc<[ModuleText]>,
    /// How often a first attempt was not enough.
    strikes: AtomicU8,
    /// So many of its calls may hold a thread.
    turns: Arc<Semaphore>,
}

impl Code {
    fn sources<'a>(&'a self, engine: &'a ScriptEngine) -> Sources<'a> {
        Sources {
            script: &self.source,
            modules: &self.modules,
            engine,
        }
    }

    /// A fault of one of its handlers: in its file, and where no more is known in the line in which
    /// the handler begins.
    fn of_handler(&self, fault: Fault, handler: &str) -> Fault {
        let begins = self.handlers.place(handler);
        let fault = match begins.filter(|_| !fault.has_place() && fault.file.is_none()) {
            Some(place) => failure::at(fault, &self.source, place),
            None => fault,
        };
        fault.or_in_file(&self.profile.file)
    }

    /// A fault of one of its rules: in its file, with the line if that is known.
    fn of_rule(&self, fault: ExtensionFault) -> ExtensionFault {
        let lines = |line| fault::line(&self.source, line);
        ExtensionFault {
            file: Some(self.profile.file.display().to_string()),
            excerpt: fault.line.and_then(lines),
            message: self.profile.secrets.hidden_in(fault.message),
            ..fault
        }
    }

    /// The fault of a call, without the secrets the script knows.
    fn dated(&self, mut fault: Fault, now: Timestamp) -> ExtensionFault {
        fault.message = self.profile.secrets.hidden_in(fault.message);
        fault.or_in_file(&self.profile.file).dated(now)
    }
}

impl Script {
    /// What came of a call at an event.
    fn outcome(&self, ended: Ended, now: Timestamp) -> HookOutcome {
        let verdict = match ended.stopped {
            true => Verdict::Stop,
            false => Verdict::Next,
        };
        let cost = CallCost {
            guest: ended.took,
            ..CallCost::default()
        };
        let result = ended.result.map(|_| verdict);
        let result = result.map_err(|fault| self.code.dated(fault, now));
        match (ended.effects, result) {
            (Some(effects), result) => effects.into_outcome(result, cost),
            (None, Err(fault)) => failed(fault, Vec::new()),
            (None, Ok(_)) => passed(),
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
        let handled =
            self.code.handlers.for_event(event).is_some() && self.code.profile.wants(event);
        !self.code.is_off
            && (handled || self.has_rules_for(event))
            && self.health.quarantined_until().is_none()
    }

    fn why_not(&self, event: &Event, session: Called<'_>) -> Option<String> {
        if self.code.is_off {
            return Some("it is off: its setting `enabled` is false".to_owned());
        }
        if self.code.handlers.for_event(event).is_none() && !self.has_rules_for(event) {
            return Some("it has no handler for this kind of event".to_owned());
        }
        let why = self.code.profile.why_not(event, session);
        why.or_else(|| self.health.why_not())
    }

    async fn handle(&self, call: HookCall) -> HookOutcome {
        if !self.code.profile.admits_session(call.session()) {
            return passed();
        }
        let _running = self.health.usage().running();
        if let Some(rules) = &self.code.rules {
            let (profile, services) = (&self.code.profile, &self.engine.services);
            let used = crate::rules::run(std::slice::from_ref(rules), &call, profile, services);
            if let Some(mut outcome) = used.await {
                let fault = outcome.fault.take();
                outcome.fault = fault.map(|fault| self.code.of_rule(fault));
                return self.counted(outcome);
            }
        }
        let handler = self.code.handlers.for_event(&call.event);
        let Some(handler) = handler.filter(|_| self.code.profile.wants(&call.event)) else {
            return self.counted(passed());
        };
        let now = call.now;
        let ended = call::make(&self.engine, &self.code, handler, Occasion::Event(call)).await;
        let outcome = self.outcome(ended, now);
        self.counted(outcome)
    }
}

impl Script {
    /// What becomes of each of its rules at an event; nothing when it has none, or is not asked.
    pub(crate) async fn rule_verdicts(&self, call: &HookCall) -> Option<RuleTrial> {
        let rules = self.code.rules.as_ref()?;
        match self.why_not(&call.event, call.session()) {
            None => Some(crate::rules::verdicts(std::slice::from_ref(rules), call).await),
            Some(_) => None,
        }
    }

    /// Whether its rules are about such events.
    fn has_rules_for(&self, event: &Event) -> bool {
        let profile = &self.code.profile;
        self.code.rules.as_ref().is_some_and(|rules| {
            (event.kind() == EventKind::MESSAGE_RECEIVED && profile.wants(event))
                || (event.kind() == EventKind::GROUP_UPDATED && rules.wants_members())
        })
    }

    fn counted(&self, outcome: HookOutcome) -> HookOutcome {
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
            watching: watch::new(&limits.script),
            known: Arc::new(Known::of(&rhai)),
            rhai,
            slots: Arc::new(Semaphore::new(1)),
            patient_slots: Arc::new(Semaphore::new(1)),
            limits: limits.script,
            services: Arc::new(Services {
                fetcher: None,
                limits: limits.effects,
                random: Arc::new(warbler_domain::Random::seeded(1)),
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
            Arc::new([]),
        );
        assert_eq!(result.err().map(|fault| fault.code), Some("script-panic"));
        assert!(
            engine
                .compile(
                    profile()?,
                    health()?,
                    "fn on_message(message) {}",
                    Arc::new([])
                )
                .is_ok()
        );
        Ok(())
    }
}
