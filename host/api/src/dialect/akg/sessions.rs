//! `/api/sessions`: sessions, named by their owner.

use axum::Json;
use axum::extract::State;
use data_encoding::BASE64;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::sessions::{CreateSession, Marked};
use warbler_domain::{Caller, SessionName, SessionRef, Timestamp};

use super::{Akg, Fault, Key};
use crate::dialect::{Row, Standing};
use crate::extract::{Param, Wire};
use crate::native::in_field;
use crate::qr;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Akg>> {
    const SECTION: &str = "Session Management";
    let no_qr = ["already_paired", "no_qr_yet", "session_not_running"];
    vec![
        Row::get("/api/sessions", Key, list).about(SECTION, "Lists the own sessions."),
        Row::post("/api/sessions", Key, create)
            .about(
                SECTION,
                "Makes a session and starts it, so that it shows its QR.",
            )
            .reads(json!({ "sessionId": "marketing-1", "name": "Marketing" })),
        Row::get("/api/sessions/{sessionId}/qrcode", Key, qr_code)
            .about(SECTION, "Shows the QR to scan.")
            .answers(StatusCode::NOT_FOUND, &no_qr),
        Row::delete("/api/sessions/{sessionId}", Key, delete)
            .about(SECTION, "Unlinks a session from its phone and deletes it."),
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateBody {
    session_id: String,
    name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionView {
    id: String,
    session_id: String,
    name: String,
    status: &'static str,
    created_at: Timestamp,
}

impl From<Marked> for SessionView {
    fn from(marked: Marked) -> Self {
        Self {
            id: marked.session.id.to_string(),
            session_id: marked.session.name.to_string(),
            name: marked.label().to_owned(),
            status: status(Standing::from(marked.session.state)),
            created_at: marked.session.created_at,
        }
    }
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
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Vec<SessionView>>, Fault> {
    let sessions = app.sessions().list_marked(&caller).await?;
    Ok(Json(sessions.into_iter().map(SessionView::from).collect()))
}

/// `POST /api/sessions`
async fn create(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<CreateBody>,
) -> Result<Json<SessionView>, Fault> {
    let name = in_field("bad_session_name", "sessionId", &body.session_id)?;
    let sessions = app.sessions();
    let command = CreateSession { name, start: true };
    let made = sessions.create(&caller, command).await?;
    let label = body.name.as_deref();
    let marked = sessions.mark(&caller, &made.id.into(), label, None).await?;
    Ok(Json(marked.into()))
}

/// `GET /api/sessions/{sessionId}/qrcode`
async fn qr_code(
    State(app): State<App>,
    caller: Caller,
    Param(Id(session)): Param<Id>,
) -> Result<Json<Value>, Fault> {
    let shown = app.sessions().qr(&caller, &session).await?;
    let image = BASE64.encode(&qr::png(&shown.text)?);
    Ok(Json(
        json!({ "qr": format!("data:image/png;base64,{image}") }),
    ))
}

/// `DELETE /api/sessions/{sessionId}`
async fn delete(
    State(app): State<App>,
    caller: Caller,
    Param(Id(session)): Param<Id>,
) -> Result<Json<Value>, Fault> {
    app.sessions().delete(&caller, &session).await?;
    Ok(Json(json!({ "success": true })))
}
