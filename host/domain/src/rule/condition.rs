//! What must hold for a rule to be used.

use std::fmt;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Address, Chance, Hours, OnDays, StateName, Tag, Words, as_text, short};
use crate::content::Content;
use crate::jid::Jid;

/// What must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// The text is one of these.
    Is(Words),
    /// One of these stands somewhere in the text.
    #[serde(alias = "contains")]
    ContainsAny(Words),
    /// All of these stand somewhere in the text.
    ContainsAll(Words),
    /// One of these stands in the text as a word of its own.
    #[serde(alias = "hasAnyWord")]
    HasWord(Words),
    /// The text begins with one of these.
    StartsWith(Words),
    /// The text ends with one of these.
    EndsWith(Words),
    /// The text matches this regular expression somewhere.
    Matches(Pattern),
    /// The message is one of these kinds.
    Kind(Kinds),
    /// It was written to this account alone.
    Direct,
    /// It was written in a group.
    Group,
    /// One of these wrote it.
    From(People),
    /// It was written in one of these chats.
    In(People),
    /// It is within these hours.
    Between(Hours),
    /// It is one of these days.
    OnDays(#[serde(deserialize_with = "short::text_or_table")] OnDays),
    /// Nothing was ever written in this chat before.
    FirstContact,
    /// Somebody has come into a group; no message was written.
    NewMember,
    /// So often, in percent.
    Chance(Chance),
    /// The chat is in this state.
    State(StateName),
    /// The chat has this tag.
    Tagged(Tag),
    /// At least one of these holds.
    Any(Vec<Self>),
    /// All of these hold.
    All(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
}

impl Condition {
    /// Every word of [`Self::word`], for suggestions.
    pub const WORDS: [&'static str; 22] = [
        "is",
        "containsAny",
        "containsAll",
        "hasWord",
        "startsWith",
        "endsWith",
        "matches",
        "kind",
        "direct",
        "group",
        "from",
        "in",
        "between",
        "onDays",
        "firstContact",
        "newMember",
        "chance",
        "state",
        "tagged",
        "any",
        "all",
        "not",
    ];

    /// The conditions that stand in it.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        let list: &[Self] = match self {
            Self::Any(list) | Self::All(list) => list,
            Self::Not(one) => std::slice::from_ref(one),
            _ => &[],
        };
        list.iter()
    }

    /// Calls `look` with it and with every condition in it.
    pub fn each(&self, look: &mut impl FnMut(&Self)) {
        look(self);
        for child in self.children() {
            child.each(look);
        }
    }

    /// Whether it, or a condition in it, is so.
    pub fn has(&self, is: impl Fn(&Self) -> bool) -> bool {
        let mut found = false;
        self.each(&mut |one| found |= is(one));
        found
    }

    /// Most groups of a regular expression in it.
    pub(super) fn groups(&self) -> usize {
        let mut most = 0;
        self.each(&mut |one| {
            if let Self::Matches(pattern) = one {
                most = most.max(pattern.groups());
            }
        });
        most
    }
}

/// A regular expression, without regard to case, that takes time in proportion to the text.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(Regex);

/// A text that is no regular expression of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// Too long.
    #[error("a regular expression has at most {} bytes", Pattern::LONGEST)]
    TooLong,
    /// It would become too large.
    #[error("this regular expression becomes too large; repeat less, such as {{1,20}}")]
    TooLarge,
    /// It stands in every text.
    #[error("this regular expression matches every text, even an empty one")]
    Everything,
    /// Not one.
    #[error("not a regular expression: {0}")]
    Syntax(String),
}

impl Pattern {
    /// Longest text, in bytes.
    pub const LONGEST: usize = 1024;
    /// Most memory of its compiled form, in bytes.
    const LARGEST: usize = 256 * 1024;

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The compiled form.
    pub fn regex(&self) -> &Regex {
        &self.0
    }

    /// How many groups it has.
    pub fn groups(&self) -> usize {
        self.0.captures_len().saturating_sub(1)
    }
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        if text.len() > Self::LONGEST {
            return Err(BadPattern::TooLong);
        }
        let built = RegexBuilder::new(text)
            .case_insensitive(true)
            .size_limit(Self::LARGEST)
            .dfa_size_limit(Self::LARGEST)
            .build();
        let regex = built.map_err(|err| match err {
            regex::Error::CompiledTooBig(_) => BadPattern::TooLarge,
            // The message shows the expression and a caret; its last line says what is wrong.
            other => {
                let shown = other.to_string();
                let last = shown.lines().last().unwrap_or_default().trim();
                BadPattern::Syntax(last.trim_start_matches("error: ").to_owned())
            }
        })?;
        if regex.is_match("") {
            return Err(BadPattern::Everything);
        }
        Ok(Self(regex))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

as_text!(Pattern, BadPattern);

/// Kinds of messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Kinds(Vec<&'static str>);

/// A word that is no kind of message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a kind of message; there are media, {kinds}",
    kinds = Kinds::ALL.join(", ")
)]
pub struct BadKind(String);

impl Kinds {
    /// Every kind.
    pub const ALL: [&'static str; 11] = [
        "text", "image", "gif", "video", "voice", "audio", "document", "sticker", "location",
        "contacts", "poll",
    ];
    /// Those that `media` stands for.
    const MEDIA: [&'static str; 7] = [
        "image", "gif", "video", "voice", "audio", "document", "sticker",
    ];

    /// The kinds with these names.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, BadKind> {
        let mut kinds = Vec::new();
        for word in words {
            let word = word.trim().to_lowercase();
            match word.as_str() {
                "media" => kinds.extend(Self::MEDIA),
                "contact" => kinds.push("contacts"),
                "file" => kinds.push("document"),
                word => {
                    let found = Self::ALL.into_iter().find(|kind| *kind == word);
                    kinds.push(found.ok_or_else(|| BadKind(word.chars().take(32).collect()))?);
                }
            }
        }
        if kinds.is_empty() {
            return Err(BadKind(String::new()));
        }
        kinds.sort_unstable();
        kinds.dedup();
        Ok(Self(kinds))
    }

    /// Whether a content is of one of them.
    pub fn has(&self, content: &Content) -> bool {
        self.0.contains(&content.word())
    }

    /// Their words.
    pub fn words(&self) -> &[&'static str] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Kinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = short::one_or_more(deserializer)?;
        Self::of(words.iter().map(String::as_str)).map_err(serde::de::Error::custom)
    }
}

/// People or chats, by number or address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct People(Vec<Address>);

impl People {
    /// Most of them in one condition.
    pub const MOST: usize = 1_000;

    /// Those with these numbers or addresses.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, super::BadAction> {
        let parsed: Result<Vec<Address>, _> = texts.into_iter().map(str::parse).collect();
        let people = parsed?;
        if (1..=Self::MOST).contains(&people.len()) {
            Ok(Self(people))
        } else {
            Err(super::BadAction::People)
        }
    }

    /// Whether an address is one of them.
    pub fn has(&self, jid: &Jid) -> bool {
        self.0.iter().any(|one| one.jid() == jid)
    }
}

impl<'de> Deserialize<'de> for People {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = short::one_or_more(deserializer)?;
        Self::of(texts.iter().map(String::as_str)).map_err(serde::de::Error::custom)
    }
}
