//! How this API says no: `application/problem+json` (RFC 9457) with a stable `code`.
//!
//! Every refusal of a use case becomes a [`Problem`] in one place, the `From` below, and every
//! status stands in one table, [`status_of`]. What went wrong inside is logged there, once, and
//! never shown.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use tracing::{error, warn};
use utoipa::ToSchema;
use warbler_app::messages::BatchItem;
use warbler_domain::{Refusal, RefusalKind};
use warbler_store::Error as StoreError;

/// The content type of every refusal.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
/// What [`Problem::type`](ProblemBody) begins with; the code follows.
const TYPE_PREFIX: &str = "urn:warbler:problem:";
/// After how long a refused caller may try again, where nothing better is known.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(2);
/// Characters of a detail; a peer's own text may be quoted in it.
const MAX_DETAIL: usize = 400;

/// Why a request was refused.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    field: Option<String>,
    place: Option<(u32, u32)>,
    rows: Box<[RowProblem]>,
    retry_after: Option<Duration>,
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
    line: Option<u32>,
    /// The column in that line.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    /// What is wrong with each row of a list, up to 1,000 of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rows: Vec<RowProblem>,
}

/// What is wrong with one row of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "row": 3, "column": "phone", "code": "missing_number",
    "message": "there is no number; fill the cell or delete the row",
}))]
pub(crate) struct RowProblem {
    /// Which: of a CSV file as spreadsheets count, the header being 1; else the place in the list,
    /// from 1.
    pub(crate) row: u32,
    /// The column, as the list calls it; absent where it is about the whole row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<String>,
    /// A stable word.
    pub(crate) code: &'static str,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

impl Problem {
    /// A refusal that no use case makes: the request never got that far.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
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
            rows: Box::default(),
            retry_after: None,
        }
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The same refusal with another status.
    pub(crate) fn with_status(&self, status: StatusCode) -> Self {
        Self {
            status,
            ..self.clone()
        }
    }

    /// The field of the body that is wrong.
    pub(crate) fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// What is wrong, in words.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// After how many seconds the caller may try again, where that makes sense.
    pub(crate) fn wait(&self) -> Option<u64> {
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                let wait = self.retry_after.unwrap_or(RETRY_AFTER_DEFAULT);
                Some(whole_seconds(wait))
            }
            _ => None,
        }
    }

    /// Its stable word.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// The refusal as it is sent.
    pub(crate) fn body(&self) -> ProblemBody {
        let code = self.code;
        ProblemBody {
            r#type: format!("{TYPE_PREFIX}{code}"),
            title: title_of(code),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: code.to_owned(),
            field: self.field.clone(),
            line: self.place.map(|(line, _)| line),
            column: self.place.map(|(_, column)| column),
            rows: self.rows.to_vec(),
        }
    }

    /// 400: the request itself is wrong.
    pub fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// Names the field that is wrong.
    pub(crate) fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says what is wrong with each row of a list.
    pub(crate) fn with_rows(mut self, rows: Vec<RowProblem>) -> Self {
        self.rows = rows.into();
        self
    }

    /// Says when the same request may be admitted.
    pub(crate) fn retry_in(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Says where in the body it is wrong.
    pub(crate) fn at(mut self, line: usize, column: usize) -> Self {
        let shown = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        self.place = Some((shown(line), shown(column)));
        self
    }
}

impl<R: Refusal> From<R> for Problem {
    fn from(refusal: R) -> Self {
        let (kind, code) = (refusal.kind(), refusal.code());
        if let Some(full) = full_disk(&refusal) {
            return Self::new(
                status_of(RefusalKind::Unavailable),
                "disk_full",
                full.to_string(),
            );
        }
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
        Self {
            retry_after: refusal.retry_after(),
            ..Self::new(status_of(kind), code, refusal.public_message())
        }
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

/// The full disk that a refusal comes from. The core has logged it, once.
fn full_disk(refusal: &impl Refusal) -> Option<&StoreError> {
    let mut cause = refusal.source();
    while let Some(err) = cause {
        match err.downcast_ref() {
            Some(full @ StoreError::DiskFull) => return Some(full),
            _ => cause = err.source(),
        }
    }
    None
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

impl From<Problem> for BatchItem {
    fn from(problem: Problem) -> Self {
        Self::refused(problem.code, problem.detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, wait) = (self.status, self.code, self.wait());
        let mut response = (status, axum::Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match status {
            StatusCode::UNAUTHORIZED if matches!(code, "invalid_key" | "token_expired") => {
                let challenge = r#"Bearer realm="warbler", error="invalid_token""#;
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static(r#"Bearer realm="warbler""#),
                );
            }
            _ => {}
        }
        if let Some(seconds) = wait {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Rather too many than too few, and never none.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    u64::try_from(seconds).unwrap_or(u64::MAX)
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
