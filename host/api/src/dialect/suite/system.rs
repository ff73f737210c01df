//! `/api/status` and `/docs`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use warbler_app::figures;
use warbler_app::sessions::Marked;
use warbler_domain::Caller;
use warbler_domain::stats::MessageStats;

use super::{Fault, Known, Suite, SuiteState};
use crate::dialect::base::Base;
use crate::dialect::{Row, Standing, Switch, pages};

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    const SECTION: &str = "Status";
    vec![
        Row::get("/api/status/health", None, health).about(SECTION, "Says that the host is alive."),
        Row::get("/api/status/info", None, info).about(SECTION, "Says what this is."),
        Row::get("/api/status", Known, status).about(
            SECTION,
            "Counts the own sessions, and their messages of a day.",
        ),
        Row::get("/api/status/stats", Known, stats)
            .about(SECTION, "Counts the own sessions and messages."),
        Row::get("/docs", None, pages::page::<Suite>)
            .about(SECTION, "This page.")
            .yields(),
    ]
}

/// `GET /api/status/health`
async fn health(State(state): State<SuiteState>) -> Json<Value> {
    Json(json!({
        "status": "OK",
        "timestamp": state.now(),
        "version": state.terms.version,
    }))
}

/// `GET /api/status/info`
async fn info(State(state): State<SuiteState>, Base(base): Base) -> Json<Value> {
    Json(json!({
        "name": "WhatsApp API",
        "version": state.terms.version,
        "description": "WhatsApp sessions of this host, as an API",
        "docs": format!("{base}/docs"),
    }))
}

/// What is counted for whoever asks.
struct Counted {
    total: usize,
    connected: usize,
    connecting: usize,
    messages: MessageStats,
}

/// The caller's own, or everybody's where that is open.
async fn counted(state: &SuiteState, caller: &Caller) -> Result<Counted, Fault> {
    let app = &state.api.app;
    let host = Caller::host().at(caller.address());
    let (own, messages): (Vec<Marked>, _) = match state.is_open(Switch::SuiteGlobalStats) {
        true => (
            app.sessions().list_marked(&host).await?,
            app.stats().messages(&host, None).await?,
        ),
        false => (
            app.sessions().owned(caller).await?,
            app.stats().messages(caller, None).await?,
        ),
    };
    let standing = |wanted: Standing| {
        let own = own.iter();
        own.filter(|marked| Standing::from(marked.session.state) == wanted)
            .count()
    };
    Ok(Counted {
        total: own.len(),
        connected: standing(Standing::Connected),
        connecting: standing(Standing::Waiting),
        messages,
    })
}

/// `GET /api/status`
async fn status(State(state): State<SuiteState>, caller: Caller) -> Result<Json<Value>, Fault> {
    let counted = counted(&state, &caller).await?;
    Ok(Json(json!({
        "success": true,
        "status": "operational",
        "uptime": state.uptime().as_secs(),
        "sessions": {
            "total": counted.total,
            "active": counted.connected + counted.connecting,
            "connected": counted.connected,
        },
        "messages": {
            "sent24h": counted.messages.sent_lately(),
            "received24h": counted.messages.received_lately(),
        },
    })))
}

/// `GET /api/status/stats`
async fn stats(State(state): State<SuiteState>, caller: Caller) -> Result<Json<Value>, Fault> {
    let counted = counted(&state, &caller).await?;
    let memory = figures::memory();
    Ok(Json(json!({
        "success": true,
        "stats": {
            "uptime": state.uptime().as_secs(),
            "memory": { "used": size(memory.resident), "total": size(memory.data) },
            "sessions": {
                "total": counted.total,
                "active": counted.connected + counted.connecting,
                "connected": counted.connected,
                "connecting": counted.connecting,
            },
            "messages": {
                "totalSent": counted.messages.sent(),
                "totalReceived": counted.messages.inbound,
                "sent24h": counted.messages.sent_lately(),
                "received24h": counted.messages.received_lately(),
            },
        },
    })))
}

/// A size in bytes, as `256MB`.
fn size(bytes: u64) -> String {
    format!("{}MB", bytes / (1024 * 1024))
}
