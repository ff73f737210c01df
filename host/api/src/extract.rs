//! How requests are read: path, query and body, each refused in this API's own words.
//!
//! A body is admitted before it is read: by its type, its size and the room that all bodies read
//! at one time share. Slow bodies are given up after [`BODY_TIMEOUT`].

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{
    DefaultBodyLimit, FromRequest, FromRequestParts, Query, RawPathParams, Request,
};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::mount::ApiState;
use crate::problem::Problem;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of all bodies that are read at the same time.
const BODIES_AT_ONCE: usize = 256 * 1024 * 1024;
/// Bodies up to this size are parsed in place, larger ones beside the runtime.
const PARSED_IN_PLACE: usize = 256 * 1024;

/// Largest body of a route, in bytes; the mount notes it on each request.
#[derive(Clone, Copy)]
pub(crate) struct BodyLimit(pub(crate) usize);

impl BodyLimit {
    /// What is enough for everything but media.
    pub(crate) const SMALL: Self = Self(64 * 1024);
}

/// The room that all bodies read at one time share.
#[derive(Clone)]
pub(crate) struct BodyRoom(Arc<Semaphore>);

impl BodyRoom {
    /// One permit is a kibibyte.
    const UNIT: usize = 1024;

    /// Room for at least one body of `largest` bytes.
    pub(crate) fn new(largest: usize) -> Self {
        let units = BODIES_AT_ONCE.max(largest.saturating_add(Self::UNIT)) / Self::UNIT;
        Self(Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))))
    }

    async fn admit(&self, size: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(size.div_ceil(Self::UNIT)).ok()?;
        Arc::clone(&self.0).acquire_many_owned(units).await.ok()
    }
}

/// A JSON body.
pub(crate) struct Wire<T>(pub(crate) T);

impl<T: DeserializeOwned + Send + 'static> FromRequest<ApiState> for Wire<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        let body = Body::read(request, state).await?;
        body.parsed().await.map(Self)
    }
}

/// A JSON body that has arrived, and its part of the room that all bodies share.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl Body {
    /// Admits and reads the body of a request.
    pub(crate) async fn read(mut request: Request, state: &ApiState) -> Result<Self, Problem> {
        must_be_json(request.headers())?;
        let BodyLimit(limit) = request
            .extensions()
            .get()
            .copied()
            .unwrap_or(BodyLimit::SMALL);
        let announced = announced_size(request.headers());
        if announced.is_some_and(|size| size > limit) {
            return Err(too_large(limit));
        }
        DefaultBodyLimit::max(limit).apply(&mut request);
        let read = async {
            let room = state.bodies.admit(announced.unwrap_or(limit)).await;
            (room, Bytes::from_request(request, state).await)
        };
        let (room, bytes) = tokio::time::timeout(BODY_TIMEOUT, read)
            .await
            .map_err(|_| {
                let seconds = BODY_TIMEOUT.as_secs();
                let detail = format!("the body did not arrive within {seconds} s");
                Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail)
            })?;
        let bytes = bytes.map_err(|err| match err.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(limit),
            _ => Problem::invalid("broken_body", "the body ended before it was complete"),
        })?;
        Ok(Self { bytes, _room: room })
    }

    /// What it says.
    pub(crate) async fn parsed<T: DeserializeOwned + Send + 'static>(&self) -> Result<T, Problem> {
        if self.bytes.len() <= PARSED_IN_PLACE {
            return parse(&self.bytes);
        }
        let bytes = self.bytes.clone();
        let parsed = tokio::task::spawn_blocking(move || parse(&bytes)).await;
        parsed.map_err(|_| internal("the body could not be read"))?
    }
}

fn must_be_json(headers: &HeaderMap) -> Result<(), Problem> {
    let sent = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = sent
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
    {
        return Ok(());
    }
    let sent = if essence.is_empty() {
        "no content type".to_owned()
    } else {
        format!("`{essence}`")
    };
    let detail =
        format!("this route reads `Content-Type: application/json`; the request has {sent}");
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        detail,
    ))
}

fn announced_size(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("the body is larger than the {limit} bytes this route accepts");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

fn internal(detail: &str) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
}

