//! How this API says no: `application/problem+json` (RFC 9457) with a stable `code`.
//!
//! Every refusal of a use case becomes a [`Problem`] in one place, the `From` below, and every
//! status stands in one table, [`status_of`]. What went wrong inside is logged there, once, and
//! never shown.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use tracing::{error, warn};
use utoipa::ToSchema;
use warbler_domain::{Refusal, RefusalKind};

/// The content type of every refusal.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
/// What [`Problem::type`](ProblemBody) begins with; the code follows.
const TYPE_PREFIX: &str = "urn:warbler:problem:";
/// Seconds after which a refused caller may try again.
const RETRY_SECONDS: &str = "2";
/// Characters of a detail; a peer's own text may be quoted in it.
const MAX_DETAIL: usize = 400;

/// Why a request was refused.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    field: Option<String>,
    place: Option<(usize, usize)>,
}

/// A refusal as it is sent (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem, example = json!({
    "type": "urn:warbler:problem:unknown_session",
    "title": "Unknown session",
    "status": 404,
    "detail": "session shop does not exist",
    "code": "unknown_session",
}))]
pub(crate) struct ProblemBody {
    /// `urn:warbler:problem:` and the code.
    r#type: String,
    /// The code as words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request, for people.
    detail: String,
    /// A stable word for programs.
    code: String,
    /// The field of the body that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The line of the body that is wrong, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// The column in that line.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

impl Problem {
    /// A refusal that no use case makes: the request never got that far.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let detail = match detail.char_indices().nth(MAX_DETAIL) {
            Some((cut, _)) => format!("{}…", detail.split_at(cut).0),
            None => detail,
        };
        Self {
            status,
            code,
            detail,
            field: None,
            place: None,
        }
    }

    /// 400: the request itself is wrong.
    pub(crate) fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// Names the field that is wrong.
    pub(crate) fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says where in the body it is wrong.
    pub(crate) fn at(mut self, line: usize, column: usize) -> Self {
        self.place = Some((line, column));
        self
    }
}

impl<R: Refusal> From<R> for Problem {
    fn from(refusal: R) -> Self {
        let (kind, code) = (refusal.kind(), refusal.code());
        match kind {
            RefusalKind::Internal => {
                error!(
                    problem.code = code,
                    cause = causes(&refusal),
                    "A request failed inside: {code}"
                );
            }
            RefusalKind::Unavailable if refusal.source().is_some() => {
                warn!(
                    problem.code = code,
                    cause = causes(&refusal),
                    "A request could not be served: {code}"
                );
            }
            _ => {}
        }
        Self::new(status_of(kind), code, refusal.public_message())
    }
}

/// The status of each kind of refusal.
fn status_of(kind: RefusalKind) -> StatusCode {
    match kind {
        RefusalKind::Invalid => StatusCode::BAD_REQUEST,
        RefusalKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        RefusalKind::Forbidden => StatusCode::FORBIDDEN,
        RefusalKind::NotFound => StatusCode::NOT_FOUND,
        RefusalKind::Conflict => StatusCode::CONFLICT,
        RefusalKind::Limited => StatusCode::TOO_MANY_REQUESTS,
        RefusalKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The error and what caused it, for the log.
fn causes(refusal: &impl Refusal) -> String {
    let mut text = refusal.to_string();
    let mut cause = refusal.source();
    while let Some(err) = cause {
        text.push_str(": ");
        text.push_str(&err.to_string());
        cause = err.source();
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code) = (self.status, self.code);
        let body = ProblemBody {
            r#type: format!("{TYPE_PREFIX}{code}"),
            title: title_of(code),
            status: status.as_u16(),
            detail: self.detail,
            code: code.to_owned(),
            field: self.field,
            line: self.place.map(|(line, _)| line),
            column: self.place.map(|(_, column)| column),
        };
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match status {
            StatusCode::UNAUTHORIZED if code == "invalid_key" => {
                let challenge = r#"Bearer realm="warbler", error="invalid_token""#;
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static(r#"Bearer realm="warbler""#),
                );
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
            }
            _ => {}
        }
        response
    }
}

/// `unknown_session` → `Unknown session`.
fn title_of(code: &str) -> String {
    let words = code.replace('_', " ");
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
