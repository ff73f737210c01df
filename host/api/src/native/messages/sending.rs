//! Sending messages, and what can be done about those that were.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::LOCATION;
use http::{HeaderName, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::messages::BatchItem;
use warbler_domain::{Caller, Message, MessageId, SessionRef};

use super::send::{BatchBody, ForwardBody, NewTextBody, SendBody, recipient};
use super::view::MessageView;
use crate::extract::Param;
use crate::idempotent::{Named, Once, Turn};
use crate::mount::Route;
use crate::native::in_field;
use crate::problem::Problem;

/// What a content can be refused with.
pub(in crate::native) const CONTENT: &[&str] = &[
    "no_content",
    "several_contents",
    "bad_recipient",
    "not_writable",
    "bad_message_id",
    "empty_text",
    "text_too_long",
    "too_many_mentions",
    "everybody_needs_group",
    "bad_preview",
    "bad_media_source",
    "bad_media_data",
    "empty_media",
    "media_too_large",
    "media_wrong_type",
    "caption_not_possible",
    "view_once_not_possible",
    "url_invalid",
    "url_scheme",
    "url_credentials",
    "url_not_allowed",
    "url_unreachable",
    "url_status",
    "url_too_large",
    "url_timeout",
    "url_too_many_redirects",
    "url_bad_redirect",
    "url_insecure_redirect",
    "bad_location",
    "bad_contacts",
    "bad_contact_card",
    "bad_poll",
    "unknown_option",
    "too_many_choices",
    "not_a_poll",
    "bad_emoji",
    "quote_not_possible",
    "send_at_past",
    "send_at_too_far",
    "audience_needs_status",
    "no_audience",
    "audience_too_large",
    "not_a_status",
];
/// What changing an earlier message can be refused with.
const CHANGE: &[&str] = &[
    "not_paired",
    "engine_cannot",
    "not_own_message",
    "not_editable",
    "edit_too_late",
    "revoke_too_late",
    "revoke_not_allowed",
    "not_sent",
];

/// The routes of this part.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_send, send)
            .carries_media()
            .done_once()
            .refuses(StatusCode::BAD_REQUEST, CONTENT)
            .refuses(
                StatusCode::NOT_FOUND,
                &[
                    "unknown_session",
                    "unknown_target",
                    "unknown_upload",
                    "media_expired",
                ],
            )
            .refuses(StatusCode::CONFLICT, CHANGE)
            .refuses(StatusCode::INTERNAL_SERVER_ERROR, &["media_store"])
            .refuses(StatusCode::INTERNAL_SERVER_ERROR, &["media_store"])
            .refuses(StatusCode::SERVICE_UNAVAILABLE, &["media_busy"]),
        Route::of(__path_batch, batch)
            .carries_media()
            .done_once()
            .refuses(StatusCode::BAD_REQUEST, &["bad_batch"])
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"])
            .refuses(StatusCode::CONFLICT, &["not_paired"]),
        Route::of(__path_forward, forward)
            .done_once()
            .refuses(
                StatusCode::BAD_REQUEST,
                &["bad_recipient", "not_writable", "bad_session_name"],
            )
            .refuses(
                StatusCode::NOT_FOUND,
                &[
                    "unknown_message",
                    "unknown_session",
                    "media_gone",
                    "media_expired",
                ],
            )
            .refuses(StatusCode::CONFLICT, &["not_paired", "not_forwardable"])
            .refuses(
                StatusCode::SERVICE_UNAVAILABLE,
                &[
                    "session_not_connected",
                    "media_unavailable",
                    "media_damaged",
                ],
            ),
        Route::of(__path_edit, edit)
            .done_once()
            .refuses(StatusCode::BAD_REQUEST, &["empty_text", "text_too_long"])
            .refuses(StatusCode::NOT_FOUND, &["unknown_message"])
            .refuses(
                StatusCode::CONFLICT,
                &[
                    "not_paired",
                    "not_own_message",
                    "not_editable",
                    "edit_too_late",
                    "not_sent",
                ],
            ),
        Route::of(__path_revoke, revoke)
            .refuses(StatusCode::NOT_FOUND, &["unknown_message"])
            .refuses(
                StatusCode::CONFLICT,
                &[
                    "not_paired",
                    "revoke_too_late",
                    "revoke_not_allowed",
                    "not_sent",
                ],
            ),
        Route::of(__path_cancel, cancel)
            .refuses(StatusCode::NOT_FOUND, &["unknown_message"])
            .refuses(
                StatusCode::CONFLICT,
                &["message_under_way", "message_not_waiting"],
            ),
        Route::of(__path_retry, retry)
            .refuses(StatusCode::NOT_FOUND, &["unknown_message"])
            .refuses(StatusCode::CONFLICT, &["message_not_failed"]),
    ]
}

