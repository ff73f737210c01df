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
        Some(backtrace) => {
            let place = place(backtrace).map_or_else(String::new, |place| format!(" at {place}"));
            Fault::new("trap", format!("{cause}{place}; in {}", frames(backtrace)))
        }
        None => Fault::new("trap", cause),
    }
}

/// The innermost place in the guest's own sources, where the component has debug information.
fn place(backtrace: &WasmBacktrace) -> Option<String> {
    let symbols = backtrace.frames().iter().flat_map(|frame| frame.symbols());
    let mut places = symbols.filter_map(|symbol| Some((symbol.file()?, symbol.line()?)));
    let (file, line) = places.find(|(file, _)| !is_of_others(file))?;
    // Enough of the path to know the file by, and nothing of the machine it was built on.
    let parts: Vec<&str> = file.split(['/', '\\']).collect();
    let shown = parts.get(parts.len().saturating_sub(3)..)?.join("/");
    Some(format!("{shown}:{line}"))
}

/// Whether a file is of a standard library or of a dependency.
fn is_of_others(file: &str) -> bool {
    ["/rustc/", "/library/", "/registry/src/", "/wasi-libc/"]
        .iter()
        .any(|part| file.contains(part))
        || file.starts_with("library/")
}

/// `handle < main < start`: the functions that were running, innermost first.
fn frames(backtrace: &WasmBacktrace) -> String {
    let frames = backtrace.frames();
    let mut names: Vec<String> = frames
        .iter()
        .take(FRAMES)
        .map(|frame| match frame.func_name() {
            Some(name) => format!("{:#}", rustc_demangle::demangle(name)),
            None => format!("function {}", frame.func_index()),
        })
        .collect();
    if frames.len() > FRAMES {
        names.push(format!("{} more", frames.len() - FRAMES));
    }
    names.join(" < ")
}
