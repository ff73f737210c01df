//! `/api/webhook`: where events of a session are sent to, one place for each.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::webhooks::{CreateWebhook, UpdateWebhook, WebhookStatus};
use warbler_domain::webhook::DeliveryState;
use warbler_domain::{Caller, Secret, SessionRef, Webhook};

use super::form::{self, EVENTS};
use super::wire::Id;
use super::{Fault, Known, Suite, SuiteState};
use crate::dialect::{MASKED, Row, Switch};
use crate::extract::{Param, Wire};
use crate::problem::Problem;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    const SECTION: &str = "Webhooks";
    vec![
        Row::put("/api/webhook/config/{sessionId}", Known, configure)
            .about(SECTION, "Says where events of a session are sent to.")
            .reads(json!({
                "url": "https://example.com/hook", "events": ["message", "status"],
                "secret": "a secret of your own",
            })),
        Row::get("/api/webhook/config/{sessionId}", Known, show)
            .about(SECTION, "Shows where events of a session are sent to."),
        Row::get("/api/webhook/stats/{sessionId}", Known, stats)
            .about(SECTION, "Counts what was sent there."),
        Row::post("/api/webhook/test", Known, test)
            .about(SECTION, "Sends JSON to a URL, and says whether it arrived.")
            .reads(json!({ "url": "https://example.com/hook", "payload": { "test": true } })),
        Row::get("/api/webhook/queue", Known, queue)
            .about(SECTION, "Counts what waits to be sent."),
        Row::delete("/api/webhook/queue/{sessionId}", Known, clear).about(
            SECTION,
            "Forgets what of a session waits to be sent, or was given up.",
        ),
        Row::get("/api/webhook/event-types", Known, event_types)
            .about(SECTION, "Lists the events there are."),
    ]
}

#[derive(Deserialize)]
struct ConfigBody {
    url: String,
    events: Option<Vec<String>>,
    secret: Option<String>,
}

#[derive(Deserialize)]
struct TestBody {
    url: String,
    payload: Option<Value>,
}

type Told = Result<Json<Value>, Fault>;

/// `PUT /api/webhook/config/{sessionId}`: its secret stays if none is said.
async fn configure(
    State(state): State<SuiteState>,
    caller: Caller,
    Param(Id(session)): Param<Id>,
    Wire(body): Wire<ConfigBody>,
) -> Told {
    let app = &state.api.app;
    let names = body.events.unwrap_or_else(|| {
        EVENTS
            .each_ref()
            .map(|(name, _)| (*name).to_owned())
            .to_vec()
    });
    let (events, form) = form::wanted(&names)?;
    let said = body.secret.map(Secret::new);
    let (status, secret) = match configured(app, &caller, &session).await? {
        Some(found) => {
            let change = UpdateWebhook {
                url: Some(body.url),
                events: Some(events),
                headers: None,
                form: Some(form.to_owned()),
                secret: said.clone(),
                enabled: Some(true),
            };
            let webhooks = app.webhooks();
            let id = found.webhook.id;
            (webhooks.update(&caller, id, change).await?, said)
        }
        None => {
            let new = CreateWebhook {
                session: Some(session),
                url: body.url,
                events,
                headers: Vec::new(),
                form: form.to_owned(),
                secret: said,
                enabled: true,
            };
            let made = app.webhooks().create(&caller, new).await?;
            (made.status, Some(made.secret))
        }
    };
    let told = json!({
        "success": true,
        "message": "Webhook configured successfully",
        "config": config(&status.webhook, secret.as_ref()),
    });
    Ok(Json(told))
}

/// `GET /api/webhook/config/{sessionId}`
async fn show(
    State(state): State<SuiteState>,
    caller: Caller,
    Param(Id(session)): Param<Id>,
) -> Told {
    let found = configured(&state.api.app, &caller, &session).await?;
    let open = state.is_open(Switch::EchoWebhookSecrets);
    let shown = found.map(|found| {
        let secret = open.then_some(&found.webhook.secret);
        config(&found.webhook, secret)
    });
    Ok(Json(json!({ "success": true, "config": shown })))
}