type Accepted = (StatusCode, [(HeaderName, String); 1], Json<MessageView>);

fn accepted(message: Message) -> Accepted {
    let location = [(LOCATION, format!("/v1/messages/{}", message.id))];
    (StatusCode::ACCEPTED, location, Json(message.into()))
}

/// Accepts a message for sending.
///
/// The answer comes as soon as the message is stored. It goes out at once, at `sendAt`, or when the
/// session is back, and as the session's pacing lets it; its `status` says how far it has come. The
/// same request with the same `Idempotency-Key` is answered the same for a day, and sent once.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/messages", operation_id = "sendMessage",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("Idempotency-Key" = Option<String>, Header, description = "A key of your own for this request", example = "order-4711"),
    ),
    request_body(content = SendBody, examples(
        ("text" = (summary = "A text", value = json!({ "to": "+15550123", "text": "Good morning!" }))),
        ("mentions" = (summary = "A text that mentions everybody in a group", value = json!({
            "to": "120363000000000000@g.us", "text": "Lunch is ready", "mentions": { "everybody": true },
        }))),
        ("link" = (summary = "A text whose link shows a preview", value = json!({
            "to": "+15550123", "text": "See https://example.com", "preview": true,
        }))),
        ("quote" = (summary = "An answer to a message", value = json!({
            "to": "+15550123", "text": "Until six.", "quote": "3EB0A1B2C3D4E5F60718",
        }))),
        ("scheduled" = (summary = "A text for later", value = json!({
            "to": "+15550123", "text": "Merry Christmas!", "sendAt": "2026-12-24T18:00:00Z",
        }))),
        ("image" = (summary = "An image", value = json!({
            "to": "+15550123",
            "image": { "data": "data:image/png;base64,iVBORw0KGgo…", "caption": "Our new opening hours" },
        }))),
        ("video" = (summary = "A video from a URL", value = json!({
            "to": "+15550123", "video": { "url": "https://example.com/tour.mp4", "caption": "A tour" },
        }))),
        ("gif" = (summary = "A film that repeats", value = json!({
            "to": "+15550123", "gif": { "upload": "0192f0c1-a2b3-7c04-9d5e-6f708192a3b4" },
        }))),
        ("audio" = (summary = "Sound", value = json!({
            "to": "+15550123", "audio": { "url": "https://example.com/song.mp3" },
        }))),
        ("voice" = (summary = "A voice note", value = json!({
            "to": "+15550123", "voice": { "upload": "0192f0c1-a2b3-7c04-9d5e-6f708192a3b4" },
        }))),
        ("document" = (summary = "A document", value = json!({
            "to": "+15550123",
            "document": { "url": "https://example.com/menu.pdf", "fileName": "Menu.pdf", "caption": "Our menu" },
        }))),
        ("sticker" = (summary = "A sticker", value = json!({
            "to": "+15550123", "sticker": { "upload": "0192f0c1-a2b3-7c04-9d5e-6f708192a3b4" },
        }))),
        ("location" = (summary = "A place", value = json!({
            "to": "+15550123",
            "location": { "latitude": 52.520008, "longitude": 13.404954, "name": "Our shop" },
        }))),
        ("contacts" = (summary = "Contact cards", value = json!({
            "to": "+15550123", "contacts": [{ "name": "Ada Lovelace", "numbers": ["+15550124"] }],
        }))),
        ("poll" = (summary = "A poll", value = json!({
            "to": "120363000000000000@g.us", "poll": { "question": "Tea or coffee?", "options": ["Tea", "Coffee"] },
        }))),
        ("vote" = (summary = "A vote", value = json!({
            "to": "120363000000000000@g.us", "vote": { "message": "3EB0A1B2C3D4E5F60718", "options": ["Tea"] },
        }))),
        ("reaction" = (summary = "A reaction", value = json!({
            "to": "+15550123", "reaction": { "message": "3EB0A1B2C3D4E5F60718", "emoji": "👍" },
        }))),
        ("edit" = (summary = "A new text for an earlier message", value = json!({
            "to": "+15550123", "edit": { "message": "3EB0A1B2C3D4E5F60718", "text": "Until seven." },
        }))),
        ("revoke" = (summary = "A message taken back", value = json!({
            "to": "+15550123", "revoke": { "message": "3EB0A1B2C3D4E5F60718" },
        }))),
        ("status" = (summary = "A status", value = json!({
            "to": "status@broadcast", "text": "We are open", "audience": ["+15550123"],
        }))),
    )),
    responses((status = 202, description = "The message, accepted.", body = MessageView)),
)]
pub(super) async fn send(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    once: Once<SendBody>,
) -> Result<impl IntoResponse, Problem> {
    let claim = match Named::turn(once.key, &app, &caller).await? {
        Turn::Again(message) => return Ok(accepted(message)),
        Turn::Go(claim) => claim,
    };
    let draft = once.body.into_draft()?;
    let message = app.messages().send(&caller, &session, draft, claim).await?;
    Ok(accepted(message))
}

