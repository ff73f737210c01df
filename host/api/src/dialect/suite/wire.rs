//! What this dialect reads and writes: ids, recipients, sessions and messages.

use std::convert::Infallible;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use warbler_app::sessions::{Labelled, Marked};
use warbler_domain::{Direction, Jid, Message, MessageStatus, SessionId, SessionRef, WhatsAppId};

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

/// Where sessions stand that are at work.
pub(super) const ACTIVE: [Standing; 2] = [Standing::Connected, Standing::Waiting];

/// How many sessions stand at one of these.
pub(super) fn standing_at(sessions: &[Marked], wanted: &[Standing]) -> usize {
    let stands = |marked: &&Marked| wanted.contains(&Standing::from(marked.session.state));
    sessions.iter().filter(stands).count()
}

/// A session; endpoints that say more of it add that.
pub(super) fn session_view(session: &Labelled) -> Value {
    let marked = &session.marked;
    json!({
        "id": id(marked.session.id),
        "name": marked.label(),
        "description": session.description,
        "status": status(marked),
        "phoneNumber": marked.phone().map(|phone| phone.to_string()),
        "createdAt": marked.session.created_at,
        "updatedAt": marked.changed_at(),
    })
}

/// A message, in the history and in webhooks.
pub(super) fn message_view(message: &Message) -> Value {
    let (me, chat) = ("me".to_owned(), address(&message.chat));
    let (from, to) = match message.direction {
        Direction::Outbound => (me, chat),
        Direction::Inbound if message.chat.is_group() => (address(message.author()), chat),
        Direction::Inbound => (chat, me),
    };
    json!({
        "id": message_id(&message.whatsapp_id),
        "type": kind_of(message.content.word()),
        "from": from,
        "to": to,
        "text": message.content.readable(),
        "timestamp": message.timestamp,
        "status": message_status(message.status),
    })
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
