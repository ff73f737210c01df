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
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::keys::CredentialError;
use warbler_app::quotas::Quota;
use warbler_app::sessions::SessionError;
use warbler_domain::session::Session;
use warbler_domain::{Caller, Dialect, Realm, Scope, SessionName, SessionRef};

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
/// What its handlers are given.
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

/// The session a caller names. One that its token is not for is refused, whether there is such a
/// session or not.
async fn named(app: &App, caller: &Caller, name: Option<&str>) -> Result<Session, Fault> {
    let Some(name) = name else {
        let detail = "`sessionId` is missing";
        return Err(Fault::invalid("missing_session", detail));
    };
    let name: SessionName = in_field("bad_session_name", "sessionId", name)?;
    match app.sessions().get(caller, &SessionRef::Name(name)).await {
        Err(SessionError::Unknown(_)) if !caller.reaches_all() => {
            let detail = "the token belongs to another session";
            Err(Fault::new(
                StatusCode::FORBIDDEN,
                "limited_to_sessions",
                detail,
            ))
        }
        found => Ok(found?),
    }
}

/// `{ "status": "success", "message": … }`.
fn success(message: impl Into<String>) -> Json<Value> {
    Json(json!({ "status": "success", "message": message.into() }))
}
