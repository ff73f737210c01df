//! `/api/sessions`: sessions, named by their owner.

use axum::Json;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::sessions::{CreateSession, Marked};
use warbler_domain::{SessionName, SessionRef};

use super::{Akg, Answer, Call, Key};
use crate::dialect::{Row, Standing};
use crate::extract::{Param, Wire};
use crate::native::in_field;
use crate::problem::Problem;
use crate::qr;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Akg>> {
    let no_qr = ["already_paired", "no_qr_yet", "session_not_running"];
    vec![
        Row::get("/api/sessions", Key, list),
        Row::post("/api/sessions", Key, create),
        Row::get("/api/sessions/{sessionId}/qrcode", Key, qr_code)
            .answers(StatusCode::NOT_FOUND, &no_qr),
        Row::delete("/api/sessions/{sessionId}", Key, delete),
    ]
}

/// A session's name in a path.
pub(super) struct Id(pub(super) SessionRef);

impl std::str::FromStr for Id {
    type Err = warbler_domain::session::BadSessionName;

    /// Ids of other APIs mean nothing here.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<SessionName>().map(SessionRef::Name).map(Self)
    }
}

impl Id {
    /// The session that a body or a query names.
    pub(super) fn named(text: &str) -> Result<SessionRef, Problem> {
        in_field("bad_session_name", "sessionId", text).map(|Self(session)| session)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateBody {
    session_id: String,
    name: Option<String>,
}

/// A session in the list, and as it was made.
fn session_view(marked: &Marked) -> Value {
    json!({
        "id": marked.session.id,
        "sessionId": marked.session.name.as_str(),
        "name": marked.label(),
        "status": status(Standing::from(marked.session.state)),
        "createdAt": marked.session.created_at,
    })
}

/// Where a session stands, in this dialect's words.
pub(super) fn status(standing: Standing) -> &'static str {
    match standing {
        Standing::Stopped => "STOPPED",
        Standing::Waiting => "SCANNING",
        Standing::Connected => "CONNECTED",
        Standing::Lost => "DISCONNECTED",
    }
}

/// `GET /api/sessions`
async fn list(call: Call) -> Answer<Vec<Value>> {
    let sessions = call.app.sessions().list_marked(&call.caller).await?;
    Ok(Json(sessions.iter().map(session_view).collect()))
}

/// `POST /api/sessions`
async fn create(call: Call, Wire(body): Wire<CreateBody>) -> Answer {
    let name = in_field("bad_session_name", "sessionId", &body.session_id)?;
    let sessions = call.app.sessions();
    let command = CreateSession { name, start: true };
    let made = sessions.create(&call.caller, command).await?.id.into();
    let marked = sessions.mark(&call.caller, &made, body.name.as_deref(), None);
    Ok(Json(session_view(&marked.await?)))
}

/// `GET /api/sessions/{sessionId}/qrcode`
async fn qr_code(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    let shown = call.app.sessions().qr(&call.caller, &session).await?;
    Ok(Json(json!({ "qr": qr::data_url(&shown.text)? })))
}

/// `DELETE /api/sessions/{sessionId}`
async fn delete(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    call.app.sessions().delete(&call.caller, &session).await?;
    Ok(Json(json!({ "success": true })))
}
