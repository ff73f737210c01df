//! What the hooks that make text of text may make, whatever made it.

use warbler_app::hook::Payload;
use warbler_domain::Content;

use crate::fault::Fault;

/// Largest payload an extension makes, in bytes.
const MAX_PAYLOAD: usize = 256 * 1024;
/// Most headers it adds, and their size in bytes.
const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 8 * 1024;

/// A message of a campaign, unless it is empty or too long.
pub(crate) fn text(text: String) -> Result<String, Fault> {
    if text.is_empty() || text.len() > Content::MAX_TEXT {
        let message = format!("a text has 1 to {} bytes", Content::MAX_TEXT);
        return Err(Fault::new("bad-text", message));
    }
    Ok(text)
}

/// A payload, unless it or its headers are too large.
pub(crate) fn payload(payload: Payload) -> Result<Payload, Fault> {
    let headers: usize = payload
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if payload.bytes.len() > MAX_PAYLOAD {
        let message = format!("a payload has at most {MAX_PAYLOAD} bytes");
        return Err(Fault::new("bad-payload", message));
    }
    if payload.headers.len() > MAX_HEADERS || headers > MAX_HEADER_BYTES {
        let message = format!(
            "a payload has at most {MAX_HEADERS} headers of {MAX_HEADER_BYTES} bytes together"
        );
        return Err(Fault::new("bad-payload", message));
    }
    Ok(payload)
}
