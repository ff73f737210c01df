//! The words a rule looks for.

use serde::{Deserialize, Deserializer, Serialize};

use super::{fold, short};

/// One or more texts that are looked for, each with at least one letter, digit or sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Words(Vec<String>);

/// Texts that cannot be looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadWords {
    /// Nothing to look for, or too much.
    #[error("name 1 to {} texts to look for", Words::MOST)]
    Count,
    /// An empty text, which would stand in every message.
    #[error("an empty text stands in every message; leave the condition out instead")]
    Empty,
    /// Too long a text.
    #[error("a text to look for has at most {} bytes", Words::LONGEST)]
    TooLong,
}

impl Words {
    /// Most texts of one condition.
    pub const MOST: usize = 256;
    /// Longest text, in bytes.
    pub const LONGEST: usize = 256;

    /// What ends a dialogue when nothing is said about it.
    pub(super) fn to_cancel() -> Self {
        Self(vec!["cancel".to_owned(), "stop".to_owned()])
    }

    /// The texts, as they were written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl TryFrom<Vec<String>> for Words {
    type Error = BadWords;

    fn try_from(words: Vec<String>) -> Result<Self, BadWords> {
        if !(1..=Self::MOST).contains(&words.len()) {
            return Err(BadWords::Count);
        }
        if words.iter().any(|word| word.len() > Self::LONGEST) {
            return Err(BadWords::TooLong);
        }
        if words.iter().any(|word| fold(word).is_empty()) {
            return Err(BadWords::Empty);
        }
        Ok(Self(words))
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = short::one_or_more(deserializer)?;
        Self::try_from(words).map_err(serde::de::Error::custom)
    }
}
