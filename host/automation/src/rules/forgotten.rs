//! Values that the texts of a script's rules name and none of its rules remembers.
//!
//! Such a place stays empty for ever, which is mostly a name that is misspelt.

use std::collections::BTreeSet;

use warbler_domain::rule::{RuleAction, ValueName};

use super::RuleSet;

/// Most warnings about one script.
const MOST: usize = 20;
/// How much two names differ at most that may be the same misspelt.
const NEAR: usize = 2;

impl RuleSet {
    /// A warning for each such value of each rule, at most 20.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let actions = || {
            let entries = self.entries.iter();
            entries.flat_map(|entry| entry.spec.then.iter().map(move |action| (entry, action)))
        };
        let remembered = actions().filter_map(|(_, action)| match action {
            RuleAction::Remember(kept) => Some(kept.name.as_str()),
            RuleAction::Ask(ask) => Some(ask.remember.as_str()),
            _ => None,
        });
        let remembered: BTreeSet<&str> = remembered.collect();
        let mut warnings = Vec::new();
        for (entry, action) in actions() {
            for template in action.templates() {
                for value in template.values().map(|value| value.as_str()) {
                    if remembered.contains(value) || warnings.len() >= MOST {
                        continue;
                    }
                    let line = match entry.line {
                        Some(line) => format!(" (line {line})"),
                        None => String::new(),
                    };
                    let near = nearest(value, &remembered);
                    let near =
                        near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                    let name = entry.name();
                    let warning = format!(
                        "rule \"{name}\"{line}: no rule of this file remembers `{value}`, so nothing will stand there{near}"
                    );
                    if !warnings.contains(&warning) {
                        warnings.push(warning);
                    }
                }
            }
        }
        warnings
    }
}

fn nearest<'a>(value: &str, remembered: &BTreeSet<&'a str>) -> Option<&'a str> {
    let all = ValueName::TAKEN
        .into_iter()
        .chain(remembered.iter().copied());
    let near = all.map(|known| (strsim::damerau_levenshtein(value, known), known));
    let nearest = near.min();
    nearest
        .filter(|(distance, _)| *distance <= NEAR)
        .map(|(_, known)| known)
}
