//! `/media`: pictures and documents that are uploaded to be sent, and served by their names.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::media::{NameForm, UploadRules};
use warbler_domain::Caller;

use super::{Fault, Gateway, GatewayState, Who};
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
    const SECTION: &str = "Media Management";
    vec![
        Row::post("/api/v1/media", Who::Token, create).about(
            SECTION,
            "Takes a JPEG, PNG or PDF of at most 5 MB as the `file` of a form, to be sent by its \
             `mediaId`.",
        ),
        // Files have one set of names, whichever API serves them.
        Row::get("/media/{name}", None, serve)
            .about(SECTION, "Serves an uploaded file.")
            .yields(),
    ]
}

/// `POST /api/v1/media`
async fn create(
    State(state): State<GatewayState>,
    caller: Caller,
    request: Request,
) -> Result<Json<Value>, Fault> {
    let uploaded = taken(&state, &caller, request).await.map_err(documented)?;
    Ok(Json(json!({
        "status": "success",
        "message": "File uploaded successfully.",
        "mediaId": uploaded,
        "url": format!("/media/{uploaded}"),
    })))
}

async fn taken(state: &GatewayState, caller: &Caller, request: Request) -> Result<String, Problem> {
    let app = &state.api.app;
    let uploading = upload::begin(app, caller, None, request.headers(), RULES).await?;
    let uploaded = upload::receive(uploading, request, &state.api).await?;
    Ok(uploaded.upload.name)
}

/// The refusal of a file, as the document words it.
fn documented(problem: Problem) -> Fault {
    match problem.code() {
        "media_wrong_type" => Fault::invalid(
            "media_wrong_type",
            "Invalid file type. Only JPEG, PNG, and PDF allowed.",
        ),
        "media_too_large" => {
            Fault::invalid("media_too_large", "File too large. Maximum size is 5MB.")
        }
        _ => problem.into(),
    }
}

/// `GET /media/{mediaId}`
async fn serve(
    State(app): State<App>,
    Param(name): Param<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let missing = || Fault::new(StatusCode::NOT_FOUND, "unknown_media", "Media not found.");
    let ending = name.split_once('.').map(|(_, ending)| ending);
    if !ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
        return Err(missing());
    }
    match file_named(&app, &name, &headers).await {
        Err(problem) if problem.status() == StatusCode::NOT_FOUND => Err(missing()),
        answer => Ok(answer?),
    }
}
