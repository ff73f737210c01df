//! `/api/status` and `/docs`.

use axum::Json;
use serde_json::{Value, json};
use warbler_app::figures;
use warbler_app::sessions::Marked;
use warbler_domain::Caller;
use warbler_domain::stats::MessageStats;

use super::wire::{ACTIVE, standing_at};
use super::{Answer, Call, Fault, Known, Suite, Visit};
use crate::dialect::base::Base;
use crate::dialect::{Row, Standing, Switch, pages};

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    vec![
        Row::get("/api/status/health", None, health),
        Row::get("/api/status/info", None, info),
        Row::get("/api/status", Known, status),
        Row::get("/api/status/stats", Known, stats),
        Row::get("/docs", None, pages::page::<Suite>).yields(),
    ]
}

/// `GET /api/status/health`
async fn health(visit: Visit) -> Json<Value> {
    Json(json!({
        "status": "OK", "timestamp": visit.state.now(), "version": visit.state.terms.version,
    }))
}

/// `GET /api/status/info`
async fn info(visit: Visit, Base(base): Base) -> Json<Value> {
    Json(json!({
        "name": "WhatsApp API",
        "version": visit.state.terms.version,
        "description": "WhatsApp sessions of this host, as an API",
        "docs": format!("{base}/docs"),
    }))
}

/// What is counted for whoever asks: the caller's own, or everybody's where that is open.
async fn counted(call: &Call) -> Result<(Vec<Marked>, MessageStats), Fault> {
    let host = Caller::host().at(call.caller.address());
    let (asker, sessions) = match call.state.is_open(Switch::SuiteGlobalStats) {
        true => (&host, call.app.sessions().list_marked(&host).await?),
        false => (&call.caller, call.app.sessions().owned(&call.caller).await?),
    };
    Ok((sessions, call.app.stats().messages(asker, None).await?))
}

/// `GET /api/status`
async fn status(call: Call) -> Answer {
    let (sessions, messages) = counted(&call).await?;
    Ok(Json(json!({
        "success": true,
        "status": "operational",
        "uptime": call.state.uptime().as_secs(),
        "sessions": {
            "total": sessions.len(),
            "active": standing_at(&sessions, &ACTIVE),
            "connected": standing_at(&sessions, &[Standing::Connected]),
        },
        "messages": {
            "sent24h": messages.sent_lately(), "received24h": messages.received_lately(),
        },
    })))
}

/// `GET /api/status/stats`
async fn stats(call: Call) -> Answer {
    let (sessions, messages) = counted(&call).await?;
    let memory = figures::memory();
    Ok(Json(json!({
        "success": true,
        "stats": {
            "uptime": call.state.uptime().as_secs(),
            "memory": { "used": size(memory.resident), "total": size(memory.data) },
            "sessions": {
                "total": sessions.len(),
                "active": standing_at(&sessions, &ACTIVE),
                "connected": standing_at(&sessions, &[Standing::Connected]),
                "connecting": standing_at(&sessions, &[Standing::Waiting]),
            },
            "messages": {
                "totalSent": messages.sent(), "totalReceived": messages.inbound,
                "sent24h": messages.sent_lately(), "received24h": messages.received_lately(),
            },
        },
    })))
}

/// A size in bytes, as `256MB`.
fn size(bytes: u64) -> String {
    format!("{}MB", bytes / (1024 * 1024))
}
