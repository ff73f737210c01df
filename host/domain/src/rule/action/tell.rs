//! What is told to others than the one who wrote.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Address, BadAction, is_url};
use crate::rule::Template;

/// To whom a message is sent on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForwardTo {
    /// To whom.
    pub to: Address,
    /// What is said before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Template>,
}

impl TryFrom<String> for ForwardTo {
    type Error = BadAction;

    fn try_from(text: String) -> Result<Self, BadAction> {
        let to = text.parse()?;
        Ok(Self { to, note: None })
    }
}

/// A text to somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendTo {
    /// To whom.
    pub to: Address,
    /// What.
    pub text: Template,
}

/// An event of the rule's own, which webhooks receive as `custom.` and its word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TellParts", into = "TellParts")]
pub struct Tell(TellParts);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TellParts {
    event: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    data: BTreeMap<String, Template>,
}

impl Tell {
    /// An event with this word and these fields.
    pub fn new(
        event: impl Into<String>,
        data: BTreeMap<String, Template>,
    ) -> Result<Self, BadAction> {
        let event = event.into();
        TellParts { event, data }.try_into()
    }

    /// Its kind: `custom.` and its word.
    pub fn kind(&self) -> String {
        format!("custom.{}", self.0.event)
    }

    /// Its fields.
    pub fn data(&self) -> &BTreeMap<String, Template> {
        &self.0.data
    }
}

impl TryFrom<TellParts> for Tell {
    type Error = BadAction;

    fn try_from(mut parts: TellParts) -> Result<Self, BadAction> {
        if let Some(word) = parts.event.strip_prefix("custom.") {
            parts.event = word.to_owned();
        }
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
        if !(1..=48).contains(&parts.event.len()) || !parts.event.bytes().all(plain) {
            let shown = parts.event.chars().take(48).collect();
            return Err(BadAction::Event(shown));
        }
        check_data(&parts.data)?;
        Ok(Self(parts))
    }
}

impl TryFrom<String> for Tell {
    type Error = BadAction;

    fn try_from(event: String) -> Result<Self, BadAction> {
        Self::new(event, BTreeMap::new())
    }
}

impl From<Tell> for TellParts {
    fn from(tell: Tell) -> Self {
        tell.0
    }
}

/// A URL that is told about the message; its origin must be granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PostParts", into = "PostParts")]
pub struct Post(PostParts);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PostParts {
    url: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    data: BTreeMap<String, Template>,
}

impl Post {
    /// What is known, and these fields, to this URL.
    pub fn new(
        url: impl Into<String>,
        data: BTreeMap<String, Template>,
    ) -> Result<Self, BadAction> {
        let url = url.into();
        PostParts { url, data }.try_into()
    }

    /// Where to.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Fields beside what is always told.
    pub fn data(&self) -> &BTreeMap<String, Template> {
        &self.0.data
    }
}

impl TryFrom<PostParts> for Post {
    type Error = BadAction;

    fn try_from(parts: PostParts) -> Result<Self, BadAction> {
        if !is_url(&parts.url) {
            return Err(BadAction::Url);
        }
        check_data(&parts.data)?;
        Ok(Self(parts))
    }
}

impl TryFrom<String> for Post {
    type Error = BadAction;

    fn try_from(url: String) -> Result<Self, BadAction> {
        Self::new(url, BTreeMap::new())
    }
}

impl From<Post> for PostParts {
    fn from(post: Post) -> Self {
        post.0
    }
}

fn check_data(data: &BTreeMap<String, Template>) -> Result<(), BadAction> {
    if data.len() > 32 || data.keys().any(|key| key.len() > 64) {
        return Err(BadAction::Data);
    }
    Ok(())
}
