//! wasmtime's errors as faults.

use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::{I32Exit, ResourceTableError};

use crate::effects::Halt;
use crate::fault::Fault;

/// Frames of a backtrace that are shown.
const FRAMES: usize = 8;

/// Why a call, or a trial instance, failed.
pub(super) fn of_call(error: &wasmtime::Error) -> Fault {
    if let Some(halt) = error.downcast_ref::<Halt>() {
        return Fault::new(halt.code, halt.message.clone());
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Fault::new(
            "guest-exit",
            format!("the guest ended itself with exit code {}", exit.0),
        );
    }
    let cause = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return Fault::new("host-memory", "took too many handles of the host at once");
    }
    // wasmtime has no type for this one.
    if cause.contains("fuel allocated for hostcalls") {
        return Fault::new(
            "host-memory",
            "handed the host more data in one call than it takes",
        );
    }
    match error.downcast_ref::<WasmBacktrace>() {
        Some(backtrace) => Fault::new("trap", format!("{cause}; in {}", frames(backtrace))),
        None => Fault::new("trap", cause),
    }
}

/// `handle < main < start`: the functions that were running, innermost first.
fn frames(backtrace: &WasmBacktrace) -> String {
    let frames = backtrace.frames();
    let mut names: Vec<String> = frames
        .iter()
        .take(FRAMES)
        .map(|frame| match frame.func_name() {
            Some(name) => name.to_owned(),
            None => format!("function {}", frame.func_index()),
        })
        .collect();
    if frames.len() > FRAMES {
        names.push(format!("{} more", frames.len() - FRAMES));
    }
    names.join(" < ")
}
