//! `/api/messages`: what a session has sent and received, and sending.

use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::messages::{Draft, NewContent, Numbered, ReadError, SendError};
use warbler_domain::history::HistoryFilter;
use warbler_domain::jid::Server;
use warbler_domain::{Content, Direction, Jid, Message, Recipient};

use super::form::FORM;
use super::{Answer, Call, Fault, Key, Manager, Number, data, missing, numbered};
use crate::dialect::{Row, read};
use crate::extract::{Param, Search, Wire};
use crate::native::in_field;

/// Messages of a page, when nothing is said, and at most.
const PAGE: (u32, u32) = (50, 500);

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Manager>> {
    vec![
        Row::get("/api/messages/session/{sessionId}", Key, list),
        Row::get("/api/messages/{id}", Key, show),
        Row::post("/api/messages/session/{sessionId}/send", Key, send),
    ]
}

#[derive(Deserialize)]
struct ListQuery {
    limit: Option<u32>,
    offset: Option<u32>,
    phone: Option<String>,
}

#[derive(Deserialize)]
struct SendBody {
    to: String,
    message: String,
}

/// `GET /api/messages/session/{sessionId}`
async fn list(call: Call, Param(id): Param<Number>, Search(query): Search<ListQuery>) -> Answer {
    let session = numbered(&call, id).await?.session.id.into();
    let phone = query.phone.filter(|phone| !phone.is_empty());
    let phone = phone.map(|phone| in_field::<Recipient>("bad_recipient", "phone", phone.trim()));
    let filter = HistoryFilter {
        with: phone.transpose()?.map(Recipient::into_jid),
        ..HistoryFilter::default()
    };
    let (limit, offset) = read::window(PAGE, query.limit, query.offset);
    let (chats, page) = (call.app.chats(), (offset, limit));
    let total = chats.count(&call.caller, &session, filter.clone()).await?;
    let shown = chats.history_from(&call.caller, &session, filter, page);
    let messages = shown.await?.into_iter();
    let messages = messages.map(|shown| shown.message).collect();
    let rows = call.app.messages().with_numbers(messages, FORM).await?;
    let rows: Vec<_> = rows.iter().map(|shown| row(shown, id)).collect();
    Ok(data(json!({
        "messages": rows,
        "pagination": { "total": total, "limit": limit, "offset": offset },
    })))
}

/// `GET /api/messages/{id}`
async fn show(call: Call, Param(id): Param<Number>) -> Answer {
    let found = call.app.messages().numbered(&call.caller, id.0, FORM).await;
    let shown = found.map_err(missing("Message", id))?;
    let session = shown.message.session.into();
    let marked = call.app.sessions().marked(&call.caller, &session).await?;
    Ok(data(row(&shown, Number(marked.marks.number))))
}

/// `POST /api/messages/session/{sessionId}/send`
async fn send(call: Call, Param(id): Param<Number>, Wire(body): Wire<SendBody>) -> Answer {
    let session = numbered(&call, id).await?.session.id.into();
    let to = in_field("bad_recipient", "to", &body.to)?;
    let draft = Draft::new(to, NewContent::Text(body.message.into()));
    let messages = call.app.messages();
    let sent = messages.send(&call.caller, &session, draft, None).await;
    let sent = sent.map_err(unsent(id))?;
    Ok(data(sent_row(&call.app, sent, id).await?))
}

/// Why a message was not sent by the session with this number.
pub(super) fn unsent(Number(session): Number) -> impl FnOnce(SendError) -> Fault {
    let detail = format!("Session {session} is not connected");
    move |err| match err {
        SendError::NotPaired(_) => Fault::invalid("not_paired", detail),
        err => err.into(),
    }
}

/// A message that the caller has just sent, as it is shown.
pub(super) async fn sent_row(app: &App, sent: Message, session: Number) -> Result<Value, Fault> {
    let id = sent.id;
    let shown = app.messages().with_numbers(vec![sent], FORM).await?.pop();
    Ok(row(&shown.ok_or(ReadError::Unknown(id))?, session))
}

/// A message of the session with this number.
fn row(shown: &Numbered, session: Number) -> Value {
    let message = &shown.message;
    json!({
        "id": shown.number,
        "sessionId": session,
        "messageId": message.whatsapp_id.as_str(),
        "fromNumber": address(message.author()),
        "toNumber": addressee(message),
        "contactName": contact(message),
        "groupId": message.chat.is_group().then_some(&message.chat),
        "messageType": kind(&message.content),
        "content": message.content.readable().unwrap_or_default(),
        "timestamp": message.timestamp,
        "webhookSent": shown.told,
        "createdAt": message.id.made_at(),
    })
}

/// An address, in the old spelling where it has one.
pub(super) fn address(jid: &Jid) -> String {
    match jid.server() {
        Server::Pn => format!("{}@c.us", jid.user()),
        _ => jid.to_string(),
    }
}

/// To whom a message is; nothing for what came in.
pub(super) fn addressee(message: &Message) -> Option<String> {
    (message.direction == Direction::Outbound).then(|| address(&message.chat))
}

/// What the author is called; nothing for the account itself.
pub(super) fn contact(message: &Message) -> Option<&str> {
    let name = message.sender_display_name();
    name.filter(|_| message.direction == Direction::Inbound)
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
