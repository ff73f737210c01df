//! How a file is read from a request: piece by piece, never all at once, never for ever.

use std::time::Duration;

use axum::body::BodyDataStream;
use axum::extract::multipart::MultipartError;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use tokio::time::timeout;
use warbler_app::App;
use warbler_app::media::{FileName, MediaError, UploadRules, UploadedMedium, Uploading};
use warbler_domain::Caller;

use crate::mount::ApiState;
use crate::problem::Problem;

/// Longest silence within a body.
const SILENCE: Duration = Duration::from_secs(30);
/// Longest upload.
const WHOLE: Duration = Duration::from_secs(15 * 60);
/// What a form adds to its file, in bytes.
const FORM: u64 = 16 * 1024;

/// Begins an upload, if what the request announces can be taken.
pub(crate) async fn begin(
    app: &App,
    caller: &Caller,
    file_name: Option<&str>,
    headers: &HeaderMap,
    rules: UploadRules,
) -> Result<Uploading, Problem> {
    if let Some(coding) = headers.get(CONTENT_ENCODING) {
        let coding = String::from_utf8_lossy(coding.as_bytes());
        let detail = format!("the body is encoded as `{coding}`; send the file as it is");
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            detail,
        ));
    }
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    let announced: Option<u64> = announced.and_then(|size| size.parse().ok());
    let max = app.media().largest_by(&rules);
    if announced.is_some_and(|size| size > max.saturating_add(FORM)) {
        return Err(refuse(MediaError::TooLarge { max }));
    }
    let name = file_name.and_then(FileName::of);
    let media = app.media();
    media.begin(caller, name, rules).await.map_err(refuse)
}

/// Reads the file of a request into `uploading`.
pub(crate) async fn receive(
    mut uploading: Uploading,
    request: Request,
    state: &ApiState,
) -> Result<UploadedMedium, Problem> {
    let reading = async {
        if is_form(request.headers()) {
            from_form(&mut uploading, request, state).await
        } else {
            from_body(&mut uploading, request.into_body().into_data_stream()).await
        }
    };
    timeout(WHOLE, reading)
        .await
        .map_err(|_| too_slow(WHOLE))??;
    uploading.finish().await.map_err(refuse)
}

async fn from_body(uploading: &mut Uploading, mut body: BodyDataStream) -> Result<(), Problem> {
    while let Some(bytes) = in_time(body.next()).await? {
        let bytes = bytes.map_err(|_| broken())?;
        uploading.push(&bytes).await.map_err(refuse)?;
    }
    Ok(())
}

/// The first file of a form; what follows it is not read.
async fn from_form(
    uploading: &mut Uploading,
    mut request: Request,
    state: &ApiState,
) -> Result<(), Problem> {
    // The upload itself counts the bytes.
    DefaultBodyLimit::disable().apply(&mut request);
    let form = Multipart::from_request(request, state).await;
    let mut form = form.map_err(|err| Problem::invalid("broken_body", err.body_text()))?;
    while let Some(mut field) = in_time(form.next_field()).await?.map_err(bad_form)? {
        let Some(name) = field.file_name() else {
            continue;
        };
        uploading.name(FileName::of(name));
        while let Some(bytes) = next_of(&mut field).await? {
            uploading.push(&bytes).await.map_err(refuse)?;
        }
        return Ok(());
    }
    let detail = "the form has no file: send one as `-F file=@picture.jpg` does";
    Err(Problem::invalid("no_file", detail))
}

async fn next_of(
    field: &mut axum::extract::multipart::Field<'_>,
) -> Result<Option<Bytes>, Problem> {
    in_time(field.chunk()).await?.map_err(bad_form)
}

async fn in_time<T>(next: impl Future<Output = T>) -> Result<T, Problem> {
    timeout(SILENCE, next).await.map_err(|_| too_slow(SILENCE))
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    kind.and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("multipart/form-data"))
}

/// What is too large is 413 where it is the body itself.
fn refuse(err: MediaError) -> Problem {
    match err {
        MediaError::TooLarge { .. } => {
            let detail = err.to_string();
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "media_too_large", detail)
        }
        err => err.into(),
    }
}

fn bad_form(err: MultipartError) -> Problem {
    Problem::invalid("broken_body", err.body_text())
}

fn broken() -> Problem {
    Problem::invalid("broken_body", "the body ended before it was complete")
}

fn too_slow(limit: Duration) -> Problem {
    let detail = format!("the body took longer than {} s", limit.as_secs());
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail)
}
