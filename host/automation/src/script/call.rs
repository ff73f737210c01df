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
use sha2::{Digest, Sha256};

use super::current::{Current, Envelope};
use super::failure::{self, Failure};
use super::occasion::Occasion;
use super::{Code, ScriptEngine, watch};
use crate::effects::Effects;
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

/// What came of a call.
pub(super) struct Ended {
    /// What the handler answered.
    pub(super) result: Result<Dynamic, Fault>,
    /// What it asked for; absent when the call broke off.
    pub(super) effects: Option<Effects>,
    /// Whether it said `stop()`.
    pub(super) stopped: bool,
    pub(super) envelope: Envelope,
    /// How long it ran.
    pub(super) took: Duration,
}

impl Ended {
    fn broken_off(code: &Code, handler: &str, fault: Fault) -> Self {
        Self {
            result: Err(code.of_handler(fault, handler)),
            effects: None,
            stopped: false,
            envelope: Envelope::default(),
            took: Duration::ZERO,
        }
    }
}

/// Calls `handler`.
pub(super) async fn make(
    engine: &Arc<ScriptEngine>,
    code: &Arc<Code>,
    handler: &'static str,
    occasion: Occasion,
) -> Ended {
    match quick(engine, code, handler, &occasion) {
        Some(ended) => ended,
        None => offloaded(engine, code, handler, occasion).await,
    }
}

/// The first attempt; `None` when it was not enough.
fn quick(engine: &ScriptEngine, code: &Code, handler: &str, occasion: &Occasion) -> Option<Ended> {
    if code.strikes.load(Ordering::Relaxed) >= MAX_STRIKES {
        return None;
    }
    let effects = occasion.effects(&code.profile, &engine.services);
    let wall = engine.limits.wall.min(QUICK_WALL);
    let current = current(effects, code, occasion, wall);
    let (done, result) = run(&engine.quick, current, code, handler, occasion);
    if let Err(failure) = &result
        && failure.is_of_first_attempt()
    {
        code.strikes.fetch_add(1, Ordering::Relaxed);
        if let Some(done) = done {
            done.effects.forget();
        }
        return None;
    }
    let result = result.map_err(|failure| {
        let fault = failure.into_fault(code.sources(engine));
        placed(fault, done.as_ref(), engine, code, handler, occasion)
    });
    Some(conclude(code, handler, done, result))
}

/// The call on a thread that may block.
async fn offloaded(
    engine: &Arc<ScriptEngine>,
    code: &Arc<Code>,
    handler: &'static str,
    occasion: Occasion,
) -> Ended {
    let broken_off =
        |name, message: &str| Ended::broken_off(code, handler, Fault::new(name, message));
    let effects = occasion.effects(&code.profile, &engine.services);
    let patience = effects.patience();
    // Those that may wait for others do not keep the rest from running.
    let slots = match &patience {
        Some(_) => &engine.patient_slots,
        None => &engine.slots,
    };
    // The slot goes with the call: one that outlives its deadline still counts.
    let own = Arc::clone(&code.turns).acquire_owned().await;
    let (Ok(own), Ok(slot)) = (own, Arc::clone(slots).acquire_owned().await) else {
        return broken_off("script-deadline", "the host is stopping");
    };
    let wall = engine.limits.wall;
    let (engine, of) = (Arc::clone(engine), Arc::clone(code));
    let task = tokio::task::spawn_blocking(move || {
        let _turn = (own, slot);
        let current = current(effects, &of, &occasion, wall).that_may_wait();
        let (done, result) = run(&engine.rhai, current, &of, handler, &occasion);
        let result = result.map_err(|failure| {
            let fault = failure.into_fault(of.sources(&engine));
            placed(fault, done.as_ref(), &engine, &of, handler, &occasion)
        });
        conclude(&of, handler, done, result)
    });
    // The script stops itself at its limit; twice that catches one native function that runs long.
    let most = wall * 2;
    let ended = match patience {
        Some(patience) => patience.wait(most, task).await,
        None => tokio::time::timeout(most, task).await.ok(),
    };
    match ended {
        Some(Ok(ended)) => ended,
        Some(Err(_panicked)) => broken_off("script-panic", "the call of the script broke off"),
        None => broken_off(
            "script-deadline",
            "one of its functions took too long and was left alone; give it less to work on",
        ),
    }
}

pub(super) fn current(
    effects: Effects,
    code: &Code,
    occasion: &Occasion,
    wall: Duration,
) -> Current {
    let mut current = Current::new(effects, Arc::clone(&code.fixed), wall).at(occasion.now());
    match occasion {
        Occasion::Event(_) => {}
        // A text that is written again is the same text, but for what its fixture wants.
        Occasion::Render(call) if current.effects.rehearsal().is_none() => {
            current.seed = Some(Sha256::digest(&call.id).into());
        }
        Occasion::Render(_) => {}
        Occasion::Transform(_) => current.envelope = Some(Envelope::default()),
    }
    current
}

pub(super) fn run(
    rhai: &Engine,
    current: Current,
    code: &Code,
    handler: &str,
    occasion: &Occasion,
) -> (Option<Current>, Result<Dynamic, Failure>) {
    let argument = occasion.argument();
    current.run(|| {
        // Of the top level only its imports are left.
        let options = CallFnOptions::new().eval_ast(code.imports);
        let scope = &mut Scope::new();
        rhai.call_fn_with_options(options, scope, &code.ast, handler, (argument,))
    })
}

/// The fault, with its place; one that says none is looked for, unless the outside was asked.
fn placed(
    fault: Fault,
    done: Option<&Current>,
    engine: &ScriptEngine,
    code: &Code,
    handler: &str,
    occasion: &Occasion,
) -> Fault {
    let Some(done) = done.filter(|done| !fault.has_place() && !done.effects.has_fetched()) else {
        return fault;
    };
    let may_wait = done.may_wait;
    match watch::place_of(&fault, engine, code, handler, occasion, may_wait) {
        Some(seen) => code.sources(engine).seen(fault, &seen),
        None => fault,
    }
}

fn conclude(
    code: &Code,
    handler: &str,
    done: Option<Current>,
    result: Result<Dynamic, Fault>,
) -> Ended {
    let took = done.as_ref().map_or(Duration::ZERO, Current::age);
    let result = result.map_err(|fault| code.of_handler(fault, handler));
    let Some(done) = done else {
        let fault = result.err().unwrap_or_else(failure::panicked);
        return Ended::broken_off(code, handler, fault);
    };
    Ended {
        result,
        stopped: done.stopped,
        envelope: done.envelope.unwrap_or_default(),
        effects: Some(done.effects),
        took,
    }
}
