//! Rhai's errors as faults: what, and where in the script.

use rhai::{EvalAltResult, LexError, ParseErrorType, Position as Place};

use super::ScriptEngine;
use super::api::NEEDS_THREAD;
use super::engine;
use super::watch::Seen;
use crate::effects::Halt;
use crate::fault::{Fault, Position};
use crate::limits::ScriptLimits;
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

/// The texts that an error may be in, and the engine that ran them.
#[derive(Clone, Copy)]
pub(super) struct Sources<'s> {
    pub(super) script: &'s str,
    pub(super) modules: &'s [ModuleText],
    pub(super) engine: &'s ScriptEngine,
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
                let fault = describe(found.error, sources.engine);
                sources.placed(fault, found.module, found.place)
            }
            Self::Halted(halt, error) => {
                let fault = Fault::new(halt.code, halt.message);
                match error.as_deref().map(innermost) {
                    Some(found) => sources.placed(fault, found.module, found.place),
                    None => fault,
                }
            }
            Self::Panicked => panicked(),
        }
    }
}

/// The fault of a call in which the engine failed.
pub(super) fn panicked() -> Fault {
    Fault::new(
        "script-panic",
        "the script engine failed inside; this is a mistake of the host, not of the script",
    )
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

/// What went wrong, in numbers of the limits, and what to do about it.
fn describe(error: &EvalAltResult, engine: &ScriptEngine) -> Fault {
    let limits = &engine.limits;
    match error {
        EvalAltResult::ErrorTooManyOperations(_) => Fault::new(
            "script-operations",
            format!(
                "more than {} operations in one call; is there a loop that does not end? What takes long is done in \
                 parts, the next one by a timer",
                limits.operations
            ),
        ),
        EvalAltResult::ErrorTerminated(..) => Fault::new(
            "script-deadline",
            format!(
                "the call took longer than {} ms; give its loops less to do, or leave a part to a timer",
                limits.wall.as_millis()
            ),
        ),
        EvalAltResult::ErrorStackOverflow(_) => Fault::new(
            "script-recursion",
            format!(
                "functions call each other more than {} deep; does one call itself without an end? A loop does the same",
                limits.call_depth
            ),
        ),
        EvalAltResult::ErrorDataTooLarge(what, _) => {
            Fault::new("script-memory", too_large(what, limits))
        }
        EvalAltResult::ErrorTooManyVariables(_) => Fault::new(
            "script-memory",
            format!(
                "more than {} variables at once; keep them in a list or a map",
                engine::VARIABLES
            ),
        ),
        EvalAltResult::ErrorTooManyModules(_) => Fault::new(
            "script-memory",
            format!(
                "more than {} imports; put modules together",
                engine::MODULES
            ),
        ),
        EvalAltResult::ErrorParsing(kind, _) => Fault::new("script-syntax", unread(kind)),
        EvalAltResult::ErrorMismatchDataType(wanted, found, _) => {
            let (wanted, found) = (kind_of(wanted), kind_of(found));
            let joined = match found {
                "a condition" => {
                    "; conditions are joined by all_of([…]) and any_of([…]), and turned around by not(…)"
                }
                _ => "",
            };
            let message = format!("{wanted} belongs here, and this is {found}{joined}");
            Fault::new("script-error", message)
        }
        EvalAltResult::ErrorRuntime(value, _) => Fault::new("script-error", value.to_string()),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            let said = engine.known.misused(signature);
            let said = said.or_else(|| super::rules::unknown_call(signature));
            let said = said.unwrap_or_else(|| without_place(&error.to_string()).to_owned());
            Fault::new("script-error", said)
        }
        other => Fault::new("script-error", without_place(&other.to_string())),
    }
}

/// Why a text is no script.
fn unread(why: &ParseErrorType) -> String {
    match why {
        ParseErrorType::BadInput(LexError::MalformedChar(_)) => {
            format!("{why}; a text stands between double quotes: \"…\"")
        }
        ParseErrorType::MissingToken(token, _) if token == ";" => {
            "a `;` is missing at the end of the line before".to_owned()
        }
        why => why.to_string(),
    }
}

/// Rhai names what is too large in its own words.
fn too_large(what: &str, limits: &ScriptLimits) -> String {
    let most = limits.collection;
    if what.contains("string") {
        let most = limits.string;
        return format!("a text is longer than {most} bytes; cut it, or send it in parts");
    }
    if what.contains("map") {
        return format!("a map has more than {most} entries; remove some before you add more");
    }
    format!("a list has more than {most} elements; remove some before you add more")
}

/// Rhai ends its messages with ` (line 3, position 7)`; a fault says that in its own fields.
fn without_place(message: &str) -> &str {
    message
        .rsplit_once(" (line ")
        .map_or(message, |(message, _place)| message)
}

impl Sources<'_> {
    /// The fault at a place of the script, or of one of its modules.
    fn placed(self, fault: Fault, module: &str, place: Place) -> Fault {
        let module = self.modules.iter().find(|one| one.name == module);
        let (fault, text) = match module {
            Some(module) => (fault.in_file(&module.path), &*module.text),
            None => (fault, self.script),
        };
        at(fault, text, place)
    }

    /// The fault where a call was seen.
    pub(super) fn seen(self, fault: Fault, seen: &Seen) -> Fault {
        self.placed(fault, &seen.module, seen.place)
    }
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

/// A type of Rhai in words.
pub(super) fn kind_of(name: &str) -> &str {
    match name {
        "()" => "nothing",
        "i64" | "f64" => "a number",
        "bool" => "true or false",
        "char" => "a character",
        "map" => "a map",
        "array" => "a list",
        "string" => "a text",
        "Fn" => "a function",
        "Rule" => "a rule",
        "Text" => "`text`",
        name if name == "Condition" || name.ends_with("::Wanted") => "a condition",
        name if name.contains("String") => "a text",
        other => other,
    }
}
