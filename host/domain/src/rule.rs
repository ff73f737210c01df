//! Rules: answers that need no program, as data.
//!
//! A rule says when it applies ([`Condition`]) and what is then done ([`RuleAction`]). The same type
//! is made from JSON and from the sentences of a script, and the same matcher runs both. Once a
//! [`RuleSpec`] is there it cannot be wrong: every part was parsed, and the whole was looked at.

mod action;
mod condition;
mod fold;
mod hours;
mod limit;
mod memory;
mod short;
mod span;
mod template;
mod words;

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{RuleId, SessionId, UserId};

pub use action::{
    Address, Ask, BadAction, ContactAnswer, Emoji, ForwardTo, HandOver, MediaAnswer, PlaceAnswer,
    Post, Remember, Reply, RuleAction, SendTo, SetState, Tell,
};
pub use condition::{BadPattern, Condition, Kinds, Pattern, People};
pub use fold::{fold, squeeze};
pub use hours::{BadHours, Days, Hours, OnDays};
pub use limit::{BadName, Chance, RuleName, StateName, Tag, ValueName};
pub use memory::{ChatMemory, Dialogue, Full};
pub use span::{BadSpan, Span};
pub use template::{BadTemplate, Hole, Template};
pub use words::{BadWords, Words};

/// A rule that is kept in the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// Whose sessions it is for, when it is for no single one; nobody for simply every session.
    pub owner: Option<UserId>,
    /// The session it is for; see [`Rule::owner`] when absent.
    pub session: Option<SessionId>,
    /// Whether it is looked at.
    pub enabled: bool,
    /// What it says.
    pub spec: RuleSpec,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Rule {
    /// Most rules of a host.
    pub const MOST: usize = 10_000;
    /// Most rules with a regular expression, of a host or of a script.
    pub const MOST_PATTERNS: usize = 1_000;

    /// Its place among others: smaller comes first.
    pub fn place(&self) -> (i32, RuleId) {
        (self.spec.order, self.id)
    }
}

/// What a rule says, before it was looked at as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleParts {
    /// What people call it.
    pub name: RuleName,
    /// Its place among the others: smaller comes first.
    #[serde(default = "RuleParts::usual_order")]
    pub order: i32,
    /// What must hold, all of it; a rule without conditions applies to every message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// What is done, in order.
    pub then: Vec<RuleAction>,
    /// How long it rests in a chat after it was used there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<Span>,
    /// Whether case and accents of its words count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub match_case: bool,
    /// Whether later rules are looked at as well when this one was used.
    #[serde(
        default,
        rename = "continue",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub continues: bool,
}

impl RuleParts {
    /// The place of a rule of which nothing else is said.
    pub fn usual_order() -> i32 {
        100
    }
}

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RuleParts", into = "RuleParts")]
pub struct RuleSpec(RuleParts);

/// Why the parts of a rule make no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// It would do nothing.
    #[error("rule \"{0}\" does nothing: give it at least one action, such as a reply")]
    NoAction(RuleName),
    /// It does too much.
    #[error("a rule has at most {} actions", RuleSpec::MAX_ACTIONS)]
    TooManyActions,
    /// It wants too much.
    #[error("a rule has at most {} conditions", RuleSpec::MAX_CONDITIONS)]
    TooManyConditions,
    /// Conditions within conditions within conditions.
    #[error("conditions stand at most {} deep in one another", RuleSpec::MAX_DEPTH)]
    TooDeep,
    /// `any` or `all` of nothing.
    #[error("`any` and `all` need at least one condition")]
    Empty,
    /// `{{1}}` without a regular expression.
    #[error(
        "`{{{{{0}}}}}` stands for a group of `matches`, and no `matches` of this rule has so many"
    )]
    NoGroup(u8),
}

impl BadRule {
    /// The field of the rule that is wrong.
    pub fn field(&self) -> &'static str {
        match self {
            Self::NoAction(_) | Self::TooManyActions | Self::NoGroup(_) => "then",
            Self::TooManyConditions | Self::TooDeep | Self::Empty => "when",
        }
    }
}

