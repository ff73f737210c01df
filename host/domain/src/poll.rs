//! Polls: a question, options, and how many of them one may choose.

use serde::{Deserialize, Serialize};

/// A question with options to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Poll {
    /// What is asked.
    pub question: String,
    /// What can be chosen; 2 to 12 different texts when this host sends it.
    pub options: Vec<String>,
    /// How many options one may choose; 0 when any number.
    pub choices: u32,
}

/// Why a poll cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPoll {
    /// Nothing is asked, or too much.
    #[error("a poll's question has 1 to {} characters", Poll::MAX_QUESTION)]
    Question,
    /// Too few or too many options.
    #[error("a poll has {} to {} options", Poll::MIN_OPTIONS, Poll::MAX_OPTIONS)]
    Options,
    /// An option says nothing, or too much.
    #[error("a poll's option has 1 to {} characters", Poll::MAX_OPTION)]
    Option,
    /// Two options say the same.
    #[error("two options of the poll say the same: `{0}`")]
    Twice(String),
    /// More choices than options.
    #[error("a poll cannot let people choose more options than it has")]
    Choices,
}

impl Poll {
    /// Fewest options.
    pub const MIN_OPTIONS: usize = 2;
    /// Most options (WhatsApp's own limit).
    pub const MAX_OPTIONS: usize = 12;
    /// Longest question, in characters.
    pub const MAX_QUESTION: usize = 255;
    /// Longest option, in characters.
    pub const MAX_OPTION: usize = 100;

    /// A poll that can be sent.
    pub fn new<S: Into<String>>(
        question: impl Into<String>,
        options: impl IntoIterator<Item = S>,
        choices: u32,
    ) -> Result<Self, BadPoll> {
        let question = question.into();
        if !fits(&question, Self::MAX_QUESTION) {
            return Err(BadPoll::Question);
        }
        let options: Vec<String> = options
            .into_iter()
            .take(Self::MAX_OPTIONS + 1)
            .map(Into::into)
            .collect();
        if !(Self::MIN_OPTIONS..=Self::MAX_OPTIONS).contains(&options.len()) {
            return Err(BadPoll::Options);
        }
        let mut seen = std::collections::HashSet::new();
        for option in &options {
            if !fits(option, Self::MAX_OPTION) {
                return Err(BadPoll::Option);
            }
            if !seen.insert(option.trim()) {
                return Err(BadPoll::Twice(option.clone()));
            }
        }
        if usize::try_from(choices).map_or(true, |choices| choices > options.len()) {
            return Err(BadPoll::Choices);
        }
        Ok(Self {
            question,
            options,
            choices,
        })
    }
}

fn fits(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_that_whatsapp_would_not_show_is_refused() {
        assert_eq!(Poll::new("", ["a", "b"], 1), Err(BadPoll::Question));
        assert_eq!(Poll::new("q", ["a"], 1), Err(BadPoll::Options));
        assert_eq!(Poll::new("q", ["a", " "], 1), Err(BadPoll::Option));
        assert_eq!(
            Poll::new("q", ["a", "a "], 1),
            Err(BadPoll::Twice("a ".to_owned()))
        );
        assert_eq!(Poll::new("q", ["a", "b"], 3), Err(BadPoll::Choices));
        assert!(Poll::new("q", ["a", "b"], 0).is_ok());
    }
}
