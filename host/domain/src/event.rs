//! What happened, stored before anything acts on it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::call::CallState;
use crate::campaign::Progress;
use crate::chat::ChatChange;
use crate::clock::Timestamp;
use crate::content::Content;
use crate::extension::ExtensionName;
use crate::group::GroupChange;
use crate::ids::{EventId, SessionId, WebhookId, WhatsAppId};
use crate::jid::{Jid, Server};
use crate::message::{Direction, Message, MessageStatus};
use crate::session::SessionState;

/// One event of one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The session it happened to.
    pub session: SessionId,
    /// When this host learned of it.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

impl Event {
    /// Its kind, as filters name it.
    pub fn kind(&self) -> EventKind {
        self.body.kind()
    }

    /// The chat it happened in, if it has one. Events of one chat are handled in order.
    pub fn chat(&self) -> Option<&Jid> {
        match &self.body {
            EventBody::Message { message } => Some(&message.chat),
            EventBody::Receipt { chat, .. } | EventBody::ChatState { chat, .. } => Some(chat),
            EventBody::GroupUpdated { group, .. } => Some(group),
            EventBody::ChatUpdated { chat, .. } => Some(chat),
            EventBody::Presence { by, .. } | EventBody::Call { by, .. } => Some(by),
            EventBody::ContactUpdated { contact, .. } => Some(contact),
            EventBody::Custom { chat, .. } | EventBody::Timer { chat, .. } => chat.as_ref(),
            EventBody::SessionStatus { .. }
            | EventBody::SessionQr { .. }
            | EventBody::WebhookDisabled { .. }
            | EventBody::CampaignStatus { .. } => None,
        }
    }

    /// The one extension it is for; `None` for events that any may want.
    pub fn addressee(&self) -> Option<&ExtensionName> {
        match &self.body {
            EventBody::Timer { extension, .. } => Some(extension),
            _ => None,
        }
    }

