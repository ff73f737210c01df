//! `/api/messages`: what a session has sent and received, and sending.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::messages::{Draft, NewContent, ReadError, SendError};
use warbler_domain::history::HistoryFilter;
use warbler_domain::{Caller, Message, Recipient};

use super::form::FORM;
use super::wire::{MessageRow, number};
use super::{Fault, Key, Manager, Number, data, missing, numbered};
use crate::dialect::Row;
use crate::extract::{Param, Search, Wire};
use crate::native::in_field;

/// Messages of a page, when nothing is said, and at most.
const PAGE: (u32, u32) = (50, 500);

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Manager>> {
    const SECTION: &str = "Messages";
    vec![
        Row::get("/api/messages/session/{sessionId}", Key, list)
            .about(
                SECTION,
                "Lists the messages of a session, the newest first.",
            )
            .asks("limit", "How many; 50 when left out, 500 at most")
            .asks("offset", "How many to leave out before")
            .asks("phone", "Only those from or to this number"),
        Row::get("/api/messages/{id}", Key, show).about(SECTION, "Shows a message."),
        Row::post("/api/messages/session/{sessionId}/send", Key, send)
            .about(SECTION, "Sends a text.")
            .reads(json!({ "to": "15550100@c.us", "message": "Hello!" })),
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

type Told = Result<Json<Value>, Fault>;

/// `GET /api/messages/session/{sessionId}`
async fn list(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<Number>,
    Search(query): Search<ListQuery>,
) -> Told {
    let marked = numbered(&app, &caller, id).await?;
    let phone = query.phone.filter(|phone| !phone.is_empty());
    let phone = phone.map(|phone| in_field::<Recipient>("bad_recipient", "phone", phone.trim()));
    let filter = HistoryFilter {
        with: phone.transpose()?.map(Recipient::into_jid),
        ..HistoryFilter::default()
    };
    let (limit, offset) = (
        query.limit.unwrap_or(PAGE.0).clamp(1, PAGE.1),
        query.offset.unwrap_or(0),
    );
    let (chats, session) = (app.chats(), marked.session.id.into());
    let total = chats.count(&caller, &session, filter.clone()).await?;
    let page = (offset, limit);
    let shown = chats.history_from(&caller, &session, filter, page).await?;
    let messages: Vec<Message> = shown.into_iter().map(|shown| shown.message).collect();
    let rows = app.messages().with_numbers(messages, FORM).await?;
    let rows = rows.iter().map(|row| MessageRow::new(row, number(&marked)));
    Ok(data(json!({
        "messages": rows.collect::<Vec<_>>(),
        "pagination": { "total": total, "limit": limit, "offset": offset },
    })))
}

/// `GET /api/messages/{id}`
async fn show(State(app): State<App>, caller: Caller, Param(id): Param<Number>) -> Told {
    let Number(wanted) = id;
    let found = match app.messages().numbered(&caller, wanted, FORM).await {
        Err(ReadError::Unknown(_)) => return Err(missing("unknown_message", "Message", wanted)),
        found => found?,
    };
    let session = found.message.session.into();
    let marked = app.sessions().marked(&caller, &session).await?;
    Ok(data(MessageRow::new(&found, number(&marked))))
}

/// `POST /api/messages/session/{sessionId}/send`
async fn send(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<Number>,
    Wire(body): Wire<SendBody>,
) -> Told {
    let session = numbered(&app, &caller, id).await?.session.id.into();
    let to = in_field("bad_recipient", "to", &body.to)?;
    let draft = Draft::new(to, NewContent::Text(body.message.into()));
    let sent = app.messages().send(&caller, &session, draft, None).await;
    let sent = sent.map_err(|err| unsent(err, id))?;
    Ok(data(row(&app, sent, id).await?))
}

/// A message that the caller has just sent, as it is shown.
pub(super) async fn row(
    app: &App,
    sent: Message,
    Number(session): Number,
) -> Result<MessageRow, Fault> {
    let id = sent.id;
    let numbered = app.messages().with_numbers(vec![sent], FORM).await?.pop();
    let numbered = numbered.ok_or(ReadError::Unknown(id))?;
    Ok(MessageRow::new(&numbered, session))
}

/// Why a message was not sent by the session with this number.
pub(super) fn unsent(err: SendError, Number(session): Number) -> Fault {
    match err {
        SendError::NotPaired(_) => {
            let detail = format!("Session {session} is not connected");
            Fault::invalid("not_paired", detail)
        }
        err => err.into(),
    }
}
