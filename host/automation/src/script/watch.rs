//! In which line a limit ended a call.
//!
//! Rhai forgets the place of a limit when it leaves a function. So a call that a limit ended is made
//! once more on an engine that notes every step. Nothing comes of it: what it asks for is thrown
//! away, and it asks nobody outside. Only calls that fail pay for it.

use std::sync::Arc;

use rhai::debugger::{DebuggerCommand, DebuggerEvent};
use rhai::{Engine, Position};

use super::occasion::Occasion;
use super::{Code, ScriptEngine, call, current, engine};
use crate::fault::Fault;
use crate::limits::ScriptLimits;
use crate::profile::Profile;

/// Of the time of a call, the part that it has when it is made once more.
const PART: u32 = 4;

/// The last step of a call.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) place: Position,
    /// The name of the module it is in; empty in the script itself.
    pub(super) module: String,
}

impl Seen {
    /// The call goes on here.
    pub(super) fn step(&mut self, module: Option<&str>, place: Position) {
        if place.is_none() {
            return;
        }
        self.place = place;
        let module = module.unwrap_or_default();
        if self.module != module {
            module.clone_into(&mut self.module);
        }
    }
}

/// An engine that notes every step of a call in it.
#[expect(
    deprecated,
    reason = "Rhai marks this interface as one that may change, not as one that goes"
)]
pub(super) fn new(limits: &ScriptLimits) -> Engine {
    let mut engine = engine::new(limits);
    engine.register_debugger(
        |_engine, debugger| debugger,
        |_context, event, _node, module, place| {
            if matches!(event, DebuggerEvent::Start | DebuggerEvent::Step) {
                current::step(module, place);
            }
            Ok(DebuggerCommand::StepInto)
        },
    );
    engine
}

/// Where the call of `handler` ended in `fault`, which says no place; nothing when it ends otherwise
/// the second time.
pub(super) fn place_of(
    fault: &Fault,
    engine: &ScriptEngine,
    code: &Code,
    handler: &str,
    occasion: &Occasion,
    may_wait: bool,
) -> Option<Seen> {
    let mut profile = Profile::clone(&code.profile);
    profile.rate = Arc::default();
    profile.grants.http.clear();
    let effects = occasion.effects(&Arc::new(profile), &engine.services);
    let mut current = call::current(effects, code, occasion, engine.limits.wall / PART);
    current.may_wait = may_wait;
    let (done, result) = call::run(&engine.watching, current, code, handler, occasion);
    let again = result.err()?.into_fault(code.sources(engine));
    let is_same = again.code == fault.code || (is_of_loop(&again) && is_of_loop(fault));
    done.map(|done| done.seen).filter(|_| is_same)
}

/// Whether a loop ends so, sooner or later.
fn is_of_loop(fault: &Fault) -> bool {
    matches!(fault.code, "script-operations" | "script-deadline")
}
