//! `/api/messages/upload` and `/uploads`: files that messages take by their URL.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::media::{FileName, Format, MediaError, NameForm, Origin, UploadRules};
use warbler_domain::Caller;

use super::{Fault, Known, Suite, SuiteState};
use crate::dialect::Row;
use crate::dialect::base::Base;
use crate::extract::Param;
use crate::native::media::{file_named, upload};
use crate::problem::Problem;

/// What the document takes: 50 MB of a picture, film, sound, PDF or Word document. Sound in the
/// container of films is AAC.
const RULES: UploadRules = UploadRules {
    max_bytes: Some(50 * 1024 * 1024),
    types: Some(&[
        "image/jpeg",
        "image/png",
        "image/gif",
        "application/pdf",
        "application/x-ole-storage",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "video/mp4",
        "video/quicktime",
        "video/x-msvideo",
        "audio/mpeg",
        "audio/wav",
        "audio/aac",
        "audio/mp4",
    ]),
    name: NameForm::Plain,
};
const PATH: &str = "/uploads/";
const PREFIX: &str = "file-";

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    const SECTION: &str = "Messaging";
    vec![
        Row::post("/api/messages/upload", Known, create)
            .about(SECTION, "Takes a file as a form, to be sent by its URL.")
            .carries_media(),
        Row::get("/uploads/{filename}", None, serve)
            .about(SECTION, "The file, for whoever knows its name.")
            .answers(StatusCode::NOT_FOUND, &["invalid_path"]),
    ]
}

/// `POST /api/messages/upload`
async fn create(
    State(state): State<SuiteState>,
    caller: Caller,
    Base(base): Base,
    request: Request,
) -> Result<Json<Value>, Fault> {
    let app = &state.api.app;
    let uploading = upload::begin(app, &caller, None, request.headers(), RULES).await?;
    let uploaded = upload::receive(uploading, request, &state.api).await?;
    let extension = Format::of_mime(&uploaded.medium.mime).extension();
    let name = format!("{PREFIX}{}.{extension}", uploaded.upload.name);
    Ok(Json(json!({
        "success": true,
        "message": "File uploaded successfully",
        "data": {
            "url": format!("{base}{PATH}{name}"),
            "originalname": uploaded.upload.file_name.as_ref().unwrap_or(&name),
            "filename": name,
            "mimetype": uploaded.medium.mime,
            "size": uploaded.medium.size,
        },
    })))
}

/// `GET /uploads/{filename}`
async fn serve(
    State(app): State<App>,
    Param(name): Param<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let name = public_name(&name).ok_or(MediaError::UnknownName)?;
    Ok(file_named(&app, name, &headers).await?)
}

/// The public name of an upload in the name of its file.
fn public_name(file: &str) -> Option<&str> {
    let (name, _) = file.strip_prefix(PREFIX)?.split_once('.')?;
    Some(name)
}

/// Where the bytes for a message are: the caller's own upload, whatever host its URL names, or
/// something to be fetched.
pub(super) async fn at_url(
    app: &App,
    caller: &Caller,
    field: &str,
    url: &str,
) -> Result<Origin, Problem> {
    let named = url
        .rsplit_once(PATH)
        .and_then(|(_, file)| public_name(file));
    if let Some(name) = named {
        match app.media().upload_named(caller, name).await {
            Ok(found) => return Ok(Origin::Upload(found.upload.id)),
            Err(MediaError::UnknownName | MediaError::UnknownUpload(_)) => {}
            Err(err) => return Err(err.into()),
        }
    }
    let parsed = url.parse().map(Origin::Url);
    parsed.map_err(|err: warbler_app::fetch::FetchError| Problem::from(err).in_field(field))
}

/// The bytes in a `data:` URL or plain base64.
pub(super) fn in_base64(text: String) -> Origin {
    match text.starts_with("data:") {
        true => Origin::DataUrl(text),
        false => Origin::Base64(text),
    }
}

/// The name a caller gives a file, as far as it can be one.
pub(super) fn file_name(name: Option<&str>) -> Option<FileName> {
    name.and_then(FileName::of)
}