impl RuleSpec {
    /// Most actions.
    pub const MAX_ACTIONS: usize = 16;
    /// Most conditions, those within others counted as well.
    pub const MAX_CONDITIONS: usize = 64;
    /// How deep conditions stand in one another.
    pub const MAX_DEPTH: usize = 5;

    /// Looks at the parts as a whole.
    pub fn new(parts: RuleParts) -> Result<Self, BadRule> {
        if parts.then.is_empty() {
            return Err(BadRule::NoAction(parts.name));
        }
        if parts.then.len() > Self::MAX_ACTIONS {
            return Err(BadRule::TooManyActions);
        }
        let mut count = 0;
        for condition in &parts.when {
            look_at(condition, 1, &mut count)?;
        }
        let groups = parts.when.iter().map(Condition::groups).max().unwrap_or(0);
        let asked = parts.then.iter().filter_map(RuleAction::last_group).max();
        match asked {
            Some(group) if usize::from(group) > groups => Err(BadRule::NoGroup(group)),
            _ => Ok(Self(parts)),
        }
    }

    /// The parts, to be changed and looked at again.
    pub fn into_parts(self) -> RuleParts {
        self.0
    }

    /// Whether it has a regular expression.
    pub fn has_pattern(&self) -> bool {
        let mut found = false;
        for condition in &self.when {
            condition.each(&mut |one| found |= matches!(one, Condition::Matches(_)));
        }
        found
    }
}

fn look_at(condition: &Condition, depth: usize, count: &mut usize) -> Result<(), BadRule> {
    *count += 1;
    if *count > RuleSpec::MAX_CONDITIONS {
        return Err(BadRule::TooManyConditions);
    }
    if depth > RuleSpec::MAX_DEPTH {
        return Err(BadRule::TooDeep);
    }
    if matches!(condition, Condition::Any(list) | Condition::All(list) if list.is_empty()) {
        return Err(BadRule::Empty);
    }
    condition
        .children()
        .try_for_each(|child| look_at(child, depth + 1, count))
}

impl Deref for RuleSpec {
    type Target = RuleParts;

    fn deref(&self) -> &RuleParts {
        &self.0
    }
}

impl TryFrom<RuleParts> for RuleSpec {
    type Error = BadRule;

    fn try_from(parts: RuleParts) -> Result<Self, BadRule> {
        Self::new(parts)
    }
}

impl From<RuleSpec> for RuleParts {
    fn from(spec: RuleSpec) -> Self {
        spec.0
    }
}

/// A text, as its type wants it: for types that are stored and sent as plain text.
macro_rules! as_text {
    ($name:ident, $error:ty) => {
        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}
pub(crate) use as_text;

/// A mistake in a text that is to be a rule: where, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleMistake {
    /// The field, as a path: `when[0].between.from`.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for RuleMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// What is said of a mistake, without the middle of what somebody wrote at great length: the beginning
/// says what is wrong, the end what is expected.
fn cut(said: String) -> String {
    const BEGINNING: usize = 300;
    const END: usize = 600;
    let count = said.chars().count();
    if count <= BEGINNING + END {
        return said;
    }
    let beginning = said.chars().take(BEGINNING);
    let end = said.chars().skip(count - END);
    beginning.chain(" … ".chars()).chain(end).collect()
}

impl FromStr for RuleSpec {
    type Err = RuleMistake;

    /// Reads the JSON of a rule, and says exactly which field is wrong.
    fn from_str(json: &str) -> Result<Self, RuleMistake> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let parsed: Result<RuleParts, _> = serde_path_to_error::deserialize(&mut reader);
        let parts = parsed.map_err(|err| RuleMistake {
            field: cut(err.path().to_string()),
            message: cut(err.inner().to_string()),
        })?;
        Self::new(parts).map_err(|bad| RuleMistake {
            field: bad.field().to_owned(),
            message: bad.to_string(),
        })
    }
}

#[cfg(test)]
mod tests;
