//! Webhooks: where events are sent to, and what became of each sending.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::event::Event;
use crate::ids::{DeliveryId, EventId, SessionId, UserId, WebhookId};
use crate::kinds::KindPattern;
use crate::secret::Secret;

/// A place that events are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose events it may get: the owner of its session, when it was made; without a session, the
    /// user whose every session it is for, or nobody for simply every one.
    pub owner: Option<UserId>,
    /// The session whose events it gets; see [`Webhook::owner`] when absent.
    pub session: Option<SessionId>,
    /// Where to, an absolute HTTP address.
    pub url: String,
    /// Which events.
    pub events: Vec<KindPattern>,
    /// Headers of every request: names and values. Values may be secrets.
    pub headers: Vec<(String, Secret)>,
    /// In which form events are told; [`Webhook::NATIVE`] is this host's own.
    pub form: String,
    /// What deliveries are signed with.
    pub secret: Secret,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Why the host switched it off, if it did.
    pub disabled_reason: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when nothing has arrived; absent while all is well.
    pub failing_since: Option<Timestamp>,
}

impl Webhook {
    /// This host's own form.
    pub const NATIVE: &'static str = "native";
    /// Longest URL, in bytes.
    pub const MAX_URL: usize = 2048;
    /// Most patterns of kinds.
    pub const MAX_EVENTS: usize = 32;
    /// Most headers.
    pub const MAX_HEADERS: usize = 32;
    /// Longest all headers together, in bytes.
    pub const MAX_HEADER_BYTES: usize = 8 * 1024;

    /// The API whose form it is in: what stands before a `/`, behind which variants are named.
    pub fn family(&self) -> &str {
        let family = self.form.split('/').next();
        family.unwrap_or_default()
    }

    /// Whether this one tells what `other` would tell to the same receiver: both are of one session,
    /// in the form of one other API, at one address. The plain form goes before its variants, and a
    /// newer one before an older, because its secret is the one the receiver knows.
    pub fn tells_instead_of(&self, other: &Self) -> bool {
        let same = self.session.is_some()
            && self.session == other.session
            && self.url == other.url
            && self.family() == other.family()
            && self.form != Self::NATIVE;
        let rank = |webhook: &Self| (webhook.form == webhook.family(), webhook.id);
        same && rank(self) > rank(other)
    }

    /// Whether it is to get an event of a session of `owner`.
    pub fn wants(&self, event: &Event, owner: Option<UserId>) -> bool {
        let reaches = match self.session {
            // A session that was given to somebody else tells nothing to whom it had before.
            Some(session) => session == event.session && self.owner == owner,
            None => self.owner.is_none() || self.owner == owner,
        };
        // What is for one extension alone is for nobody else.
        let open = event.addressee().is_none();
        let kind = event.kind();
        self.enabled && reaches && open && self.events.iter().any(|wanted| wanted.matches(&kind))
    }
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It is to be made, or made again.
    Waiting,
    /// The receiver has it.
    Delivered,
    /// An extension wanted it not to be made.
    Dropped,
    /// It was given up: a dead letter, which can be replayed.
    Dead,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Delivered, Self::Dropped, Self::Dead];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dropped => "dropped",
            Self::Dead => "dead",
        }
    }
}

/// A word that names no such state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of waiting, delivered, dropped and dead")]
pub struct BadDeliveryState(String);

impl std::str::FromStr for DeliveryState {
    type Err = BadDeliveryState;

    fn from_str(text: &str) -> Result<Self, BadDeliveryState> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| BadDeliveryState(text.chars().take(32).collect()))
    }
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id; receivers see it, the same at every attempt.
    pub id: DeliveryId,
    /// To which webhook.
    pub webhook: WebhookId,
    /// The session the event happened in.
    pub session: SessionId,
    /// The event.
    pub event: EventId,
    /// Its kind.
    pub kind: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// How far it is.
    pub state: DeliveryState,
    /// When it is tried next, while it waits.
    pub due_at: Timestamp,
    /// How often it was tried since it was made, or replayed.
    pub attempts: u32,
    /// What became of the last attempts, at most [`Delivery::KEPT_ATTEMPTS`], the newest last.
    pub tries: Vec<Attempt>,
}

impl Delivery {
    /// Attempts whose outcome is kept.
    pub const KEPT_ATTEMPTS: usize = 10;
    /// Longest excerpt of a receiver's answer, in bytes.
    pub const EXCERPT: usize = 512;
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The status of the answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// The beginning of the answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub excerpt: Option<String>,
    /// What went wrong, in a stable word.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// The same in a sentence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
}

/// How many deliveries a webhook has, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// Waiting.
    pub waiting: u64,
    /// Delivered, as far as they are kept.
    pub delivered: u64,
    /// Dropped by an extension, as far as they are kept.
    pub dropped: u64,
    /// Given up, and not replayed.
    pub dead: u64,
}
