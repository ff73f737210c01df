//! `/session`: WhatsApp sessions, named by their owner, usually by the digits of the phone.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::sessions::Marked;
use warbler_domain::session::Session;
use warbler_domain::{Caller, PhoneNumber, SessionName, SessionRef};

use super::wire::{Data, SessionView, StatusView, phone, status};
use super::{Fault, Hub, HubState, Who};
use crate::dialect::read::Perhaps;
use crate::dialect::{Row, Standing, Switch};
use crate::extract::{Search, Wire};
use crate::native::in_field;
use crate::problem::Problem;
use crate::qr;

const BAD: StatusCode = StatusCode::BAD_REQUEST;
/// Hours after which an idle session is cleaned up, when nothing is said.
const IDLE_HOURS: u64 = 24;
/// Most hours: ten years.
const MOST_HOURS: u64 = 10 * 366 * 24;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Hub>> {
    const SECTION: &str = "WhatsApp Sessions";
    let begin = || json!({ "session": "15550123", "phoneNumber": "+15550123" });
    let refused = [
        "session_name_taken",
        "too_many_sessions",
        "already_paired",
        "no_qr_yet",
    ];
    let one = |row: Row<Hub>| row.asks("session", "Session ID");
    vec![
        Row::post("/session/start", Who::Key, start)
            .about(
                SECTION,
                "Makes a session, or starts it again, and shows its QR.",
            )
            .reads(begin())
            .answers(BAD, &refused)
            .deprecated(),
        Row::post("/session/create", Who::Key, start)
            .about(
                SECTION,
                "Makes a session, or starts it again, and shows its QR.",
            )
            .reads(begin())
            .answers(BAD, &refused),
        Row::get("/session/list", Who::Key, list).about(SECTION, "Lists the own sessions."),
        one(Row::get("/session/status", Who::Key, show)).about(SECTION, "Shows a session."),
        one(Row::post("/session/logout", Who::Key, log_out))
            .about(SECTION, "Unlinks a session from its phone and deletes it.")
            .reads(json!({ "session": "15550123" })),
        Row::post("/session/check-phone", Who::Key, check_phone)
            .about(
                SECTION,
                "Says whether an own session with this number is connected.",
            )
            .reads(json!({ "phoneNumber": "+15550123" })),
        one(Row::get("/session/qr-image", Who::Key, qr_image))
            .about(SECTION, "Shows the QR to scan as a PNG.")
            .answers(
                BAD,
                &[
                    "already_paired",
                    "no_qr_yet",
                    "session_not_running",
                    "unknown_session",
                ],
            ),
        Row::post("/session/cleanup", Who::Key, clean_up)
            .about(
                SECTION,
                "Deletes own sessions that are not connected and were not for some time.",
            )
            .asks("hours", "For how many hours; 24 when left out"),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartBody {
    session: String,
    phone_number: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhoneBody {
    phone_number: String,
}

/// A session, in a body or a query.
#[derive(Deserialize)]
pub(super) struct Named {
    session: Option<String>,
}

impl Named {
    /// Which session is meant.
    pub(super) fn session(&self) -> Result<SessionRef, Problem> {
        match &self.session {
            Some(session) => named(session),
            None => Err(Problem::invalid("missing_session", "`session` is missing")),
        }
    }
}

/// The session of this name. Ids of other APIs mean nothing here.
pub(super) fn named(text: &str) -> Result<SessionRef, Problem> {
    in_field::<SessionName>("bad_session_name", "session", text).map(SessionRef::Name)
}

/// `POST /session/start`, `POST /session/create`
async fn start(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<StartBody>,
) -> Result<Json<Value>, Fault> {
    let name = in_field("bad_session_name", "session", &body.session)?;
    let phone = body.phone_number.as_deref().map(number).transpose()?;
    let sessions = app.sessions();
    let own = sessions.own(&caller, name, phone).await?;
    let started: Session = sessions.start(&caller, &own.session.id.into()).await?;
    if started.account.is_some() {
        let message = match Standing::from(started.state) {
            Standing::Connected => "Connected",
            _ => "Connecting",
        };
        return Ok(Json(json!({ "data": { "message": message } })));
    }
    let qr = sessions.qr(&caller, &started.id.into()).await?;
    Ok(Json(json!({ "qr": qr.text })))
}

/// `GET /session/list`
async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Data<Vec<SessionView>>>, Fault> {
    Ok(Data::of(own(&app, &caller).await?))
}

/// The sessions that the user who calls owns.
pub(super) async fn own(app: &App, caller: &Caller) -> Result<Vec<SessionView>, Fault> {
    let user = app.users().own(caller).await?;
    let number = user.map(|user| user.number);
    let sessions = app.sessions().owned(caller).await?;
    let view = |marked| SessionView::new(marked, number);
    Ok(sessions.iter().map(view).collect())
}

/// `GET /session/status`
async fn show(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<Named>,
) -> Result<Json<Data<StatusView>>, Fault> {
    let marked = app.sessions().marked(&caller, &query.session()?).await?;
    Ok(Data::of((&marked).into()))
}

/// `POST /session/logout`
async fn log_out(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<Named>,
    Perhaps(body): Perhaps<Named>,
) -> Result<Json<Data<&'static str>>, Fault> {
    let said = [body.and_then(|body| body.session), query.session];
    let [one, other] = said;
    if let (Some(one), Some(other)) = (&one, &other)
        && one != other
    {
        let detail = "the body and the query name different sessions";
        return Err(Fault::invalid("bad_session_name", detail));
    }
    let session = Named {
        session: one.or(other),
    };
    app.sessions().delete(&caller, &session.session()?).await?;
    Ok(Data::of("success"))
}

/// `POST /session/check-phone`: other users' sessions are nobody's business.
async fn check_phone(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<PhoneBody>,
) -> Result<Json<Value>, Fault> {
    let wanted = Some(number(&body.phone_number)?);
    let sessions = app.sessions().owned(&caller).await?;
    let found = sessions.iter().find(|marked| {
        let standing = Standing::from(marked.session.state);
        marked.phone() == wanted && standing == Standing::Connected
    });
    Ok(Json(match found {
        None => json!({ "hasActiveSession": false }),
        Some(marked) => json!({
            "hasActiveSession": true,
            "session": {
                "sessionId": marked.session.name.as_str(),
                "phoneNumber": phone(marked),
                "status": status(marked),
            },
        }),
    }))
}

/// `GET /session/qr-image`
async fn qr_image(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<Named>,
) -> Result<Response, Fault> {
    let qr = app.sessions().qr(&caller, &query.session()?).await?;
    Ok(([(CONTENT_TYPE, "image/png")], qr::png(&qr.text)?).into_response())
}

#[derive(Deserialize)]
struct Hours {
    hours: Option<u64>,
}

/// `POST /session/cleanup`
async fn clean_up(
    State(state): State<HubState>,
    caller: Caller,
    Search(query): Search<Hours>,
) -> Result<Json<Value>, Fault> {
    let app = &state.api.app;
    let hours = query.hours.unwrap_or(IDLE_HOURS).clamp(1, MOST_HOURS);
    let idle = Duration::from_secs(hours * 3600);
    let (caller, sessions) = if state.is_open(Switch::HubGlobalCleanup) {
        let host = Caller::host().at(caller.address());
        let all = app.sessions().list_marked(&host).await?;
        (host, all)
    } else {
        let own = app.sessions().owned(&caller).await?;
        (caller, own)
    };
    let now = state.now();
    let is_idle = |marked: &&Marked| {
        let standing = Standing::from(marked.session.state);
        standing != Standing::Connected && now.since(marked.session.changed_at) >= idle
    };
    let mut count = 0u64;
    for marked in sessions.iter().filter(is_idle) {
        app.sessions()
            .delete(&caller, &marked.session.id.into())
            .await?;
        count += 1;
    }
    let message = format!("Cleaned up {count} inactive sessions");
    Ok(Json(
        json!({ "data": { "message": message, "cleanedCount": count } }),
    ))
}

fn number(text: &str) -> Result<PhoneNumber, Problem> {
    in_field("bad_phone_number", "phoneNumber", text)
}
