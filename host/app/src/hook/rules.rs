//! What rules would do with an event: the answer to "why did it (not) fire?".

use warbler_domain::rule::RuleName;
use warbler_domain::{RuleId, Timestamp};

use super::HookOutcome;

/// What the extension is called that the rules of the database are.
pub const RULES: &str = "rules";

/// What became of each rule, and what those that were used ask for.
#[derive(Debug, Clone, Default)]
pub struct RuleTrial {
    /// Every rule that concerns the event's session, in order.
    pub verdicts: Vec<RuleVerdict>,
    /// What is asked for; absent when no rule is used.
    pub outcome: Option<HookOutcome>,
    /// Until when the chat is left to a human, if it is: no rule is looked at then.
    pub paused_until: Option<Timestamp>,
    /// The rule whose question the message answers, if it does: no other is looked at then.
    pub answers: Option<RuleName>,
}

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleVerdict {
    /// Its id; absent for rules of scripts.
    pub id: Option<RuleId>,
    /// Its name.
    pub name: RuleName,
    /// Why it is not used: the first condition that does not hold, in words. Absent when it is used.
    pub why_not: Option<String>,
}