    /// The message it is about, if it is one.
    pub fn message(&self) -> Option<&Message> {
        match &self.body {
            EventBody::Message { message } => Some(message),
            _ => None,
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum EventBody {
    /// A message came in, or went out by another device of the account.
    Message {
        /// The message.
        message: Box<Message>,
    },
    /// Somebody's device says how far messages of ours have come.
    Receipt {
        /// The chat they are in.
        chat: Jid,
        /// Who has them.
        by: Jid,
        /// Which messages; at most 256.
        messages: Vec<WhatsAppId>,
        /// How far.
        status: MessageStatus,
    },
    /// Somebody is typing or recording, or has stopped.
    ChatState {
        /// The chat.
        chat: Jid,
        /// Who.
        by: Jid,
        /// What they do: `composing`, `recording`, `paused`.
        state: String,
    },
    /// Somebody this session watches came or went.
    Presence {
        /// Who.
        by: Jid,
        /// Whether they are there.
        online: bool,
        /// When they were last there, if they show it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        last_seen: Option<Timestamp>,
    },
    /// Somebody calls, or a call has ended.
    Call {
        /// The network's id of the call: what refusing it needs.
        call: String,
        /// Who calls.
        by: Jid,
        /// Whether with pictures.
        video: bool,
        /// Whether several people are called.
        group: bool,
        /// What happens to it.
        state: CallState,
    },
    /// A group changed.
    GroupUpdated {
        /// The group.
        group: Jid,
        /// Who changed it, where known.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        by: Option<Jid>,
        /// What was done.
        change: GroupChange,
    },
    /// The account changed how it keeps a chat, on another of its devices or through this host.
    ChatUpdated {
        /// The chat.
        chat: Jid,
        /// What was done.
        change: ChatChange,
    },
    /// Somebody shows something new, or the account calls them differently.
    ContactUpdated {
        /// Who.
        contact: Jid,
        /// The person's other address, where known.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        alt: Option<Jid>,
        /// What is new.
        change: ContactChange,
    },
    /// The session moved from one state to another.
    SessionStatus {
        /// From.
        from: SessionState,
        /// To.
        to: SessionState,
        /// Why, in words.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        reason: Option<String>,
    },
    /// The network offers a QR to scan.
    SessionQr {
        /// Until when it can be scanned.
        expires_at: Timestamp,
    },
    /// A webhook was switched off, because nothing has arrived there for long.
    WebhookDisabled {
        /// Which.
        webhook: WebhookId,
        /// Why, in words.
        reason: String,
    },
    /// A campaign moved from one state to another, or came further.
    CampaignStatus {
        /// Which, and how far it is.
        progress: Box<Progress>,
    },
    /// An extension says that something happened.
    Custom {
        /// Its kind: `custom.` and a word.
        kind: EventKind,
        /// Which extension.
        by: ExtensionName,
        /// The chat of the event it was made at.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        chat: Option<Jid>,
        /// What it says, as one JSON object.
        data: String,
        /// How many events of extensions led to it, one after the other; 1 for the first.
        depth: u8,
    },
    /// A timer that an extension set has come due.
    Timer {
        /// The extension, which alone is called.
        extension: ExtensionName,
        /// The timer's name.
        name: String,
        /// The chat it was set in.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        chat: Option<Jid>,
        /// What it was given, as one JSON object.
        data: String,
    },
}

/// What is new about somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "what",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ContactChange {
    /// The name the person shows.
    PushName {
        /// The new one.
        name: String,
    },
    /// The name in the account's address book; `None` when it was taken out.
    Name {
        /// The new one.
        name: Option<String>,
    },
    /// The name that a caller has saved here; `None` when it was forgotten.
    SavedName {
        /// The new one.
        name: Option<String>,
    },
    /// The picture.
    Picture {
        /// Its new id; `None` when it was taken away.
        id: Option<String>,
    },
    /// The text about themselves.
    About {
        /// The new one.
        text: String,
    },
    /// The phone number.
    Number {
        /// The new address.
        jid: Jid,
    },
}

impl EventBody {
    /// Its kind, as filters name it.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Message { message } if message.status == MessageStatus::Failed => {
                EventKind::MESSAGE_FAILED
            }
            Self::Message { message } if message.status == MessageStatus::Cancelled => {
                EventKind::MESSAGE_CANCELLED
            }
            Self::Message { message } => match (&message.content, message.direction) {
                (Content::Reaction { .. }, _) => EventKind::MESSAGE_REACTION,
                (Content::Edit { .. }, _) => EventKind::MESSAGE_EDITED,
                (Content::Revoke { .. }, _) => EventKind::MESSAGE_REVOKED,
                (Content::PollVote { .. }, _) => EventKind::MESSAGE_VOTE,
                (_, Direction::Inbound) if message.chat.server() == Server::Broadcast => {
                    EventKind::STATUS_RECEIVED
                }
                (_, Direction::Inbound) => EventKind::MESSAGE_RECEIVED,
                (_, Direction::Outbound) => EventKind::MESSAGE_SENT,
            },
            Self::Receipt { .. } => EventKind::MESSAGE_RECEIPT,
            Self::ChatState { .. } | Self::Presence { .. } => EventKind::PRESENCE,
            Self::Call { .. } => EventKind::CALL,
            Self::ChatUpdated { .. } => EventKind::CHAT_UPDATED,
            Self::ContactUpdated { .. } => EventKind::CONTACT_UPDATED,
            Self::GroupUpdated { .. } => EventKind::GROUP_UPDATED,
            Self::SessionStatus { .. } => EventKind::SESSION_STATUS,
            Self::SessionQr { .. } => EventKind::SESSION_QR,
            Self::WebhookDisabled { .. } => EventKind::WEBHOOK_DISABLED,
            Self::CampaignStatus { .. } => EventKind::CAMPAIGN_STATUS,
            Self::Custom { kind, .. } => kind.clone(),
            Self::Timer { .. } => EventKind::TIMER,
        }
    }

    /// What makes a redelivery of the same happening recognisable within its session; `None` for
    /// happenings the network reports only once.
    pub fn dedupe_key(&self) -> Option<String> {
        match self {
            // Given up once, tried again, it may be given up again.
            Self::Message { message } if message.status.is_unsent() => None,
            Self::Message { message } => Some(format!(
                "{}|{}|{}|{}",
                self.kind(),
                message.chat,
                message.sender,
                message.whatsapp_id
            )),
            Self::Receipt {
                chat,
                by,
                messages,
                status,
            } => {
                let first = messages.first()?;
                let last = messages.last()?;
                let (kind, count) = (status.as_str(), messages.len());
                Some(format!(
                    "message.receipt|{chat}|{by}|{kind}|{first}|{last}|{count}"
                ))
            }
            Self::Call { call, state, .. } => Some(format!("call|{call}|{}", state.as_str())),
            _ => None,
        }
    }
}

