//! How a dialect says no: one problem, in its words.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use warbler_domain::Refusal;

use super::Voice;
use crate::problem::Problem;

/// A refusal in the words of a dialect.
pub(crate) struct Fault<V> {
    problem: Problem,
    voice: PhantomData<fn() -> V>,
}

/// The problem behind an answer, for rows that give it another status.
#[derive(Clone)]
pub(super) struct Refused(pub(super) Arc<Problem>);

impl<V: Voice> Fault<V> {
    /// 400: the request itself is wrong.
    pub(crate) fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Problem::invalid(code, detail).into()
    }

    /// Refuses with any status.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Problem::new(status, code, detail).into()
    }
}

impl<V> From<Problem> for Fault<V> {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            voice: PhantomData,
        }
    }
}

impl<V: Voice, R: Refusal> From<R> for Fault<V> {
    fn from(refusal: R) -> Self {
        Problem::from(refusal).into()
    }
}

impl<V: Voice> IntoResponse for Fault<V> {
    fn into_response(self) -> Response {
        let mut response = V::say(&self.problem);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.problem.wait() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        let refused = Refused(Arc::new(self.problem));
        response.extensions_mut().insert(refused);
        response
    }
}
