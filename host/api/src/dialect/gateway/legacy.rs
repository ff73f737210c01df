//! `/api/send-message` and `/api/message`: texts as old clients send them.
//!
//! The document lets everybody send. Here a token or the master key is needed, unless the operator
//! opens it; then the sessions that have a token here send for everybody.

use http::HeaderMap;
use serde::Deserialize;
use warbler_app::messages::{Draft, NewContent};
use warbler_app::sessions::SessionError;
use warbler_domain::session::Session;
use warbler_domain::{Caller, Scope, Scopes, SessionName, SessionRef};

use super::{Answer, Call, Fault, Gateway, REALM, Visit, Who, has_secret, named, sends, success};
use crate::dialect::form::Fields;
use crate::dialect::{Row, Switch, Voice, recipient};
use crate::extract::Wire;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Gateway>> {
    vec![
        sends(Row::post("/api/send-message", None, from_json)),
        sends(Row::post("/api/message", None, from_form)),
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
async fn from_json(visit: Visit, headers: HeaderMap, Wire(body): Wire<TextBody>) -> Answer {
    send(visit, &headers, body).await
}

/// `POST /api/message`
async fn from_form(visit: Visit, headers: HeaderMap, Fields(body): Fields<TextBody>) -> Answer {
    send(visit, &headers, body).await
}

async fn send(visit: Visit, headers: &HeaderMap, body: TextBody) -> Answer {
    let usual = visit.state.terms.legacy_session.as_ref();
    let name = body.session_id.or(usual.map(SessionName::to_string));
    let is_open = visit.state.is_open(Switch::GatewayLegacyNoAuth) && !has_secret(headers);
    let caller = match is_open {
        true => Caller::host(),
        false => Gateway::recognise(&visit.state, Who::Token, headers).await?,
    };
    let mut call = visit.by(caller);
    let session = named(&call, name.as_deref()).await?;
    if is_open {
        call.caller = anybody(&call, &session).await?;
    }
    let to = recipient("number", &body.number, false)?;
    let draft = Draft::new(to, NewContent::Text(body.message.into()));
    let (messages, session) = (call.app.messages(), session.id.into());
    messages.send(&call.caller, &session, draft, None).await?;
    Ok(success("Message sent."))
}

/// Whoever sends by this session where everybody may, if it has a token here.
async fn anybody(host: &Call, session: &Session) -> Result<Caller, Fault> {
    let tokens = host.app.keys().of_sessions(&host.caller, REALM).await?;
    let scopes = Scopes::up_to(Scope::Send);
    match tokens.iter().any(|key| key.session == session.id) {
        true => Ok(Caller::session_token(session.id, scopes).at(host.caller.address())),
        false => Err(SessionError::Unknown(SessionRef::Name(session.name.clone())).into()),
    }
}
