//! Who calls: a credential in a header becomes a [`Caller`].
//!
//! An API key, the token of a login or of a session, or the master key comes as
//! `Authorization: Bearer …` or `X-API-Key: …`, never in a URL, because URLs end in logs and
//! histories. It is looked up by its digest, so comparing takes no time that depends on the secret.
//! How often a caller may call is counted here too, and so are requests that show no good
//! credential, by address.
//!
//! That is also what keeps foreign web pages out, on a loopback listener as well. A page can make
//! a browser send requests here (CSRF), and by rebinding its own name even read the answers; but
//! nothing a browser adds by itself, no cookie, no address and no origin, makes a request count as
//! anybody's. The header must hold a key the page does not know, and a header of that name is sent
//! across origins only after a preflight, which nothing here ever allows. What is served without a
//! key (health, the API's document and its pages) is the same for everybody and changes nothing;
//! logging in needs a password.

mod address;
mod rate;

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use warbler_domain::{Caller, Scope, ScopeRequired, Secret};

use crate::mount::ApiState;
use crate::problem::Problem;

pub(crate) use address::{Peer, Proxies};

/// The second header a key may come in.
const API_KEY: &str = "x-api-key";
/// Longest credential that is looked up, in bytes; the tokens of logins have some 300.
const MAX_KEY: usize = 1024;
/// What whoever watches over the host asks for often.
pub(crate) const PROBES: [&str; 2] = ["/healthz", "/readyz"];
/// Where files are served by their names.
pub(crate) const FILES: &str = "/media/{name}";

/// Who made a request, noted on its answer for the request log.
#[derive(Clone)]
pub(crate) struct CallerLabel(pub(crate) String);

/// Where a request comes from, where that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin(pub(crate) Option<IpAddr>);

/// Lets a request pass with its [`Caller`], or refuses it before anything of it is read.
pub(crate) async fn authenticate(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Response {
    let origin = state
        .proxies
        .origin(request.extensions(), request.headers());
    let caller = match recognise(&state, request.headers()).await {
        Ok(caller) => caller.at(origin),
        Err(problem) => return stranger(&state, origin, problem.into_response()),
    };
    let admission = state.app.admit(&caller);
    if let Some(refusal) = admission.and_then(rate::refusal) {
        return refusal;
    }
    let label = CallerLabel(caller.label());
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    response.extensions_mut().insert(label);
    rate::told(response, admission)
}

/// Counts a request to what needs no key, by its address; files that are served by their names
/// apart, since a page may show many.
pub(crate) async fn count_stranger(
    State(state): State<ApiState>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    if route.is_some_and(|route| PROBES.contains(&route.as_str())) {
        return next.run(request).await;
    }
    let is_file = route.is_some_and(|route| route.as_str() == FILES);
    let origin = state
        .proxies
        .origin(request.extensions(), request.headers());
    let admission = origin.and_then(|origin| match is_file {
        true => state.app.admit_download(origin),
        false => state.app.admit_address(origin),
    });
    if let Some(refusal) = admission.and_then(rate::refusal) {
        return refusal;
    }
    rate::told(next.run(request).await, admission)
}

/// Lets only admins pass: for what is served beside the native API.
pub(crate) async fn admins_only(request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>();
    if caller.is_some_and(|caller| caller.may(Scope::Admin)) {
        return next.run(request).await;
    }
    Problem::from(ScopeRequired(Scope::Admin)).into_response()
}

/// The refusal of somebody unknown, or of one who was refused too often.
fn stranger(state: &ApiState, origin: Option<IpAddr>, refusal: Response) -> Response {
    if refusal.status() != StatusCode::UNAUTHORIZED {
        return refusal;
    }
    let admission = origin.and_then(|origin| state.app.admit_address(origin));
    match admission.and_then(rate::refusal) {
        Some(too_often) => too_often,
        None => rate::told(refusal, admission),
    }
}

/// Whether a request shows anything at all.
pub(crate) fn has_credential(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || headers.contains_key(API_KEY)
}

/// The caller that a request's headers name.
pub(crate) async fn recognise(state: &ApiState, headers: &HeaderMap) -> Result<Caller, Problem> {
    let secret = key_of(headers)?;
    Ok(state.app.keys().authenticate(&secret).await?)
}

fn key_of(headers: &HeaderMap) -> Result<Secret, Problem> {
    let shown = in_bearer(headers).or_else(|| in_api_key(headers));
    let wanted = "send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`";
    secret_of(shown, wanted)
}

/// What is shown as `Authorization: Bearer …`.
pub(crate) fn in_bearer(headers: &HeaderMap) -> Option<&[u8]> {
    bearer(headers.get(AUTHORIZATION)?.as_bytes())
}

/// What is shown as `X-API-Key: …`.
pub(crate) fn in_api_key(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(API_KEY).map(|value| value.as_bytes())
}

/// The value of a cookie.
pub(crate) fn in_cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then(|| value.trim_matches('"'))
    })
}

/// The password of `Authorization: Basic …`, whatever the name before it.
pub(crate) fn in_basic(headers: &HeaderMap) -> Option<Vec<u8>> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, shown) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let pair = BASE64.decode(shown.trim_ascii()).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    pair.get(colon + 1..).map(<[u8]>::to_vec)
}

/// The secret that was shown; `wanted` says what was to be.
pub(crate) fn secret_of(shown: Option<&[u8]>, wanted: &str) -> Result<Secret, Problem> {
    let Some(key) = shown else {
        let status = StatusCode::UNAUTHORIZED;
        return Err(Problem::new(status, "missing_key", wanted));
    };
    match std::str::from_utf8(key) {
        Ok(key) if key.len() <= MAX_KEY => Ok(Secret::new(key.trim())),
        _ => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "invalid_key",
            "the API key or token is wrong, has expired or has been revoked",
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

impl FromRequestParts<ApiState> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Infallible> {
        let origin = state.proxies.origin(&parts.extensions, &parts.headers);
        Ok(Self(origin))
    }
}