/// Parses a body and says exactly what is wrong with it.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::invalid(
            "missing_body",
            "this route needs a JSON body",
        ));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|err| {
        let path = err.path().to_string();
        refuse(err.inner(), &path)
    })?;
    json.end().map_err(|err| refuse(&err, "."))?;
    Ok(value)
}

fn refuse(err: &serde_json::Error, path: &str) -> Problem {
    let (line, column) = (err.line(), err.column());
    let text = err.to_string();
    let what = text
        .strip_suffix(&format!(" at line {line} column {column}"))
        .unwrap_or(&text);
    let what = &with_suggestion(what);
    if !err.is_data() {
        return Problem::invalid(
            "invalid_json",
            format!("not JSON: line {line}, column {column}: {what}"),
        )
        .at(line, column);
    }
    // serde has no kind for this, only its wording: `unknown field `x`, expected one of …`.
    let unknown = what
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once('`'))
        .map(|(name, _)| name);
    let code = if unknown.is_some() {
        "unknown_field"
    } else {
        "invalid_body"
    };
    let field = match (path, unknown) {
        (".", Some(name)) => name.to_owned(),
        (path, _) => path.to_owned(),
    };
    let problem = if field == "." {
        Problem::invalid(code, what)
    } else {
        Problem::invalid(code, format!("{field}: {what}")).in_field(field)
    };
    problem.at(line, column)
}

/// A refusal of an unknown word, with the known one it may have been meant to be.
///
/// serde says ``unknown variant `x`, expected one of `y`, `z` ``, and the same of fields.
fn with_suggestion(what: &str) -> String {
    let quoted = |text: &'_ str| -> Vec<String> {
        let parts = text.split('`').skip(1).step_by(2);
        parts.map(str::to_owned).collect()
    };
    let Some((unknown, expected)) = what.split_once(", expected ") else {
        return what.to_owned();
    };
    let words = quoted(unknown);
    let ([word], true) = (words.as_slice(), unknown.starts_with("unknown ")) else {
        return what.to_owned();
    };
    let known = quoted(expected);
    let near = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .min();
    match near {
        Some((1..=3, meant)) if meant.len() > 3 => {
            format!("{unknown}; did you mean `{meant}`? Expected {expected}")
        }
        _ => what.to_owned(),
    }
}

/// The one parameter of a path.
pub(crate) struct Param<T>(pub(crate) T);

impl<T: FromStr<Err: Display>> FromRequestParts<ApiState> for Param<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|err| Problem::invalid("invalid_path", err.body_text()))?;
        let (_, value) = params
            .iter()
            .next()
            .ok_or_else(|| internal("the route has no parameter"))?;
        from_path(value).map(Self)
    }
}

/// The two parameters of a path, in their order.
pub(crate) struct Pair<A, B>(pub(crate) A, pub(crate) B);

impl<A, B> FromRequestParts<ApiState> for Pair<A, B>
where
    A: FromStr<Err: Display>,
    B: FromStr<Err: Display>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|err| Problem::invalid("invalid_path", err.body_text()))?;
        let mut values = params.iter().map(|(_, value)| value);
        let (Some(first), Some(second)) = (values.next(), values.next()) else {
            return Err(internal("the route has not two parameters"));
        };
        Ok(Self(from_path(first)?, from_path(second)?))
    }
}

fn from_path<T: FromStr<Err: Display>>(text: &str) -> Result<T, Problem> {
    let parsed = text.parse();
    parsed.map_err(|err: T::Err| Problem::invalid("invalid_path", err.to_string()))
}

/// The query of a URL.
pub(crate) struct Search<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<ApiState> for Search<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &ApiState) -> Result<Self, Problem> {
        Query::<T>::try_from_uri(&parts.uri)
            .map(|Query(query)| Self(query))
            .map_err(|err| {
                let text = err.body_text();
                let what = text
                    .strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&text);
                Problem::invalid("invalid_query", what)
            })
    }
}

/// A field that may be null, told apart from one that is left out; for
/// `#[serde(deserialize_with)]`.
pub(crate) fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A text of a query, parsed into the type it stands for; for `#[serde(deserialize_with)]`.
pub(crate) fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}
