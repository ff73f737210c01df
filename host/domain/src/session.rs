//! A WhatsApp account that this host keeps linked, and the life it leads.
//!
//! The life is a state machine: [`SessionState::after`] is the only way from one state to the
//! next, and what it does not allow does not happen.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::engine::EngineName;
use crate::ids::{SessionId, UserId};
use crate::jid::Jid;
use crate::random::Random;

/// A session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Its name, unique among the sessions of its owner, or among those that are nobody's.
    pub name: SessionName,
    /// Where it stands.
    pub state: SessionState,
    /// Why it stands there, in words.
    pub reason: Option<String>,
    /// Since when.
    pub changed_at: Timestamp,
    /// Whether it is to run: a running session is started again after a restart.
    pub wanted: Wanted,
    /// The account, once paired.
    pub account: Option<Account>,
    /// The user it belongs to; without one it is for those who may use every session.
    #[serde(default)]
    pub owner: Option<UserId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The engine it runs on.
    #[serde(default)]
    pub engine: EngineName,
}

/// What a session does by itself, as its owner has set it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionSettings {
    /// What it is for, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether calls are refused as soon as they ring.
    pub auto_reject_calls: bool,
    /// What is written to who was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_call_text: Option<String>,
}

impl SessionSettings {
    /// Longest description, in characters.
    pub const MAX_DESCRIPTION: usize = 500;
}

/// Whether the operator wants a session to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// Started now and after every restart of the host.
    Running,
    /// Left alone.
    Stopped,
}

/// The WhatsApp account a session is linked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Its phone-number address.
    pub jid: Jid,
    /// Its address that hides the number.
    pub lid: Option<Jid>,
    /// The name it shows to others.
    pub push_name: Option<String>,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
    /// Made, never started.
    Created,
    /// Opening its connection.
    Starting,
    /// Offers a QR or a code and waits for the phone.
    AwaitingPairing,
    /// Linked and online.
    Connected,
    /// Linked, connection lost, coming back by itself.
    Reconnecting,
    /// The link was ended, by the phone or by the operator; a new pairing is needed.
    LoggedOut,
    /// Stopped by the operator.
    Stopped,
    /// Given up; the reason says why.
    Failed,
}

/// What moves a session from state to state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// The operator, or the start of the host, wants it to run.
    Start,
    /// The network asks for a phone to be linked.
    PairingOffered,
    /// The connection is up and usable.
    Connected,
    /// The connection is gone.
    ConnectionLost,
    /// The link was ended.
    LoggedOut,
    /// The operator wants it to stop.
    Stop,
    /// It cannot go on.
    Fail,
}

impl SessionState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Starting,
        Self::AwaitingPairing,
        Self::Connected,
        Self::Reconnecting,
        Self::LoggedOut,
        Self::Stopped,
        Self::Failed,
    ];

    /// The state after `signal`; `None` when the signal means nothing in this state.
    #[must_use]
    pub fn after(self, signal: Signal) -> Option<Self> {
        use SessionState as S;
        let active = matches!(
            self,
            S::Starting | S::AwaitingPairing | S::Connected | S::Reconnecting
        );
        match signal {
            Signal::Start if !active => Some(S::Starting),
            Signal::PairingOffered if matches!(self, S::Starting | S::Reconnecting) => {
                Some(S::AwaitingPairing)
            }
            Signal::Connected if active && self != S::Connected => Some(S::Connected),
            Signal::ConnectionLost if matches!(self, S::Starting | S::Connected) => {
                Some(S::Reconnecting)
            }
            Signal::LoggedOut if active => Some(S::LoggedOut),
            Signal::Stop if self != S::Stopped => Some(S::Stopped),
            Signal::Fail if active => Some(S::Failed),
            _ => None,
        }
    }

    /// Whether a connection is kept or sought.
    pub fn is_active(self) -> bool {
        matches!(
            self,
            Self::Starting | Self::AwaitingPairing | Self::Connected | Self::Reconnecting
        )
    }

    /// The word for it, as on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Starting => "starting",
            Self::AwaitingPairing => "awaiting-pairing",
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::LoggedOut => "logged-out",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }

    /// The state with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A session's name: 1 to 64 of `a-z A-Z 0-9 . _ -`, starting with a letter or digit.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionName(String);

/// A text that cannot name a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot name a session; use 1 to 64 letters, digits, `.`, `_` or `-`, starting with a letter or digit"
)]
pub struct BadSessionName(String);

