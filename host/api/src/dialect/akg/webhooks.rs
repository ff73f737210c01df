//! `/api/webhooks`: where the events of all sessions of a user are sent to.

use std::collections::BTreeSet;

use axum::Json;
use serde::Deserialize;
use serde_json::json;
use warbler_app::webhooks::CreateWebhook;
use warbler_domain::{EventKind, KindPattern};

use super::form::{CONNECTION, FORM, UPSERT};
use super::{Akg, Answer, Call, Key};
use crate::dialect::Row;
use crate::extract::Wire;
use crate::problem::Problem;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Akg>> {
    vec![Row::post("/api/webhooks", Key, create)]
}

#[derive(Deserialize)]
struct CreateBody {
    name: String,
    url: String,
    events: BTreeSet<String>,
}

/// `POST /api/webhooks`
async fn create(call: Call, Wire(body): Wire<CreateBody>) -> Answer {
    let mut events = Vec::new();
    for event in &body.events {
        events.extend(kinds_of(event)?.iter().map(KindPattern::from));
    }
    let command = CreateWebhook::new(None, body.url, events, FORM);
    let webhook = call
        .app
        .webhooks()
        .create(&call.caller, command)
        .await?
        .status
        .webhook;
    Ok(Json(json!({
        "id": webhook.id,
        "name": body.name,
        "url": webhook.url,
        "events": body.events,
        "createdAt": webhook.created_at,
    })))
}

/// The events of the document, and the kinds of the core that each stands for.
const EVENTS: [(&str, &[EventKind]); 2] = [
    (
        UPSERT,
        &[EventKind::MESSAGE_RECEIVED, EventKind::MESSAGE_SENT],
    ),
    (CONNECTION, &[EventKind::SESSION_STATUS]),
];

fn kinds_of(event: &str) -> Result<&'static [EventKind], Problem> {
    let found = EVENTS.iter().find(|(name, _)| *name == event);
    found.map(|(_, kinds)| *kinds).ok_or_else(|| {
        let detail = format!("events are `{UPSERT}` and `{CONNECTION}`");
        Problem::invalid("bad_event_kind", detail).in_field("events")
    })
}
