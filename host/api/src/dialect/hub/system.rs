//! `/health` and `/api-docs`.

use axum::Json;
use serde_json::json;
use warbler_app::figures;

use super::{Answer, Hub, Visit};
use crate::dialect::{Row, pages};

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Hub>> {
    vec![
        Row::get("/health", None, health),
        Row::get("/api-docs/ui", None, pages::page::<Hub>),
        Row::get("/api-docs/spec", None, pages::document::<Hub>),
    ]
}

/// `GET /health`
async fn health(visit: Visit) -> Answer {
    let memory = figures::memory();
    Ok(Json(json!({
        "status": "ok",
        "timestamp": visit.state.now(),
        "uptime": visit.state.uptime().as_secs(),
        "memory": {
            "rss": memory.resident,
            "heapTotal": memory.data,
            "heapUsed": memory.anonymous,
            "external": memory.file,
        },
        "version": format!("v{}", visit.state.terms.version),
    })))
}
