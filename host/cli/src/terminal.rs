//! What people see: plain lines on standard output, with colours where they are welcome.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use crate::config::Environment;

mod qr;

pub use qr::{QrTooLong, draw as draw_qr};

/// Standard output.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    terminal: bool,
    colour: bool,
}

impl Screen {
    /// The screen of this process, with colours if it is a terminal and they are welcome.
    pub fn of_process(environment: &Environment) -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            terminal,
            colour: terminal && environment.welcomes_colour(),
        }
    }

    /// Whether somebody looks at it, rather than a file or a pipe.
    pub fn is_terminal(self) -> bool {
        self.terminal
    }

    /// Whether colours are welcome.
    pub fn has_colour(self) -> bool {
        self.colour
    }

    /// Prints one line.
    pub fn line(self, text: impl Display) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// Moves up `lines` lines and clears what is below, on a terminal.
    pub fn take_back(self, lines: usize) -> io::Result<()> {
        if !self.terminal || lines == 0 {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        write!(out, "\x1b[{lines}A\x1b[J")?;
        out.flush()
    }

    /// Important.
    pub fn strong(self, text: impl Display) -> String {
        self.paint("1", text)
    }

    /// Less important.
    pub fn faint(self, text: impl Display) -> String {
        self.paint("2", text)
    }

    /// Good.
    pub fn good(self, text: impl Display) -> String {
        self.paint("32", text)
    }

    /// A warning.
    pub fn warn(self, text: impl Display) -> String {
        self.paint("33", text)
    }

    /// Bad.
    pub fn bad(self, text: impl Display) -> String {
        self.paint("31", text)
    }

    /// One side of a conversation.
    pub fn accent(self, text: impl Display) -> String {
        self.paint("36", text)
    }

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}

/// Somebody else's text on one line: no control characters, so that a message cannot steer the
/// terminal, and no more than `longest` characters.
pub fn plain(text: &str, longest: usize) -> String {
    let mut out: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .take(longest + 1)
        .collect();
    if out.chars().count() > longest {
        out.pop();
        out.pop();
        out.push('…');
    }
    out
}

/// The time of day here.
pub fn time_of_day(at: jiff::Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::system())
        .strftime("%H:%M:%S")
        .to_string()
}

/// Characters that reorder or hide their neighbours.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `rows` under `headings`, in columns as wide as needed.
pub fn columns(screen: Screen, headings: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        let heading = headings
            .get(column)
            .map_or(0, |heading| heading.chars().count());
        longest.max(heading)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut out = String::new();
        for (cell, width) in cells.zip(&widths) {
            out.push_str(&format!("{cell:<width$}  "));
        }
        out.trim_end().to_owned()
    };
    let mut out = vec![screen.faint(line(&mut headings.iter().copied()))];
    out.extend(
        rows.iter()
            .map(|row| line(&mut row.iter().map(String::as_str))),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_message_cannot_steer_the_terminal() {
        assert_eq!(plain("hi\x1b[2J\nthere\u{202e}", 40), "hi[2J there");
    }

    #[test]
    fn a_long_message_is_cut() {
        assert_eq!(plain("abcdef", 4), "abc…");
        assert_eq!(plain("abcd", 4), "abcd");
    }
}
