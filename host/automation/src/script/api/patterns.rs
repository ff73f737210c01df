//! Regular expressions.

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::{Answer, in_call, runtime};
use crate::script::book::Book;
use crate::script::pattern::{MAX_FOUND, MAX_TEXT, Pattern};

pub(super) fn register(book: &mut Book<'_>) {
    book.chapter("Patterns")
        .add(
            "matches(text, pattern) -> bool",
            "Whether a regular expression fits somewhere in a text. `(?i)` at its beginning makes case no matter; the \
             [syntax](https://docs.rs/regex/latest/regex/#syntax) has no back references.",
            "matches(\"Order 4711, please\", `\\d{4}`) // true\nmatches(\"HELLO\", `(?i)^hel+o$`) // true",
            |text: &str, pattern: &str| -> Answer<bool> { Ok(fitting(text, pattern)?.is_match(text)) },
        )
        .add(
            "find(text, pattern) -> text",
            "The first place where it fits; `()` when there is none.",
            "find(\"Order 4711, please\", `\\d+`) // \"4711\"\nfind(\"Order\", `\\d+`) // ()",
            |text: &str, pattern: &str| -> Answer<Dynamic> {
                let found = fitting(text, pattern)?;
                let found = found.find(text);
                Ok(found.map_or(Dynamic::UNIT, |found| found.as_str().to_owned().into()))
            },
        )
        .add(
            "find_all(text, pattern) -> list",
            "All such places, at most 1,000.",
            "find_all(\"2 of 3\", `\\d`) // [\"2\", \"3\"]",
            |text: &str, pattern: &str| -> Answer<Array> {
                let pattern = fitting(text, pattern)?;
                let found = pattern.find_iter(text).take(MAX_FOUND);
                Ok(found.map(|found| found.as_str().to_owned().into()).collect())
            },
        )
        .add(
            "groups(text, pattern) -> map",
            "What stands in the brackets `(?<name>…)` at the first place where it fits; `()` when there is none.",
            "groups(\"table for 4 at 19:30\", `for (?<seats>\\d+) at (?<time>[\\d:]+)`).time // \"19:30\"",
            |text: &str, pattern: &str| -> Answer<Dynamic> {
                let pattern = fitting(text, pattern)?;
                let Some(found) = pattern.captures(text) else {
                    return Ok(Dynamic::UNIT);
                };
                let names = pattern.capture_names().flatten();
                let groups = names.map(|name| {
                    let group = found.name(name).map(|group| group.as_str().to_owned());
                    (name.into(), group.map_or(Dynamic::UNIT, Dynamic::from))
                });
                Ok(groups.collect::<Map>().into())
            },
        )
        .add(
            "replace_all(text, pattern, with) -> text",
            "A copy with something else in all such places; `$name` stands for a bracket.",
            "replace_all(\"call 555 0100\", `\\d`, \"*\") // \"call *** ****\"",
            |text: &str, pattern: &str, with: &str| -> Answer<ImmutableString> {
                let found = fitting(text, pattern)?;
                if with.len().saturating_mul(text.len()) > MAX_REPLACED {
                    return Err(runtime("what would be put in is too long"));
                }
                Ok(found.replace_all(text, with).into_owned().into())
            },
        );
}

/// Longest text that replacing can make, in bytes, before Rhai's own limit is asked.
const MAX_REPLACED: usize = 4 * 1024 * 1024;

fn fitting(text: &str, pattern: &str) -> Answer<Pattern> {
    if text.len() > MAX_TEXT {
        let message = format!("a text that is searched has at most {MAX_TEXT} bytes");
        return Err(runtime(message));
    }
    let found = in_call(|call| Ok(call.fixed.patterns.get(pattern)))?;
    found.map_err(runtime)
}
