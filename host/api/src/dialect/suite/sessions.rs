//! `/api/sessions`: WhatsApp sessions, called by any words.

use axum::Json;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::quotas::Quota;
use warbler_app::sessions::{Labelled, NewLabelled, SessionError};
use warbler_domain::{MessageStatus, SessionRef};

use super::wire::{Id, STATUSES, session_view, status};
use super::{Answer, Call, Created, Known, Suite, done};
use crate::dialect::Row;
use crate::dialect::read::window;
use crate::extract::{Param, Search, Wire};
use crate::problem::Problem;
use crate::qr;

/// QRs of one session.
const QRS: Quota = Quota::per_minute("suite.qr", 3);
/// Sessions of a page, when nothing is said, and at most.
const PAGE: (u32, u32) = (50, 100);

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    let no_qr = ["already_paired", "no_qr_yet", "session_not_running"];
    vec![
        Row::post("/api/sessions", Known, create),
        Row::get("/api/sessions", Known, list),
        Row::get("/api/sessions/{sessionId}", Known, show),
        Row::post("/api/sessions/{sessionId}/start", Known, start),
        Row::post("/api/sessions/{sessionId}/stop", Known, stop),
        Row::post("/api/sessions/{sessionId}/restart", Known, restart),
        Row::post("/api/sessions/{sessionId}/clear-auth", Known, clear_auth),
        Row::get("/api/sessions/{sessionId}/status", Known, show_status),
        Row::get("/api/sessions/{sessionId}/qr", Known, show_qr)
            .answers(StatusCode::BAD_REQUEST, &no_qr),
        Row::put("/api/sessions/{sessionId}/settings", Known, update),
        Row::delete("/api/sessions/{sessionId}", Known, delete),
    ]
}

#[derive(Deserialize)]
struct CreateBody {
    name: String,
    description: Option<String>,
}

#[derive(Deserialize)]
struct UpdateBody {
    name: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct ListQuery {
    status: Option<String>,
    limit: Option<u32>,
    offset: Option<u32>,
}

/// A session, and when something happened last.
fn active_view(session: &Labelled) -> Value {
    let mut view = session_view(session);
    view["lastActivity"] = json!(session.active_at);
    view
}

/// `POST /api/sessions`
async fn create(call: Call, Wire(body): Wire<CreateBody>) -> Created {
    let new = NewLabelled {
        label: body.name,
        description: body.description,
        owner: None,
    };
    let sessions = call.app.sessions();
    let made = sessions.create_labelled(&call.caller, new).await?;
    let told = json!({
        "success": true,
        "message": "Session created successfully",
        "session": session_view(&made),
    });
    Ok((StatusCode::CREATED, Json(told)))
}

/// `GET /api/sessions`
async fn list(call: Call, Search(query): Search<ListQuery>) -> Answer {
    let sessions = call.app.sessions();
    let mut own = sessions.owned(&call.caller).await?;
    if let Some(wanted) = query.status {
        if !STATUSES.contains(&wanted.as_str()) {
            let detail = format!("a status is one of {}", STATUSES.join(", "));
            let bad = Problem::invalid("bad_status", detail);
            return Err(bad.in_field("status").into());
        }
        own.retain(|marked| status(marked) == wanted);
    }
    let (limit, offset) = window(PAGE, query.limit, query.offset);
    let total = own.len();
    let page = own.into_iter().skip(offset as usize).take(limit as usize);
    let page = sessions.labelled_as(page.collect()).await?;
    let page: Vec<_> = page.iter().map(active_view).collect();
    Ok(Json(json!({
        "success": true, "sessions": page, "total": total, "limit": limit, "offset": offset,
    })))
}

/// `GET /api/sessions/{sessionId}`
async fn show(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    let found = call.app.sessions().labelled(&call.caller, &session).await?;
    let stats = call.app.stats();
    let counted = stats.messages(&call.caller, Some(&session)).await?;
    let mut view = active_view(&found);
    view["messageStats"] = json!({
        "sent": counted.sent(),
        "received": counted.inbound,
        "failed": counted.standing_at(&[MessageStatus::Failed]),
    });
    Ok(Json(json!({ "success": true, "session": view })))
}

/// `POST /api/sessions/{sessionId}/start`
async fn start(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    call.app.sessions().start(&call.caller, &session).await?;
    stands(&call, &session, "Session started successfully").await
}

/// `POST /api/sessions/{sessionId}/stop`
async fn stop(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    call.app.sessions().stop(&call.caller, &session).await?;
    stands(&call, &session, "Session stopped successfully").await
}

/// `POST /api/sessions/{sessionId}/restart`
async fn restart(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    call.app.sessions().restart(&call.caller, &session).await?;
    stands(&call, &session, "Session restarted successfully").await
}

/// What was done, and where the session stands since.
async fn stands(call: &Call, session: &SessionRef, message: &str) -> Answer {
    let marked = call.app.sessions().marked(&call.caller, session).await?;
    Ok(Json(json!({
        "success": true, "message": message, "status": status(&marked),
    })))
}

/// `POST /api/sessions/{sessionId}/clear-auth`: one that was never linked has nothing to clear.
async fn clear_auth(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    match call.app.sessions().logout(&call.caller, &session).await {
        Ok(_) | Err(SessionError::NotPaired(_)) => done("Authentication cleared successfully"),
        Err(err) => Err(err.into()),
    }
}

/// `GET /api/sessions/{sessionId}/status`
async fn show_status(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    let found = call.app.sessions().labelled(&call.caller, &session).await?;
    Ok(Json(json!({
        "success": true,
        "status": status(&found.marked),
        "phoneNumber": found.marked.phone().map(|phone| phone.to_string()),
        "lastActivity": found.active_at,
    })))
}

/// `GET /api/sessions/{sessionId}/qr`
async fn show_qr(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    call.state.take(&[(QRS, &call.sender(&session))])?;
    let shown = call.app.sessions().qr(&call.caller, &session).await?;
    Ok(Json(json!({
        "success": true,
        "qrCode": qr::data_url(&shown.text)?,
        "message": "QR code generated successfully",
    })))
}

/// `PUT /api/sessions/{sessionId}/settings`
async fn update(call: Call, Param(Id(session)): Param<Id>, Wire(body): Wire<UpdateBody>) -> Answer {
    let change = (body.name.as_deref(), body.description);
    let sessions = call.app.sessions();
    let found = sessions.label(&call.caller, &session, change).await?;
    Ok(Json(json!({
        "success": true,
        "message": "Session settings updated successfully",
        "session": active_view(&found),
    })))
}

/// `DELETE /api/sessions/{sessionId}`
async fn delete(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    call.app.sessions().delete(&call.caller, &session).await?;
    done("Session deleted successfully")
}
