//! Messages that were given up.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_app::outbox::DeadMessage;
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, MessageId, SessionRef, Timestamp};

use crate::extract::{Param, Search, parsed};
use crate::mount::Route;
use crate::native::messages::MessageView;
use crate::native::{Listing, words};
use crate::problem::Problem;

/// The routes of this part.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_list, list).refuses(StatusCode::NOT_FOUND, &["unknown_session"]),
        Route::of(__path_replay, replay)
            .refuses(StatusCode::NOT_FOUND, &["unknown_message"])
            .refuses(StatusCode::CONFLICT, &["message_not_failed"]),
        Route::of(__path_discard, discard)
            .refuses(StatusCode::NOT_FOUND, &["unknown_message"])
            .refuses(StatusCode::CONFLICT, &["message_not_failed"]),
        Route::of(__path_replay_all, replay_all)
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"]),
        Route::of(__path_discard_all, discard_all)
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"]),
    ]
}

/// A message that was given up.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetter)]
pub(in crate::native) struct DeadLetterView {
    /// The message.
    message: MessageView,
    /// Why it was given up.
    code: words::FailureCode,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    failed_at: Timestamp,
    /// How often it was tried.
    attempts: u32,
}

impl From<DeadMessage> for DeadLetterView {
    fn from(dead: DeadMessage) -> Self {
        Self {
            message: dead.message.into(),
            code: dead.code.into(),
            error: dead.error,
            failed_at: dead.failed_at,
            attempts: dead.attempts,
        }
    }
}

/// How many there were.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Count, example = json!({ "count": 3 }))]
pub(in crate::native) struct CountView {
    /// How many.
    count: u64,
}

/// Which dead letters are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only those of this session: its id or name.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, example = "shop")]
    session: Option<SessionRef>,
    /// How many at most: 1 to 500, else 50.
    #[param(example = 50)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists messages that were given up, the newest first.
#[utoipa::path(
    get, path = "/v1/dead-letters", operation_id = "listDeadLetters", params(ListQuery),
    responses((status = 200, description = "A page of dead letters.", body = Listing<DeadLetterView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<DeadLetterView>>, Problem> {
    let page = PageRequest::new(query.cursor, query.limit);
    let session = query.session.as_ref();
    let page = app.outboxes().dead_letters(&caller, session, page).await?;
    Ok(Json(page.into()))
}

/// Lets a message that was given up be tried again, under the id it had.
#[utoipa::path(
    post, path = "/v1/dead-letters/{id}/replay", operation_id = "replayDeadLetter",
    params(("id" = String, Path, description = "Our id of the message", example = "0192f0c1-9a11-7b02-8c4d-5e6f708192a3")),
    responses((status = 202, description = "The message, `queued` again.", body = MessageView)),
)]
pub(super) async fn replay(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<MessageId>,
) -> Result<impl IntoResponse, Problem> {
    let message = app.messages().retry(&caller, id).await?;
    Ok((StatusCode::ACCEPTED, Json(MessageView::from(message))))
}

/// Forgets that a message was given up; the message stays as it is.
#[utoipa::path(
    delete, path = "/v1/dead-letters/{id}", operation_id = "discardDeadLetter",
    params(("id" = String, Path, description = "Our id of the message", example = "0192f0c1-9a11-7b02-8c4d-5e6f708192a3")),
    responses((status = 204, description = "It is forgotten.")),
)]
pub(super) async fn discard(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<MessageId>,
) -> Result<StatusCode, Problem> {
    app.messages().discard(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets everything that was given up in a session be tried again, in the order in which it was
/// accepted.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/dead-letters/replay", operation_id = "replayDeadLetters",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 202, description = "How many wait again.", body = CountView)),
)]
pub(super) async fn replay_all(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<impl IntoResponse, Problem> {
    let count = app.outboxes().replay_all(&caller, &session).await?;
    Ok((StatusCode::ACCEPTED, Json(CountView { count })))
}

/// Forgets everything that was given up in a session; the messages stay as they are.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/dead-letters", operation_id = "discardDeadLetters",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "How many were forgotten.", body = CountView)),
)]
pub(super) async fn discard_all(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<CountView>, Problem> {
    let count = app.outboxes().discard_all(&caller, &session).await?;
    Ok(Json(CountView { count }))
}
