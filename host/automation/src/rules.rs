//! Rules: compiled once, matched natively, carried out as any extension's actions.
//!
//! A [`RuleSet`] is made of the rules of the database or of those of a script. One pass over the
//! text finds the rules it may concern (`matcher`); each of them is then looked at whole (`check`),
//! in order, until one is used. What a rule needs to know of a chat is kept in the key-value space of
//! its extension (`memory`); what it does goes through the same effects, under the same grants, as
//! what a plugin does (`act`).
//!
//! Invariant: what `trial` says about a rule is what `run` does with it; both ask [`Entry::why_not`].

mod act;
mod check;
mod dialogue;
mod forgotten;
mod hook;
mod matcher;
mod memory;
mod reading;
mod run;
mod trial;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use warbler_domain::rule::{Condition, Rule, RuleAction, RuleName};
use warbler_domain::{RuleId, RuleSpec};

use check::{Check, Known};
use matcher::Matcher;

pub(crate) use hook::{Book, RulesHook};
pub(crate) use run::run;
pub(crate) use trial::{trial, verdicts};
pub(crate) use warbler_app::hook::RULES as NAME;

/// Rules that are looked at together, in their order.
pub(crate) struct RuleSet {
    entries: Vec<Entry>,
    matcher: Matcher,
    /// Whether one of them asks something or hands over to a human.
    dialogues: bool,
    /// Whether one of them is about new members of groups.
    members: bool,
}

/// Where a rule stands among others: its order, then its id, then its place in its file.
type Place = (i32, [u8; 16], usize);

/// One rule, ready to be matched.
pub(crate) struct Entry {
    /// What it is known by in what is kept of a chat.
    key: String,
    id: Option<RuleId>,
    /// The line of its script in which it begins.
    line: Option<u32>,
    enabled: bool,
    spec: RuleSpec,
    /// As the conditions of `spec`, one for one.
    checks: Vec<Check>,
    needs: Needs,
}

/// What has to be known before a rule can be looked at.
#[derive(Debug, Clone, Copy)]
struct Needs {
    memory: bool,
    first: bool,
    members: bool,
}

impl RuleSet {
    /// The rules of the database; they are in order.
    pub(crate) fn of_rules(rules: &[Arc<Rule>]) -> Self {
        let entries = rules.iter().map(|rule| {
            let key = rule.id.to_string();
            Entry::new(key, Some(rule.id), rule.enabled, rule.spec.clone())
        });
        Self::of_entries(entries.collect())
    }

    /// The rules of a script, each with its line, in the order in which they stand there.
    pub(crate) fn of_script(specs: Vec<(RuleSpec, Option<u32>)>) -> Self {
        let entries = specs.into_iter().map(|(spec, line)| {
            let key = spec.name.to_string();
            let entry = Entry::new(key, None, true, spec);
            Entry { line, ..entry }
        });
        let mut entries: Vec<Entry> = entries.collect();
        entries.sort_by_key(|entry| entry.spec.order);
        Self::of_entries(entries)
    }

    fn of_entries(entries: Vec<Entry>) -> Self {
        let enabled = || entries.iter().filter(|entry| entry.enabled);
        let waits =
            |action: &RuleAction| matches!(action, RuleAction::Ask(_) | RuleAction::HandOver(_));
        Self {
            dialogues: enabled().any(|entry| entry.spec.then.iter().any(waits)),
            members: enabled().any(|entry| entry.needs.members),
            matcher: Matcher::new(&entries),
            entries,
        }
    }

    /// Whether one of them is about new members of groups.
    pub(crate) fn wants_members(&self) -> bool {
        self.members
    }

    /// The rule that is known by this.
    fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.enabled && entry.key == key)
    }
}

impl Entry {
    fn new(key: String, id: Option<RuleId>, enabled: bool, spec: RuleSpec) -> Self {
        let has = |is: fn(&Condition) -> bool| spec.when.iter().any(|one| one.has(is));
        let needs = Needs {
            memory: spec.cooldown.is_some()
                || has(|one| matches!(one, Condition::State(_) | Condition::Tagged(_)))
                || spec.then.iter().any(RuleAction::needs_memory),
            first: has(|one| matches!(one, Condition::FirstContact)),
            members: has(|one| matches!(one, Condition::NewMember)),
        };
        let checks = spec.when.iter();
        let checks = checks.map(|one| Check::new(one, spec.match_case)).collect();
        Self {
            key,
            id,
            line: None,
            enabled,
            spec,
            checks,
            needs,
        }
    }

    fn name(&self) -> &RuleName {
        &self.spec.name
    }

    /// Its place among others: the order, and what stands before what when that is the same.
    fn place(&self, index: usize) -> Place {
        let id = self.id.map(|id| *id.as_bytes()).unwrap_or_default();
        (self.spec.order, id, index)
    }

    /// Whether all it wants holds.
    fn holds(&self, known: &Known<'_>) -> bool {
        // Who comes into a group has written nothing.
        known.reading.is_message() != self.needs.members
            && self.checks.iter().all(|check| check.holds(known))
            && self.rests_until(known).is_none()
    }

    /// Until when it rests in the chat, if it does.
    fn rests_until(&self, known: &Known<'_>) -> Option<warbler_domain::Timestamp> {
        self.spec.cooldown?;
        known.memory.rests_until(&self.key, known.reading.now())
    }
}
