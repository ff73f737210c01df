//! One call of a script.
//!
//! A call changes nothing before it has ended well, so it can be begun again. Most scripts are done
//! in microseconds: a first attempt runs where the event is, for at most a millisecond and without
//! waiting for anything. One that needs more, or the key-value store, is begun again on a thread of
//! the blocking pool, under its documented limits; a script that keeps needing it goes there at
//! once. So no script holds a worker of the runtime, and none pays for a change of threads without
//! need.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rhai::{CallFnOptions, Dynamic, Engine, Scope};
use warbler_app::hook::{HookCall, HookOutcome};
use warbler_domain::Verdict;
use warbler_domain::extension::CallCost;

use super::current::Current;
use super::event::ScriptEvent;
use super::failure::Failure;
use super::{Code, ScriptEngine};
use crate::effects::{Effects, failed};
use crate::fault::Fault;
use crate::limits::ScriptLimits;

/// What a first attempt may use.
const QUICK_WALL: Duration = Duration::from_millis(1);
const QUICK_OPERATIONS: u64 = 2_000;
const QUICK_CALL_DEPTH: usize = 16;
/// First attempts that were not enough before a script gets no more of them.
const MAX_STRIKES: u8 = 3;

/// The limits of a first attempt; never more than the script has at all.
pub(super) fn quick_limits(limits: &ScriptLimits) -> ScriptLimits {
    ScriptLimits {
        operations: match limits.operations {
            0 => QUICK_OPERATIONS,
            all => all.min(QUICK_OPERATIONS),
        },
        call_depth: limits.call_depth.min(QUICK_CALL_DEPTH),
        ..limits.clone()
    }
}

/// The first attempt; `None` when it was not enough.
pub(super) fn quick(
    engine: &ScriptEngine,
    code: &Code,
    handler: &str,
    call: &HookCall,
) -> Option<HookOutcome> {
    if code.strikes.load(Ordering::Relaxed) >= MAX_STRIKES {
        return None;
    }
    let current = current(engine, code, call, engine.limits.wall.min(QUICK_WALL));
    let (done, result) = run(&engine.quick, current, code, handler, call);
    if let Err(failure) = &result
        && failure.is_of_first_attempt()
    {
        code.strikes.fetch_add(1, Ordering::Relaxed);
        return None;
    }
    Some(conclude(code, call, done, result))
}

/// The call on a thread that may block.
pub(super) async fn offloaded(
    engine: &Arc<ScriptEngine>,
    code: &Arc<Code>,
    handler: &'static str,
    call: HookCall,
) -> HookOutcome {
    let now = call.now;
    let fault = |name, message| {
        let fault = Fault::new(name, message).in_file(&code.profile.file);
        failed(fault.dated(now), Vec::new())
    };
    // The slot goes with the call: one that outlives its deadline still counts.
    let Ok(slot) = Arc::clone(&engine.slots).acquire_owned().await else {
        return fault("script-deadline", "the host is stopping");
    };
    let wall = engine.limits.wall;
    let (engine, of) = (Arc::clone(engine), Arc::clone(code));
    let task = tokio::task::spawn_blocking(move || {
        let _slot = slot;
        let current = current(&engine, &of, &call, wall).that_may_wait();
        let (done, result) = run(&engine.rhai, current, &of, handler, &call);
        conclude(&of, &call, done, result)
    });
    // The script stops itself at its limit; twice that catches one native function that runs long.
    match tokio::time::timeout(wall * 2, task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panicked)) => fault("script-panic", "the call of the script broke off"),
        Err(_elapsed) => fault("script-deadline", "the script does not answer"),
    }
}

fn current(engine: &ScriptEngine, code: &Code, call: &HookCall, wall: Duration) -> Current {
    let effects = Effects::at_event(call, &code.profile, &engine.services);
    Current::new(effects, code.constants.clone(), wall).at(call.now)
}

fn run(
    rhai: &Engine,
    current: Current,
    code: &Code,
    handler: &str,
    call: &HookCall,
) -> (Option<Current>, Result<Dynamic, Failure>) {
    let event = ScriptEvent::new(call);
    current.run(|| {
        let options = CallFnOptions::new().eval_ast(false);
        rhai.call_fn_with_options(options, &mut Scope::new(), &code.ast, handler, (event,))
    })
}

fn conclude(
    code: &Code,
    call: &HookCall,
    done: Option<Current>,
    result: Result<Dynamic, Failure>,
) -> HookOutcome {
    let guest = done.as_ref().map_or(Duration::ZERO, Current::age);
    let cost = CallCost {
        guest,
        ..CallCost::default()
    };
    let fault = |failure: Failure| {
        let fault = failure.into_fault(&code.source);
        fault.in_file(&code.profile.file).dated(call.now)
    };
    let Some(done) = done else {
        return failed(fault(Failure::Panicked), Vec::new());
    };
    let verdict = if done.stopped {
        Verdict::Stop
    } else {
        Verdict::Next
    };
    done.effects
        .into_outcome(result.map(|_| verdict).map_err(fault), cost)
}
