//! `/api/send-message` and `/api/message`: texts as old clients send them.
//!
//! The document lets everybody send. Here a token or the master key is needed, unless the operator
//! opens it; then the sessions that have a token here send for everybody.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use http::StatusCode;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::messages::{Draft, NewContent};
use warbler_domain::session::Session;
use warbler_domain::{Caller, Scope, Scopes};

use super::{Fault, Gateway, GatewayState, MASTER, REALM, Who, named, success};
use crate::caller::Origin;
use crate::dialect::form::Fields;
use crate::dialect::{Row, Switch, Voice, recipient};
use crate::extract::Wire;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Gateway>> {
    const SECTION: &str = "Legacy API Endpoints";
    let unavailable = ["not_paired"];
    vec![
        Row::post("/api/send-message", None, from_json)
            .about(SECTION, "Sends a text.")
            .reads(json!({
                "sessionId": "mySession", "number": "6281234567890",
                "message": "This is a legacy message.",
            }))
            .answers(StatusCode::SERVICE_UNAVAILABLE, &unavailable),
        Row::post("/api/message", None, from_form)
            .about(
                SECTION,
                "Sends a text: a form with `phone`, `message` and perhaps `sessionId`.",
            )
            .answers(StatusCode::SERVICE_UNAVAILABLE, &unavailable),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TextBody {
    session_id: Option<String>,
    #[serde(alias = "phone")]
    number: String,
    message: String,
}

/// `POST /api/send-message`
async fn from_json(
    State(state): State<GatewayState>,
    origin: Origin,
    headers: HeaderMap,
    Wire(body): Wire<TextBody>,
) -> Result<Json<Value>, Fault> {
    send(&state, origin, &headers, body).await
}

/// `POST /api/message`
async fn from_form(
    State(state): State<GatewayState>,
    origin: Origin,
    headers: HeaderMap,
    Fields(body): Fields<TextBody>,
) -> Result<Json<Value>, Fault> {
    send(&state, origin, &headers, body).await
}

async fn send(
    state: &GatewayState,
    Origin(address): Origin,
    headers: &HeaderMap,
    body: TextBody,
) -> Result<Json<Value>, Fault> {
    let usual = state.terms.legacy_session.as_ref();
    let name = body.session_id.as_deref();
    let name = name.or(usual.map(|usual| usual.as_str()));
    let shows = headers.contains_key(AUTHORIZATION) || headers.contains_key(MASTER);
    let app = &state.api.app;
    let (caller, session) = if shows || !state.is_open(Switch::GatewayLegacyNoAuth) {
        let caller = Gateway::recognise(state, Who::Token, headers).await?;
        let caller = caller.at(address);
        let session = named(app, &caller, name).await?;
        (caller, session)
    } else {
        let session = open(state, name).await?;
        let caller = Caller::session_token(session.id, Scopes::up_to(Scope::Send));
        (caller.at(address), session)
    };
    let to = recipient("number", &body.number, false)?;
    let draft = Draft::new(to, NewContent::Text(body.message.into()));
    let messages = app.messages();
    messages
        .send(&caller, &session.id.into(), draft, None)
        .await?;
    Ok(success("Message sent."))
}

/// The session of this name, if it has a token here.
async fn open(state: &GatewayState, name: Option<&str>) -> Result<Session, Fault> {
    let app = &state.api.app;
    let host = Caller::host();
    let session = named(app, &host, name).await?;
    let tokens = app.keys().of_sessions(&host, REALM).await?;
    match tokens.iter().any(|key| key.session == session.id) {
        true => Ok(session),
        false => {
            let detail = format!("session {} does not exist", session.name);
            Err(Fault::new(StatusCode::NOT_FOUND, "unknown_session", detail))
        }
    }
}
