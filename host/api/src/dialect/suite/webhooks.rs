//! `/api/webhook`: where events of a session are sent to, one place for each.

use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::webhooks::{CreateWebhook, UpdateWebhook, WebhookStatus};
use warbler_domain::webhook::DeliveryState;
use warbler_domain::{Secret, SessionRef, Webhook};

use super::form::{self, EVENTS};
use super::wire::Id;
use super::{Answer, Call, Fault, Known, Suite, done};
use crate::dialect::{MASKED, Row, Switch};
use crate::extract::{Param, Wire};
use crate::problem::Problem;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    vec![
        Row::put("/api/webhook/config/{sessionId}", Known, configure),
        Row::get("/api/webhook/config/{sessionId}", Known, show),
        Row::get("/api/webhook/stats/{sessionId}", Known, stats),
        Row::post("/api/webhook/test", Known, test),
        Row::get("/api/webhook/queue", Known, queue),
        Row::delete("/api/webhook/queue/{sessionId}", Known, clear),
        Row::get("/api/webhook/event-types", Known, event_types),
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

/// `PUT /api/webhook/config/{sessionId}`: its secret stays if none is said.
async fn configure(
    call: Call,
    Param(Id(session)): Param<Id>,
    Wire(body): Wire<ConfigBody>,
) -> Answer {
    let all = || EVENTS.map(|(name, _)| name.to_owned()).to_vec();
    let (events, form) = form::wanted(&body.events.unwrap_or_else(all))?;
    let said = body.secret.map(Secret::new);
    let webhooks = call.app.webhooks();
    let (status, secret) = match configured(&call, &session).await? {
        Some(found) => {
            let change = UpdateWebhook {
                url: Some(body.url),
                events: Some(events),
                form: Some(form.to_owned()),
                secret: said.clone(),
                enabled: Some(true),
                ..UpdateWebhook::default()
            };
            let changed = webhooks.update(&call.caller, found.webhook.id, change);
            (changed.await?, said)
        }
        None => {
            let mut new = CreateWebhook::new(Some(session), body.url, events, form);
            new.secret = said;
            let made = webhooks.create(&call.caller, new).await?;
            (made.status, Some(made.secret))
        }
    };
    Ok(Json(json!({
        "success": true,
        "message": "Webhook configured successfully",
        "config": config(&status.webhook, secret.as_ref()),
    })))
}

/// `GET /api/webhook/config/{sessionId}`
async fn show(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    let found = configured(&call, &session).await?;
    let open = call.state.is_open(Switch::EchoWebhookSecrets);
    let shown = found
        .map(|WebhookStatus { webhook, .. }| config(&webhook, open.then_some(&webhook.secret)));
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
async fn own(call: &Call) -> Result<Vec<WebhookStatus>, Fault> {
    let mut all = call.app.webhooks().list(&call.caller).await?;
    all.retain(|one| form::knows(&one.webhook.form));
    Ok(all)
}

/// The webhook of a session, if it has one here.
async fn configured(call: &Call, session: &SessionRef) -> Result<Option<WebhookStatus>, Fault> {
    let session = call.app.sessions().get(&call.caller, session).await?.id;
    let mut all = own(call).await?.into_iter();
    Ok(all.find(|one| one.webhook.session == Some(session)))
}

/// `GET /api/webhook/stats/{sessionId}`
async fn stats(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    let found = configured(&call, &session).await?;
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
async fn test(call: Call, Wire(body): Wire<TestBody>) -> Answer {
    let usual = || json!({ "test": true, "timestamp": call.state.now() });
    let payload = body.payload.unwrap_or_else(usual).to_string().into_bytes();
    let webhooks = call.app.webhooks();
    let trial = webhooks.test_at(&call.caller, &body.url, payload).await;
    let trial = trial.map_err(|err| Problem::from(err).in_field("url"))?;
    let (attempt, said) = (&trial.attempt, trial.attempt.message.as_deref());
    let success = attempt.error.is_none();
    let message = match success {
        true => "Webhook test sent successfully",
        false => said.unwrap_or("the receiver did not take it"),
    };
    Ok(Json(json!({
        "success": success, "message": message, "statusCode": attempt.status,
    })))
}

/// `GET /api/webhook/queue`
async fn queue(call: Call) -> Answer {
    let (mut pending, mut processing, mut failed) = (0, 0, 0);
    for one in own(&call).await? {
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
async fn clear(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    if let Some(found) = configured(&call, &session).await? {
        let (webhooks, id) = (call.app.webhooks(), found.webhook.id);
        for state in [DeliveryState::Waiting, DeliveryState::Dead] {
            while webhooks.clear(&call.caller, id, state).await? > 0 {}
        }
    }
    done("Webhook queue cleared successfully")
}

/// `GET /api/webhook/event-types`
async fn event_types() -> Json<Value> {
    let names = EVENTS.map(|(name, _)| name);
    Json(json!({ "success": true, "eventTypes": names }))
}
