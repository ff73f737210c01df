//! Who calls: an API key in a header becomes a [`Caller`].
//!
//! The key comes as `Authorization: Bearer …` or `X-API-Key: …`, never in a URL, because URLs end
//! in logs and histories. It is looked up by its digest, so comparing takes no time that depends
//! on the secret.
//!
//! That is also what keeps foreign web pages out, on a loopback listener as well. A page can make
//! a browser send requests here (CSRF), and by rebinding its own name even read the answers; but
//! nothing a browser adds by itself, no cookie, no address and no origin, makes a request count as
//! anybody's. The header must hold a key the page does not know, and a header of that name is sent
//! across origins only after a preflight, which nothing here ever allows. What is served without a
//! key (health, the API's document and its pages) is the same for everybody and changes nothing.

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use warbler_domain::{Caller, Secret};

use crate::mount::ApiState;
use crate::problem::Problem;

/// The second header a key may come in.
const API_KEY: &str = "x-api-key";
/// Longest key that is looked up, in bytes.
const MAX_KEY: usize = 256;

/// Who made a request, noted on its answer for the request log.
#[derive(Clone)]
pub(crate) struct CallerLabel(pub(crate) String);

/// Lets a request pass with its [`Caller`], or refuses it before anything of it is read.
pub(crate) async fn authenticate(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Response {
    let secret = match key_of(request.headers()) {
        Ok(secret) => secret,
        Err(problem) => return problem.into_response(),
    };
    match state.app.keys().authenticate(&secret).await {
        Ok(caller) => {
            let label = CallerLabel(caller.label());
            request.extensions_mut().insert(caller);
            let mut response = next.run(request).await;
            response.extensions_mut().insert(label);
            response
        }
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}

fn key_of(headers: &HeaderMap) -> Result<Secret, Problem> {
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(|value| bearer(value.as_bytes()));
    let Some(key) = bearer.or_else(|| headers.get(API_KEY).map(|value| value.as_bytes())) else {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "missing_key",
            "send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`",
        ));
    };
    match std::str::from_utf8(key) {
        Ok(key) if key.len() <= MAX_KEY => Ok(Secret::new(key.trim())),
        _ => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "invalid_key",
            "the API key is wrong or has been revoked",
        )),
    }
}

/// What follows `Bearer`, which may be written in any case.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(key)
}

impl FromRequestParts<ApiState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &ApiState) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "missing_key",
                "this route needs an API key",
            )
        })
    }
}
