//! Log lines: to stderr, filtered, and without phone numbers from below.
//!
//! Warbler's own lines never hold numbers or message texts. The engine's may: they are shown from
//! warnings up only, long digit runs in them are masked and long lines cut, and the encryption
//! library, which can print key material around a failure, is silent unless a filter asks for it.

use std::io::{self, IsTerminal, Write};

use tracing::Metadata;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Environment, Log, LogFormat};

/// What stays as it is when a bare level is asked for.
const BELOW: &str = "warn,wacore_libsignal=off,wacore_noise=off,wa_rs_libsignal=off,wa_rs_noise=off,signal_session_store=off";
/// Digits in a row that may be a phone number.
const NUMBER: usize = 7;
/// Digits of a number that are shown.
const SHOWN: usize = 2;
/// Longest line from below, in bytes.
const LONGEST: usize = 600;

/// A filter that means nothing, or logging that was set up before.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// Not a filter.
    #[error(
        "`{filter}` is not a log filter: {reason}; write a level such as `info`, or `info,warbler_app=debug`"
    )]
    BadFilter {
        /// What was written.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Somebody else logs in this process.
    #[error("logging is set up already")]
    Twice,
}

/// Starts logging for this process.
pub fn start(log: &Log, environment: &Environment) -> Result<(), LoggingError> {
    let colour = io::stderr().is_terminal() && environment.welcomes_colour();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&log.filter)?)
        .with_ansi(colour && log.format == LogFormat::Text)
        .with_writer(Stderr);
    let started = match log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|_| LoggingError::Twice)
}

fn filter(text: &str) -> Result<EnvFilter, LoggingError> {
    let text = text.trim();
    let level = ["off", "error", "warn", "info", "debug", "trace"].contains(&text);
    let directives = match text {
        "off" => "off".to_owned(),
        _ if level => format!("{BELOW},warbler={text}"),
        _ => text.to_owned(),
    };
    EnvFilter::try_new(directives).map_err(|err| LoggingError::BadFilter {
        filter: text.to_owned(),
        reason: err.to_string(),
    })
}

/// Standard error, with lines from below masked.
#[derive(Clone, Copy)]
struct Stderr;

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { ours: false }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line {
        Line {
            ours: meta.target().starts_with("warbler"),
        }
    }
}

/// One line on its way to standard error.
struct Line {
    ours: bool,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stderr = io::stderr().lock();
        if self.ours {
            stderr.write_all(bytes)?;
        } else {
            stderr.write_all(masked(&String::from_utf8_lossy(bytes)).as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// The line with its numbers masked, cut to a bearable length.
fn masked(line: &str) -> String {
    let mut out = String::with_capacity(line.len().min(LONGEST) + 2);
    let mut digits = String::new();
    let flush = |digits: &mut String, out: &mut String| {
        if digits.len() >= NUMBER {
            out.push('…');
            out.extend(digits.chars().skip(digits.len() - SHOWN));
        } else {
            out.push_str(digits);
        }
        digits.clear();
    };
    for c in line.trim_end_matches('\n').chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        flush(&mut digits, &mut out);
        if out.len() >= LONGEST {
            out.push('…');
            break;
        }
        out.push(c);
    }
    flush(&mut digits, &mut out);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, filter, masked};

    #[test]
    fn a_number_from_below_shows_two_digits_and_a_time_stays() {
        assert_eq!(
            masked("2026-01-02T03:04:05.678901Z WARN no session for 15550100@s.whatsapp.net\n"),
            "2026-01-02T03:04:05.678901Z WARN no session for …00@s.whatsapp.net\n"
        );
    }

    #[test]
    fn a_long_line_from_below_is_cut() {
        let line = masked(&"ab".repeat(10_000));
        assert!(
            line.len() < LONGEST + 10 && line.ends_with("…\n"),
            "{}",
            line.len()
        );
    }

    #[test]
    fn a_bare_level_leaves_the_encryption_library_silent() {
        let text = filter("debug")
            .map(|filter| filter.to_string())
            .unwrap_or_default();
        assert!(
            text.contains("warbler=debug") && text.contains("wacore_libsignal=off"),
            "{text}"
        );
        assert!(filter("a=b=c").is_err());
    }
}