/// The kind of an event: an open set, so a word and not an enum.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventKind(std::borrow::Cow<'static, str>);

impl EventKind {
    /// A message came in.
    pub const MESSAGE_RECEIVED: Self = Self::fixed("message.received");
    /// The account wrote a message on another of its devices.
    pub const MESSAGE_SENT: Self = Self::fixed("message.sent");
    /// A message of this session was given up.
    pub const MESSAGE_FAILED: Self = Self::fixed("message.failed");
    /// A message of this session was taken out of the outbox before it was sent.
    pub const MESSAGE_CANCELLED: Self = Self::fixed("message.cancelled");
    /// A message has a new text.
    pub const MESSAGE_EDITED: Self = Self::fixed("message.edited");
    /// A message was taken back.
    pub const MESSAGE_REVOKED: Self = Self::fixed("message.revoked");
    /// Somebody reacted to a message.
    pub const MESSAGE_REACTION: Self = Self::fixed("message.reaction");
    /// Messages were delivered, read or played.
    pub const MESSAGE_RECEIPT: Self = Self::fixed("message.receipt");
    /// Somebody chose in a poll.
    pub const MESSAGE_VOTE: Self = Self::fixed("message.vote");
    /// Somebody posted a status.
    pub const STATUS_RECEIVED: Self = Self::fixed("status.received");
    /// Somebody calls.
    pub const CALL: Self = Self::fixed("call");
    /// The account changed how it keeps a chat.
    pub const CHAT_UPDATED: Self = Self::fixed("chat.updated");
    /// Somebody shows something new.
    pub const CONTACT_UPDATED: Self = Self::fixed("contact.updated");
    /// Somebody is typing, comes or goes.
    pub const PRESENCE: Self = Self::fixed("presence");
    /// A group changed.
    pub const GROUP_UPDATED: Self = Self::fixed("group.updated");
    /// The session changed state.
    pub const SESSION_STATUS: Self = Self::fixed("session.status");
    /// A QR can be scanned.
    pub const SESSION_QR: Self = Self::fixed("session.qr");
    /// A webhook was switched off.
    pub const WEBHOOK_DISABLED: Self = Self::fixed("webhook.disabled");
    /// A campaign moved from one state to another, or came further.
    pub const CAMPAIGN_STATUS: Self = Self::fixed("campaign.status");

    /// A timer of an extension came due.
    pub const TIMER: Self = Self::fixed("timer");

    /// How the kinds of events that extensions make begin.
    pub const CUSTOM: &'static str = "custom.";

    /// Every kind this version makes, beside those of extensions.
    pub const ALL: [Self; 20] = [
        Self::MESSAGE_RECEIVED,
        Self::MESSAGE_SENT,
        Self::MESSAGE_FAILED,
        Self::MESSAGE_CANCELLED,
        Self::MESSAGE_EDITED,
        Self::MESSAGE_REVOKED,
        Self::MESSAGE_REACTION,
        Self::MESSAGE_VOTE,
        Self::MESSAGE_RECEIPT,
        Self::STATUS_RECEIVED,
        Self::PRESENCE,
        Self::CALL,
        Self::GROUP_UPDATED,
        Self::CHAT_UPDATED,
        Self::CONTACT_UPDATED,
        Self::SESSION_STATUS,
        Self::SESSION_QR,
        Self::WEBHOOK_DISABLED,
        Self::CAMPAIGN_STATUS,
        Self::TIMER,
    ];

    const fn fixed(word: &'static str) -> Self {
        Self(std::borrow::Cow::Borrowed(word))
    }

    /// The kind with this word; any word is one.
    pub fn new(word: impl Into<String>) -> Self {
        Self(std::borrow::Cow::Owned(word.into()))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
