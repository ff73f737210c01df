//! Messages: sending, listing, and the media they carry.

mod send;
mod view;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
};
use http::{HeaderName, StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;
use warbler_app::App;
use warbler_app::media::sniff;
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, MessageId, SessionRef};

pub(super) use send::SendBody;
pub(super) use view::MessageView;

use super::Listing;
use crate::extract::{Param, Search, Wire, parsed};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_send, send)
            .carries_media()
            .refuses(
                StatusCode::BAD_REQUEST,
                &[
                    "no_content",
                    "several_contents",
                    "bad_recipient",
                    "bad_message_id",
                ],
            )
            .refuses(
                StatusCode::BAD_REQUEST,
                &["empty_text", "text_too_long", "bad_emoji", "not_an_image"],
            )
            .refuses(StatusCode::BAD_REQUEST, &["empty_media", "media_too_large"])
            .refuses(
                StatusCode::NOT_FOUND,
                &["unknown_session", "unknown_target"],
            )
            .refuses(StatusCode::CONFLICT, &["not_paired"]),
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
                ],
            ),
    ]
}

/// Accepts a message for sending: a text, an image or a reaction.
///
/// The answer comes as soon as the message is stored. It goes out at once or when the session is
/// back; its `status` says how far it has come.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/messages", operation_id = "sendMessage",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body(content = SendBody, examples(
        ("text" = (summary = "A text", value = json!({ "to": "+15550123", "text": "Good morning!" }))),
        ("image" = (summary = "An image", value = json!({
            "to": "+15550123",
            "image": { "data": "data:image/png;base64,iVBORw0KGgo…", "caption": "Our new opening hours" },
        }))),
        ("reaction" = (summary = "A reaction", value = json!({
            "to": "+15550123", "reaction": { "message": "3EB0A1B2C3D4E5F60718", "emoji": "👍" },
        }))),
        ("quote" = (summary = "An answer to a message", value = json!({
            "to": "+15550123", "text": "Until six.", "quote": "3EB0A1B2C3D4E5F60718",
        }))),
    )),
    responses((status = 202, description = "The message, accepted.", body = MessageView)),
)]
pub(super) async fn send(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<SendBody>,
) -> Result<impl IntoResponse, Problem> {
    let message = app
        .messages()
        .send(&caller, body.into_command(session)?)
        .await?;
    let location: [(HeaderName, String); 1] = [(LOCATION, format!("/v1/messages/{}", message.id))];
    Ok((
        StatusCode::ACCEPTED,
        location,
        Json(MessageView::from(message)),
    ))
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

/// Lists a session's messages, newest first.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/messages", operation_id = "listMessages",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ListQuery,
    ),
    responses((status = 200, description = "A page of messages.", body = Listing<MessageView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<MessageView>>, Problem> {
    let chat = query
        .chat
        .map(|chat| send::recipient(&chat, "chat"))
        .transpose()?;
    let page = PageRequest::new(query.cursor, query.limit);
    Ok(Json(
        app.messages()
            .list(&caller, &session, chat, page)
            .await?
            .into(),
    ))
}

/// Shows one message.
#[utoipa::path(
    get, path = "/v1/messages/{id}", operation_id = "getMessage",
    params(("id" = String, Path, description = "Our id of the message", example = "0192f0c1-9a11-7b02-8c4d-5e6f708192a3")),
    responses((status = 200, description = "The message.", body = MessageView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<MessageId>,
) -> Result<Json<MessageView>, Problem> {
    Ok(Json(app.messages().get(&caller, id).await?.into()))
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
) -> Result<Response, Problem> {
    // The type a message names is its sender's word; only what the bytes say is believed.
    let (_claimed, bytes) = app.messages().media(&caller, id).await?;
    Ok(file(id, bytes))
}

/// A file from a stranger, so that no browser does more with it than show an image.
fn file(id: MessageId, bytes: Bytes) -> Response {
    let known = sniff(&bytes).map(|(_, mime)| mime);
    let (mime, shown) = known.map_or(("application/octet-stream", "attachment"), |mime| {
        (mime, "inline")
    });
    let extension = known
        .and_then(|mime| mime.split_once('/'))
        .map_or("bin", |(_, name)| name);
    let headers = [
        (CONTENT_TYPE, mime.to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("{shown}; filename=\"{id}.{extension}\""),
        ),
        (
            CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'".to_owned(),
        ),
        (CACHE_CONTROL, "private, max-age=3600".to_owned()),
    ];
    (headers, bytes).into_response()
}
