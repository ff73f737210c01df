//! `/api/webhook`: where events of a session are sent to, as many places as one likes.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::webhooks::{CreateWebhook, NumberedWebhook, WebhookError};
use warbler_domain::{Caller, Secret, Timestamp};

use super::form::{EVENTS, FORM, names_of, wanted};
use super::wire::number;
use super::{Fault, Key, Manager, ManagerState, Number, data, done, missing, numbered};
use crate::dialect::{MASKED, Row, Switch};
use crate::extract::{Param, Wire};

/// The rows of this section. The document calls the number in the path of `DELETE` `id`: it is that
/// of a webhook, where those of the others are of sessions.
pub(super) fn rows() -> Vec<Row<Manager>> {
    const SECTION: &str = "Webhooks";
    vec![
        Row::post("/api/webhook/{sessionId}/register", Key, register)
            .about(SECTION, "Sends events of a session to a URL.")
            .reads(json!({
                "url": "https://example.com/hook", "secret": "my-secret-key", "events": EVENTS,
            })),
        Row::get("/api/webhook/{sessionId}", Key, list)
            .about(SECTION, "Lists where events of a session are sent to."),
        Row::delete("/api/webhook/{sessionId}", Key, delete).about(
            SECTION,
            "Sends nothing there any more; the number is that of the webhook.",
        ),
    ]
}

#[derive(Deserialize)]
struct RegisterBody {
    url: String,
    secret: Option<String>,
    events: Option<Vec<String>>,
}

/// A webhook, with its secret to whoever has just set it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WebhookView {
    id: i64,
    session_id: i64,
    url: String,
    secret: String,
    events: Vec<&'static str>,
    active: bool,
    created_at: Timestamp,
}

impl WebhookView {
    fn new(shown: &NumberedWebhook, session: i64, secret: Option<&Secret>) -> Self {
        let webhook = &shown.webhook;
        Self {
            id: shown.number,
            session_id: session,
            url: webhook.url.clone(),
            secret: secret.map_or(MASKED, Secret::expose).to_owned(),
            events: names_of(webhook),
            active: webhook.enabled,
            created_at: webhook.created_at,
        }
    }
}

type Told = Result<Json<Value>, Fault>;

/// `POST /api/webhook/{sessionId}/register`
async fn register(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<Number>,
    Wire(body): Wire<RegisterBody>,
) -> Result<(StatusCode, Json<Value>), Fault> {
    let marked = numbered(&app, &caller, id).await?;
    let names = body
        .events
        .unwrap_or_else(|| EVENTS.map(str::to_owned).to_vec());
    let command = CreateWebhook {
        session: Some(marked.session.id.into()),
        url: body.url,
        events: wanted(&names)?,
        headers: Vec::new(),
        form: FORM.to_owned(),
        secret: body.secret.map(Secret::new),
        enabled: true,
    };
    let webhooks = app.webhooks();
    let made = webhooks.create(&caller, command).await?;
    let shown = webhooks.with_number(made.status.webhook).await?;
    let view = WebhookView::new(&shown, number(&marked), Some(&made.secret));
    Ok((StatusCode::CREATED, data(view)))
}

/// `GET /api/webhook/{sessionId}`
async fn list(State(state): State<ManagerState>, caller: Caller, Param(id): Param<Number>) -> Told {
    let app = &state.api.app;
    let marked = numbered(app, &caller, id).await?;
    let session = marked.session.id.into();
    let all = app.webhooks().numbered_of(&caller, &session, FORM).await?;
    let open = state.is_open(Switch::EchoWebhookSecrets);
    let views = all.iter().map(|one| {
        let secret = open.then_some(&one.webhook.secret);
        WebhookView::new(one, number(&marked), secret)
    });
    Ok(data(views.collect::<Vec<_>>()))
}

/// `DELETE /api/webhook/{id}`
async fn delete(State(app): State<App>, caller: Caller, Param(Number(id)): Param<Number>) -> Told {
    let webhooks = app.webhooks();
    let found = match webhooks.numbered(&caller, id, FORM).await {
        Err(WebhookError::Unknown(_)) => return Err(missing("unknown_webhook", "Webhook", id)),
        found => found?,
    };
    webhooks.delete(&caller, found.id).await?;
    Ok(done(format!("Webhook {id} deleted successfully")))
}
