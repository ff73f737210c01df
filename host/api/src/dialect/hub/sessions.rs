//! `/session`: WhatsApp sessions, named by their owner, usually by the digits of the phone.

use std::time::Duration;

use axum::Json;
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::sessions::Marked;
use warbler_domain::session::Session;
use warbler_domain::{Caller, PhoneNumber, SessionName, SessionRef};

use super::{Answer, BAD, Call, Fault, Hub, Who, data};
use crate::dialect::read::Perhaps;
use crate::dialect::{Row, Standing, Switch};
use crate::extract::{Search, Wire};
use crate::native::in_field;
use crate::problem::Problem;
use crate::qr;

/// Hours after which an idle session is cleaned up, when nothing is said.
const IDLE_HOURS: u64 = 24;
/// Most hours: ten years.
const MOST_HOURS: u64 = 10 * 366 * 24;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Hub>> {
    let no_qr = ["already_paired", "no_qr_yet"];
    let refused = ["session_name_taken", "too_many_sessions"];
    let unknown = ["session_not_running", "unknown_session"];
    let begin = |path| Row::post(path, Who::Key, start).answers(BAD, &refused);
    vec![
        begin("/session/start").answers(BAD, &no_qr),
        begin("/session/create").answers(BAD, &no_qr),
        Row::get("/session/list", Who::Key, list),
        Row::get("/session/status", Who::Key, show),
        Row::post("/session/logout", Who::Key, log_out),
        Row::post("/session/check-phone", Who::Key, check_phone),
        Row::get("/session/qr-image", Who::Key, qr_image)
            .answers(BAD, &no_qr)
            .answers(BAD, &unknown),
        Row::post("/session/cleanup", Who::Key, clean_up),
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

#[derive(Deserialize)]
struct Hours {
    hours: Option<u64>,
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

fn number(text: &str) -> Result<PhoneNumber, Problem> {
    in_field("bad_phone_number", "phoneNumber", text)
}

/// A session, as every endpoint shows it; some show more.
fn session_view(marked: &Marked) -> Value {
    let status = match Standing::from(marked.session.state) {
        Standing::Stopped | Standing::Lost => "disconnected",
        Standing::Waiting => "connecting",
        Standing::Connected => "connected",
    };
    json!({
        "sessionId": marked.session.name.as_str(),
        "phoneNumber": marked.phone().map(|phone| phone.to_string()),
        "status": status,
    })
}

fn is_connected(session: &Session) -> bool {
    Standing::from(session.state) == Standing::Connected
}

/// `POST /session/start`, `POST /session/create`
async fn start(call: Call, Wire(body): Wire<StartBody>) -> Answer {
    let name = in_field("bad_session_name", "session", &body.session)?;
    let phone = body.phone_number.as_deref().map(number).transpose()?;
    let sessions = call.app.sessions();
    let own = sessions.own(&call.caller, name, phone).await?.session;
    let started = sessions.start(&call.caller, &own.id.into()).await?;
    if started.account.is_some() {
        let message = match is_connected(&started) {
            true => "Connected",
            false => "Connecting",
        };
        return Ok(data(json!({ "message": message })));
    }
    let qr = sessions.qr(&call.caller, &started.id.into()).await?;
    Ok(Json(json!({ "qr": qr.text })))
}

/// `GET /session/list`
async fn list(call: Call) -> Answer {
    Ok(data(own(&call).await?))
}

/// The sessions that the user who calls owns.
pub(super) async fn own(call: &Call) -> Result<Vec<Value>, Fault> {
    let user = call.app.users().own(&call.caller).await?;
    let number = user.map(|user| user.number);
    let sessions = call.app.sessions().owned(&call.caller).await?;
    let views = sessions.iter().map(|marked| {
        let mut view = session_view(marked);
        view["userId"] = json!(number);
        view["createdAt"] = json!(marked.session.created_at);
        view["updatedAt"] = json!(marked.session.changed_at);
        view
    });
    Ok(views.collect())
}

/// `GET /session/status`
async fn show(call: Call, Search(query): Search<Named>) -> Answer {
    let sessions = call.app.sessions();
    let marked = sessions.marked(&call.caller, &query.session()?).await?;
    let mut view = session_view(&marked);
    view["isConnected"] = json!(is_connected(&marked.session));
    view["lastUpdated"] = json!(marked.session.changed_at);
    view["createdAt"] = json!(marked.session.created_at);
    Ok(data(view))
}

/// `POST /session/logout`
async fn log_out(
    call: Call,
    Search(query): Search<Named>,
    Perhaps(body): Perhaps<Named>,
) -> Answer {
    let session = match (body.and_then(|body| body.session), query.session) {
        (Some(one), Some(other)) if one != other => {
            let detail = "the body and the query name different sessions";
            return Err(Fault::invalid("bad_session_name", detail));
        }
        (one, other) => one.or(other),
    };
    let session = Named { session }.session()?;
    call.app.sessions().delete(&call.caller, &session).await?;
    Ok(data("success"))
}

/// `POST /session/check-phone`: other users' sessions are nobody's business.
async fn check_phone(call: Call, Wire(body): Wire<PhoneBody>) -> Answer {
    let wanted = Some(number(&body.phone_number)?);
    let sessions = call.app.sessions().owned(&call.caller).await?;
    let is_meant = |marked: &&Marked| marked.phone() == wanted && is_connected(&marked.session);
    Ok(Json(match sessions.iter().find(is_meant) {
        None => json!({ "hasActiveSession": false }),
        Some(marked) => json!({ "hasActiveSession": true, "session": session_view(marked) }),
    }))
}

/// `GET /session/qr-image`
async fn qr_image(call: Call, Search(query): Search<Named>) -> Result<impl IntoResponse, Fault> {
    let session = query.session()?;
    let qr = call.app.sessions().qr(&call.caller, &session).await?;
    Ok(([(CONTENT_TYPE, "image/png")], qr::png(&qr.text)?))
}

/// `POST /session/cleanup`
async fn clean_up(call: Call, Search(query): Search<Hours>) -> Answer {
    let hours = query.hours.unwrap_or(IDLE_HOURS).clamp(1, MOST_HOURS);
    let idle = Duration::from_secs(hours * 3600);
    let sessions = call.app.sessions();
    let host = Caller::host().at(call.caller.address());
    let (caller, found) = match call.state.is_open(Switch::HubGlobalCleanup) {
        true => (&host, sessions.list_marked(&host).await?),
        false => (&call.caller, sessions.owned(&call.caller).await?),
    };
    let now = call.state.now();
    let is_idle =
        |session: &&Session| !is_connected(session) && now.since(session.changed_at) >= idle;
    let mut count = 0u64;
    let found = found.iter().map(|marked| &marked.session);
    for session in found.filter(is_idle) {
        sessions.delete(caller, &session.id.into()).await?;
        count += 1;
    }
    let message = format!("Cleaned up {count} inactive sessions");
    Ok(data(json!({ "message": message, "cleanedCount": count })))
}
