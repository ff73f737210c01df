//! `/sessions`: making, listing and deleting sessions.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::sessions::CreateSession;
use warbler_domain::session::Session;
use warbler_domain::{Caller, Secret, SessionState};

use super::{Fault, Gateway, GatewayState, MASTER, REALM, Who, named, success};
use crate::dialect::{Row, Standing, Switch, Voice};
use crate::extract::{Param, Wire};
use crate::native::in_field;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Gateway>> {
    const SECTION: &str = "Session Management";
    vec![
        Row::post("/api/v1/sessions", Who::Master, create)
            .about(SECTION, "Makes a session and the token that acts for it.")
            .reads(json!({ "sessionId": "mySession" })),
        Row::get("/api/v1/sessions", None, list).about(
            SECTION,
            "Lists the sessions: the own one in full, all with the master key.",
        ),
        Row::delete("/api/v1/sessions/{sessionId}", Who::Token, delete)
            .about(SECTION, "Deletes a session and all its data."),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateBody {
    session_id: String,
}

/// `POST /api/v1/sessions`
async fn create(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<CreateBody>,
) -> Result<Json<Value>, Fault> {
    let name = in_field("bad_session_name", "sessionId", &body.session_id)?;
    let command = CreateSession { name, start: true };
    let (session, token) = app.keys().create_session(&caller, command, REALM).await?;
    Ok(Json(json!({
        "status": "success",
        "message": format!("Session {} created.", session.name),
        "token": token.expose(),
    })))
}

/// A session in the list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionView {
    session_id: String,
    status: &'static str,
    detail: String,
    qr: Option<String>,
    token: Option<String>,
}

/// `GET /api/v1/sessions`: the sessions that have a token here, for everybody; what only their
/// owners may know, for them.
async fn list(
    State(state): State<GatewayState>,
    headers: HeaderMap,
) -> Result<Json<Vec<SessionView>>, Fault> {
    let shows = headers.contains_key(AUTHORIZATION) || headers.contains_key(MASTER);
    let asker = match shows {
        true => Some(Gateway::recognise(&state, Who::Token, &headers).await?),
        false => None,
    };
    let app = &state.api.app;
    let host = Caller::host();
    let tokens = app.keys().of_sessions(&host, REALM).await?;
    let tokens: HashMap<_, _> = tokens
        .into_iter()
        .map(|key| (key.session, key.secret))
        .collect();
    let open = state.is_open(Switch::GatewayPublicSessionList);
    let mut views = Vec::new();
    for session in app.sessions().list(&host).await? {
        let token = tokens.get(&session.id);
        let is_own = asker
            .as_ref()
            .is_some_and(|asker| asker.may_use(session.id, session.owner));
        views.push(match (token, is_own || open) {
            (token, true) if is_own || token.is_some() => {
                let token = token.and_then(Option::as_ref);
                full(app, &host, session, token).await?
            }
            (Some(_), _) => SessionView {
                session_id: session.name.to_string(),
                status: status(session.state),
                detail: String::new(),
                qr: None,
                token: None,
            },
            _ => continue,
        });
    }
    Ok(Json(views))
}

/// All there is to know about a session.
async fn full(
    app: &App,
    host: &Caller,
    session: Session,
    token: Option<&Secret>,
) -> Result<SessionView, Fault> {
    let qr = match session.state {
        SessionState::AwaitingPairing => {
            let (sessions, id) = (app.sessions(), session.id.into());
            sessions.offered_qr(host, &id).await?.map(|qr| qr.text)
        }
        _ => None,
    };
    Ok(SessionView {
        session_id: session.name.to_string(),
        status: status(session.state),
        detail: detail(&session),
        qr,
        token: token.map(|token| token.expose().to_owned()),
    })
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
async fn delete(
    State(app): State<App>,
    caller: Caller,
    Param(name): Param<String>,
) -> Result<Json<Value>, Fault> {
    let session = named(&app, &caller, Some(&name)).await?;
    app.sessions().delete(&caller, &session.id.into()).await?;
    Ok(success(format!("Session {} deleted.", session.name)))
}
