//! `/api/sessions`: WhatsApp sessions, called by any words.

use axum::Json;
use axum::extract::State;
use data_encoding::BASE64;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::quotas::Quota;
use warbler_app::sessions::{NewLabelled, SessionError};
use warbler_domain::{Caller, MessageStatus, SessionRef};

use super::wire::{Counted, Id, STATUSES, SessionView, status};
use super::{Fault, Known, Suite, SuiteState};
use crate::dialect::Row;
use crate::dialect::state::holder;
use crate::extract::{Param, Search, Wire};
use crate::problem::Problem;
use crate::qr;

const BAD: StatusCode = StatusCode::BAD_REQUEST;
/// QRs of one session.
const QRS: Quota = Quota::per_minute("suite.qr", 3);
/// Sessions of a page, when nothing is said, and at most.
const PAGE: (u32, u32) = (50, 100);

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    const SECTION: &str = "Session Management";
    let named = || json!({ "name": "My Session", "description": "Customer support" });
    vec![
        Row::post("/api/sessions", Known, create)
            .about(SECTION, "Makes a session; start it to link it.")
            .reads(named()),
        Row::get("/api/sessions", Known, list)
            .about(SECTION, "Lists the own sessions.")
            .asks("status", "Only those that stand there")
            .asks("limit", "How many; 50 when left out, 100 at most")
            .asks("offset", "How many to leave out before"),
        Row::get("/api/sessions/{sessionId}", Known, show)
            .about(SECTION, "Shows a session and counts its messages."),
        Row::post("/api/sessions/{sessionId}/start", Known, start)
            .about(SECTION, "Starts a session."),
        Row::post("/api/sessions/{sessionId}/stop", Known, stop)
            .about(SECTION, "Stops a session; it stays linked."),
        Row::post("/api/sessions/{sessionId}/restart", Known, restart)
            .about(SECTION, "Stops a session and starts it again."),
        Row::post("/api/sessions/{sessionId}/clear-auth", Known, clear_auth).about(
            SECTION,
            "Unlinks a session; the next start shows another QR.",
        ),
        Row::get("/api/sessions/{sessionId}/status", Known, show_status)
            .about(SECTION, "Shows where a session stands."),
        Row::get("/api/sessions/{sessionId}/qr", Known, show_qr)
            .about(SECTION, "Shows the QR to scan.")
            .answers(BAD, &["already_paired", "no_qr_yet", "session_not_running"]),
        Row::put("/api/sessions/{sessionId}/settings", Known, update)
            .about(SECTION, "Changes what a session is called.")
            .reads(named()),
        Row::delete("/api/sessions/{sessionId}", Known, delete)
            .about(SECTION, "Unlinks a session and deletes it."),
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

type Told = Result<Json<Value>, Fault>;

/// `POST /api/sessions`
async fn create(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<CreateBody>,
) -> Result<(StatusCode, Json<Value>), Fault> {
    let new = NewLabelled {
        label: body.name,
        description: body.description,
        owner: None,
    };
    let made = app.sessions().create_labelled(&caller, new).await?;
    let told = json!({
        "success": true,
        "message": "Session created successfully",
        "session": SessionView::from(&made),
    });
    Ok((StatusCode::CREATED, Json(told)))
}

/// `GET /api/sessions`
async fn list(State(app): State<App>, caller: Caller, Search(query): Search<ListQuery>) -> Told {
    let mut own = app.sessions().owned(&caller).await?;
    if let Some(wanted) = query.status {
        if !STATUSES.contains(&wanted.as_str()) {
            let detail = format!("a status is one of {}", STATUSES.join(", "));
            return Err(Problem::invalid("bad_status", detail)
                .in_field("status")
                .into());
        }
        own.retain(|marked| status(marked) == wanted);
    }
    let (limit, offset) = (
        query.limit.unwrap_or(PAGE.0).clamp(1, PAGE.1),
        query.offset.unwrap_or(0),
    );
    let total = own.len();
    let page = own.into_iter().skip(offset as usize).take(limit as usize);
    let page = app.sessions().labelled_as(page.collect()).await?;
    let page = page.iter();
    let page: Vec<_> = page
        .map(|session| SessionView::from(session).with_activity(session))
        .collect();
    Ok(Json(json!({
        "success": true, "sessions": page, "total": total, "limit": limit, "offset": offset,
    })))
}

/// `GET /api/sessions/{sessionId}`
async fn show(State(app): State<App>, caller: Caller, Param(Id(session)): Param<Id>) -> Told {
    let found = app.sessions().labelled(&caller, &session).await?;
    let counted = app.stats().messages(&caller, Some(&session)).await?;
    let counted = Counted {
        sent: counted.sent(),
        received: counted.inbound,
        failed: counted.standing_at(&[MessageStatus::Failed]),
    };
    let view = SessionView::from(&found).with_activity(&found);
    Ok(Json(
        json!({ "success": true, "session": view.with_stats(counted) }),
    ))
}

/// `POST /api/sessions/{sessionId}/start`
async fn start(State(app): State<App>, caller: Caller, Param(Id(session)): Param<Id>) -> Told {
    app.sessions().start(&caller, &session).await?;
    stands(&app, &caller, &session, "Session started successfully").await
}

/// `POST /api/sessions/{sessionId}/stop`
async fn stop(State(app): State<App>, caller: Caller, Param(Id(session)): Param<Id>) -> Told {
    app.sessions().stop(&caller, &session).await?;
    stands(&app, &caller, &session, "Session stopped successfully").await
}

/// `POST /api/sessions/{sessionId}/restart`
async fn restart(State(app): State<App>, caller: Caller, Param(Id(session)): Param<Id>) -> Told {
    app.sessions().restart(&caller, &session).await?;
    stands(&app, &caller, &session, "Session restarted successfully").await
}

/// What was done, and where the session stands since.
async fn stands(app: &App, caller: &Caller, session: &SessionRef, message: &str) -> Told {
    let marked = app.sessions().marked(caller, session).await?;
    Ok(Json(json!({
        "success": true, "message": message, "status": status(&marked),
    })))
}

/// `POST /api/sessions/{sessionId}/clear-auth`: one that was never linked has nothing to clear.
async fn clear_auth(State(app): State<App>, caller: Caller, Param(Id(session)): Param<Id>) -> Told {
    match app.sessions().logout(&caller, &session).await {
        Ok(_) | Err(SessionError::NotPaired(_)) => {}
        Err(err) => return Err(err.into()),
    }
    Ok(Json(json!({
        "success": true, "message": "Authentication cleared successfully",
    })))
}

/// `GET /api/sessions/{sessionId}/status`
async fn show_status(
    State(app): State<App>,
    caller: Caller,
    Param(Id(session)): Param<Id>,
) -> Told {
    let found = app.sessions().labelled(&caller, &session).await?;
    let phone = found.marked.phone().map(|phone| phone.to_string());
    Ok(Json(json!({
        "success": true,
        "status": status(&found.marked),
        "phoneNumber": phone,
        "lastActivity": found.active_at,
    })))
}

/// `GET /api/sessions/{sessionId}/qr`
async fn show_qr(
    State(state): State<SuiteState>,
    caller: Caller,
    Param(Id(session)): Param<Id>,
) -> Told {
    let asker = format!("{} {session}", holder(Some(&caller), None));
    state.take(&[(QRS, &asker)])?;
    let qr = state.api.app.sessions().qr(&caller, &session).await?;
    Ok(Json(json!({
        "success": true,
        "qrCode": image(&qr.text)?,
        "message": "QR code generated successfully",
    })))
}

/// A QR as a `data:` URL.
pub(super) fn image(text: &str) -> Result<String, qr::QrError> {
    let png = BASE64.encode(&qr::png(text)?);
    Ok(format!("data:image/png;base64,{png}"))
}

/// `PUT /api/sessions/{sessionId}/settings`
async fn update(
    State(app): State<App>,
    caller: Caller,
    Param(Id(session)): Param<Id>,
    Wire(body): Wire<UpdateBody>,
) -> Told {
    let change = (body.name.as_deref(), body.description);
    let found = app.sessions().label(&caller, &session, change).await?;
    Ok(Json(json!({
        "success": true,
        "message": "Session settings updated successfully",
        "session": SessionView::from(&found).with_activity(&found),
    })))
}

/// `DELETE /api/sessions/{sessionId}`
async fn delete(State(app): State<App>, caller: Caller, Param(Id(session)): Param<Id>) -> Told {
    app.sessions().delete(&caller, &session).await?;
    Ok(Json(json!({
        "success": true, "message": "Session deleted successfully",
    })))
}
