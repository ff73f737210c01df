//! The dialect `manager`: the WhatsApp Management System API, `/api`.
//!
//! Its document knows no credentials. Here a key made for it is needed, which a client that can
//! change nothing but its base URL sends as the password of that URL; see [`auth`]. Everything is
//! called by number. Answers say `"status": "success"`, and have `data` or a `message`.

mod auth;
pub(crate) mod form;
mod inbound;
mod messages;
mod sessions;
mod webhooks;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use warbler_app::quotas::Quota;
use warbler_app::sessions::Marked;
use warbler_domain::{Caller, Dialect, Refusal, RefusalKind};

use super::{DialectState, Row, Voice, plain_status};
use crate::problem::Problem;

/// A refusal in this dialect.
type Fault = super::Fault<Manager>;
/// What handlers are given of a request of somebody known.
type Call = super::Call<Manager>;
/// What they are given of one of whoever it is.
type Visit = super::Visit<Manager>;
/// What they answer.
type Answer = Result<Json<Value>, Fault>;
/// What they answer that make something.
type Created = Result<(StatusCode, Json<Value>), Fault>;

/// The dialect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manager;

/// How it recognises callers: by a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key;

impl Voice for Manager {
    const DIALECT: Dialect = Dialect::Manager;
    const TITLE: &'static str = "WhatsApp Management System";
    const DOCUMENT: &'static str = include_str!("manager.json");
    const CALLS: Option<Quota> = None;

    type Who = Key;

    fn rows() -> Vec<Row<Self>> {
        let sections = [sessions::rows(), messages::rows(), webhooks::rows()];
        sections.into_iter().flatten().collect()
    }

    async fn recognise(
        state: &DialectState<Self>,
        _: Key,
        headers: &HeaderMap,
    ) -> Result<Caller, Problem> {
        auth::recognise(state, headers, &[auth::OPEN]).await
    }

    fn say(problem: &Problem) -> Response {
        let status = plain_status(problem.status());
        let body = json!({ "status": "error", "message": problem.detail() });
        (status, Json(body)).into_response()
    }

    fn schemes_of(_: Key) -> &'static [&'static str] {
        &["bearer", "apiKey", "basic"]
    }

    fn schemes() -> Value {
        json!({
            "bearer": { "type": "http", "scheme": "bearer" },
            "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
            "basic": { "type": "http", "scheme": "basic" },
        })
    }
}

/// A number in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Number(i64);

/// A text that is no number.
#[derive(Debug, thiserror::Error)]
#[error("an ID is a whole number")]
struct NotANumber;

impl std::str::FromStr for Number {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, NotANumber> {
        text.parse().map(Self).map_err(|_| NotANumber)
    }
}

/// The session with this number.
async fn numbered(call: &Call, id: Number) -> Result<Marked, Fault> {
    let found = call.app.sessions().numbered(&call.caller, id.0).await;
    found.map_err(missing("Session", id))
}

/// Why nothing of this kind was found by its number.
fn missing<R: Refusal>(what: &str, Number(id): Number) -> impl FnOnce(R) -> Fault {
    let detail = format!("{what} with ID {id} not found");
    move |refusal| match refusal.kind() {
        RefusalKind::NotFound => Fault::new(StatusCode::NOT_FOUND, refusal.code(), detail),
        _ => refusal.into(),
    }
}

/// `{ "status": "success", "data": … }`.
fn data(data: impl Serialize) -> Json<Value> {
    Json(json!({ "status": "success", "data": data }))
}

/// `{ "status": "success", "message": … }`: what was done to what has this number.
fn done(what: &str, Number(id): Number, verb: &str) -> Json<Value> {
    let message = format!("{what} {id} {verb} successfully");
    Json(json!({ "status": "success", "message": message }))
}
