//! `/media`: pictures and documents that are uploaded to be sent, and served by their names.

use axum::Json;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use warbler_app::media::{NameForm, UploadRules};

use super::{Answer, Call, Fault, Gateway, Visit, Who};
use crate::dialect::Row;
use crate::extract::Param;
use crate::native::media::{file_named, upload};
use crate::problem::Problem;

/// What is taken: pictures and PDFs of at most 5 MB.
const RULES: UploadRules = UploadRules {
    max_bytes: Some(5 * 1024 * 1024),
    types: Some(&["image/jpeg", "image/png", "application/pdf"]),
    name: NameForm::UuidWithEnding,
};
/// How the names end that are served.
const ENDINGS: [&str; 3] = ["jpg", "png", "pdf"];

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Gateway>> {
    vec![
        Row::post("/api/v1/media", Who::Token, create),
        // Files have one set of names, whichever API serves them.
        Row::get("/media/{mediaId}", None, serve).yields(),
    ]
}

/// `POST /api/v1/media`
async fn create(call: Call, request: Request) -> Answer {
    let begun = upload::begin(&call.app, &call.caller, None, request.headers(), RULES);
    let begun = begun.await.map_err(documented)?;
    let uploaded = upload::receive(begun, request, &call.state.api);
    let name = uploaded.await.map_err(documented)?.upload.name;
    let url = format!("/media/{name}");
    Ok(Json(json!({
        "status": "success", "message": "File uploaded successfully.", "mediaId": name, "url": url,
    })))
}

/// The refusal of a file, as the document words it.
fn documented(problem: Problem) -> Fault {
    let detail = match problem.code() {
        "media_wrong_type" => "Invalid file type. Only JPEG, PNG, and PDF allowed.",
        "media_too_large" => "File too large. Maximum size is 5MB.",
        _ => return problem.into(),
    };
    Fault::invalid(problem.code(), detail)
}

/// `GET /media/{mediaId}`
async fn serve(
    visit: Visit,
    Param(name): Param<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let missing = || Fault::new(StatusCode::NOT_FOUND, "unknown_media", "Media not found.");
    let ending = name.split_once('.').map(|(_, ending)| ending);
    if !ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
        return Err(missing());
    }
    match file_named(&visit.app, &name, &headers).await {
        Err(problem) if problem.status() == StatusCode::NOT_FOUND => Err(missing()),
        answer => Ok(answer?),
    }
}