/// What became of one message of a batch: the `message`, or why it was not accepted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BatchItem)]
pub(in crate::native) struct BatchItemView {
    /// The message, accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageView>,
    /// The code it was refused with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "bad_recipient")]
    code: Option<String>,
    /// The refusal in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Batch)]
pub(in crate::native) struct BatchView {
    /// How many messages were accepted.
    accepted: usize,
    /// How many were refused.
    refused: usize,
    /// Each of them, in the order of the request.
    items: Vec<BatchItemView>,
}

impl From<Vec<BatchItem>> for BatchView {
    fn from(items: Vec<BatchItem>) -> Self {
        let items: Vec<_> = items.into_iter().map(BatchItemView::from).collect();
        let accepted = items.iter().filter(|item| item.message.is_some()).count();
        Self {
            accepted,
            refused: items.len() - accepted,
            items,
        }
    }
}

impl From<BatchItem> for BatchItemView {
    fn from(item: BatchItem) -> Self {
        match item {
            BatchItem::Accepted(message) => Self {
                message: Some((*message).into()),
                code: None,
                detail: None,
            },
            BatchItem::Refused { code, detail } => Self {
                message: None,
                code: Some(code),
                detail: Some(detail),
            },
        }
    }
}

/// Accepts up to 1,000 messages for sending, in their order.
///
/// Those that can be sent are accepted together, in one transaction; of each other one the answer
/// says why not.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/messages/batch", operation_id = "sendBatch",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("Idempotency-Key" = Option<String>, Header, description = "A key of your own for this request", example = "mailing-12"),
    ),
    request_body(content = BatchBody, example = json!({ "messages": [
        { "to": "+15550123", "text": "Good morning, Ada!" },
        { "to": "+15550124", "text": "Good morning, Bob!" },
    ] })),
    responses((status = 202, description = "What became of each.", body = BatchView)),
)]
pub(super) async fn batch(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    once: Once<BatchBody>,
) -> Result<impl IntoResponse, Problem> {
    let items: Vec<BatchItem> = match Named::turn(once.key, &app, &caller).await? {
        Turn::Again(items) => items,
        Turn::Go(claim) => {
            let drafts = once.body.into_drafts();
            let messages = app.messages();
            messages
                .send_batch(&caller, &session, drafts, claim)
                .await?
        }
    };
    Ok((StatusCode::ACCEPTED, Json(BatchView::from(items))))
}

