//! The regular expressions of one script: each compiled once, and none too large.
//!
//! Matching takes time linear in the text, whatever the pattern; the sizes of both are bounded, so
//! one match is a matter of milliseconds at worst.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use regex::{Regex, RegexBuilder};

/// A compiled pattern. Clones share what it remembers of earlier texts.
pub(super) type Pattern = Arc<Regex>;

/// Longest pattern, in bytes.
const MAX_PATTERN: usize = 1024;
/// Largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 256 * 1024;
/// Deepest brackets.
const MAX_NESTING: u32 = 32;
/// Longest text that is searched, in bytes.
pub(super) const MAX_TEXT: usize = 16 * 1024;
/// Most places that are listed.
pub(super) const MAX_FOUND: usize = 1000;
/// Patterns that are kept.
const KEPT: usize = 64;

/// Compiled patterns, by their text.
#[derive(Default)]
pub(super) struct Patterns(RwLock<HashMap<String, Pattern>>);

impl Patterns {
    /// The pattern, compiled; the error is in words for the script's author.
    pub(super) fn get(&self, pattern: &str) -> Result<Pattern, String> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = known.get(pattern) {
            return Ok(Arc::clone(compiled));
        }
        drop(known);
        if pattern.len() > MAX_PATTERN {
            return Err(format!("a pattern has at most {MAX_PATTERN} bytes"));
        }
        let compiled = RegexBuilder::new(pattern)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_COMPILED)
            .nest_limit(MAX_NESTING)
            .build()
            .map_err(|error| told(pattern, &error))?;
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            // A script that makes its patterns anew each time gains nothing from those before.
            known.clear();
        }
        let compiled = Arc::new(compiled);
        known.insert(pattern.to_owned(), Arc::clone(&compiled));
        Ok(compiled)
    }
}

fn told(pattern: &str, error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
        other => {
            let other = other.to_string();
            let last = other.lines().last().unwrap_or_default();
            let reason = last.strip_prefix("error: ").unwrap_or(last);
            format!("`{pattern}` is no pattern: {reason}")
        }
    }
}
