//! The dialect `gateway`: the WhatsApp Gateway API, its `/api/v1` and its legacy `/api`.
//!
//! A session has a token of its own, which acts for that session only; the master key of the host,
//! or an admin's key, makes sessions and acts for all of them. Answers say `"status": "success"`,
//! lists are bare arrays, and one answer has `"success": true`, each as documented.

mod campaigns;
mod legacy;
mod media;
mod messages;
mod sessions;
mod told;
mod webhook;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::keys::CredentialError;
use warbler_app::quotas::Quota;
use warbler_app::sessions::SessionError;
use warbler_domain::session::Session;
use warbler_domain::{Caller, Dialect, Realm, Scope, SessionRef};

use super::{DialectState, Row, Voice, bearer_of, holder_of};
use crate::caller::{in_bearer, secret_of};
use crate::native::in_field;
use crate::problem::Problem;

pub(crate) use told::{FORM, tell};

/// The header of the master key.
const MASTER: &str = "x-master-key";
const REALM: Realm = Realm::Dialect(Dialect::Gateway);

/// A refusal in this dialect.
type Fault = super::Fault<Gateway>;
/// What handlers are given of a request of somebody known.
type Call = super::Call<Gateway>;
/// What they are given of a request of anybody.
type Visit = super::Visit<Gateway>;
/// What they answer.
type Answer<T = Value> = Result<Json<T>, Fault>;
/// What the dialect itself is given.
type GatewayState = DialectState<Gateway>;

/// The dialect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gateway;

/// How it recognises callers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    /// By the master key.
    Master,
    /// By the token of a session, or by the master key.
    Token,
}

impl Voice for Gateway {
    const DIALECT: Dialect = Dialect::Gateway;
    const TITLE: &'static str = "WhatsApp Gateway";
    const DOCUMENT: &'static str = include_str!("gateway.json");
    const CALLS: Option<Quota> = None;

    type Who = Who;

    fn rows() -> Vec<Row<Self>> {
        let sections = [
            sessions::rows(),
            webhook::rows(),
            media::rows(),
            messages::rows(),
            campaigns::rows(),
            legacy::rows(),
        ];
        sections.into_iter().flatten().collect()
    }

    async fn recognise(
        state: &GatewayState,
        who: Who,
        headers: &HeaderMap,
    ) -> Result<Caller, Problem> {
        match who {
            Who::Token if in_bearer(headers).is_some() || !headers.contains_key(MASTER) => {
                holder_of(state, &bearer_of(headers)?).await
            }
            Who::Token | Who::Master => master_of(state, headers).await,
        }
    }

    fn say(problem: &Problem) -> Response {
        let body = json!({ "status": "error", "message": problem.detail() });
        (problem.status(), Json(body)).into_response()
    }

    fn schemes_of(who: Who) -> &'static [&'static str] {
        match who {
            Who::Master => &["masterKey"],
            Who::Token => &["token", "masterKey"],
        }
    }

    fn schemes() -> Value {
        json!({
            "token": { "type": "http", "scheme": "bearer" },
            "masterKey": { "type": "apiKey", "in": "header", "name": "X-Master-Key" },
        })
    }
}

/// Whoever shows the master key, or the key of an admin.
async fn master_of(state: &GatewayState, headers: &HeaderMap) -> Result<Caller, Problem> {
    let shown = headers.get(MASTER).map(|value| value.as_bytes());
    let secret = secret_of(shown, "send the master key as `X-Master-Key: <key>`")?;
    let caller = state.api.app.keys().authenticate(&secret).await?;
    match caller.may(Scope::Admin) && caller.reaches_all() {
        true => Ok(caller),
        false => Err(CredentialError::Unknown.into()),
    }
}

/// A row that sends: by a session that is linked, else it is unavailable.
fn sends(row: Row<Gateway>) -> Row<Gateway> {
    row.answers(StatusCode::SERVICE_UNAVAILABLE, &["not_paired"])
}

/// Whether a request shows a token or a master key, be it good or not.
fn has_secret(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || headers.contains_key(MASTER)
}

/// What names a session, in a query or a body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    session_id: Option<String>,
}

/// The session a caller names. One that its token is not for is refused, whether there is such a
/// session or not.
async fn named(call: &Call, name: Option<&str>) -> Result<Session, Fault> {
    let missing = || Fault::invalid("missing_session", "`sessionId` is missing");
    let name = in_field("bad_session_name", "sessionId", name.ok_or_else(missing)?)?;
    let (sessions, session) = (call.app.sessions(), SessionRef::Name(name));
    match sessions.get(&call.caller, &session).await {
        Err(SessionError::Unknown(_)) if !call.caller.reaches_all() => {
            let detail = "the token belongs to another session";
            let status = StatusCode::FORBIDDEN;
            Err(Fault::new(status, "limited_to_sessions", detail))
        }
        found => Ok(found?),
    }
}

/// `{ "status": "success", "message": … }`.
fn success(message: impl Into<String>) -> Json<Value> {
    Json(json!({ "status": "success", "message": message.into() }))
}
