//! How many messages there were.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_domain::stats::{HourCount, MessageStats};
use warbler_domain::{Caller, SessionRef, Timestamp};

use crate::extract::Param;
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_of_all, of_all),
        Route::of(__path_of_session, of_session)
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"]),
    ]
}

/// Counts of messages, all that ever passed: deleting one does not change them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageStats, example = json!({
    "total": 239, "inbound": 89, "outbound": 150,
    "byType": { "text": 204, "image": 35 },
    "byStatus": { "received": 89, "sent": 2, "delivered": 3, "read": 143, "failed": 2 },
    "inbound24h": 12, "outbound24h": 30,
    "byType24h": { "text": 42 }, "byStatus24h": { "received": 12, "read": 30 },
    "hours": [{ "from": "2026-05-04T09:00:00.000Z", "inbound": 12, "outbound": 30 }],
}))]
pub(super) struct StatsView {
    /// All.
    total: u64,
    /// Received.
    inbound: u64,
    /// Written by the account, here or on another device.
    outbound: u64,
    /// By type.
    by_type: BTreeMap<String, u64>,
    /// By status: how many stand there now.
    by_status: BTreeMap<String, u64>,
    /// Received in the hours listed below.
    #[serde(rename = "inbound24h")]
    inbound_24h: u64,
    /// Written in the hours listed below.
    #[serde(rename = "outbound24h")]
    outbound_24h: u64,
    /// Those of the hours listed below, by type.
    #[serde(rename = "byType24h")]
    by_type_24h: BTreeMap<String, u64>,
    /// Those of the hours listed below, by status: how many of them stand there now.
    #[serde(rename = "byStatus24h")]
    by_status_24h: BTreeMap<String, u64>,
    /// The last 24 hours and the one that runs, the oldest first.
    hours: Vec<HourView>,
}

/// Counts of one hour.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HourCount)]
pub(super) struct HourView {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Received.
    inbound: u64,
    /// Written by the account.
    outbound: u64,
}

impl From<MessageStats> for StatsView {
    fn from(stats: MessageStats) -> Self {
        Self {
            total: stats.total(),
            inbound: stats.inbound,
            outbound: stats.outbound,
            inbound_24h: stats.hours.iter().map(|hour| hour.inbound).sum(),
            outbound_24h: stats.hours.iter().map(|hour| hour.outbound).sum(),
            by_type: stats.by_kind,
            by_status: stats.by_status,
            by_type_24h: stats.hours_by_kind,
            by_status_24h: stats.hours_by_status,
            hours: stats.hours.into_iter().map(HourView::from).collect(),
        }
    }
}

impl From<HourCount> for HourView {
    fn from(hour: HourCount) -> Self {
        Self {
            from: hour.from,
            inbound: hour.inbound,
            outbound: hour.outbound,
        }
    }
}

/// Counts the messages of all the caller's sessions.
#[utoipa::path(
    get, path = "/v1/stats", operation_id = "getStats",
    responses((status = 200, description = "The counts.", body = StatsView)),
)]
pub(super) async fn of_all(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<StatsView>, Problem> {
    Ok(Json(app.stats().messages(&caller, None).await?.into()))
}

/// Counts the messages of one session.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/stats", operation_id = "getSessionStats",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The counts.", body = StatsView)),
)]
pub(super) async fn of_session(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<StatsView>, Problem> {
    Ok(Json(
        app.stats().messages(&caller, Some(&session)).await?.into(),
    ))
}
