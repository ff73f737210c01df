//! Which rules a text may concern, found in one pass however many there are.
//!
//! All words of all rules are in one automaton, all regular expressions in few sets. A rule without
//! either is always looked at. What is found here is looked at whole afterwards, so finding too much
//! costs time and changes nothing.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::{RegexSet, RegexSetBuilder};

use super::Entry;
use super::check::Check;
use super::reading::Reading;

/// Patterns of one set; more are put into another.
const PATTERNS: usize = 128;
/// Most memory of one set, and of what it keeps while it matches, in bytes.
const SET_SIZE: usize = 64 * 1024 * 1024;
const SET_CACHE: usize = 4 * 1024 * 1024;
/// Words up to which the fastest form of automaton is built.
const FASTEST: usize = 2_000;

/// Finds the rules a text may concern.
pub(super) struct Matcher {
    /// For texts without case and accents, and for those as they were written.
    folded: Literals,
    exact: Literals,
    patterns: Vec<(RegexSet, Vec<usize>)>,
    always: Vec<usize>,
    /// Those about new members of groups; they are looked at then only.
    members: Vec<usize>,
}

#[derive(Default)]
struct Literals {
    automaton: Option<AhoCorasick>,
    /// By word, the rules it may be used for.
    rules: Vec<Vec<usize>>,
}

impl Matcher {
    pub(super) fn new(entries: &[Entry]) -> Self {
        let mut words: [HashMap<&str, Vec<usize>>; 2] = Default::default();
        let mut expressions = Vec::new();
        let (mut always, mut members) = (Vec::new(), Vec::new());
        for (index, entry) in entries.iter().enumerate() {
            if !entry.enabled {
                continue;
            }
            if entry.needs.members {
                members.push(index);
                continue;
            }
            let fewest = entry.checks.iter().filter_map(Check::literals);
            let [folded, exact] = &mut words;
            let of_case = if entry.spec.match_case { exact } else { folded };
            if let Some(literals) = fewest.min_by_key(Vec::len) {
                for literal in literals {
                    of_case.entry(literal).or_default().push(index);
                }
            } else if let Some(pattern) = entry.checks.iter().find_map(Check::pattern) {
                expressions.push((pattern.as_str(), index));
            } else {
                always.push(index);
            }
        }
        let mut patterns = Vec::new();
        for chunk in expressions.chunks(PATTERNS) {
            let built = RegexSetBuilder::new(chunk.iter().map(|(pattern, _)| pattern))
                .case_insensitive(true)
                .size_limit(SET_SIZE)
                .dfa_size_limit(SET_CACHE)
                .build();
            let rules = chunk.iter().map(|(_, index)| *index);
            match built {
                Ok(set) => patterns.push((set, rules.collect())),
                // Together they are too large; each is looked at alone.
                Err(_) => always.extend(rules),
            }
        }
        let [folded, exact] = words.map(|words| Literals::new(words, &mut always));
        Self {
            folded,
            exact,
            patterns,
            always,
            members,
        }
    }

    /// Those that may concern an event, in order, each once.
    pub(super) fn candidates(&self, reading: &Reading<'_>) -> Vec<usize> {
        if !reading.is_message() {
            return self.members.clone();
        }
        let mut found = self.always.clone();
        if let Some(text) = reading.text() {
            self.folded.find(reading.searched(false), &mut found);
            self.exact.find(reading.searched(true), &mut found);
            for (set, rules) in &self.patterns {
                let matching = set.matches(text);
                found.extend(matching.iter().filter_map(|at| rules.get(at)));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Literals {
    fn new(words: HashMap<&str, Vec<usize>>, always: &mut Vec<usize>) -> Self {
        if words.is_empty() {
            return Self::default();
        }
        let kind = if words.len() <= FASTEST {
            AhoCorasickKind::DFA
        } else {
            AhoCorasickKind::ContiguousNFA
        };
        let built = AhoCorasick::builder().kind(Some(kind)).build(words.keys());
        match built {
            Ok(automaton) => Self {
                automaton: Some(automaton),
                rules: words.into_values().collect(),
            },
            // There are too many words for one automaton: every rule is looked at.
            Err(_) => {
                always.extend(words.into_values().flatten());
                Self::default()
            }
        }
    }

    fn find(&self, text: &str, found: &mut Vec<usize>) {
        let Some(automaton) = &self.automaton else {
            return;
        };
        let mut last = None;
        for one in automaton.find_overlapping_iter(text) {
            let word = one.pattern().as_usize();
            if last.replace(word) == Some(word) {
                continue;
            }
            found.extend(self.rules.get(word).into_iter().flatten());
        }
    }
}
