//! How dialects read requests: as the rest of the host does, refused in their own words.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use serde::de::DeserializeOwned;
use warbler_domain::Caller;

use super::{DialectState, Fault, Voice};
use crate::caller::Origin;
use crate::extract::{Pair, Param, Search, Wire};

/// A JSON body, if there is one.
pub(crate) struct Perhaps<T>(pub(crate) Option<T>);

impl<V, T> FromRequest<DialectState<V>> for Wire<T>
where
    V: Voice,
    T: DeserializeOwned + Send + 'static,
{
    type Rejection = Fault<V>;

    async fn from_request(request: Request, state: &DialectState<V>) -> Result<Self, Fault<V>> {
        let read = <Self as FromRequest<_>>::from_request(request, &state.api);
        Ok(read.await?)
    }
}

impl<V, T> FromRequest<DialectState<V>> for Perhaps<T>
where
    V: Voice,
    T: DeserializeOwned + Send + 'static,
{
    type Rejection = Fault<V>;

    async fn from_request(request: Request, state: &DialectState<V>) -> Result<Self, Fault<V>> {
        let headers = request.headers();
        let length = headers.get(CONTENT_LENGTH).map(|length| length.as_bytes());
        let streamed = headers.contains_key(TRANSFER_ENCODING);
        if !streamed && matches!(length, None | Some(b"0")) {
            return Ok(Self(None));
        }
        let Wire(body) = <Wire<T> as FromRequest<_>>::from_request(request, &state.api).await?;
        Ok(Self(Some(body)))
    }
}

impl<V, T> FromRequestParts<DialectState<V>> for Search<T>
where
    V: Voice,
    T: DeserializeOwned,
{
    type Rejection = Fault<V>;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &DialectState<V>,
    ) -> Result<Self, Fault<V>> {
        let read = <Self as FromRequestParts<_>>::from_request_parts(parts, &state.api);
        Ok(read.await?)
    }
}

impl<V, T> FromRequestParts<DialectState<V>> for Param<T>
where
    V: Voice,
    T: FromStr<Err: Display>,
{
    type Rejection = Fault<V>;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &DialectState<V>,
    ) -> Result<Self, Fault<V>> {
        let read = <Self as FromRequestParts<_>>::from_request_parts(parts, &state.api);
        Ok(read.await?)
    }
}

impl<V, A, B> FromRequestParts<DialectState<V>> for Pair<A, B>
where
    V: Voice,
    A: FromStr<Err: Display>,
    B: FromStr<Err: Display>,
{
    type Rejection = Fault<V>;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &DialectState<V>,
    ) -> Result<Self, Fault<V>> {
        let read = <Self as FromRequestParts<_>>::from_request_parts(parts, &state.api);
        Ok(read.await?)
    }
}

impl<V: Voice> FromRequestParts<DialectState<V>> for Caller {
    type Rejection = Fault<V>;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &DialectState<V>,
    ) -> Result<Self, Fault<V>> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| {
            let detail = "this endpoint needs a credential";
            Fault::new(StatusCode::UNAUTHORIZED, "missing_key", detail)
        })
    }
}

impl<V: Voice> FromRequestParts<DialectState<V>> for Origin {
    type Rejection = Fault<V>;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &DialectState<V>,
    ) -> Result<Self, Fault<V>> {
        let origin = state.api.proxies.origin(&parts.extensions, &parts.headers);
        Ok(Self(origin))
    }
}