impl SessionName {
    /// A name that nobody has, and that nobody can guess.
    pub fn made_up(random: &Random) -> Self {
        let mut bytes = [0; 10];
        random.fill(&mut bytes);
        let unique = data_encoding::BASE32_NOPAD.encode(&bytes);
        Self(format!("session-{}", unique.to_lowercase()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SessionName {
    type Err = BadSessionName;

    fn from_str(text: &str) -> Result<Self, BadSessionName> {
        if is_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadSessionName(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for SessionName {
    type Error = BadSessionName;

    fn try_from(text: String) -> Result<Self, BadSessionName> {
        text.parse()
    }
}

impl From<SessionName> for String {
    fn from(name: SessionName) -> Self {
        name.0
    }
}

/// The rule for names of sessions and of extensions.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric());
    first
        && text.len() <= 64
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// How a caller names a session: by id or by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SessionRef {
    /// By id.
    Id(SessionId),
    /// By name.
    Name(SessionName),
}

impl fmt::Display for SessionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl From<SessionId> for SessionRef {
    fn from(id: SessionId) -> Self {
        Self::Id(id)
    }
}

impl FromStr for SessionRef {
    type Err = BadSessionName;

    fn from_str(text: &str) -> Result<Self, BadSessionName> {
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => text.parse().map(Self::Name),
        }
    }
}

/// What a session is called where the operator of the host writes it: in the filters and grants of
/// extensions.
///
/// Its id always stands for it, its name only while it is nobody's. Users call their sessions what
/// they like, so that a user's session must not come under what was written for another of that
/// name.
#[derive(Debug, Clone, Copy)]
pub struct Called<'a> {
    /// Its id.
    pub id: SessionId,
    /// Its name.
    pub name: &'a SessionName,
    /// Whose it is.
    pub owner: Option<UserId>,
}

impl Called<'_> {
    /// Whether one of these stands for the session.
    pub fn is_among(&self, written: &[SessionName]) -> bool {
        let named = self.owner.is_none() && written.contains(self.name);
        named || {
            let id = self.id.to_string();
            written.iter().any(|one| one.as_str() == id)
        }
    }
}

impl fmt::Display for Called<'_> {
    /// What to write so that it stands for the session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.owner {
            None => self.name.fmt(f),
            Some(_) => self.id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNALS: [Signal; 7] = [
        Signal::Start,
        Signal::PairingOffered,
        Signal::Connected,
        Signal::ConnectionLost,
        Signal::LoggedOut,
        Signal::Stop,
        Signal::Fail,
    ];

    #[test]
    fn a_name_in_a_file_stands_for_no_session_of_a_user() -> Result<(), BadSessionName> {
        let shop: SessionName = "shop".parse()?;
        let id = SessionId::from_bytes([7; 16]);
        let of = |owner| Called {
            id,
            name: &shop,
            owner,
        };
        let (nobodys, users) = (of(None), of(Some(UserId::from_bytes([1; 16]))));
        let by_name = [shop.clone()];
        let by_id = [id.to_string().parse()?];
        assert!(nobodys.is_among(&by_name) && nobodys.is_among(&by_id));
        assert!(!users.is_among(&by_name) && users.is_among(&by_id));
        assert_eq!(
            (nobodys.to_string(), users.to_string()),
            ("shop".to_owned(), id.to_string())
        );
        Ok(())
    }

    #[test]
    fn no_signal_leaves_a_session_where_it_is() {
        for state in SessionState::ALL {
            for signal in SIGNALS {
                assert_ne!(state.after(signal), Some(state), "{state} {signal:?}");
            }
        }
    }

    #[test]
    fn a_stopped_session_moves_only_by_start() {
        for signal in SIGNALS.into_iter().filter(|s| *s != Signal::Start) {
            assert_eq!(SessionState::Stopped.after(signal), None, "{signal:?}");
        }
        assert_eq!(
            SessionState::Stopped.after(Signal::Start),
            Some(SessionState::Starting)
        );
    }

    #[test]
    fn a_session_that_lost_its_connection_comes_back() {
        let lost = SessionState::Connected.after(Signal::ConnectionLost);
        assert_eq!(lost, Some(SessionState::Reconnecting));
        assert_eq!(
            lost.and_then(|s| s.after(Signal::Connected)),
            Some(SessionState::Connected)
        );
    }

    #[test]
    fn every_state_can_be_stopped_and_started() {
        for state in SessionState::ALL {
            let stopped = state.after(Signal::Stop).unwrap_or(state);
            assert_eq!(
                stopped.after(Signal::Start),
                Some(SessionState::Starting),
                "{state}"
            );
        }
    }

    #[test]
    fn whatever_happens_a_session_runs_only_between_a_start_and_what_ends_it() {
        let random = crate::Random::seeded(17);
        let mut connected = 0;
        for _ in 0..2_000 {
            let mut state = SessionState::Created;
            // What the operator and the network have said so far, in the plainest words.
            let (mut wanted, mut offered) = (false, false);
            for _ in 0..40 {
                let Some(signal) = SIGNALS.get(random.below(SIGNALS.len())).copied() else {
                    continue;
                };
                let Some(next) = state.after(signal) else {
                    continue;
                };
                match signal {
                    Signal::Start => (wanted, offered) = (true, false),
                    Signal::PairingOffered => offered = true,
                    Signal::Stop | Signal::Fail | Signal::LoggedOut => wanted = false,
                    Signal::Connected | Signal::ConnectionLost => {}
                }
                assert_eq!(next.is_active(), wanted, "{state} {signal:?} {next}");
                let shown = next == SessionState::AwaitingPairing;
                assert!(!shown || offered, "a QR was shown that nobody offered");
                connected += usize::from(next == SessionState::Connected);
                assert!(next != SessionState::Created, "nothing is new twice");
                state = next;
            }
        }
        assert!(connected > 1_000, "{connected}");
    }

    #[test]
    fn every_state_has_a_word_of_its_own() {
        for state in SessionState::ALL {
            assert_eq!(SessionState::parse(state.as_str()), Some(state));
        }
    }
}
