//! Rhai's errors as faults: what, and where in the script.

use rhai::{EvalAltResult, Position as Place};

use super::api::NEEDS_THREAD;
use crate::effects::Halt;
use crate::fault::{Fault, Position};
use crate::registry::ModuleText;

/// Why a script's call, or its top level, did not end well.
pub(super) enum Failure {
    /// Rhai says why.
    Script(Box<EvalAltResult>),
    /// A limit of ours; Rhai may know the place.
    Halted(Halt, Option<Box<EvalAltResult>>),
    /// The engine panicked.
    Panicked,
}

/// The texts that an error may be in.
#[derive(Clone, Copy)]
pub(super) struct Sources<'s> {
    pub(super) script: &'s str,
    pub(super) modules: &'s [ModuleText],
}

/// What an error is about: the innermost error, its place, and the module it is in.
struct Found<'e> {
    error: &'e EvalAltResult,
    place: Place,
    module: &'e str,
}

impl Failure {
    /// Whether a second attempt, with more time and on a thread that may wait, can do better.
    pub(super) fn is_of_first_attempt(&self) -> bool {
        match self {
            Self::Halted(halt, _) => halt.code == NEEDS_THREAD,
            Self::Script(error) => matches!(
                innermost(error).error,
                EvalAltResult::ErrorTooManyOperations(_)
                    | EvalAltResult::ErrorTerminated(..)
                    | EvalAltResult::ErrorStackOverflow(_)
            ),
            Self::Panicked => false,
        }
    }

    /// In words, with its place in `sources`.
    pub(super) fn into_fault(self, sources: Sources<'_>) -> Fault {
        match self {
            Self::Script(error) => {
                let found = innermost(&error);
                placed(describe(found.error), sources, &found)
            }
            Self::Halted(halt, error) => {
                let fault = Fault::new(halt.code, halt.message);
                match error.as_deref().map(innermost) {
                    Some(found) => placed(fault, sources, &found),
                    None => fault,
                }
            }
            Self::Panicked => Fault::new(
                "script-panic",
                "the script engine failed inside; this is a mistake of the host, not of the script",
            ),
        }
    }
}

/// Calls wrap errors; the one inside is what happened, and the innermost place is where.
fn innermost(error: &EvalAltResult) -> Found<'_> {
    let mut found = Found {
        error,
        place: error.position(),
        module: "",
    };
    loop {
        let (module, inner) = match found.error {
            EvalAltResult::ErrorInFunctionCall(_, module, inner, _)
            | EvalAltResult::ErrorInModule(module, inner, _) => (module, inner),
            _ => return found,
        };
        found.error = inner;
        if !inner.position().is_none() {
            found.place = inner.position();
            found.module = module;
        }
    }
}

fn describe(error: &EvalAltResult) -> Fault {
    match error {
        EvalAltResult::ErrorTooManyOperations(_) => Fault::new(
            "script-operations",
            "too many operations; is there a loop that does not end?",
        ),
        EvalAltResult::ErrorTerminated(..) => {
            Fault::new("script-deadline", "the script ran too long")
        }
        EvalAltResult::ErrorStackOverflow(_) => {
            Fault::new("script-recursion", "functions call each other too deeply")
        }
        EvalAltResult::ErrorDataTooLarge(what, _) => {
            Fault::new("script-memory", format!("{what} is too large"))
        }
        EvalAltResult::ErrorTooManyVariables(_) => {
            Fault::new("script-memory", "too many variables")
        }
        EvalAltResult::ErrorTooManyModules(_) => {
            Fault::new("script-memory", "too many modules are imported")
        }
        EvalAltResult::ErrorParsing(kind, _) => Fault::new("script-syntax", kind.to_string()),
        EvalAltResult::ErrorRuntime(value, _) => Fault::new("script-error", value.to_string()),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            let said = super::rules::unknown_call(signature);
            let said = said.unwrap_or_else(|| without_place(&error.to_string()).to_owned());
            Fault::new("script-error", said)
        }
        other => Fault::new("script-error", without_place(&other.to_string())),
    }
}

/// Rhai ends its messages with ` (line 3, position 7)`; a fault says that in its own fields.
fn without_place(message: &str) -> &str {
    message
        .rsplit_once(" (line ")
        .map_or(message, |(message, _place)| message)
}

fn placed(fault: Fault, sources: Sources<'_>, found: &Found<'_>) -> Fault {
    let module = sources
        .modules
        .iter()
        .find(|module| module.name == found.module);
    let (fault, text) = match module {
        Some(module) => (fault.in_file(&module.path), &*module.text),
        None => (fault, sources.script),
    };
    at(fault, text, found.place)
}

/// The fault at a place of `text`, where it is known.
pub(super) fn at(fault: Fault, text: &str, place: Place) -> Fault {
    let line = place.line().and_then(|line| u32::try_from(line).ok());
    let Some(line) = line else {
        return fault;
    };
    let column = place.position();
    let column = column.and_then(|column| u32::try_from(column).ok());
    fault.at(text, Position { line, column })
}
