//! Rhai's errors as faults: what, and where in the script.

use rhai::{EvalAltResult, ParseError, Position as Place};

use super::api::NEEDS_THREAD;
use crate::effects::Halt;
use crate::fault::{Fault, Position};

/// Why a script's call, or its top level, did not end well.
pub(super) enum Failure {
    /// Rhai says why.
    Script(Box<EvalAltResult>),
    /// A limit of ours; Rhai may know the place.
    Halted(Halt, Option<Box<EvalAltResult>>),
    /// The engine panicked.
    Panicked,
}

impl Failure {
    /// Whether a second attempt, with more time and on a thread that may wait, can do better.
    pub(super) fn is_of_first_attempt(&self) -> bool {
        match self {
            Self::Halted(halt, _) => halt.code == NEEDS_THREAD,
            Self::Script(error) => matches!(
                innermost(error).0,
                EvalAltResult::ErrorTooManyOperations(_)
                    | EvalAltResult::ErrorTerminated(..)
                    | EvalAltResult::ErrorStackOverflow(_)
            ),
            Self::Panicked => false,
        }
    }

    /// In words, with its place in `source`.
    pub(super) fn into_fault(self, source: &str) -> Fault {
        match self {
            Self::Script(error) => {
                let (inner, place) = innermost(&error);
                placed(describe(inner), source, place)
            }
            Self::Halted(halt, error) => {
                let place = error
                    .as_deref()
                    .map_or(Place::NONE, |error| innermost(error).1);
                placed(Fault::new(halt.code, halt.message), source, place)
            }
            Self::Panicked => Fault::new(
                "script-panic",
                "the script engine failed inside; this is a mistake of the host, not of the script",
            ),
        }
    }
}

/// A script that cannot be parsed.
pub(super) fn of_parsing(source: &str, error: &ParseError) -> Fault {
    placed(
        Fault::new("script-syntax", error.err_type().to_string()),
        source,
        error.position(),
    )
}

/// Calls wrap errors; the one inside is what happened, and the innermost place is where.
fn innermost(error: &EvalAltResult) -> (&EvalAltResult, Place) {
    let mut error = error;
    let mut place = error.position();
    while let EvalAltResult::ErrorInFunctionCall(_, _, inner, _)
    | EvalAltResult::ErrorInModule(_, inner, _) = error
    {
        error = inner;
        if !error.position().is_none() {
            place = error.position();
        }
    }
    (error, place)
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
        EvalAltResult::ErrorParsing(kind, _) => Fault::new("script-syntax", kind.to_string()),
        EvalAltResult::ErrorRuntime(value, _) => Fault::new("script-error", value.to_string()),
        other => Fault::new("script-error", without_place(&other.to_string())),
    }
}

/// Rhai ends its messages with ` (line 3, position 7)`; a fault says that in its own fields.
fn without_place(message: &str) -> &str {
    message
        .rsplit_once(" (line ")
        .map_or(message, |(message, _place)| message)
}

fn placed(fault: Fault, source: &str, place: Place) -> Fault {
    let Some(line) = place.line().and_then(|line| u32::try_from(line).ok()) else {
        return fault;
    };
    let column = place
        .position()
        .and_then(|column| u32::try_from(column).ok());
    fault.at(source, Position { line, column })
}
