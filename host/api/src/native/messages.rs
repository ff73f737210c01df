//! Messages: sending, changing, showing, and the media they carry.

mod content;
mod parts;
mod send;
mod sending;
mod view;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;
use warbler_app::App;
use warbler_domain::history::{HistoryFilter, Kinds};
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, MessageId, Recipient, SessionRef};

pub(super) use send::{BatchBody, ContentBody, ForwardBody, NewTextBody, SendBody, recipient};
pub(super) use sending::{BatchView, CONTENT};
pub(super) use view::MessageView;

use super::Listing;
use super::chats::view::ShownView;
use super::media::file::FileAnswer;
use crate::extract::{Param, Search, parsed};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = sending::routes();
    routes.extend([
        Route::of(__path_list, list)
            .refuses(StatusCode::BAD_REQUEST, &["bad_recipient"])
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"]),
        Route::of(__path_get, get).refuses(StatusCode::NOT_FOUND, &["unknown_message"]),
        Route::of(__path_media, media)
            .refuses(
                StatusCode::NOT_FOUND,
                &["unknown_message", "no_media", "media_gone"],
            )
            .refuses(
                StatusCode::SERVICE_UNAVAILABLE,
                &[
                    "session_not_connected",
                    "media_unavailable",
                    "media_damaged",
                    "media_busy",
                ],
            ),
        Route::of(__path_delete, delete)
            .refuses(StatusCode::NOT_FOUND, &["unknown_message"])
            .refuses(StatusCode::CONFLICT, &["message_still_waiting"]),
    ]);
    routes
}

/// Which messages are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only those of this chat: a phone number or a JID.
    #[param(example = "+15550123")]
    chat: Option<String>,
    /// How many at most: 1 to 500, else 50.
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists a session's messages as they stand now, newest first.
///
/// Reactions, votes, edits and revocations are listed too, beside the messages they are about.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/messages", operation_id = "listMessages",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ListQuery,
    ),
    responses((status = 200, description = "A page of messages.", body = Listing<ShownView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<ShownView>>, Problem> {
    let chat = query.chat.map(|chat| send::recipient(&chat, "chat"));
    let filter = HistoryFilter {
        chat: chat.transpose()?.map(Recipient::into_jid),
        kinds: Kinds::All,
        ..HistoryFilter::default()
    };
    let page = PageRequest::new(query.cursor, query.limit);
    let found = app.chats().history(&caller, &session, filter, page).await?;
    Ok(Json(found.into()))
}

/// Shows one message as it stands now.
#[utoipa::path(
    get, path = "/v1/messages/{id}", operation_id = "getMessage",
    params(("id" = String, Path, description = "Our id of the message", example = "0192f0c1-9a11-7b02-8c4d-5e6f708192a3")),
    responses((status = 200, description = "The message.", body = ShownView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<MessageId>,
) -> Result<Json<ShownView>, Problem> {
    Ok(Json(app.messages().get(&caller, id).await?.into()))
}

/// Forgets a message on this host; on phones it stays.
#[utoipa::path(
    delete, path = "/v1/messages/{id}", operation_id = "deleteMessage",
    params(("id" = String, Path, description = "Our id of the message", example = "0192f0c1-9a11-7b02-8c4d-5e6f708192a3")),
    responses((status = 204, description = "It is gone.")),
)]
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<MessageId>,
) -> Result<StatusCode, Problem> {
    app.messages().delete(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The medium a message carries, fetched from the network the first time.
///
/// Images come with their own type; everything else as a download of unknown type, whatever its
/// sender called it.
#[utoipa::path(
    get, path = "/v1/messages/{id}/media", operation_id = "getMessageMedia",
    params(("id" = String, Path, description = "Our id of the message", example = "0192f0c1-9a11-7b02-8c4d-5e6f708192a3")),
    responses((status = 200, description = "The bytes.", content(
        (String = "image/png"), (String = "image/jpeg"), (String = "image/gif"), (String = "image/webp"),
        (String = "application/octet-stream"),
    ))),
)]
pub(super) async fn media(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<MessageId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // The type a message names is its sender's word; only what the bytes say is believed.
    let served = app.messages().media(&caller, id).await?;
    let answer = FileAnswer {
        name: None,
        ..FileAnswer::of(served, id.to_string())
    };
    Ok(answer.to(&headers).await)
}
