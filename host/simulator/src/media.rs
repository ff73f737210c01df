//! Media bodies, and the HTTP door to them.
//!
//! Clients seal before they upload, so the server keeps bytes it cannot read, under the digest
//! they are named by. `POST /mms/{kind}/{token}` stores, `GET /v/{name}` returns, whole or in part.
//!
//! Invariant: one body and all bodies together are bounded; the oldest body makes room.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

use crate::faults::Fault;
use crate::hub::Hub;

/// How long one body may be: a document of 100 MiB, and what encryption adds.
pub(crate) const MAX_BODY: usize = (100 << 20) + 1024;

/// Why a body was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MediaError {
    #[error("a media body is longer than {MAX_BODY} bytes")]
    TooLong,
    #[error("a media body does not fit into {0} bytes")]
    TooLittleRoom(usize),
}

/// The bodies, by path.
pub(crate) struct MediaStore {
    bodies: Mutex<Bodies>,
    limit: usize,
}

#[derive(Default)]
struct Bodies {
    by_name: HashMap<String, Bytes>,
    order: VecDeque<String>,
    total: usize,
}

impl MediaStore {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            bodies: Mutex::default(),
            limit,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Bodies> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a body under its digest and returns its path.
    pub(crate) fn put(&self, body: Bytes) -> Result<String, MediaError> {
        let name = BASE64URL_NOPAD.encode(&Sha256::digest(&body));
        let path = format!("/v/{name}");
        if body.len() > MAX_BODY {
            return Err(MediaError::TooLong);
        }
        if body.len() > self.limit {
            return Err(MediaError::TooLittleRoom(self.limit));
        }
        let mut bodies = self.lock();
        if bodies.by_name.contains_key(&name) {
            return Ok(path);
        }
        while bodies.total + body.len() > self.limit {
            let Some(oldest) = bodies.order.pop_front() else {
                break;
            };
            if let Some(gone) = bodies.by_name.remove(&oldest) {
                bodies.total -= gone.len();
            }
        }
        bodies.total += body.len();
        bodies.order.push_back(name.clone());
        bodies.by_name.insert(name, body);
        Ok(path)
    }

    /// Forgets every body, as the real server does after some weeks.
    pub(crate) fn clear(&self) {
        *self.lock() = Bodies::default();
    }

    /// The body at a path.
    pub(crate) fn get(&self, path: &str) -> Option<Bytes> {
        let name = path.strip_prefix("/v/").unwrap_or(path);
        let name = name.split('?').next().unwrap_or(name);
        self.lock().by_name.get(name).cloned()
    }
}

/// The routes for uploads and downloads.
pub(crate) fn routes() -> Router<Arc<Hub>> {
    Router::new()
        .route("/mms/{*target}", post(upload))
        .route("/v/{name}", get(download))
}

async fn upload(
    Shared(hub): Shared<Arc<Hub>>,
    Path(target): Path<String>,
    request: Request,
) -> Response {
    if let Some(status) = fault(&hub) {
        return status.into_response();
    }
    let asks = request
        .uri()
        .query()
        .is_some_and(|query| query.split('&').any(|part| part == "resume=1"));
    if asks {
        return progress(&hub, &target);
    }
    let Ok(body) = to_bytes(request.into_body(), MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let token = target.rsplit('/').next().unwrap_or_default();
    let name = BASE64URL_NOPAD.encode(&Sha256::digest(&body));
    if token.trim_end_matches('=') != name {
        return StatusCode::BAD_REQUEST.into_response();
    }
    match hub.media.put(body) {
        Ok(path) => Json(serde_json::json!({
            "url": format!("https://mmg.whatsapp.net{path}"),
            "direct_path": path,
        }))
        .into_response(),
        Err(error) => {
            tracing::debug!(%error, "An upload is refused");
            StatusCode::INSUFFICIENT_STORAGE.into_response()
        }
    }
}

/// Whether a body is already here; a client asks before a long upload.
fn progress(hub: &Hub, target: &str) -> Response {
    let token = target.rsplit('/').next().unwrap_or_default();
    let path = format!("/v/{}", token.trim_end_matches('='));
    if hub.media.get(&path).is_none() {
        return Json(serde_json::json!({ "resume": "0" })).into_response();
    }
    Json(serde_json::json!({
        "resume": "complete",
        "url": format!("https://mmg.whatsapp.net{path}"),
        "direct_path": path,
    }))
    .into_response()
}

async fn download(
    Shared(hub): Shared<Arc<Hub>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(status) = fault(&hub) {
        return status.into_response();
    }
    let Some(body) = hub.media.get(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let body = damaged(&hub, body);
    let range = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| range(value, body.len()));
    match range {
        None => Body::from(body).into_response(),
        Some((start, end)) => {
            let total = body.len();
            let part = body.slice(start..end);
            let shown = format!("bytes {start}-{}/{total}", end.saturating_sub(1));
            (
                StatusCode::PARTIAL_CONTENT,
                [(header::CONTENT_RANGE, shown)],
                Body::from(part),
            )
                .into_response()
        }
    }
}

/// `bytes=a-b`, `bytes=a-` as start and end, if it lies within the body.
fn range(value: &str, length: usize) -> Option<(usize, usize)> {
    let (start, end) = value.strip_prefix("bytes=")?.split_once('-')?;
    let start: usize = start.parse().ok()?;
    let end = match end {
        "" => length,
        end => end.parse::<usize>().ok()?.checked_add(1)?.min(length),
    };
    (start < end).then_some((start, end))
}

/// The body as a fault leaves it.
fn damaged(hub: &Hub, body: Bytes) -> Bytes {
    let mut state = hub.lock();
    let short = |fault: &Fault| matches!(fault, Fault::MediaShort { .. }).then_some(());
    if state.faults.take(None, short).is_some() {
        return body.slice(..body.len() / 2);
    }
    let flipped = |fault: &Fault| matches!(fault, Fault::MediaCorrupt { .. }).then_some(());
    if state.faults.take(None, flipped).is_none() {
        return body;
    }
    let mut bytes = body.to_vec();
    if let Some(byte) = bytes.first_mut() {
        *byte ^= 1;
    }
    bytes.into()
}

fn fault(hub: &Hub) -> Option<StatusCode> {
    let status = hub.lock().faults.take(None, |fault| match fault {
        Fault::MediaError { status, .. } => Some(*status),
        _ => None,
    })?;
    Some(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
}

#[cfg(test)]
mod tests {
    use super::{MediaStore, range};

    #[test]
    fn the_oldest_body_makes_room() {
        let store = MediaStore::new(10);
        let first = store.put(vec![1; 6].into());
        let second = store.put(vec![2; 6].into());
        assert!(first.is_ok_and(|path| store.get(&path).is_none()));
        assert!(second.is_ok_and(|path| store.get(&path).is_some()));
        assert!(store.put(vec![3; 11].into()).is_err());
    }

    #[test]
    fn ranges_stay_within_the_body() {
        assert_eq!(range("bytes=2-3", 10), Some((2, 4)));
        assert_eq!(range("bytes=2-", 10), Some((2, 10)));
        assert_eq!(range("bytes=2-99", 10), Some((2, 10)));
        assert_eq!(range("bytes=12-", 10), None);
        assert_eq!(range("bytes=x-", 10), None);
    }
}
