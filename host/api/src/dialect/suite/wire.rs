//! What this dialect reads and writes: ids, recipients, sessions and messages.

use std::convert::Infallible;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::Serialize;
use warbler_app::sessions::{Labelled, Marked};
use warbler_domain::{
    Content, Direction, Jid, Message, MessageStatus, SessionId, SessionRef, Timestamp, WhatsAppId,
};

use crate::dialect::Standing;

/// The id of a session as this dialect writes it: 32 hexadecimal digits in lower case. Anything
/// else is the id of no session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Id(pub(super) SessionRef);

impl FromStr for Id {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let bytes = HEXLOWER.decode(text.as_bytes()).unwrap_or_default();
        let bytes: [u8; 16] = bytes.try_into().unwrap_or_default();
        Ok(Self(SessionId::from_bytes(bytes).into()))
    }
}

impl Id {
    /// The session that a body names.
    pub(super) fn named(text: &str) -> SessionRef {
        let Ok(Self(session)) = text.parse();
        session
    }
}

/// How an id of a session is written.
pub(super) fn id(session: SessionId) -> String {
    HEXLOWER.encode(session.as_bytes())
}

/// How an id of a message is written.
pub(super) fn message_id(id: &WhatsAppId) -> String {
    format!("msg_{id}")
}

/// How an address is written: the digits of a number, or a whole JID.
pub(super) fn address(jid: &Jid) -> String {
    match jid.phone_number() {
        Some(_) => jid.user().to_owned(),
        None => jid.to_string(),
    }
}

/// Every word for where a session stands.
pub(super) const STATUSES: [&str; 4] = ["inactive", "connecting", "connected", "disconnected"];

/// Where a session stands, in this dialect's words.
pub(super) fn status(marked: &Marked) -> &'static str {
    match Standing::from(marked.session.state) {
        Standing::Stopped => "inactive",
        Standing::Waiting => "connecting",
        Standing::Connected => "connected",
        Standing::Lost => "disconnected",
    }
}

/// A session; which fields it has depends on the endpoint.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionView {
    id: String,
    name: String,
    description: Option<String>,
    status: &'static str,
    phone_number: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_activity: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_stats: Option<Counted>,
}

/// Messages of a session.
#[derive(Serialize)]
pub(super) struct Counted {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) failed: u64,
}

impl From<&Labelled> for SessionView {
    fn from(session: &Labelled) -> Self {
        let marked = &session.marked;
        Self {
            id: id(marked.session.id),
            name: marked.label().to_owned(),
            description: session.description.clone(),
            status: status(marked),
            phone_number: marked.phone().map(|phone| phone.to_string()),
            created_at: marked.session.created_at,
            updated_at: marked.changed_at(),
            last_activity: None,
            message_stats: None,
        }
    }
}

impl SessionView {
    /// With when something happened last.
    pub(super) fn with_activity(mut self, session: &Labelled) -> Self {
        self.last_activity = Some(session.active_at);
        self
    }

    /// With its messages, counted.
    pub(super) fn with_stats(mut self, counted: Counted) -> Self {
        self.message_stats = Some(counted);
        self
    }
}

/// A message, in the history and in webhooks.
#[derive(Serialize)]
pub(super) struct MessageView {
    id: String,
    r#type: &'static str,
    from: String,
    to: String,
    text: Option<String>,
    timestamp: Timestamp,
    status: &'static str,
}

impl From<&Message> for MessageView {
    fn from(message: &Message) -> Self {
        let me = || "me".to_owned();
        let (from, to) = match message.direction {
            Direction::Outbound => (me(), address(&message.chat)),
            Direction::Inbound if message.chat.is_group() => {
                (author(message), address(&message.chat))
            }
            Direction::Inbound => (address(&message.chat), me()),
        };
        Self {
            id: message_id(&message.whatsapp_id),
            r#type: kind(&message.content),
            from,
            to,
            text: message.content.readable().map(str::to_owned),
            timestamp: message.timestamp,
            status: message_status(message.status),
        }
    }
}

/// Who wrote a message, by number where that is known.
fn author(message: &Message) -> String {
    let known = [Some(&message.sender), message.sender_alt.as_ref()];
    let mut known = known.into_iter().flatten();
    let numbered = known.find(|jid| jid.phone_number().is_some());
    address(numbered.unwrap_or(&message.sender))
}

/// The document's words for kinds of messages, and those of the core that each stands for.
pub(super) const KINDS: [(&str, &[&str]); 11] = [
    ("text", &["text"]),
    ("image", &["image"]),
    ("document", &["document"]),
    ("video", &["video", "gif"]),
    ("audio", &["audio", "voice"]),
    ("location", &["location"]),
    ("contact", &["contacts"]),
    ("sticker", &["sticker"]),
    ("poll", &["poll"]),
    ("reaction", &["reaction"]),
    ("other", &["vote", "edit", "revoke", "unsupported"]),
];

/// What kind of message it is, in this dialect's words.
fn kind(content: &Content) -> &'static str {
    kind_of(content.word())
}

/// This dialect's word for one of the core.
pub(super) fn kind_of(word: &str) -> &'static str {
    let found = KINDS.iter().find(|(_, words)| words.contains(&word));
    found.map_or("other", |(kind, _)| kind)
}

/// How far a message is, in this dialect's words.
pub(super) fn message_status(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Queued => "pending",
        MessageStatus::Played => "read",
        status => status.as_str(),
    }
}
