//! The short words of rules: names, tags, states, and how likely something is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::as_text;

/// A text that cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Of a rule, a tag or a state.
    #[error("{0} has 1 to 64 characters, and no line breaks")]
    Label(&'static str),
    /// Of a value that is remembered.
    #[error(
        "`{0}` cannot name a value; use 1 to 32 letters, digits and `_`, beginning with a letter, and none of {words}",
        words = ValueName::TAKEN.join(", ")
    )]
    Value(String),
    /// How likely something is.
    #[error("a chance is a whole number from 1 to 100, in percent")]
    Chance,
}

/// Most characters of a label.
const MAX_LABEL: usize = 64;

fn label(text: &str, what: &'static str) -> Result<String, BadName> {
    let text = text.trim();
    let fits = (1..=MAX_LABEL).contains(&text.chars().count());
    if fits && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(BadName::Label(what))
    }
}

macro_rules! label {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                label(text, $what).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        as_text!($name, BadName);
    };
}

label! {
    /// What people call a rule.
    RuleName, "the name of a rule"
}

label! {
    /// A mark on a chat, such as `vip`.
    Tag, "a tag"
}

label! {
    /// What a chat is in the middle of, such as `waiting for order number`.
    StateName, "a state"
}

/// The name of a value that is remembered in a chat, and stands in texts as `{{name}}`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ValueName(String);

impl ValueName {
    /// Names that stand for something else in texts.
    pub const TAKEN: [&'static str; 4] = ["name", "first_name", "text", "phone"];

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ValueName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if begins && plain && text.len() <= 32 && !Self::TAKEN.contains(&text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadName::Value(text.chars().take(40).collect()))
        }
    }
}

impl fmt::Display for ValueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ValueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(ValueName, BadName);

/// How likely something is, in percent: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Chance(u8);

impl Chance {
    /// In percent.
    pub fn percent(self) -> u8 {
        self.0
    }
}

impl TryFrom<i64> for Chance {
    type Error = BadName;

    fn try_from(percent: i64) -> Result<Self, BadName> {
        u8::try_from(percent)
            .ok()
            .filter(|percent| (1..=100).contains(percent))
            .map(Self)
            .ok_or(BadName::Chance)
    }
}

impl From<Chance> for i64 {
    fn from(chance: Chance) -> Self {
        chance.0.into()
    }
}
