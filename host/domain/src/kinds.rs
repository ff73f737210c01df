//! Which kinds of events are wanted.

use std::fmt;
use std::str::FromStr;

use crate::event::EventKind;

/// A kind, or all that begin alike: `message.received`, `message.*`, `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindPattern {
    word: String,
    open: bool,
}

/// A text that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of event, such as message.received, message.* or *")]
pub struct BadKindPattern(String);

impl KindPattern {
    /// Longest form, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Whether events of `kind` are wanted.
    pub fn matches(&self, kind: &EventKind) -> bool {
        match self.open {
            true => kind.as_str().starts_with(&self.word),
            false => kind.as_str() == self.word,
        }
    }
}

impl From<&EventKind> for KindPattern {
    /// This kind alone.
    fn from(kind: &EventKind) -> Self {
        Self {
            word: kind.as_str().to_owned(),
            open: false,
        }
    }
}

impl FromStr for KindPattern {
    type Err = BadKindPattern;

    fn from_str(text: &str) -> Result<Self, BadKindPattern> {
        let (word, open) = match text.strip_suffix('*') {
            Some(word) => (word, true),
            None => (text, false),
        };
        // What stands before a star is a whole word with its dot, or nothing.
        let begins = word.is_empty() || word.ends_with('.');
        let letters = word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b));
        let fits = text.len() <= Self::MAX_LEN && !text.is_empty() && (!open || begins);
        if fits && letters {
            Ok(Self {
                word: word.to_owned(),
                open,
            })
        } else {
            Err(BadKindPattern(text.chars().take(Self::MAX_LEN).collect()))
        }
    }
}

impl fmt::Display for KindPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word)?;
        f.write_str(if self.open { "*" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::KindPattern;
    use crate::event::EventKind;

    #[test]
    fn a_star_stands_for_the_rest_of_a_kind() -> Result<(), super::BadKindPattern> {
        let messages: KindPattern = "message.*".parse()?;
        assert!(messages.matches(&EventKind::MESSAGE_RECEIVED));
        assert!(!messages.matches(&EventKind::SESSION_STATUS));
        let all: KindPattern = "*".parse()?;
        assert!(all.matches(&EventKind::PRESENCE));
        let one: KindPattern = "message.sent".parse()?;
        assert!(one.matches(&EventKind::MESSAGE_SENT));
        assert!(!one.matches(&EventKind::MESSAGE_RECEIVED));
        Ok(())
    }

    #[test]
    fn what_cannot_be_a_kind_is_refused() {
        let long = "a".repeat(65);
        for text in ["", "mess*", "Message.received", "message.*.x", "a b", &long] {
            assert!(text.parse::<KindPattern>().is_err(), "{text:?}");
        }
    }
}
