//! How often a caller may call, on every answer: `RateLimit-Limit`, `-Remaining`, `-Reset`.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use warbler_app::limits::Admission;

use crate::problem::{Problem, whole_seconds};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// The refusal of one request too many.
pub(super) fn refusal(admission: Admission) -> Option<Response> {
    let wait = admission.retry_after?;
    let detail = format!("too many requests; try again in {} s", whole_seconds(wait));
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail);
    Some(told(
        problem.retry_in(wait).into_response(),
        Some(admission),
    ))
}

/// The answer, with what is left.
pub(super) fn told(mut response: Response, admission: Option<Admission>) -> Response {
    if let Some(admission) = admission {
        let reset = match admission.reset {
            none if none.is_zero() => 0,
            reset => whole_seconds(reset),
        };
        let headers = response.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(admission.limit));
        headers.insert(REMAINING, HeaderValue::from(admission.remaining));
        headers.insert(RESET, HeaderValue::from(reset));
    }
    response
}
