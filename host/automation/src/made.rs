//! What the hooks that make text of text may make, whatever made it.

use std::sync::Arc;

use http::Method;
use http::uri::PathAndQuery;
use warbler_app::hook::Payload;
use warbler_domain::Content;

use crate::fault::Fault;

/// Largest payload an extension makes, in bytes.
const MAX_PAYLOAD: usize = 256 * 1024;
/// Most headers it adds, and their size in bytes.
const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 8 * 1024;
/// Longest path and query it names, in bytes.
const MAX_PATH: usize = 2 * 1024;
/// How a payload can be sent.
const METHODS: [Method; 5] = [
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::GET,
];

/// A message of a campaign, unless it is empty or too long.
pub(crate) fn text(text: String) -> Result<String, Fault> {
    if text.is_empty() || text.len() > Content::MAX_TEXT {
        let message = format!("a text has 1 to {} bytes", Content::MAX_TEXT);
        return Err(Fault::new("bad-text", message));
    }
    Ok(text)
}

/// What an extension says a payload shall be.
pub(crate) struct Shaped {
    /// As it was, if nothing is said.
    pub(crate) method: Option<String>,
    /// As it was, if nothing is said.
    pub(crate) path: Option<String>,
    pub(crate) content_type: String,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) headers: Vec<(String, String)>,
}

/// A payload made of `before`, unless it goes nowhere, or it or its headers are too large.
pub(crate) fn payload(shaped: Shaped, before: &Payload) -> Result<Payload, Fault> {
    let bad = |message: String| Fault::new("bad-payload", message);
    let method = match shaped.method.as_deref() {
        Some(said) => method(said).map_err(bad)?,
        None => before.method.clone(),
    };
    let path = match shaped.path.as_deref() {
        Some(said) => Some(path(said).map_err(bad)?),
        None => before.path.clone(),
    };
    let headers: usize = shaped
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if shaped.bytes.len() > MAX_PAYLOAD {
        return Err(bad(format!("a payload has at most {MAX_PAYLOAD} bytes")));
    }
    if shaped.headers.len() > MAX_HEADERS || headers > MAX_HEADER_BYTES {
        return Err(bad(format!(
            "a payload has at most {MAX_HEADERS} headers of {MAX_HEADER_BYTES} bytes together"
        )));
    }
    Ok(Payload {
        method,
        path,
        content_type: shaped.content_type,
        bytes: shaped.bytes,
        headers: shaped.headers,
    })
}

/// A method by its name.
pub(crate) fn method(said: &str) -> Result<Method, String> {
    let known = METHODS.iter().find(|method| method.as_str() == said);
    known.cloned().ok_or_else(|| {
        let known = METHODS.map(|method| method.to_string()).join(", ");
        format!("a payload is sent by one of {known}")
    })
}

/// A path of a server with its query.
fn path(said: &str) -> Result<PathAndQuery, String> {
    let path = Some(said).filter(|said| said.starts_with('/') && said.len() <= MAX_PATH);
    path.and_then(|path| path.parse().ok()).ok_or_else(|| {
        format!("a path begins with / and has at most {MAX_PATH} bytes that a URL may have")
    })
}
