//! `/api/webhook`: where events of a session are sent to, as many places as one likes.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::webhooks::{CreateWebhook, NumberedWebhook};
use warbler_domain::Secret;

use super::form::{FORM, names_of, wanted};
use super::inbound::answer;
use super::{Answer, Call, Created, Key, Manager, Number, data, done, missing, numbered};
use crate::dialect::{MASKED, Row, Switch};
use crate::extract::{Param, Wire};

/// The rows of this section. The document calls the number in the path of `DELETE` `id`: it is that
/// of a webhook, where those of the others are of sessions.
pub(super) fn rows() -> Vec<Row<Manager>> {
    vec![
        Row::post("/api/webhook/{sessionId}", None, answer),
        Row::post("/api/webhook/{sessionId}/register", Key, register),
        Row::get("/api/webhook/{sessionId}", Key, list),
        Row::delete("/api/webhook/{sessionId}", Key, delete),
    ]
}

#[derive(Deserialize)]
struct RegisterBody {
    url: String,
    secret: Option<String>,
    events: Option<Vec<String>>,
}

/// A webhook of the session with this number, with its secret to whoever may see that.
fn view(shown: &NumberedWebhook, session: Number, secret: Option<&Secret>) -> Value {
    let webhook = &shown.webhook;
    json!({
        "id": shown.number,
        "sessionId": session,
        "url": webhook.url,
        "secret": secret.map_or(MASKED, Secret::expose),
        "events": names_of(webhook),
        "active": webhook.enabled,
        "createdAt": webhook.created_at,
    })
}

/// `POST /api/webhook/{sessionId}/register`
async fn register(call: Call, Param(id): Param<Number>, Wire(body): Wire<RegisterBody>) -> Created {
    let session = numbered(&call, id).await?.session.id.into();
    let events = wanted(body.events)?;
    let mut command = CreateWebhook::new(Some(session), body.url, events, FORM);
    command.secret = body.secret.map(Secret::new);
    let webhooks = call.app.webhooks();
    let made = webhooks.create(&call.caller, command).await?;
    let shown = webhooks.with_number(made.status.webhook).await?;
    let view = view(&shown, id, Some(&made.secret));
    Ok((StatusCode::CREATED, data(view)))
}

/// `GET /api/webhook/{sessionId}`
async fn list(call: Call, Param(id): Param<Number>) -> Answer {
    let session = numbered(&call, id).await?.session.id.into();
    let webhooks = call.app.webhooks();
    let all = webhooks.numbered_of(&call.caller, &session, FORM).await?;
    let open = call.state.is_open(Switch::EchoWebhookSecrets);
    let views = all.iter().map(|shown| {
        let secret = open.then_some(&shown.webhook.secret);
        view(shown, id, secret)
    });
    Ok(data(views.collect::<Vec<_>>()))
}

/// `DELETE /api/webhook/{id}`
async fn delete(call: Call, Param(id): Param<Number>) -> Answer {
    let webhooks = call.app.webhooks();
    let found = webhooks.numbered(&call.caller, id.0, FORM).await;
    let webhook = found.map_err(missing("Webhook", id))?;
    webhooks.delete(&call.caller, webhook.id).await?;
    Ok(done("Webhook", id, "deleted"))
}
