//! `/message`: sending, and what waits to be sent.

use axum::Json;
use axum::response::IntoResponse;
use http::HeaderName;
use serde::Deserialize;
use serde_json::json;
use warbler_app::messages::{Draft, MediaForm, NewContent};
use warbler_app::outbox::Standing as Waits;
use warbler_app::quotas::Quota;
use warbler_domain::page::PageRequest;

use super::sessions::{Named, named};
use super::{Answer, BAD, Call, Fault, Hub, Who};
use crate::dialect::{Row, at_url, file, recipient};
use crate::extract::{Search, Wire};

const PER_MINUTE: Quota = Quota::per_minute("hub.messages.minute", 20);
const PER_HOUR: Quota = Quota::per_hour("hub.messages.hour", 500);
const PER_RECIPIENT: Quota = Quota::per_hour("hub.recipient.hour", 10);
/// Messages of a queue that are shown.
const SHOWN: u32 = 100;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Hub>> {
    let refused = ["unknown_session", "not_paired"];
    let rows = [
        Row::post("/message/send-text", Who::Key, send_text),
        Row::get("/message/send-text", Who::Key, send_text_by_query),
        Row::post("/message/send-image", Who::Key, send_image),
        Row::post("/message/send-document", Who::Key, send_document),
        Row::post("/message/send-sticker", Who::Key, send_sticker),
        Row::get("/message/queue-status", Who::Key, queue),
    ];
    let rows = rows.into_iter();
    rows.map(|row| row.answers(BAD, &refused)).collect()
}

/// To whom, by which session.
#[derive(Deserialize)]
struct Way {
    session: String,
    to: String,
    #[serde(default)]
    is_group: bool,
}

#[derive(Deserialize)]
struct TextBody {
    #[serde(flatten)]
    way: Way,
    text: String,
}

#[derive(Deserialize)]
struct TextQuery {
    session: String,
    to: String,
    #[serde(default)]
    is_group: bool,
    text: String,
}

#[derive(Deserialize)]
struct ImageBody {
    #[serde(flatten)]
    way: Way,
    text: Option<String>,
    image_url: String,
}

#[derive(Deserialize)]
struct DocumentBody {
    #[serde(flatten)]
    way: Way,
    text: Option<String>,
    document_url: String,
    document_name: Option<String>,
}

/// `POST /message/send-text`
async fn send_text(call: Call, Wire(body): Wire<TextBody>) -> Answer {
    let content = NewContent::Text(body.text.into());
    send(&call, &body.way, content).await
}

/// `GET /message/send-text`
async fn send_text_by_query(
    call: Call,
    Search(query): Search<TextQuery>,
) -> Result<impl IntoResponse, Fault> {
    let way = Way {
        session: query.session,
        to: query.to,
        is_group: query.is_group,
    };
    let content = NewContent::Text(query.text.into());
    let deprecated = [(HeaderName::from_static("deprecation"), "true")];
    Ok((deprecated, send(&call, &way, content).await?))
}

/// `POST /message/send-image`
async fn send_image(call: Call, Wire(body): Wire<ImageBody>) -> Answer {
    let origin = at_url("image_url", &body.image_url)?;
    let content = file(MediaForm::Image, origin, None, body.text);
    send(&call, &body.way, content).await
}

/// `POST /message/send-document`
async fn send_document(call: Call, Wire(body): Wire<DocumentBody>) -> Answer {
    let origin = at_url("document_url", &body.document_url)?;
    let name = body.document_name.as_deref();
    let content = file(MediaForm::Document, origin, name, body.text);
    send(&call, &body.way, content).await
}

/// `POST /message/send-sticker`
async fn send_sticker(call: Call, Wire(body): Wire<ImageBody>) -> Answer {
    let origin = at_url("image_url", &body.image_url)?;
    let content = file(MediaForm::Sticker, origin, None, None);
    send(&call, &body.way, content).await
}

/// Accepts a message, within the limits of the document.
async fn send(call: &Call, way: &Way, content: NewContent) -> Answer {
    let session = named(&way.session)?;
    let to = recipient("to", &way.to, way.is_group)?;
    let sender = call.sender(&session);
    let to_whom = format!("{sender} {}", to.jid());
    call.state.take(&[
        (PER_MINUTE, &sender),
        (PER_HOUR, &sender),
        (PER_RECIPIENT, &to_whom),
    ])?;
    let draft = Draft::new(to, content);
    let messages = call.app.messages();
    let message = messages.send(&call.caller, &session, draft, None).await?;
    Ok(Json(json!({
        "success": true,
        "messageId": message.id,
        "message": "Message queued successfully",
    })))
}

/// `GET /message/queue-status`
async fn queue(call: Call, Search(query): Search<Named>) -> Answer {
    let (caller, session) = (&call.caller, query.session()?);
    let outboxes = call.app.outboxes();
    let status = outboxes.status(caller, &session).await?;
    let page = PageRequest::new(None, Some(SHOWN));
    let waiting = outboxes.waiting(caller, &session, page).await?;
    let counted = call.app.stats().messages(caller, Some(&session)).await?;
    let rows = waiting.items.iter().rev().map(|row| {
        let status = match row.standing {
            Waits::UnderWay => "processing",
            Waits::Dead => "failed",
            Waits::Scheduled | Waits::Queued => "pending",
        };
        json!({
            "messageId": row.message.id,
            "to": row.message.chat.user(),
            "type": row.message.content.word(),
            "status": status,
            "createdAt": row.message.timestamp,
        })
    });
    Ok(Json(json!({
        "session": session.to_string(),
        "stats": {
            "pending": status.queued + status.scheduled,
            "processing": status.under_way,
            "completed": counted.sent(),
            "failed": status.dead,
        },
        "queue": rows.collect::<Vec<_>>(),
    })))
}
