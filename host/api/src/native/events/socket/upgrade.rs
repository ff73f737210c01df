//! From a request to a WebSocket (RFC 6455, section 4.2).

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::upgrade::OnUpgrade;

use crate::mount::ApiState;
use crate::problem::Problem;

/// What both sides append to the client's key.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request that wants to become a WebSocket.
pub(in crate::native::events) struct Upgrade {
    accept: HeaderValue,
    upgraded: OnUpgrade,
}

impl Upgrade {
    /// The answer, and the connection that there will be once it is sent.
    pub(super) fn accept(self) -> (Response, OnUpgrade) {
        let headers = [
            (CONNECTION, HeaderValue::from_static("upgrade")),
            (UPGRADE, HeaderValue::from_static("websocket")),
            (SEC_WEBSOCKET_ACCEPT, self.accept),
        ];
        let answer = (StatusCode::SWITCHING_PROTOCOLS, headers).into_response();
        (answer, self.upgraded)
    }
}

impl FromRequestParts<ApiState> for Upgrade {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &ApiState) -> Result<Self, Problem> {
        let headers = &parts.headers;
        let wanted = names(headers, CONNECTION, "upgrade")
            && names(headers, UPGRADE, "websocket")
            && names(headers, SEC_WEBSOCKET_VERSION, "13");
        let accept = headers.get(SEC_WEBSOCKET_KEY).and_then(accept_of);
        let upgraded = parts.extensions.remove::<OnUpgrade>();
        match (wanted, accept, upgraded) {
            (true, Some(accept), Some(upgraded)) => Ok(Self { accept, upgraded }),
            _ => Err(Problem::new(
                StatusCode::UPGRADE_REQUIRED,
                "upgrade_required",
                "this route speaks WebSocket (version 13); GET /v1/events/stream gives the same events by HTTP",
            )),
        }
    }
}

/// Whether one of the words of a header is `wanted`.
fn names(headers: &HeaderMap, name: HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(name).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case(wanted))
}

/// What proves to the client that it speaks with a WebSocket server.
fn accept_of(key: &HeaderValue) -> Option<HeaderValue> {
    let key = key.to_str().ok()?.trim();
    if BASE64.decode(key.as_bytes()).ok()?.len() != 16 {
        return None;
    }
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(key.as_bytes());
    sha1.update(MAGIC.as_bytes());
    HeaderValue::try_from(BASE64.encode(&sha1.digest().bytes())).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::accept_of;

    #[test]
    fn a_key_is_answered_as_the_standard_says() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        let expected = HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(accept_of(&key), Some(expected));
        assert_eq!(accept_of(&HeaderValue::from_static("short")), None);
    }
}
