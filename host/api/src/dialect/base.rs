//! Where a caller reaches a dialect, as the caller sees it: for answers with absolute URLs.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, NestedPath};
use http::HeaderMap;
use http::header::HOST;
use http::request::Parts;

use super::{DialectState, Voice};

/// The URL below which the dialect is, such as `https://wa.example.com/suite`.
///
/// The host is the one that the request names, so it says nothing that its caller has not said; a
/// trusted proxy says by what scheme and name it was called itself.
pub(crate) struct Base(pub(crate) String);

impl<V: Voice> FromRequestParts<DialectState<V>> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &DialectState<V>,
    ) -> Result<Self, Infallible> {
        let headers = &parts.headers;
        let by_proxy = state.api.proxies.is_trusted(&parts.extensions);
        let forwarded = |name: &str| text_of(headers, name).filter(|_| by_proxy);
        let host = forwarded("x-forwarded-host").or_else(|| text_of(headers, HOST.as_str()));
        let host = host.filter(|host| is_host(host)).unwrap_or("localhost");
        let scheme = match forwarded("x-forwarded-proto") {
            Some("https") => "https",
            _ => "http",
        };
        let prefix = parts.extensions.get::<NestedPath>();
        let prefix = prefix.map_or("", NestedPath::as_str);
        Ok(Self(format!("{scheme}://{host}{prefix}")))
    }
}

/// The first of the values of a header.
fn text_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let text = headers.get(name)?.to_str().ok()?;
    text.split(',').next().map(str::trim)
}

fn is_host(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    (1..=255).contains(&text.len()) && text.bytes().all(plain)
}
