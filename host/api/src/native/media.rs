//! Media: uploads, and the files that are served by name.

pub(in crate::native) mod file;
pub(crate) mod upload;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::LOCATION;
use http::{HeaderMap, HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_app::media::{UploadRules, UploadedMedium};
use warbler_domain::media::Digest;
use warbler_domain::{Caller, Content, Message, Timestamp, UploadId};

use super::words;
use crate::extract::{Param, Search};
use crate::mount::{ApiState, Route};
use crate::problem::Problem;
use file::FileAnswer;

/// Where anybody who knows this public name gets the file, from a host that is called `base` from
/// outside; a path when that is not known.
pub(crate) fn public_url(base: &str, name: &str) -> String {
    format!("{base}/media/{name}")
}

/// The same for the file of a message, if it has one with a public name.
pub(crate) fn message_url(base: &str, message: &Message) -> Option<String> {
    let Content::Media(media) = &message.content else {
        return None;
    };
    let name = media.public_name.as_deref();
    name.map(|name| public_url(base, name))
}

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_create, create)
            .takes_a_file()
            .refuses(
                StatusCode::BAD_REQUEST,
                &["empty_media", "broken_body", "no_file"],
            )
            .refuses(StatusCode::PAYLOAD_TOO_LARGE, &["media_too_large"])
            .refuses(StatusCode::INTERNAL_SERVER_ERROR, &["media_store"])
            .refuses(StatusCode::SERVICE_UNAVAILABLE, &["media_busy"]),
        Route::of(__path_show, show).refuses(StatusCode::NOT_FOUND, &["unknown_upload"]),
        Route::of(__path_delete, delete).refuses(StatusCode::NOT_FOUND, &["unknown_upload"]),
        Route::of(__path_serve, serve)
            .refuses(
                StatusCode::NOT_FOUND,
                &["unknown_media", "media_expired", "media_gone"],
            )
            .refuses(
                StatusCode::SERVICE_UNAVAILABLE,
                &[
                    "store_unavailable",
                    "disk_full",
                    "session_not_connected",
                    "media_unavailable",
                    "media_damaged",
                    "media_busy",
                ],
            )
            .refuses(StatusCode::INTERNAL_SERVER_ERROR, &["media_store"]),
    ]
}

/// A file that was uploaded, to be sent by its id.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Upload, example = json!({
    "id": "0192f0c1-a2b3-7c04-9d5e-6f708192a3b4",
    "size": 48213,
    "mime": "image/png",
    "kind": "image",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "fileName": "menu.png",
    "width": 1280,
    "height": 960,
    "createdAt": "2026-05-04T09:31:00.000Z",
    "expiresAt": "2026-05-05T09:31:00.000Z",
    "url": "/media/k3v5q7zjx2m4n6p8r2t4w6y7abcdefgh",
}))]
pub(in crate::native) struct UploadView {
    /// Its id, for messages.
    #[schema(value_type = String, format = "uuid")]
    id: UploadId,
    /// Its size in bytes.
    size: u64,
    /// Its content type, told from its content.
    mime: String,
    /// What it is sent as when nobody says which.
    kind: words::MediaKind,
    /// SHA-256 of its content, in hexadecimal.
    #[schema(value_type = String)]
    sha256: Digest,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<String>,
    /// Width in pixels, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    /// Height in pixels, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    /// How long it plays, in seconds, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<u32>,
    /// When it was uploaded.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Until when it can be sent and is served; sending it puts this off.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Where anybody who knows the name gets it, without a key, until then.
    url: String,
}

impl From<UploadedMedium> for UploadView {
    fn from(uploaded: UploadedMedium) -> Self {
        let kind = uploaded.kind().into();
        let UploadedMedium { upload, medium } = uploaded;
        Self {
            id: upload.id,
            size: medium.size,
            mime: medium.mime,
            kind,
            sha256: upload.digest,
            file_name: upload.file_name,
            width: medium.width,
            height: medium.height,
            seconds: medium.seconds,
            created_at: upload.created_at,
            expires_at: upload.expires_at,
            url: public_url("", &upload.name),
        }
    }
}

/// How an upload is to be called.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UploadQuery {
    /// What recipients see the file called; a form says it itself.
    #[param(example = "menu.png")]
    file_name: Option<String>,
}

/// Takes a file, to be sent once or often by its id.
///
/// The body is the file itself, with any content type, or a form with one file
/// (`multipart/form-data`). What it is is told from its content. It is kept for a day, and longer
/// when it is sent.
#[utoipa::path(
    post, path = "/v1/media", operation_id = "uploadMedia",
    params(UploadQuery),
    request_body(content = String, content_type = "application/octet-stream", description = "The file."),
    responses((status = 201, description = "The file, stored.", body = UploadView)),
)]
pub(super) async fn create(
    State(app): State<App>,
    State(state): State<ApiState>,
    caller: Caller,
    Search(query): Search<UploadQuery>,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    let name = query.file_name.as_deref();
    let (headers, rules) = (request.headers(), UploadRules::default());
    let uploading = upload::begin(&app, &caller, name, headers, rules).await?;
    let uploaded = upload::receive(uploading, request, &state).await?;
    let view = UploadView::from(uploaded);
    let location: [(HeaderName, String); 1] = [(LOCATION, format!("/v1/media/{}", view.id))];
    Ok((StatusCode::CREATED, location, Json(view)))
}

/// Shows an upload.
#[utoipa::path(
    get, path = "/v1/media/{id}", operation_id = "getUpload",
    params(("id" = String, Path, description = "Id of the upload", example = "0192f0c1-a2b3-7c04-9d5e-6f708192a3b4")),
    responses((status = 200, description = "The upload.", body = UploadView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<UploadId>,
) -> Result<Json<UploadView>, Problem> {
    Ok(Json(app.media().upload(&caller, id).await?.into()))
}

/// Takes an upload away.
///
/// Messages it was sent with are not touched.
#[utoipa::path(
    delete, path = "/v1/media/{id}", operation_id = "deleteUpload",
    params(("id" = String, Path, description = "Id of the upload", example = "0192f0c1-a2b3-7c04-9d5e-6f708192a3b4")),
    responses((status = 204, description = "It is gone.")),
)]
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<UploadId>,
) -> Result<StatusCode, Problem> {
    app.media().delete(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The file with this name. Whoever knows the name needs no key.
///
/// Pictures, films and sounds come with their own type, everything else as a download. Parts can
/// be asked for with `Range`.
#[utoipa::path(
    get, path = "/media/{name}", operation_id = "getMedia",
    params(("name" = String, Path, description = "The last part of an upload's `url`, or of a medium's `publicUrl`", example = "k3v5q7zjx2m4n6p8r2t4w6y7abcdefgh")),
    responses(
        (status = 200, description = "The bytes.", body = String, content_type = "application/octet-stream"),
        (status = 206, description = "The part asked for.", body = String, content_type = "application/octet-stream"),
        (status = 304, description = "It has not changed."),
        (status = 416, description = "There is no such part."),
    ),
)]
pub(super) async fn serve(
    State(app): State<App>,
    Param(name): Param<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    file_named(&app, &name, &headers).await
}

/// The answer with the file of this name.
pub(crate) async fn file_named(
    app: &App,
    name: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let served = app.media().named(name).await?;
    let tag = served.medium.digest.to_string();
    Ok(FileAnswer::of(served, tag).to(headers).await)
}
