//! `/api/messages/upload` and `/uploads`: files that messages take by their URL.

use axum::Json;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use warbler_app::media::{Format, MediaError, NameForm, Origin, UploadRules};

use super::{Answer, Call, Fault, Known, Suite, Visit};
use crate::dialect::base::Base;
use crate::dialect::{self, Row};
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
    vec![
        Row::post("/api/messages/upload", Known, create).carries_media(),
        Row::get("/uploads/{filename}", None, serve)
            .answers(StatusCode::NOT_FOUND, &["invalid_path"]),
    ]
}

/// `POST /api/messages/upload`
async fn create(call: Call, Base(base): Base, request: Request) -> Answer {
    let headers = request.headers();
    let uploading = upload::begin(&call.app, &call.caller, None, headers, RULES).await?;
    let uploaded = upload::receive(uploading, request, &call.state.api).await?;
    let extension = Format::of_mime(&uploaded.medium.mime).extension();
    let name = format!("{PREFIX}{}.{extension}", uploaded.upload.name);
    Ok(Json(json!({
        "success": true,
        "message": "File uploaded successfully",
        "data": {
            "filename": name,
            "originalname": uploaded.upload.file_name.as_ref().unwrap_or(&name),
            "mimetype": uploaded.medium.mime,
            "size": uploaded.medium.size,
            "url": format!("{base}{PATH}{name}"),
        },
    })))
}

/// `GET /uploads/{filename}`
async fn serve(
    visit: Visit,
    Param(name): Param<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let name = public_name(&name).ok_or(MediaError::UnknownName)?;
    Ok(file_named(&visit.app, name, &headers).await?)
}

/// The public name of an upload in the name of its file.
fn public_name(file: &str) -> Option<&str> {
    let (name, _) = file.strip_prefix(PREFIX)?.split_once('.')?;
    Some(name)
}

/// Where the bytes for a message are: the caller's own upload, whatever host its URL names, or
/// something to be fetched.
pub(super) async fn at_url(call: &Call, field: &str, url: &str) -> Result<Origin, Problem> {
    let file = url.rsplit_once(PATH).map(|(_, file)| file);
    if let Some(name) = file.and_then(public_name) {
        match call.app.media().upload_named(&call.caller, name).await {
            Ok(found) => return Ok(Origin::Upload(found.upload.id)),
            Err(MediaError::UnknownName | MediaError::UnknownUpload(_)) => {}
            Err(err) => return Err(err.into()),
        }
    }
    dialect::at_url(field, url)
}

/// The bytes in a `data:` URL or plain base64.
pub(super) fn in_base64(text: String) -> Origin {
    match text.starts_with("data:") {
        true => Origin::DataUrl(text),
        false => Origin::Base64(text),
    }
}
