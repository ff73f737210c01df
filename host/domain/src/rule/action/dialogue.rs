//! What is kept of a chat, and dialogues.

use serde::{Deserialize, Serialize};

use super::{Address, BadAction};
use crate::rule::{Pattern, Span, StateName, Template, ValueName, Words};

/// A value to keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Remember {
    /// Under which name.
    pub name: ValueName,
    /// Which value.
    pub value: Template,
}

/// A state to put a chat into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetState {
    /// Which.
    pub name: StateName,
    /// For how long; a day when nothing is said.
    #[serde(default = "SetState::usual", rename = "for")]
    pub lasts: Span,
}

impl SetState {
    /// How long a state lasts of which nothing is said.
    pub fn usual() -> Span {
        Span::DAY
    }
}

impl TryFrom<String> for SetState {
    type Error = BadAction;

    fn try_from(text: String) -> Result<Self, BadAction> {
        Ok(Self {
            name: text.parse()?,
            lasts: Self::usual(),
        })
    }
}

/// A question, and what is done with the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ask {
    /// What is asked.
    pub question: Template,
    /// Under which name the answer is kept.
    pub remember: ValueName,
    /// What the answer must look like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Pattern>,
    /// What is said to an answer that does not; the question again when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Template>,
    /// How long there is for an answer.
    #[serde(default = "Ask::usual")]
    pub within: Span,
    /// Answers that end the dialogue.
    #[serde(default = "Ask::usual_cancel")]
    pub cancel: Words,
    /// What is said when it was ended so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<Template>,
}

impl Ask {
    /// Answers of the wrong form before the dialogue ends by itself.
    pub const PATIENCE: u8 = 3;

    /// How long there is for an answer of which nothing is said.
    pub fn usual() -> Span {
        Span::TEN_MINUTES
    }

    /// The words that end a dialogue of which nothing is said.
    pub fn usual_cancel() -> Words {
        Words::to_cancel()
    }
}

/// A pause in which a human answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HandOver {
    /// For how long no rule is used in the chat.
    #[serde(default = "HandOver::usual", rename = "for")]
    pub lasts: Span,
    /// Who is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Address>,
    /// What they are told; who wrote what when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Template>,
}

impl HandOver {
    /// How long a pause is of which nothing is said.
    pub fn usual() -> Span {
        Span::HOUR
    }
}

impl TryFrom<String> for HandOver {
    type Error = BadAction;

    fn try_from(text: String) -> Result<Self, BadAction> {
        Ok(Self {
            lasts: text.parse()?,
            to: None,
            note: None,
        })
    }
}
