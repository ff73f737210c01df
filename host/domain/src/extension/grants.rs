//! What an extension may do beyond the default: asked for by its manifest, granted by the
//! operator; what holds is both.

use serde::{Deserialize, Serialize};

use super::granted::OperatorGrants;
use super::origin::HttpOrigin;
use crate::session::SessionName;

/// To whom an extension may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SendScope {
    /// Only into the chat an event came from.
    #[default]
    ReplyOnly,
    /// To those in the session's address book, and where it has a chat already.
    Contacts,
    /// To anybody.
    Any,
}

impl SendScope {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReplyOnly => "reply-only",
            Self::Contacts => "contacts",
            Self::Any => "any",
        }
    }
}

/// Which stored messages an extension may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryScope {
    /// None.
    #[default]
    None,
    /// Those of the chat an event came from.
    Chat,
    /// Those of every chat of the session.
    Any,
}

impl HistoryScope {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Chat => "chat",
            Self::Any => "any",
        }
    }
}

/// What an extension asks for, what the operator grants, or what holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Grants {
    /// To whom it may write.
    pub send: SendScope,
    /// Where it may fetch from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<HttpOrigin>,
    /// The names of the operator's secrets it may read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Which stored messages it may read.
    pub history: HistoryScope,
    /// How much memory a call may take, in MiB; the host's usual limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// The sessions whose events it is given; those of every session when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Vec<SessionName>>,
    /// How many messages it may send in a minute, in all; no bound of its own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// Whether an instance of it may be kept between calls.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub warm: bool,
}

impl Grants {
    /// Most memory that can be granted, in MiB.
    pub const MAX_MEMORY: u32 = 128;

    /// What is in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let http = self.http.iter().filter(|origin| other.covers(origin));
        let secrets = self
            .secrets
            .iter()
            .filter(|name| other.secrets.contains(name));
        Self {
            send: self.send.min(other.send),
            http: http.cloned().collect(),
            secrets: secrets.cloned().collect(),
            history: self.history.min(other.history),
            memory: self
                .memory
                .zip(other.memory)
                .map(|(asked, granted)| asked.min(granted)),
            sessions: match (&self.sessions, &other.sessions) {
                (Some(mine), Some(others)) => Some(
                    mine.iter()
                        .filter(|name| others.contains(name))
                        .cloned()
                        .collect(),
                ),
                (mine, others) => mine.as_ref().or(others.as_ref()).cloned(),
            },
            rate: match (self.rate, other.rate) {
                (Some(mine), Some(others)) => Some(mine.min(others)),
                (mine, others) => mine.or(others),
            },
            warm: self.warm && other.warm,
        }
    }

    /// What is in this and not in `other`.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Self {
        let http = self.http.iter().filter(|origin| !other.covers(origin));
        let secrets = self
            .secrets
            .iter()
            .filter(|name| !other.secrets.contains(name));
        let sessions = self.sessions.iter().flatten().filter(|name| {
            let of_other = other.sessions.as_ref();
            of_other.is_some_and(|others| !others.contains(name))
        });
        let sessions: Vec<_> = sessions.cloned().collect();
        Self {
            send: if self.send > other.send {
                self.send
            } else {
                SendScope::ReplyOnly
            },
            http: http.cloned().collect(),
            secrets: secrets.cloned().collect(),
            history: if self.history > other.history {
                self.history
            } else {
                HistoryScope::None
            },
            memory: self.memory.filter(|asked| other.memory < Some(*asked)),
            sessions: (!sessions.is_empty()).then_some(sessions),
            rate: self
                .rate
                .filter(|asked| other.rate.is_some_and(|granted| granted < *asked)),
            warm: self.warm && !other.warm,
        }
    }

    /// Whether it is nothing beyond the default.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The lines of `warbler.toml`, below `[extensions.grants.NAME]`, that say this.
    pub fn lines(&self) -> Vec<String> {
        OperatorGrants::from(self.clone()).lines()
    }

    fn covers(&self, origin: &HttpOrigin) -> bool {
        self.http.iter().any(|mine| mine.covers(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

    #[test]
    fn what_holds_is_what_is_in_both() -> Result {
        let asked = Grants {
            send: SendScope::Any,
            http: vec!["https://a.example.com".parse()?, "https://b.org".parse()?],
            secrets: vec!["one".to_owned(), "two".to_owned()],
            history: HistoryScope::Any,
            memory: Some(128),
            sessions: Some(vec!["shop".parse()?, "support".parse()?]),
            rate: None,
            warm: true,
        };
        let granted = Grants {
            send: SendScope::Any,
            http: vec!["https://*.example.com".parse()?, "https://c.org".parse()?],
            secrets: vec!["two".to_owned(), "three".to_owned()],
            history: HistoryScope::Chat,
            memory: Some(64),
            sessions: Some(vec!["shop".parse()?]),
            rate: Some(30),
            warm: false,
        };
        let held = asked.and(&granted);
        assert_eq!(
            held.lines(),
            [
                "send = \"any\"",
                "http = [\"https://a.example.com\"]",
                "secrets = [\"two\"]",
                "history = \"chat\"",
                "memory = 64",
                "sessions = [\"shop\"]",
                "rate = 30",
            ]
        );
        let missing = asked.beyond(&granted);
        assert_eq!(
            missing.lines(),
            [
                "http = [\"https://b.org\"]",
                "secrets = [\"one\"]",
                "history = \"any\"",
                "memory = 128",
                "sessions = [\"support\"]",
                "warm = true",
            ]
        );
        assert!(asked.beyond(&asked).is_default());
        let nothing = asked.and(&Grants::default());
        assert_eq!(
            nothing.lines(),
            ["sessions = [\"shop\", \"support\"]"],
            "the sessions it wants at all"
        );
        Ok(())
    }
}
