//! The reference of scripts' functions, told by the engine itself.
//!
//! What a function is called and does is registered together with it (see `book`), so the reference
//! in the guide and the definitions for editors cannot say what the engine does not have.

use std::fmt::Write as _;

use super::{book, engine};
use crate::limits::ScriptLimits;

pub use super::book::Entry;

/// Every function, in the order of the reference. Second forms of a function have entries of their
/// own.
pub fn functions() -> Vec<Entry> {
    book::entries(&engine::new(&ScriptLimits::default()))
}

/// The reference as Markdown: a table for each chapter.
pub fn markdown() -> String {
    let mut text = String::new();
    let mut chapter = String::new();
    for entry in functions() {
        if entry.chapter != chapter {
            chapter.clone_from(&entry.chapter);
            // Writing into a string cannot fail.
            let _written = write!(
                text,
                "\n### {chapter}\n\n| function | what | example |\n|---|---|---|\n"
            );
        }
        let lines: Vec<String> = entry.example.lines().map(code).collect();
        let _written = writeln!(
            text,
            "| {} | {} | {} |",
            code(&entry.signature),
            cell(&entry.what),
            lines.join("<br>")
        );
    }
    text
}

/// What an editor's Rhai tooling needs to know of the functions: a `.d.rhai` file.
pub fn definitions() -> String {
    let mut text = String::from(
        "// The functions that Warbler gives scripts, for editors. Written by\n\
         // `warbler script docs --definitions`; not to be changed by hand.\n\
         module static;\n",
    );
    for entry in functions() {
        let _written = write!(text, "\n/// {}\n", entry.what);
        if !entry.example.is_empty() {
            text.push_str("///\n/// ```rhai\n");
            for line in entry.example.lines() {
                let _written = writeln!(text, "/// {line}");
            }
            text.push_str("/// ```\n");
        }
        let (call, answer) = match entry.signature.split_once(" -> ") {
            Some((call, answer)) => (call, type_of(answer)),
            None => (entry.signature.as_str(), "()"),
        };
        let (name, parameters) = call.split_once('(').unwrap_or((call, ")"));
        let parameters = parameters.trim_end_matches(')').split(", ");
        let parameters: Vec<String> = parameters
            .filter(|parameter| !parameter.is_empty())
            .map(|parameter| match parameter {
                "#{…}" => "map: Map".to_owned(),
                // A word of the language.
                "type" => "content_type: ?".to_owned(),
                other => format!("{other}: ?"),
            })
            .collect();
        let _written = writeln!(text, "fn {name}({}) -> {answer};", parameters.join(", "));
    }
    text
}

fn type_of(answer: &str) -> &str {
    match answer {
        "text" => "String",
        "bool" => "bool",
        "list" => "Array",
        "map" => "Map",
        "count" => "int",
        "time" => "Time",
        "response" => "Response",
        _ => "?",
    }
}

/// Code in a cell of a table.
fn code(text: &str) -> String {
    let fence = if text.contains('`') { "`` " } else { "`" };
    let end: String = fence.chars().rev().collect();
    cell(&format!("{fence}{text}{end}"))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
