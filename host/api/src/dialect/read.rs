//! How dialects read requests: as the rest of the host does, refused in their own words.

use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use serde::de::DeserializeOwned;
use warbler_app::App;
use warbler_domain::{Caller, SessionRef};

use super::state::holder;
use super::{DialectState, Fault, Voice};
use crate::extract::{Pair, Param, Search, Wire};

/// A request of somebody known: what handlers are given of it before its path, query and body.
pub(crate) struct Call<V> {
    pub(crate) state: DialectState<V>,
    pub(crate) app: App,
    pub(crate) caller: Caller,
}

/// A request of whoever it is: where nobody has to show a credential.
pub(crate) struct Visit<V> {
    pub(crate) state: DialectState<V>,
    pub(crate) app: App,
    pub(crate) address: Option<IpAddr>,
}

impl<V> Call<V> {
    /// What messages of a session are counted under.
    pub(crate) fn sender(&self, session: &SessionRef) -> String {
        format!("{} {session}", holder(Some(&self.caller), None))
    }
}

impl<V> Visit<V> {
    /// The same request, once it is known whose it is.
    pub(crate) fn by(self, caller: Caller) -> Call<V> {
        Call {
            caller: caller.at(self.address),
            state: self.state,
            app: self.app,
        }
    }
}

/// A JSON body, if there is one.
pub(crate) struct Perhaps<T>(pub(crate) Option<T>);

/// How many entries of a list are asked for, and how many before them are left out; `page` is how
/// many there are when nothing is said, and at most.
pub(crate) fn window(page: (u32, u32), limit: Option<u32>, offset: Option<u32>) -> (u32, u32) {
    let limit = limit.unwrap_or(page.0).clamp(1, page.1);
    (limit, offset.unwrap_or(0))
}

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

impl<V: Voice> FromRequestParts<DialectState<V>> for Call<V> {
    type Rejection = Fault<V>;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &DialectState<V>,
    ) -> Result<Self, Fault<V>> {
        let caller = parts.extensions.get::<Caller>().cloned();
        Ok(Self {
            state: state.clone(),
            app: state.api.app.clone(),
            caller: caller.ok_or_else(|| {
                let detail = "this endpoint needs a credential";
                Fault::new(StatusCode::UNAUTHORIZED, "missing_key", detail)
            })?,
        })
    }
}

impl<V: Voice> FromRequestParts<DialectState<V>> for Visit<V> {
    type Rejection = Fault<V>;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &DialectState<V>,
    ) -> Result<Self, Fault<V>> {
        let proxies = &state.api.proxies;
        Ok(Self {
            state: state.clone(),
            app: state.api.app.clone(),
            address: proxies.origin(&parts.extensions, &parts.headers),
        })
    }
}