/// A configuration, with its secret to whoever has just set it.
fn config(webhook: &Webhook, secret: Option<&Secret>) -> Value {
    json!({
        "url": webhook.url,
        "events": form::names_of(webhook),
        "secret": secret.map_or(MASKED, Secret::expose),
        "isActive": webhook.enabled,
    })
}

/// The webhooks of this dialect that the caller may see.
async fn own(app: &App, caller: &Caller) -> Result<Vec<WebhookStatus>, Fault> {
    let mut all = app.webhooks().list(caller).await?;
    all.retain(|one| form::knows(&one.webhook.form));
    Ok(all)
}

/// The webhook of a session, if it has one here.
async fn configured(
    app: &App,
    caller: &Caller,
    session: &SessionRef,
) -> Result<Option<WebhookStatus>, Fault> {
    let session = app.sessions().get(caller, session).await?.id;
    let mut all = own(app, caller).await?.into_iter();
    Ok(all.find(|one| one.webhook.session == Some(session)))
}

/// `GET /api/webhook/stats/{sessionId}`
async fn stats(State(app): State<App>, caller: Caller, Param(Id(session)): Param<Id>) -> Told {
    let found = configured(&app, &caller, &session).await?;
    let totals = found.map(|found| found.totals).unwrap_or_default();
    Ok(Json(json!({
        "success": true,
        "stats": {
            "totalSent": totals.delivered + totals.failed,
            "successful": totals.delivered,
            "failed": totals.failed,
            "lastDelivery": totals.last_delivered_at,
        },
    })))
}

/// `POST /api/webhook/test`
async fn test(State(state): State<SuiteState>, caller: Caller, Wire(body): Wire<TestBody>) -> Told {
    let payload = body.payload;
    let payload = payload.unwrap_or_else(|| json!({ "test": true, "timestamp": state.now() }));
    let webhooks = state.api.app.webhooks();
    let payload = payload.to_string().into_bytes();
    let trial = webhooks.test_at(&caller, &body.url, payload).await;
    let attempt = trial
        .map_err(|err| Problem::from(err).in_field("url"))?
        .attempt;
    let message = match (&attempt.error, &attempt.message) {
        (None, _) => "Webhook test sent successfully".to_owned(),
        (Some(_), Some(message)) => message.clone(),
        (Some(_), None) => "the receiver did not take it".to_owned(),
    };
    Ok(Json(json!({
        "success": attempt.error.is_none(),
        "message": message,
        "statusCode": attempt.status,
    })))
}

/// `GET /api/webhook/queue`
async fn queue(State(app): State<App>, caller: Caller) -> Told {
    let (mut pending, mut processing, mut failed) = (0, 0, 0);
    for one in own(&app, &caller).await? {
        processing += one.under_way;
        pending += one.counts.waiting.saturating_sub(one.under_way);
        failed += one.counts.dead;
    }
    Ok(Json(json!({
        "success": true,
        "queue": { "pending": pending, "processing": processing, "failed": failed },
    })))
}

/// `DELETE /api/webhook/queue/{sessionId}`
async fn clear(State(app): State<App>, caller: Caller, Param(Id(session)): Param<Id>) -> Told {
    if let Some(found) = configured(&app, &caller, &session).await? {
        let (webhooks, id) = (app.webhooks(), found.webhook.id);
        for state in [DeliveryState::Waiting, DeliveryState::Dead] {
            while webhooks.clear(&caller, id, state).await? > 0 {}
        }
    }
    Ok(Json(json!({
        "success": true, "message": "Webhook queue cleared successfully",
    })))
}

/// `GET /api/webhook/event-types`
async fn event_types() -> Json<Value> {
    let names = EVENTS.each_ref().map(|(name, _)| *name);
    Json(json!({ "success": true, "eventTypes": names }))
}
