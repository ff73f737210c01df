//! `/health` and `/api-docs`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use warbler_app::figures;

use super::{Hub, HubState};
use crate::dialect::{Row, pages};

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Hub>> {
    const SECTION: &str = "System";
    vec![
        Row::get("/health", None, health).about(SECTION, "Says that the host is alive."),
        Row::get("/api-docs/ui", None, pages::page::<Hub>).about(SECTION, "This page."),
        Row::get("/api-docs/spec", None, pages::document::<Hub>)
            .about(SECTION, "This API as an OpenAPI document."),
    ]
}

/// `GET /health`
async fn health(State(state): State<HubState>) -> Json<Value> {
    let memory = figures::memory();
    Json(json!({
        "status": "ok",
        "timestamp": state.now(),
        "uptime": state.uptime().as_secs(),
        "memory": {
            "rss": memory.resident,
            "heapTotal": memory.data,
            "heapUsed": memory.anonymous,
            "external": memory.file,
        },
        "version": format!("v{}", state.terms.version),
    }))
}
