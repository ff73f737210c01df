//! What a rule does.

mod answer;
mod dialogue;
mod tell;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{BadTemplate, Tag, Template, ValueName, as_text, short};
use crate::jid::{Jid, Recipient};

pub use answer::{ContactAnswer, MediaAnswer, PlaceAnswer, Reply};
pub use dialogue::{Ask, HandOver, Remember, SetState};
pub use tell::{ForwardTo, Post, SendTo, Tell};

/// One thing a rule does. Texts go into the chat the message came from, unless they say where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RuleAction {
    /// Says something.
    Reply(#[serde(deserialize_with = "answer::reply::read")] Reply),
    /// Sends a medium.
    Media(MediaAnswer),
    /// Sends an address-book entry.
    Contact(ContactAnswer),
    /// Sends a place.
    Location(PlaceAnswer),
    /// Reacts to the message.
    React(Emoji),
    /// Shows that somebody writes.
    Typing,
    /// Marks the chat as read.
    MarkRead,
    /// Sends the message on to somebody.
    Forward(#[serde(deserialize_with = "short::text_or_table")] ForwardTo),
    /// Writes to somebody else.
    Send(SendTo),
    /// Puts a tag on the chat.
    Tag(Tag),
    /// Takes a tag off the chat.
    Untag(Tag),
    /// Keeps a value for the chat.
    Remember(Remember),
    /// Forgets a value of the chat.
    Forget(ValueName),
    /// Puts the chat into a state.
    SetState(#[serde(deserialize_with = "short::text_or_table")] SetState),
    /// Ends the chat's state.
    ClearState,
    /// Asks something, and goes on with the rest when it was answered.
    Ask(Box<Ask>),
    /// Leaves the chat to a human for a while.
    HandOver(#[serde(deserialize_with = "short::text_or_table")] HandOver),
    /// Tells whoever listens: webhooks and other extensions.
    Webhook(#[serde(deserialize_with = "short::text_or_table")] Tell),
    /// Sends what it knows to a URL.
    Post(#[serde(deserialize_with = "short::text_or_table")] Post),
    /// No extension after the rules is asked about this event.
    Stop,
}

/// A part of an action that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAction {
    /// A text.
    #[error(transparent)]
    Text(#[from] BadTemplate),
    /// An address.
    #[error(transparent)]
    Recipient(#[from] crate::jid::BadRecipient),
    /// A name.
    #[error(transparent)]
    Name(#[from] super::BadName),
    /// A length of time.
    #[error(transparent)]
    Span(#[from] super::BadSpan),
    /// Texts to choose from.
    #[error("a reply has 1 to {} texts to choose from", Reply::MOST)]
    Texts,
    /// Too many people, or nobody.
    #[error("name 1 to {} numbers or addresses", super::People::MOST)]
    People,
    /// An emoji.
    #[error("a reaction is one emoji")]
    Emoji,
    /// Where a medium is.
    #[error("a source is an http or https URL of at most 2,048 bytes, or the id of an upload")]
    Source,
    /// Who a contact card is about.
    #[error("a contact has a name of 1 to 128 characters and 1 to 10 phone numbers")]
    Contact,
    /// A place.
    #[error("a place is a latitude from -90 to 90 and a longitude from -180 to 180 degrees")]
    Place,
    /// A word for an event.
    #[error("`{0}` cannot name an event; use 1 to 48 lower-case letters, digits, `.`, `-` and `_`")]
    Event(String),
    /// A URL.
    #[error("a URL begins with https:// or http:// and has at most 2,048 bytes")]
    Url,
    /// Too much data.
    #[error("`data` has at most 32 fields")]
    Data,
}

/// Somebody's address, in any form in which recipients are written.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(Jid);

impl Address {
    /// The address.
    pub fn jid(&self) -> &Jid {
        &self.0
    }
}

impl FromStr for Address {
    type Err = BadAction;

    fn from_str(text: &str) -> Result<Self, BadAction> {
        let recipient: Recipient = text.parse()?;
        Ok(Self(recipient.into_jid()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

as_text!(Address, BadAction);

/// An emoji.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Emoji(String);

impl Emoji {
    /// The emoji.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Emoji {
    type Err = BadAction;

    fn from_str(text: &str) -> Result<Self, BadAction> {
        let text = text.trim();
        // Emoji have no letters; a whole family with its joiners and tones fits into 64 bytes.
        let plain = text.is_ascii() || text.chars().any(char::is_alphabetic);
        if text.is_empty() || text.len() > 64 || plain {
            return Err(BadAction::Emoji);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(Emoji, BadAction);

impl RuleAction {
    /// The word for it, as JSON has it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Reply(_) => "reply",
            Self::Media(_) => "media",
            Self::Contact(_) => "contact",
            Self::Location(_) => "location",
            Self::React(_) => "react",
            Self::Typing => "typing",
            Self::MarkRead => "markRead",
            Self::Forward(_) => "forward",
            Self::Send(_) => "send",
            Self::Tag(_) => "tag",
            Self::Untag(_) => "untag",
            Self::Remember(_) => "remember",
            Self::Forget(_) => "forget",
            Self::SetState(_) => "setState",
            Self::ClearState => "clearState",
            Self::Ask(_) => "ask",
            Self::HandOver(_) => "handOver",
            Self::Webhook(_) => "webhook",
            Self::Post(_) => "post",
            Self::Stop => "stop",
        }
    }

    /// Whether it reads or changes what is kept of a chat.
    pub fn needs_memory(&self) -> bool {
        matches!(
            self,
            Self::Tag(_)
                | Self::Untag(_)
                | Self::Remember(_)
                | Self::Forget(_)
                | Self::SetState(_)
                | Self::ClearState
                | Self::Ask(_)
                | Self::HandOver(_)
        ) || self.templates().into_iter().any(Template::has_values)
    }

    /// The texts in it.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Reply(reply) => reply.texts().iter().collect(),
            Self::Media(media) => media.caption.iter().collect(),
            Self::Forward(forward) => forward.note.iter().collect(),
            Self::Send(send) => vec![&send.text],
            Self::Remember(remember) => vec![&remember.value],
            Self::Ask(ask) => {
                let others = ask.retry.iter().chain(&ask.cancelled);
                std::iter::once(&ask.question).chain(others).collect()
            }
            Self::HandOver(pause) => pause.note.iter().collect(),
            Self::Webhook(tell) => tell.data().values().collect(),
            Self::Post(post) => post.data().values().collect(),
            _ => Vec::new(),
        }
    }

    /// The highest group of a regular expression in its texts.
    pub(super) fn last_group(&self) -> Option<u8> {
        self.templates()
            .into_iter()
            .filter_map(Template::last_group)
            .max()
    }
}

/// Whether a text is a URL as far as it can be seen at once.
fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty()) && text.len() <= 2048
}
