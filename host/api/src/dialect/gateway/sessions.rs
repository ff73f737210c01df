//! `/sessions`: making, listing and deleting sessions.

use std::collections::HashMap;

use axum::Json;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::sessions::CreateSession;
use warbler_domain::session::Session;
use warbler_domain::{Caller, Secret, SessionState};

use super::{Answer, Call, Gateway, REALM, Visit, Who, has_secret, named, success};
use crate::dialect::{Row, Standing, Switch, Voice};
use crate::extract::{Param, Wire};
use crate::native::in_field;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Gateway>> {
    vec![
        Row::post("/api/v1/sessions", Who::Master, create),
        Row::get("/api/v1/sessions", None, list),
        Row::delete("/api/v1/sessions/{sessionId}", Who::Token, delete),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateBody {
    session_id: String,
}

/// `POST /api/v1/sessions`
async fn create(call: Call, Wire(body): Wire<CreateBody>) -> Answer {
    let name = in_field("bad_session_name", "sessionId", &body.session_id)?;
    let command = CreateSession { name, start: true };
    let keys = call.app.keys();
    let (session, token) = keys.create_session(&call.caller, command, REALM).await?;
    let message = format!("Session {} created.", session.name);
    let made = json!({ "status": "success", "message": message, "token": token.expose() });
    Ok(Json(made))
}

/// `GET /api/v1/sessions`: the sessions that have a token here, for everybody; what only their
/// owners may know, for them.
async fn list(visit: Visit, headers: HeaderMap) -> Answer<Vec<Value>> {
    let asker = match has_secret(&headers) {
        true => Some(Gateway::recognise(&visit.state, Who::Token, &headers).await?),
        false => None,
    };
    let (app, host) = (&visit.app, Caller::host());
    let tokens = app.keys().of_sessions(&host, REALM).await?.into_iter();
    let tokens: HashMap<_, _> = tokens.map(|key| (key.session, key.secret)).collect();
    let is_open = visit.state.is_open(Switch::GatewayPublicSessionList);
    let mut views = Vec::new();
    for session in app.sessions().list(&host).await? {
        let (id, owner) = (session.id, session.owner);
        let is_own = asker.as_ref().is_some_and(|asker| asker.may_use(id, owner));
        let token = tokens.get(&id);
        if !is_own && token.is_none() {
            continue;
        }
        let mut view = json!({
            "sessionId": session.name.as_str(), "status": status(session.state),
            "detail": "", "qr": null, "token": null,
        });
        if is_own || is_open {
            view["detail"] = detail(&session).into();
            view["token"] = token.and_then(Option::as_ref).map(Secret::expose).into();
            if session.state == SessionState::AwaitingPairing {
                let offered = app.sessions().offered_qr(&host, &id.into()).await?;
                view["qr"] = offered.map(|qr| qr.text).into();
            }
        }
        views.push(view);
    }
    Ok(Json(views))
}

/// Where a session stands, in this dialect's words.
pub(super) fn status(state: SessionState) -> &'static str {
    match Standing::from(state) {
        Standing::Stopped | Standing::Lost => "DISCONNECTED",
        Standing::Waiting => "CONNECTING",
        Standing::Connected => "CONNECTED",
    }
}

/// The same in a sentence.
fn detail(session: &Session) -> String {
    let account = session.account.as_ref();
    match session.state {
        SessionState::Connected => {
            let named = account.and_then(|account| account.push_name.clone());
            let number = || account.map(|account| account.jid.user().to_owned());
            format!("Connected as {}", named.or_else(number).unwrap_or_default())
        }
        SessionState::AwaitingPairing => "Waiting for the QR code to be scanned.".to_owned(),
        SessionState::Starting => "Connecting.".to_owned(),
        _ => "Connection closed.".to_owned(),
    }
}

/// `DELETE /api/v1/sessions/{sessionId}`
async fn delete(call: Call, Param(name): Param<String>) -> Answer {
    let Session { id, name, .. } = named(&call, Some(&name)).await?;
    call.app.sessions().delete(&call.caller, &id.into()).await?;
    Ok(success(format!("Session {name} deleted.")))
}
