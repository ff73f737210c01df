//! `warbler plugin contract`: everything a plugin can call and must export, to read.
//!
//! Made from the texts in `wit/`, which are their own documentation: an interface becomes a section,
//! each item in it a heading with its declaration and what is said of it.

use super::files::CONTRACT;
use crate::failure::Failure;
use crate::terminal::Screen;

const HEAD: &str = "# The contract\n\nEverything a plugin can call and must export, as `wit/` declares it. The guide is in [plugins](plugins.md).\n\
                    \n<!-- Written by `warbler plugin contract`; do not edit. -->\n";

/// An item of an interface, or a whole world.
#[derive(Default)]
struct Item {
    docs: Vec<String>,
    lines: Vec<String>,
}

/// Prints it.
pub(super) fn run(screen: Screen) -> Result<(), Failure> {
    Ok(screen.line(render().trim_end())?)
}

/// The whole reference as Markdown.
fn render() -> String {
    let mut files: Vec<(&str, String)> = CONTRACT
        .iter()
        .map(|(path, bytes)| (*path, String::from_utf8_lossy(bytes).into_owned()))
        .collect();
    // Worlds say what belongs together, types are what all others use.
    let rank = |path: &str| match path {
        "world.wit" => 0,
        "types.wit" => 1,
        _ => 2,
    };
    files.sort_by(|(a, _), (b, _)| (rank(a), a).cmp(&(rank(b), b)));
    let mut out = HEAD.to_owned();
    for (_, text) in &files {
        file(text, &mut out);
    }
    out
}

/// One file: what is said of the package, its interfaces and its worlds.
fn file(text: &str, out: &mut String) {
    let mut docs: Vec<String> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(doc) = doc_of(line) {
            docs.push(doc);
        } else if line.starts_with("package ") {
            // Files beside the one that tells of the package name it only.
            if !docs.is_empty() {
                let name = line.trim_start_matches("package ").trim_end_matches(';');
                section(out, "##", &format!("`{name}`"), &std::mem::take(&mut docs));
            }
        } else if let Some(name) = named(line, "interface ") {
            section(
                out,
                "##",
                &format!("Interface `{name}`"),
                &std::mem::take(&mut docs),
            );
            for item in items(&mut lines) {
                show(&item, out);
            }
        } else if named(line, "world ").is_some() {
            let mut world = vec![line.to_owned()];
            for line in lines.by_ref() {
                world.push(line.to_owned());
                if line == "}" {
                    break;
                }
            }
            let name = named(line, "world ").unwrap_or_default();
            section(
                out,
                "##",
                &format!("World `{name}`"),
                &std::mem::take(&mut docs),
            );
            code(&world, out);
        }
    }
}

/// The items up to the end of the interface.
fn items<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<Item> {
    let mut items = Vec::new();
    let mut item = Item::default();
    for line in lines {
        if line == "}" {
            break;
        }
        let inner = line.strip_prefix("    ").unwrap_or(line);
        let begun = !item.lines.is_empty();
        if let (false, Some(doc)) = (begun, doc_of(inner)) {
            item.docs.push(doc);
            continue;
        }
        if inner.is_empty() && !begun {
            continue;
        }
        item.lines.push(inner.to_owned());
        let whole = !inner.starts_with(' ') && inner.ends_with([';', '}']);
        if whole {
            items.push(std::mem::take(&mut item));
        }
    }
    items
}

fn show(item: &Item, out: &mut String) {
    let Some(first) = item.lines.first() else {
        return;
    };
    if first.starts_with("use ") {
        code(&item.lines, out);
        return;
    }
    let words = first
        .split([':', ' ', ';', '{'])
        .filter(|word| !word.is_empty());
    let kinds = ["record", "enum", "variant", "flags", "type", "resource"];
    let name = words.into_iter().find(|word| !kinds.contains(word));
    let name = name.unwrap_or_default();
    out.push_str(&format!("\n### `{name}`\n"));
    code(&item.lines, out);
    if !item.docs.is_empty() {
        out.push_str(&format!("\n{}\n", item.docs.join("\n")));
    }
}

fn section(out: &mut String, mark: &str, title: &str, docs: &[String]) {
    out.push_str(&format!("\n{mark} {title}\n"));
    if !docs.is_empty() {
        out.push_str(&format!("\n{}\n", docs.join("\n")));
    }
}

fn code(lines: &[String], out: &mut String) {
    out.push_str(&format!("\n```wit\n{}\n```\n", lines.join("\n")));
}

/// The name of what begins here, if it is of this kind.
fn named<'a>(line: &'a str, kind: &str) -> Option<&'a str> {
    line.strip_prefix(kind)?.strip_suffix(" {")
}

/// What a line of documentation says.
fn doc_of(line: &str) -> Option<String> {
    let text = line.strip_prefix("///")?;
    Some(text.strip_prefix(' ').unwrap_or(text).to_owned())
}
