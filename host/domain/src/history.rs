//! Which stored messages somebody wants to see.

use crate::clock::Timestamp;
use crate::content::Content;
use crate::jid::Jid;
use crate::message::{Direction, Message};

/// Which messages of a session are wanted. What is not said does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Only of this chat.
    pub chat: Option<Jid>,
    /// Only by this author.
    pub from: Option<Jid>,
    /// Only of the chat with this person, or by that person in any other chat.
    pub with: Option<Jid>,
    /// Only this way.
    pub direction: Option<Direction>,
    /// Only of these kinds.
    pub kinds: Kinds,
    /// Only written then or later.
    pub since: Option<Timestamp>,
    /// Only written then or earlier.
    pub until: Option<Timestamp>,
    /// Only with a picture, film, sound, document or sticker.
    pub with_media: bool,
    /// Only with all of these words.
    pub text: Option<SearchText>,
}

/// Which kinds of messages are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kinds {
    /// All but those that are about another message and are shown with it.
    #[default]
    Standing,
    /// All.
    All,
    /// These: words of [`Content::word`].
    Only(Vec<String>),
}

impl Kinds {
    fn admit(&self, content: &Content) -> bool {
        match self {
            Self::Standing => !content.is_about_another(),
            Self::All => true,
            Self::Only(kinds) => kinds.iter().any(|kind| kind == content.word()),
        }
    }
}

impl HistoryFilter {
    /// Whether a message is among those wanted, its chat and words aside.
    pub fn admits(&self, message: &Message) -> bool {
        self.kinds.admit(&message.content)
            && self.chat.as_ref().is_none_or(|chat| message.chat == *chat)
            && self
                .direction
                .is_none_or(|direction| message.direction == direction)
            && self.with.as_ref().is_none_or(|with| {
                [&message.chat, &message.sender].contains(&with)
                    || message.sender_alt.as_ref() == Some(with)
            })
            && (!self.with_media || matches!(message.content, Content::Media(_)))
            && self.from.as_ref().is_none_or(|from| {
                message.sender == *from || message.sender_alt.as_ref() == Some(from)
            })
            && self.since.is_none_or(|since| message.timestamp >= since)
            && self.until.is_none_or(|until| message.timestamp <= until)
    }
}

/// Words to look for: each must be there, as a whole word or as the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(Vec<String>);

/// A text that cannot be looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSearchText {
    /// There is no letter and no digit in it.
    #[error("the text to look for has no word in it")]
    NoWord,
    /// Too long.
    #[error("the text to look for has more than {} characters", SearchText::MAX)]
    TooLong,
}

impl SearchText {
    /// Longest text, in characters.
    pub const MAX: usize = 256;
    /// Most words that matter; the rest is passed over.
    pub const MAX_WORDS: usize = 12;

    /// The words, in the order they were written; each has a letter or a digit.
    pub fn words(&self) -> &[String] {
        &self.0
    }
}

impl std::str::FromStr for SearchText {
    type Err = BadSearchText;

    fn from_str(text: &str) -> Result<Self, BadSearchText> {
        if text.chars().count() > Self::MAX {
            return Err(BadSearchText::TooLong);
        }
        let words: Vec<String> = text
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|word| word.chars().any(char::is_alphanumeric))
            .take(Self::MAX_WORDS)
            .map(str::to_owned)
            .collect();
        if words.is_empty() {
            return Err(BadSearchText::NoWord);
        }
        Ok(Self(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_are_looked_for() {
        let words = |text: &str| text.parse::<SearchText>().map(|found| found.0);
        assert_eq!(
            words(" the  price? \u{0} -- "),
            Ok(vec!["the".to_owned(), "price?".to_owned()])
        );
        assert_eq!(words("\" * ( AND"), Ok(vec!["AND".to_owned()]));
        assert_eq!(words("?! *"), Err(BadSearchText::NoWord));
        assert_eq!(words(&"a".repeat(300)), Err(BadSearchText::TooLong));
    }
}
