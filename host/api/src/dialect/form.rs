//! Forms, as old clients send them: the fields of `multipart/form-data`, or of an ordinary form.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Query, Request};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{StatusCode, Uri};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::{DialectState, Fault, Voice};
use crate::extract::BodyLimit;
use crate::problem::Problem;

/// How long a form may take to arrive.
const WHOLE: Duration = Duration::from_secs(30);
/// Most fields of a form.
const MOST_FIELDS: usize = 64;

/// The fields of a form, all of them texts; files among them are left out.
pub(crate) struct Fields<T>(pub(crate) T);

impl<V, T> FromRequest<DialectState<V>> for Fields<T>
where
    V: Voice,
    T: DeserializeOwned,
{
    type Rejection = Fault<V>;

    async fn from_request(request: Request, _: &DialectState<V>) -> Result<Self, Fault<V>> {
        let limit = request.extensions().get().copied();
        let BodyLimit(limit) = limit.unwrap_or(BodyLimit::SMALL);
        let reading = read(request, limit);
        let fields = timeout(WHOLE, reading).await.map_err(|_| {
            let detail = format!("the form did not arrive within {} s", WHOLE.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail)
        })??;
        let read = serde_json::from_value(Value::Object(fields));
        let read = read.map_err(|err| Problem::invalid("invalid_body", err.to_string()))?;
        Ok(Self(read))
    }
}

async fn read(mut request: Request, limit: usize) -> Result<Map<String, Value>, Problem> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    DefaultBodyLimit::max(limit).apply(&mut request);
    match kind.as_str() {
        "multipart/form-data" => from_parts(request, limit).await,
        "application/x-www-form-urlencoded" => from_line(request, limit).await,
        _ => {
            let detail = "this route reads a form: `multipart/form-data` or \
                          `application/x-www-form-urlencoded`";
            Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                detail,
            ))
        }
    }
}

async fn from_parts(request: Request, limit: usize) -> Result<Map<String, Value>, Problem> {
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|err| broken(err.body_text()))?;
    let mut fields = Map::new();
    loop {
        let next = form.next_field().await;
        let Some(field) = next.map_err(|err| refuse(err.status(), err.body_text(), limit))? else {
            return Ok(fields);
        };
        let name = field.name().map(str::to_owned);
        let (Some(name), None) = (name, field.file_name()) else {
            continue;
        };
        let text = field.text().await;
        let text = text.map_err(|err| refuse(err.status(), err.body_text(), limit))?;
        if fields.len() >= MOST_FIELDS {
            return Err(broken(format!("a form has at most {MOST_FIELDS} fields")));
        }
        fields.insert(name, Value::String(text));
    }
}

/// An ordinary form is written like a query.
async fn from_line(request: Request, limit: usize) -> Result<Map<String, Value>, Problem> {
    let body = Bytes::from_request(request, &()).await;
    let body = body.map_err(|err| refuse(err.into_response().status(), String::new(), limit))?;
    let query = [b"/?", &body[..]].concat();
    let uri: Uri = String::from_utf8(query)
        .ok()
        .and_then(|query| query.parse().ok())
        .ok_or_else(|| broken("the form is not encoded as forms are".to_owned()))?;
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(&uri);
    let Query(pairs) = pairs.map_err(|err| broken(err.body_text()))?;
    let pairs = pairs.into_iter().take(MOST_FIELDS);
    Ok(pairs
        .map(|(name, text)| (name, Value::String(text)))
        .collect())
}

fn refuse(status: StatusCode, detail: String, limit: usize) -> Problem {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let detail = format!("the body is larger than the {limit} bytes this route accepts");
            Problem::new(status, "body_too_large", detail)
        }
        _ => broken(detail),
    }
}

fn broken(detail: String) -> Problem {
    Problem::invalid("broken_body", detail)
}
