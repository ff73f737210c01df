//! What the operator says about the grants of one extension: in `warbler.toml`, or at runtime.

use serde::{Deserialize, Serialize};

use super::grants::{Grants, HistoryScope, SendScope};
use super::origin::HttpOrigin;
use crate::session::SessionName;

/// What an operator grants, as far as something is said; what is absent is not said here.
///
/// What stands in `warbler.toml` goes over what was granted at runtime, setting by setting.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OperatorGrants {
    /// To whom it may write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send: Option<SendScope>,
    /// Where it may fetch from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Vec<HttpOrigin>>,
    /// The names of the secrets it may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Vec<String>>,
    /// Which stored messages it may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryScope>,
    /// How much memory a call may take, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// The sessions whose events it is given, and no others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Vec<SessionName>>,
    /// How many messages it may send in a minute, in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// Whether an instance of it may be kept between calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm: Option<bool>,
}

/// A grant that cannot be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadGrant {
    /// More memory than a plugin can have, or none.
    #[error("`memory` is a whole number of MiB, 1 to {}", Grants::MAX_MEMORY)]
    Memory,
    /// No message at all, or more than can be meant.
    #[error(
        "`rate` is a number of messages a minute, 1 to {}",
        OperatorGrants::MAX_RATE
    )]
    Rate,
    /// A list that is too long, or has something too long in it.
    #[error("`{0}` has too many entries, or one that is too long")]
    List(&'static str),
}

impl OperatorGrants {
    /// Most messages a minute that can be granted.
    pub const MAX_RATE: u32 = 100_000;
    /// Longest list.
    pub const MAX_LIST: usize = 256;
    /// Longest entry of a list, in bytes.
    pub const MAX_ENTRY: usize = 300;

    /// Whether nothing is said.
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }

    /// Whether all of it can be granted.
    pub fn check(&self) -> Result<(), BadGrant> {
        if self
            .memory
            .is_some_and(|mib| !(1..=Grants::MAX_MEMORY).contains(&mib))
        {
            return Err(BadGrant::Memory);
        }
        if self
            .rate
            .is_some_and(|rate| !(1..=Self::MAX_RATE).contains(&rate))
        {
            return Err(BadGrant::Rate);
        }
        let fits = |items: Option<usize>, longest: usize| {
            items.is_none_or(|items| items <= Self::MAX_LIST) && longest <= Self::MAX_ENTRY
        };
        let longest = |texts: Vec<usize>| texts.into_iter().max().unwrap_or(0);
        let http = self.http.iter().flatten().map(|one| one.to_string().len());
        if !fits(self.http.as_ref().map(Vec::len), longest(http.collect())) {
            return Err(BadGrant::List("http"));
        }
        let secrets = self.secrets.iter().flatten().map(String::len);
        if !fits(
            self.secrets.as_ref().map(Vec::len),
            longest(secrets.collect()),
        ) {
            return Err(BadGrant::List("secrets"));
        }
        if !fits(self.sessions.as_ref().map(Vec::len), 0) {
            return Err(BadGrant::List("sessions"));
        }
        Ok(())
    }

    /// This, and what `below` says where this says nothing.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        Self {
            send: self.send.or(below.send),
            http: self.http.as_ref().or(below.http.as_ref()).cloned(),
            secrets: self.secrets.as_ref().or(below.secrets.as_ref()).cloned(),
            history: self.history.or(below.history),
            memory: self.memory.or(below.memory),
            sessions: self.sessions.as_ref().or(below.sessions.as_ref()).cloned(),
            rate: self.rate.or(below.rate),
            warm: self.warm.or(below.warm),
        }
    }

    /// What is granted: the default where nothing is said.
    pub fn settled(&self) -> Grants {
        Grants {
            send: self.send.unwrap_or_default(),
            http: self.http.clone().unwrap_or_default(),
            secrets: self.secrets.clone().unwrap_or_default(),
            history: self.history.unwrap_or_default(),
            memory: self.memory.map(|mib| mib.min(Grants::MAX_MEMORY)),
            sessions: self.sessions.clone(),
            rate: self.rate,
            warm: self.warm.unwrap_or_default(),
        }
    }

    /// The lines of `warbler.toml`, below `[extensions.grants.NAME]`, that say this.
    pub fn lines(&self) -> Vec<String> {
        let list = |name: &str, items: Vec<String>| {
            let quoted: Vec<_> = items.iter().map(|item| format!("\"{item}\"")).collect();
            format!("{name} = [{}]", quoted.join(", "))
        };
        let words = |items: &[String]| items.to_vec();
        let origins = |items: &[HttpOrigin]| items.iter().map(ToString::to_string).collect();
        let names = |items: &[SessionName]| items.iter().map(ToString::to_string).collect();
        let lines = [
            self.send
                .map(|send| format!("send = \"{}\"", send.as_str())),
            self.http.as_deref().map(|http| list("http", origins(http))),
            self.secrets
                .as_deref()
                .map(|secrets| list("secrets", words(secrets))),
            self.history
                .map(|history| format!("history = \"{}\"", history.as_str())),
            self.memory.map(|memory| format!("memory = {memory}")),
            self.sessions
                .as_deref()
                .map(|sessions| list("sessions", names(sessions))),
            self.rate.map(|rate| format!("rate = {rate}")),
            self.warm.map(|warm| format!("warm = {warm}")),
        ];
        lines.into_iter().flatten().collect()
    }
}

/// The words that say exactly this; what is the default is not said.
impl From<Grants> for OperatorGrants {
    fn from(grants: Grants) -> Self {
        Self {
            send: Some(grants.send).filter(|send| *send != SendScope::default()),
            http: Some(grants.http).filter(|http| !http.is_empty()),
            secrets: Some(grants.secrets).filter(|secrets| !secrets.is_empty()),
            history: Some(grants.history).filter(|history| *history != HistoryScope::default()),
            memory: grants.memory,
            sessions: grants.sessions,
            rate: grants.rate,
            warm: Some(grants.warm).filter(|warm| *warm),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_goes_over_what_was_granted_at_runtime() {
        let config = OperatorGrants {
            send: Some(SendScope::ReplyOnly),
            rate: Some(10),
            ..OperatorGrants::default()
        };
        let runtime = OperatorGrants {
            send: Some(SendScope::Any),
            secrets: Some(vec!["token".to_owned()]),
            ..OperatorGrants::default()
        };
        let both = config.over(&runtime);
        assert_eq!(
            both.lines(),
            [
                "send = \"reply-only\"",
                "secrets = [\"token\"]",
                "rate = 10"
            ]
        );
        assert_eq!(both.settled().send, SendScope::ReplyOnly);
        assert_eq!(both.check(), Ok(()));
    }

    #[test]
    fn what_cannot_be_granted_is_named() {
        let too_much = OperatorGrants {
            memory: Some(129),
            ..OperatorGrants::default()
        };
        assert_eq!(too_much.check(), Err(BadGrant::Memory));
        let nothing = OperatorGrants {
            rate: Some(0),
            ..OperatorGrants::default()
        };
        assert_eq!(nothing.check(), Err(BadGrant::Rate));
    }
}
