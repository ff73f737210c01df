//! What this dialect writes: sessions and messages.

use serde::Serialize;
use warbler_app::messages::Numbered;
use warbler_app::sessions::{Labelled, Marked, Sessions};
use warbler_domain::jid::Server;
use warbler_domain::{Content, Direction, Jid, Message, SessionState, Timestamp};

use crate::dialect::Standing;

/// Where a session stands, in this dialect's words.
pub(super) fn status(state: SessionState) -> &'static str {
    match Standing::from(state) {
        Standing::Stopped | Standing::Lost => "disconnected",
        Standing::Waiting => "connecting",
        Standing::Connected => "connected",
    }
}

/// A session as lists show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionView {
    id: i64,
    session_name: String,
    webhook_url: Option<String>,
    status: &'static str,
    /// What is shown only where it was made or changed; always null.
    #[serde(flatten)]
    made: Option<Made>,
    last_seen: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    user_id: i64,
}

/// What the document shows in two answers, and what has nothing in it: the QR has an endpoint of its
/// own, and the keys of the account are nobody's business.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    qr_code: Option<String>,
    session_data: Option<String>,
}

impl SessionView {
    /// A session whose messages are told at `webhook_url`.
    pub(super) fn new(session: &Labelled, webhook_url: Option<String>) -> Self {
        let marked = &session.marked;
        Self {
            id: marked.marks.number,
            session_name: marked.label().to_owned(),
            webhook_url,
            status: status(marked.session.state),
            made: None,
            last_seen: marked.session.account.as_ref().map(|_| session.active_at),
            created_at: marked.session.created_at,
            updated_at: marked.changed_at(),
            user_id: session.owner.unwrap_or(Sessions::NOBODY),
        }
    }

    /// As answers show it that make or change it.
    pub(super) fn made(mut self) -> Self {
        self.made = Some(Made::default());
        self
    }
}

/// A message as lists show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageRow {
    id: i64,
    session_id: i64,
    message_id: String,
    from_number: String,
    to_number: Option<String>,
    contact_name: Option<String>,
    group_id: Option<String>,
    message_type: &'static str,
    content: String,
    timestamp: Timestamp,
    webhook_sent: bool,
    created_at: Timestamp,
}

impl MessageRow {
    /// A message of this session.
    pub(super) fn new(shown: &Numbered, session: i64) -> Self {
        let message = &shown.message;
        let parties = Parties::of(message);
        Self {
            id: shown.number,
            session_id: session,
            message_id: message.whatsapp_id.to_string(),
            from_number: parties.from,
            to_number: parties.to,
            contact_name: parties.name,
            group_id: parties.group,
            message_type: kind(&message.content),
            content: text(&message.content),
            timestamp: message.timestamp,
            webhook_sent: shown.told,
            created_at: message.id.made_at(),
        }
    }
}

/// Who wrote to whom, as this dialect writes it.
pub(super) struct Parties {
    pub(super) from: String,
    /// To whom; nothing for what came in.
    pub(super) to: Option<String>,
    /// What the author is called; nothing for the account itself.
    pub(super) name: Option<String>,
    pub(super) group: Option<String>,
}

impl Parties {
    pub(super) fn of(message: &Message) -> Self {
        let name = message.sender_display_name().map(str::to_owned);
        let (to, name) = match message.direction {
            Direction::Outbound => (Some(address(&message.chat)), None),
            Direction::Inbound => (None, name),
        };
        let group = message.chat.is_group().then(|| message.chat.to_string());
        let known = [Some(&message.sender), message.sender_alt.as_ref()];
        let mut known = known.into_iter().flatten();
        let numbered = known.find(|jid| jid.phone_number().is_some());
        Self {
            from: address(numbered.unwrap_or(&message.sender)),
            to,
            name,
            group,
        }
    }
}

/// An address, in the old spelling where it has one.
fn address(jid: &Jid) -> String {
    match jid.server() {
        Server::Pn => format!("{}@c.us", jid.user()),
        _ => jid.to_string(),
    }
}

/// What kind of message it is, in this dialect's words.
pub(super) fn kind(content: &Content) -> &'static str {
    match content.word() {
        "text" => "chat",
        "voice" => "ptt",
        "gif" => "video",
        "contacts" => "vcard",
        word => word,
    }
}

/// What a message says; nothing to read is an empty text.
pub(super) fn text(content: &Content) -> String {
    content.readable().unwrap_or_default().to_owned()
}

/// The sessions' numbers, for answers about one.
pub(super) fn number(marked: &Marked) -> i64 {
    marked.marks.number
}
