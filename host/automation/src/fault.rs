//! What can go wrong with an extension: stable codes, and how they are put into words.
//!
//! | code | when | meaning |
//! |---|---|---|
//! | `manifest` | load | `plugin.toml`, or a script's header line, cannot be used |
//! | `unreadable` | load | a file cannot be read |
//! | `too-large` | load | a file is larger than its limit |
//! | `name` | load | the file's name cannot name an extension |
//! | `name-taken` | load | another extension has the same name |
//! | `not-a-component` | load | the file is no WebAssembly component this host can compile |
//! | `missing-export` | load | the component exports no hook, or none of a version this host speaks |
//! | `unknown-import` | load | the component wants something this host does not offer |
//! | `failed-trial` | load | the newest version failed on its first events; the version before runs again |
//! | `needs-grant` | load | an update asks for more than is granted; the version before runs on |
//! | `fixture` | load | a fixture cannot be read |
//! | `fixture-failed` | load | a new version does not do what a fixture of it expects |
//! | `init-failed` | load | the component's own `init` said no |
//! | `busy` | call | too many calls of this plugin wait for their turn |
//! | `deadline` | call | longer than 250 ms |
//! | `cpu` | call | computed for more than 50 ms |
//! | `memory` | load, call | more than 32 MiB of memory, or 10,000 table elements |
//! | `host-memory` | call | more than 1 MiB handed to the host in one function call, or 8 MiB passed in all |
//! | `trap` | load, call | the guest crashed |
//! | `guest-exit` | call | the guest ended its own process |
//! | `guest-error` | call | the guest answered with an error of its own |
//! | `bad-text` | call | a renderer made an empty or too long text |
//! | `bad-payload` | call | a transformer made a payload that is too large |
//! | `too-many-actions` | call | more than 32 actions, or 256 KiB of text |
//! | `too-many-fetches` | call | more than 4 HTTP requests |
//! | `log-limit` | call | more than 100 log lines |
//! | `script-syntax` | load | the script cannot be parsed |
//! | `script-missing-handler` | load | the script has no handler of any hook |
//! | `script-unknown` | load | the script names a function, a variable or a module that does not exist |
//! | `script-rule` | load | a rule of the script does nothing, has the name of another, or cannot be so |
//! | `memory-full` | call | a rule keeps more of a chat than it may |
//! | `bad-answer` | call | the server a rule posts to did not take it |
//! | `script-error` | load, call | a mistake while running, or `throw` |
//! | `script-operations` | load, call | more than 200,000 operations |
//! | `script-deadline` | load, call | longer than 100 ms |
//! | `script-recursion` | load, call | functions called each other more than 32 deep |
//! | `script-memory` | load, call | a string beyond 64 KiB, an array or map beyond 10,000 |
//! | `script-panic` | load, call | the script engine failed; a mistake of ours |

use std::path::Path;

use warbler_domain::Timestamp;
use warbler_domain::extension::ExtensionFault;

/// Longest message of a fault, in bytes.
const MAX_MESSAGE: usize = 2 * 1024;
/// Longest line of an excerpt, in characters.
const MAX_EXCERPT: usize = 160;

/// A fault without a time: those who find one do not know the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) file: Option<String>,
    pub(crate) at: Option<Position>,
    pub(crate) excerpt: Option<String>,
}

/// A place in a text: line and column, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: Option<u32>,
}

impl Fault {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let mut message = message.into();
        cut(&mut message, MAX_MESSAGE);
        Self {
            code,
            message,
            file: None,
            at: None,
            excerpt: None,
        }
    }

    /// The fault is in this file.
    #[must_use]
    pub(crate) fn in_file(mut self, file: &Path) -> Self {
        self.file = Some(file.display().to_string());
        self
    }

    /// The fault is in this file, unless it is known to be in another.
    #[must_use]
    pub(crate) fn or_in_file(self, file: &Path) -> Self {
        match self.file {
            Some(_) => self,
            None => self.in_file(file),
        }
    }

    /// The fault is at this place of `source`, which is quoted.
    #[must_use]
    pub(crate) fn at(mut self, source: &str, position: Position) -> Self {
        self.at = Some(position);
        self.excerpt = excerpt(source, position);
        self
    }

    /// Whether it says a line.
    pub(crate) fn has_place(&self) -> bool {
        self.at.is_some()
    }

    pub(crate) fn dated(self, at: Timestamp) -> ExtensionFault {
        ExtensionFault {
            code: self.code.to_owned(),
            message: self.message,
            file: self.file,
            line: self.at.map(|position| position.line),
            column: self.at.and_then(|position| position.column),
            excerpt: self.excerpt,
            event: None,
            at,
        }
    }
}

impl Position {
    /// Where the byte `offset` of `source` is.
    pub(crate) fn of_offset(source: &str, offset: usize) -> Self {
        let before = source.get(..offset).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(start..).unwrap_or("").chars().count() + 1;
        Self {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).ok(),
        }
    }
}

/// A line of `source`, counted from 1, as it is quoted.
pub(crate) fn line(source: &str, line: u32) -> Option<String> {
    excerpt(source, Position { line, column: None })
}

/// The line at `position`, with a caret below the column.
fn excerpt(source: &str, position: Position) -> Option<String> {
    let index = usize::try_from(position.line).ok()?.checked_sub(1)?;
    let line = source.lines().nth(index)?;
    let column = usize::try_from(position.column.unwrap_or(1)).ok()?.max(1);
    // Of a long line, the part around the column.
    let skipped = column.saturating_sub(MAX_EXCERPT / 2);
    let shown: String = line
        .chars()
        .skip(skipped)
        .take(MAX_EXCERPT)
        .map(|c| if c == '\t' { ' ' } else { c })
        .collect();
    if position.column.is_none() {
        return Some(shown);
    }
    let indent = " ".repeat(column - 1 - skipped);
    Some(format!("{shown}\n{indent}^"))
}

/// Cuts `text` to at most `limit` bytes, at a character, and says so with an ellipsis.
pub(crate) fn cut(text: &mut String, limit: usize) {
    if text.len() <= limit {
        return;
    }
    let mut end = limit.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.push('…');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_quoted_with_a_caret_below_the_column() {
        let source = "let a = 1;\nlet ö = ;\n";
        let position = Position::of_offset(source, source.find("= ;").unwrap_or(0));
        let fault = Fault::new("script-syntax", "no value").at(source, position);
        assert_eq!(
            position,
            Position {
                line: 2,
                column: Some(7)
            }
        );
        assert_eq!(fault.excerpt.as_deref(), Some("let ö = ;\n      ^"));
    }

    #[test]
    fn a_long_line_is_quoted_around_the_column() {
        let source = "x".repeat(5000);
        let position = Position::of_offset(&source, 3000);
        let fault = Fault::new("script-syntax", "no").at(&source, position);
        let excerpt = fault.excerpt.unwrap_or_default();
        assert!(excerpt.len() < 400, "{}", excerpt.len());
    }

    #[test]
    fn a_text_is_cut_at_a_character() {
        let mut text = "ääää".to_owned();
        cut(&mut text, 6);
        assert_eq!(text, "ä…");
    }
}
