//! `/message`: sending, and what waits to be sent.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::media::FileName;
use warbler_app::messages::{Draft, MediaForm, NewContent};
use warbler_app::outbox::Standing as Waits;
use warbler_app::quotas::Quota;
use warbler_domain::page::PageRequest;
use warbler_domain::{Caller, SessionRef, Timestamp};

use super::sessions::{Named, named};
use super::{Fault, Hub, HubState, Who};
use crate::dialect::state::holder;
use crate::dialect::{Row, file_at, recipient};
use crate::extract::{Search, Wire};

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const PER_MINUTE: Quota = Quota::per_minute("hub.messages.minute", 20);
const PER_HOUR: Quota = Quota::per_hour("hub.messages.hour", 500);
const PER_RECIPIENT: Quota = Quota::per_hour("hub.recipient.hour", 10);
/// Messages of a queue that are shown.
const SHOWN: u32 = 100;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Hub>> {
    const SECTION: &str = "Messages";
    let refused = ["unknown_session", "not_paired"];
    let file = |key: &str, url: &str| {
        json!({
            "session": "15550123", "to": "15550100", "text": "For you", key: url,
            "is_group": false,
        })
    };
    let rows = vec![
        Row::post("/message/send-text", Who::Key, send_text)
            .about(SECTION, "Sends a text.")
            .reads(json!({
                "session": "15550123", "to": "15550100", "text": "Hello!", "is_group": false,
            })),
        Row::get("/message/send-text", Who::Key, send_text_by_query)
            .about(SECTION, "Sends a text; use `POST` instead.")
            .asks("session", "Session ID")
            .asks("to", "The recipient")
            .asks("text", "The text")
            .asks("is_group", "Whether the recipient is a group")
            .deprecated(),
        Row::post("/message/send-image", Who::Key, send_image)
            .about(SECTION, "Sends a picture.")
            .reads(file("image_url", "https://example.com/picture.jpg")),
        Row::post("/message/send-document", Who::Key, send_document)
            .about(SECTION, "Sends a file.")
            .reads(file("document_url", "https://example.com/offer.pdf")),
        Row::post("/message/send-sticker", Who::Key, send_sticker)
            .about(SECTION, "Sends a sticker, a WebP.")
            .reads(file("image_url", "https://example.com/wave.webp")),
        Row::get("/message/queue-status", Who::Key, queue)
            .about(SECTION, "Shows what of a session waits to be sent.")
            .asks("session", "Session ID"),
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
    is_group: Option<bool>,
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

/// What every accepted message is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Queued {
    success: bool,
    message_id: String,
    message: &'static str,
}

type Sent = Result<Json<Queued>, Fault>;

/// `POST /message/send-text`
async fn send_text(
    State(state): State<HubState>,
    caller: Caller,
    Wire(body): Wire<TextBody>,
) -> Sent {
    let content = NewContent::Text(body.text.into());
    send(&state, &caller, &body.way, content).await
}

/// `GET /message/send-text`
async fn send_text_by_query(
    State(state): State<HubState>,
    caller: Caller,
    Search(query): Search<TextQuery>,
) -> Result<Response, Fault> {
    let way = Way {
        session: query.session,
        to: query.to,
        is_group: query.is_group.unwrap_or_default(),
    };
    let content = NewContent::Text(query.text.into());
    let sent = send(&state, &caller, &way, content).await?;
    let deprecated = [(HeaderName::from_static("deprecation"), "true")];
    Ok((deprecated, sent).into_response())
}

/// `POST /message/send-image`
async fn send_image(
    State(state): State<HubState>,
    caller: Caller,
    Wire(body): Wire<ImageBody>,
) -> Sent {
    let content = file_at(
        "image_url",
        &body.image_url,
        MediaForm::Image,
        None,
        body.text,
    )?;
    send(&state, &caller, &body.way, content).await
}

/// `POST /message/send-document`
async fn send_document(
    State(state): State<HubState>,
    caller: Caller,
    Wire(body): Wire<DocumentBody>,
) -> Sent {
    let (url, form) = (&body.document_url, MediaForm::Document);
    let name = body.document_name.as_deref().and_then(FileName::of);
    let content = file_at("document_url", url, form, name, body.text)?;
    send(&state, &caller, &body.way, content).await
}

/// `POST /message/send-sticker`
async fn send_sticker(
    State(state): State<HubState>,
    caller: Caller,
    Wire(body): Wire<ImageBody>,
) -> Sent {
    let content = file_at("image_url", &body.image_url, MediaForm::Sticker, None, None)?;
    send(&state, &caller, &body.way, content).await
}

/// Accepts a message, within the limits of the document.
async fn send(state: &HubState, caller: &Caller, way: &Way, content: NewContent) -> Sent {
    let session: SessionRef = named(&way.session)?;
    let to = recipient("to", &way.to, way.is_group)?;
    let sender = format!("{} {session}", holder(Some(caller), None));
    let to_whom = format!("{sender} {}", to.jid());
    state.take(&[
        (PER_MINUTE, &sender),
        (PER_HOUR, &sender),
        (PER_RECIPIENT, &to_whom),
    ])?;
    let draft = Draft::new(to, content);
    let messages = state.api.app.messages();
    let message = messages.send(caller, &session, draft, None).await?;
    Ok(Json(Queued {
        success: true,
        message_id: message.id.to_string(),
        message: "Message queued successfully",
    }))
}

/// A message in the queue.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueuedView {
    message_id: String,
    to: String,
    r#type: &'static str,
    status: &'static str,
    created_at: Timestamp,
}

/// `GET /message/queue-status`
async fn queue(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<Named>,
) -> Result<Json<Value>, Fault> {
    let session = query.session()?;
    let outboxes = app.outboxes();
    let status = outboxes.status(&caller, &session).await?;
    let page = PageRequest::new(None, Some(SHOWN));
    let waiting = outboxes.waiting(&caller, &session, page).await?;
    let counted = app.stats().messages(&caller, Some(&session)).await?;
    let rows = waiting.items.into_iter().rev().map(|row| QueuedView {
        message_id: row.message.id.to_string(),
        to: row.message.chat.user().to_owned(),
        r#type: row.message.content.word(),
        status: match row.standing {
            Waits::UnderWay => "processing",
            Waits::Dead => "failed",
            Waits::Scheduled | Waits::Queued => "pending",
        },
        created_at: row.message.timestamp,
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
