//! The outbox of each session: how it stands, what waits, what was given up, how it is paced.

mod dead;
mod rules;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_app::outbox::{OutboxStatus, WaitingMessage};
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, SessionRef, Timestamp};

pub(super) use dead::{CountView, DeadLetterView};
pub(super) use rules::{QuietBody, RulesBody, RulesView};

use super::messages::MessageView;
use super::{Listing, words};
use crate::extract::{Param, Search, parsed};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::of(__path_status, status),
        Route::of(__path_waiting, waiting),
        Route::of(__path_pause, pause),
        Route::of(__path_resume, resume),
    ];
    routes.extend(rules::routes());
    for route in &mut routes {
        let codes = route.refusals.entry(StatusCode::NOT_FOUND.as_u16());
        codes.or_default().push("unknown_session");
    }
    routes.extend(dead::routes());
    routes
}

/// How the outbox of a session stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Outbox)]
pub(in crate::native) struct StatusView {
    /// Messages that wait for their turn.
    queued: u64,
    /// Messages that wait for their time.
    scheduled: u64,
    /// Messages being handed to WhatsApp.
    under_way: u64,
    /// Messages that were given up and are kept as dead letters.
    dead: u64,
    /// Since when the oldest of those that wait for their turn does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    oldest: Option<Timestamp>,
    /// When the next scheduled message is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    next_scheduled: Option<Timestamp>,
    /// Messages WhatsApp took over in the last minute, since the host started.
    sent_last_minute: u64,
    /// Messages WhatsApp took over in the last hour, since the host started.
    sent_last_hour: u64,
    /// Until when pacing holds the whole session back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    paced_until: Option<Timestamp>,
    /// Why it does: `gap`, `per_minute`, `per_hour` or `warm_up`.
    #[serde(skip_serializing_if = "Option::is_none")]
    paced_by: Option<&'static str>,
    /// Since when the outbox rests, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    paused_at: Option<Timestamp>,
    /// The rules that hold.
    rules: RulesView,
}

impl From<OutboxStatus> for StatusView {
    fn from(status: OutboxStatus) -> Self {
        Self {
            queued: status.queued,
            scheduled: status.scheduled,
            under_way: status.under_way,
            dead: status.dead,
            oldest: status.oldest,
            next_scheduled: status.next_scheduled,
            sent_last_minute: status.sent_last_minute,
            sent_last_hour: status.sent_last_hour,
            paced_until: status.paced.map(|(until, _)| until),
            paced_by: status.paced.map(|(_, why)| why),
            paused_at: status.paused_at,
            rules: status.rules.into(),
        }
    }
}

/// A message that waits in the outbox.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WaitingMessage)]
pub(in crate::native) struct WaitingView {
    /// The message.
    message: MessageView,
    /// Where it stands.
    standing: words::Standing,
    /// When it may go out.
    #[schema(value_type = String, format = DateTime)]
    due_at: Timestamp,
    /// Why it may not go out earlier: `gap`, `per_minute`, `per_hour`, `per_recipient`, `warm_up` or
    /// `quiet_hours`.
    #[serde(skip_serializing_if = "Option::is_none")]
    delayed_by: Option<String>,
    /// How often it was tried.
    attempts: u32,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl From<WaitingMessage> for WaitingView {
    fn from(waiting: WaitingMessage) -> Self {
        Self {
            message: waiting.message.into(),
            standing: waiting.standing.into(),
            due_at: waiting.due_at,
            delayed_by: waiting.delayed,
            attempts: waiting.attempts,
            last_error: waiting.last_error,
        }
    }
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// How many at most: 1 to 500, else 50.
    #[param(example = 50)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Shows how the outbox of a session stands.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/outbox", operation_id = "getOutbox",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The outbox.", body = StatusView)),
)]
pub(super) async fn status(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<StatusView>, Problem> {
    let status = app.outboxes().status(&caller, &session).await?;
    Ok(Json(status.into()))
}

/// Lists what waits in the outbox of a session, the newest first.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/outbox/messages", operation_id = "listOutbox",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        PageQuery,
    ),
    responses((status = 200, description = "A page of messages that wait.", body = Listing<WaitingView>)),
)]
pub(super) async fn waiting(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Search(query): Search<PageQuery>,
) -> Result<Json<Listing<WaitingView>>, Problem> {
    let page = PageRequest::new(query.cursor, query.limit);
    let page = app.outboxes().waiting(&caller, &session, page).await?;
    Ok(Json(page.into()))
}

/// Lets the outbox of a session rest: what is accepted waits until it is resumed.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/outbox/pause", operation_id = "pauseOutbox",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The outbox.", body = StatusView)),
)]
pub(super) async fn pause(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<StatusView>, Problem> {
    let status = app.outboxes().pause(&caller, &session).await?;
    Ok(Json(status.into()))
}

/// Ends the rest of a session's outbox.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/outbox/resume", operation_id = "resumeOutbox",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The outbox.", body = StatusView)),
)]
pub(super) async fn resume(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<StatusView>, Problem> {
    let status = app.outboxes().resume(&caller, &session).await?;
    Ok(Json(status.into()))
}
