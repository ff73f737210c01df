//! Rules as sentences: `rule("prices").when(text.contains_any(["price", "cost"])).reply("…")`.
//!
//! The sentences are run once, when a script is loaded. What they say becomes the same data that
//! `/v1/rules` keeps, and is matched natively: no event enters the script engine for it. A sentence
//! that is wrong is a fault with its place, its line and, where a word is misspelt, the word that was
//! probably meant.

mod conditions;
mod sentence;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rhai::{Array, Dynamic, Engine, EvalAltResult, Position as Place};
use warbler_domain::pacing::Zone;
use warbler_domain::rule::Rule;

use self::sentence::{Draft, Sentence};
use super::failure;
use crate::fault::{Fault, Position};
use crate::rules::RuleSet;

pub(super) use conditions::{is_word, word};

/// Whether a function of this name is said to rules.
pub(super) fn is_said(name: &str) -> bool {
    sentence::WORDS.contains(&name)
}

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// Most rules of one script.
const MAX_RULES: usize = 2_000;
/// How much two words differ at most that may be the same misspelt.
const NEAR: usize = 3;

/// The sentences of the script that is being loaded on this thread.
#[derive(Default)]
struct Collector {
    drafts: Vec<Arc<Mutex<Draft>>>,
    zone: Option<Zone>,
}

thread_local! {
    static COLLECTOR: RefCell<Option<Collector>> = const { RefCell::new(None) };
}

/// Collects the sentences of a script as long as it lives.
pub(super) struct Collecting(());

impl Collecting {
    pub(super) fn begin() -> Self {
        COLLECTOR.set(Some(Collector::default()));
        Self(())
    }

    /// What the sentences come to; nothing when there are none.
    pub(super) fn rules(self, source: &str) -> Result<Option<Arc<RuleSet>>, Fault> {
        let collected = COLLECTOR.take().unwrap_or_default();
        if collected.drafts.is_empty() {
            return Ok(None);
        }
        let (mut specs, mut seen, mut patterns) = (Vec::new(), HashMap::new(), 0);
        for draft in collected.drafts {
            let draft = draft
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .clone();
            let place = draft.place();
            let at = |message: String| placed(Fault::new("script-rule", message), source, place);
            let spec = draft.into_spec().map_err(|bad| at(bad.to_string()))?;
            if let Some(line) = seen.insert(spec.name.clone(), place.line().unwrap_or(0)) {
                return Err(at(format!(
                    "there are two rules \"{}\"; the other one is in line {line}",
                    spec.name
                )));
            }
            patterns += usize::from(spec.has_pattern());
            if patterns > Rule::MOST_PATTERNS {
                return Err(at(format!(
                    "at most {} rules of a script have a regular expression",
                    Rule::MOST_PATTERNS
                )));
            }
            let line = place.line().and_then(|line| u32::try_from(line).ok());
            specs.push((spec, line));
        }
        Ok(Some(Arc::new(RuleSet::of_script(specs))))
    }
}

impl Drop for Collecting {
    fn drop(&mut self) {
        COLLECTOR.set(None);
    }
}

/// Makes the words of rules known.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Sentence>("Rule")
        .register_type_with_name::<conditions::Text>("Text")
        .register_type_with_name::<conditions::Wanted>("Condition");
    engine.register_fn(
        "rule",
        |context: rhai::NativeCallContext<'_>, name: &str| -> Answer<Sentence> {
            let name = name.parse().map_err(|bad| wrong(&bad))?;
            collecting(|collector| {
                if collector.drafts.len() >= MAX_RULES {
                    return Err(refused(format!("a script has at most {MAX_RULES} rules")));
                }
                let draft = Draft::new(name, context.call_position(), collector.zone.clone());
                let draft = Arc::new(Mutex::new(draft));
                collector.drafts.push(Arc::clone(&draft));
                Ok(Sentence(draft))
            })
        },
    );
    engine.register_fn("time_zone", |name: &str| -> Answer<()> {
        let zone = name.parse().map_err(|bad| wrong(&bad))?;
        collecting(|collector| {
            collector.zone = Some(zone);
            Ok(())
        })
    });
    conditions::register(engine);
    sentence::register(engine);
}

fn collecting<T>(use_it: impl FnOnce(&mut Collector) -> Answer<T>) -> Answer<T> {
    COLLECTOR.with_borrow_mut(|collector| match collector {
        Some(collector) => use_it(collector),
        None => Err(refused(
            "rules stand at the top level of a script, not in a function".to_owned(),
        )),
    })
}

/// What is wrong with a call of a word of rules that does not exist so; nothing when the call is
/// about something else.
pub(super) fn unknown_call(signature: &str) -> Option<String> {
    let (name, types) = signature.split_once(" (")?;
    let first = types.split([',', ')']).next().unwrap_or_default();
    let known: Vec<&str> = match first {
        "Rule" => sentence::WORDS.to_vec(),
        "Text" => conditions::TEXT_WORDS.to_vec(),
        "Condition" => vec!["not", "any_of", "all_of"],
        _ => conditions::GLOBAL_WORDS.to_vec(),
    };
    let of = match first {
        "Rule" => "a rule has no",
        "Text" => "`text` has no",
        _ => "there is no",
    };
    if known.contains(&name) {
        // What stands before the point is not what is wrong.
        let before = usize::from(matches!(first, "Rule" | "Text"));
        let given = types.trim_end_matches(')').split(", ").skip(before);
        let given: Vec<&str> = given.map(failure::kind_of).collect();
        let given = given.join(", ");
        let wants = match name {
            "when" | "unless" => "; it takes a condition, such as text.contains(\"price\")",
            _ => "",
        };
        return Some(format!("`{name}` cannot be used with ({given}){wants}"));
    }
    let nearest = known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(name, word), *word))
        .min()
        .filter(|(distance, word)| *distance <= NEAR.min(word.len() / 2));
    match nearest {
        Some((_, word)) => Some(format!("{of} `{name}`; did you mean `{word}`?")),
        None if matches!(first, "Rule" | "Text") => {
            Some(format!("{of} `{name}`; there are {}", known.join(", ")))
        }
        None => None,
    }
}

fn wrong(bad: &dyn std::fmt::Display) -> Box<EvalAltResult> {
    refused(bad.to_string())
}

fn refused(message: String) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(message.into(), Place::NONE).into()
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

/// One text or a list of texts.
fn texts(value: Dynamic) -> Answer<Vec<String>> {
    let not_texts = |found: &str| {
        refused(format!(
            "a text or a list of texts belongs here, not {}",
            failure::kind_of(found)
        ))
    };
    if value.is_string() {
        return Ok(vec![value.into_string().unwrap_or_default()]);
    }
    let kind = value.type_name();
    let list: Array = value.try_cast().ok_or_else(|| not_texts(kind))?;
    list.into_iter()
        .map(|one| one.into_string().map_err(not_texts))
        .collect()
}
