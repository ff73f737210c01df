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
mod wire;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::quotas::Quota;
use warbler_app::sessions::{MarkError, Marked, SessionError};
use warbler_domain::{Caller, Dialect};

use super::{DialectState, Row, Voice, plain_status};
use crate::problem::Problem;

/// A refusal in this dialect.
type Fault = super::Fault<Manager>;
/// What its handlers are given.
type ManagerState = DialectState<Manager>;

/// The dialect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manager;

/// How it recognises callers: by a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key;

impl Voice for Manager {
    const DIALECT: Dialect = Dialect::Manager;
    const TITLE: &'static str = "WhatsApp Management System";
    const CALLS: Option<Quota> = None;

    type Who = Key;

    fn rows() -> Vec<Row<Self>> {
        let sections = [
            sessions::rows(),
            messages::rows(),
            inbound::rows(),
            webhooks::rows(),
        ];
        sections.into_iter().flatten().collect()
    }

    async fn recognise(
        state: &ManagerState,
        _: Key,
        headers: &HeaderMap,
    ) -> Result<Caller, Problem> {
        auth::recognise(state, headers).await
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
async fn numbered(app: &App, caller: &Caller, Number(number): Number) -> Result<Marked, Fault> {
    match app.sessions().numbered(caller, number).await {
        Err(MarkError::Session(SessionError::Unknown(_))) => {
            Err(missing("unknown_session", "Session", number))
        }
        found => Ok(found?),
    }
}

/// 404: there is nothing of this kind with that number.
fn missing(code: &'static str, what: &str, number: i64) -> Fault {
    let detail = format!("{what} with ID {number} not found");
    Fault::new(http::StatusCode::NOT_FOUND, code, detail)
}

/// `{ "status": "success", "data": … }`.
fn data(data: impl serde::Serialize) -> Json<Value> {
    Json(json!({ "status": "success", "data": data }))
}

/// `{ "status": "success", "message": … }`.
fn done(message: impl Into<String>) -> Json<Value> {
    Json(json!({ "status": "success", "message": message.into() }))
}