/// Sends a stored message on to somebody; its medium is not uploaded again by the caller.
#[utoipa::path(
    post, path = "/v1/messages/{id}/forward", operation_id = "forwardMessage",
    params(
        ("id" = String, Path, description = "Our id of the message", example = "0192f0c1-9a11-7b02-8c4d-5e6f708192a3"),
        ("Idempotency-Key" = Option<String>, Header, description = "A key of your own for this request", example = "forward-1"),
    ),
    request_body(content = ForwardBody, example = json!({ "to": "+15550124" })),
    responses((status = 202, description = "The new message, accepted.", body = MessageView)),
)]
pub(super) async fn forward(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<MessageId>,
    once: Once<ForwardBody>,
) -> Result<impl IntoResponse, Problem> {
    let claim = match Named::turn(once.key, &app, &caller).await? {
        Turn::Again(message) => return Ok(accepted(message)),
        Turn::Go(claim) => claim,
    };
    let to = recipient(&once.body.to, "to")?;
    let session = once.body.session.as_deref();
    let session: Option<SessionRef> = session
        .map(|session| in_field("bad_session_name", "session", session))
        .transpose()?;
    let forwarding = app
        .messages()
        .forward(&caller, id, session.as_ref(), to, claim)
        .await?;
    Ok(accepted(forwarding))
}

/// Sends a new text, or caption, for a message of the session.
///
/// WhatsApp shows it in the place of the old one, for 15 minutes after that was written.
#[utoipa::path(
    post, path = "/v1/messages/{id}/edit", operation_id = "editMessage",
    params(
        ("id" = String, Path, description = "Our id of the message", example = "0192f0c1-9a11-7b02-8c4d-5e6f708192a3"),
        ("Idempotency-Key" = Option<String>, Header, description = "A key of your own for this request", example = "edit-1"),
    ),
    request_body(content = NewTextBody, example = json!({ "text": "Until seven." })),
    responses((status = 202, description = "The edit, accepted.", body = MessageView)),
)]
pub(super) async fn edit(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<MessageId>,
    once: Once<NewTextBody>,
) -> Result<impl IntoResponse, Problem> {
    let claim = match Named::turn(once.key, &app, &caller).await? {
        Turn::Again(message) => return Ok(accepted(message)),
        Turn::Go(claim) => claim,
    };
    let text = once.body.text;
    let editing = app.messages().edit(&caller, id, text, claim).await?;
    Ok(accepted(editing))
}

/// Takes a message back for everyone: one of the session, or as an admin one of somebody else in a
/// group.
#[utoipa::path(
    post, path = "/v1/messages/{id}/revoke", operation_id = "revokeMessage",
    params(("id" = String, Path, description = "Our id of the message", example = "0192f0c1-9a11-7b02-8c4d-5e6f708192a3")),
    responses((status = 202, description = "The revocation, accepted.", body = MessageView)),
)]
pub(super) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<MessageId>,
) -> Result<impl IntoResponse, Problem> {
    Ok(accepted(app.messages().revoke(&caller, id, None).await?))
}

/// Takes a message out of the outbox before it is sent.
#[utoipa::path(
    post, path = "/v1/messages/{id}/cancel", operation_id = "cancelMessage",
    params(("id" = String, Path, description = "Our id of the message", example = "0192f0c1-9a11-7b02-8c4d-5e6f708192a3")),
    responses((status = 200, description = "The message, `cancelled`.", body = MessageView)),
)]
pub(super) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<MessageId>,
) -> Result<Json<MessageView>, Problem> {
    Ok(Json(app.messages().cancel(&caller, id).await?.into()))
}

/// Lets a message that was given up be tried again, under the id it had.
#[utoipa::path(
    post, path = "/v1/messages/{id}/retry", operation_id = "retryMessage",
    params(("id" = String, Path, description = "Our id of the message", example = "0192f0c1-9a11-7b02-8c4d-5e6f708192a3")),
    responses((status = 202, description = "The message, `queued` again.", body = MessageView)),
)]
pub(super) async fn retry(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<MessageId>,
) -> Result<impl IntoResponse, Problem> {
    Ok(accepted(app.messages().retry(&caller, id).await?))
}
