//! `/api/webhooks`: where the events of all sessions of a user are sent to.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use warbler_app::App;
use warbler_app::webhooks::CreateWebhook;
use warbler_domain::{Caller, EventKind, KindPattern, Timestamp};

use super::form::{CONNECTION, FORM, UPSERT};
use super::{Akg, Fault, Key};
use crate::dialect::Row;
use crate::extract::Wire;
use crate::problem::Problem;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Akg>> {
    vec![
        Row::post("/api/webhooks", Key, create)
            .about("Webhooks", "Sends events of all own sessions to a URL.")
            .reads(json!({
                "name": "CRM", "url": "https://crm.example.com/hook",
                "events": [UPSERT, CONNECTION],
            })),
    ]
}

#[derive(Deserialize)]
struct CreateBody {
    name: String,
    url: String,
    events: BTreeSet<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WebhookView {
    id: String,
    name: String,
    url: String,
    events: BTreeSet<String>,
    created_at: Timestamp,
}

/// `POST /api/webhooks`
async fn create(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<CreateBody>,
) -> Result<Json<WebhookView>, Fault> {
    let mut events = Vec::new();
    for event in &body.events {
        events.extend(kinds_of(event)?);
    }
    let command = CreateWebhook {
        session: None,
        url: body.url,
        events,
        headers: Vec::new(),
        form: FORM.to_owned(),
        secret: None,
        enabled: true,
    };
    let made = app.webhooks().create(&caller, command).await?;
    let webhook = made.status.webhook;
    Ok(Json(WebhookView {
        id: webhook.id.to_string(),
        name: body.name,
        url: webhook.url,
        events: body.events,
        created_at: webhook.created_at,
    }))
}

/// What the events of this dialect are here.
fn kinds_of(event: &str) -> Result<Vec<KindPattern>, Problem> {
    let kinds = match event {
        UPSERT => vec![EventKind::MESSAGE_RECEIVED, EventKind::MESSAGE_SENT],
        CONNECTION => vec![EventKind::SESSION_STATUS],
        _ => {
            let detail = format!("events are `{UPSERT}` and `{CONNECTION}`");
            return Err(Problem::invalid("bad_event_kind", detail).in_field("events"));
        }
    };
    let kinds = kinds.into_iter();
    Ok(kinds
        .filter_map(|kind| kind.as_str().parse().ok())
        .collect())
}
