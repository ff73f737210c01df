//! `/webhook`: where the events of a session are sent to.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::webhooks::SingleWebhook;
use warbler_domain::{Caller, KindPattern};

use super::{FORM, Fault, Gateway, Who, named, success, told};
use crate::dialect::Row;
use crate::dialect::read::Perhaps;
use crate::extract::{Search, Wire};
use crate::native::in_field;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Gateway>> {
    const SECTION: &str = "Webhook Management";
    vec![
        Row::post("/api/v1/webhook", Who::Token, set)
            .about(SECTION, "Says where the events of a session are sent to.")
            .reads(json!({
                "sessionId": "mySession", "url": "https://your-webhook-receiver.com/events",
            })),
        Row::get("/api/v1/webhook", Who::Token, show)
            .about(SECTION, "Shows where the events of a session are sent to.")
            .asks("sessionId", "The session"),
        Row::delete("/api/v1/webhook", Who::Token, delete)
            .about(SECTION, "Sends the events of a session nowhere any more.")
            .asks("sessionId", "The session, where the body does not say it")
            .reads(json!({ "sessionId": "mySession" })),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetBody {
    session_id: String,
    url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    session_id: Option<String>,
}

/// `POST /api/v1/webhook`
async fn set(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<SetBody>,
) -> Result<Json<Value>, Fault> {
    let session = named(&app, &caller, Some(&body.session_id)).await?;
    let events = told::KINDS
        .iter()
        .map(|kind| in_field("invalid_body", "events", kind));
    let events: Vec<KindPattern> = events.collect::<Result<_, _>>()?;
    let command = SingleWebhook {
        session: session.id.into(),
        url: body.url,
        events,
        form: FORM.to_owned(),
    };
    let webhook = app.webhooks().set_single(&caller, command).await?;
    Ok(Json(json!({
        "status": "success",
        "message": format!("Webhook URL for session {} updated.", session.name),
        "sessionId": session.name.as_str(),
        "url": webhook.url,
    })))
}

/// `GET /api/v1/webhook`
async fn show(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<Named>,
) -> Result<Json<Value>, Fault> {
    let session = named(&app, &caller, query.session_id.as_deref()).await?;
    let webhooks = app.webhooks();
    let found = webhooks.single(&caller, &session.id.into(), FORM).await?;
    Ok(Json(json!({
        "status": "success",
        "sessionId": session.name.as_str(),
        "url": found.map(|webhook| webhook.url),
    })))
}

/// `DELETE /api/v1/webhook`
async fn delete(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<Named>,
    Perhaps(body): Perhaps<Named>,
) -> Result<Json<Value>, Fault> {
    let said = body.and_then(|body| body.session_id).or(query.session_id);
    let session = named(&app, &caller, said.as_deref()).await?;
    let webhooks = app.webhooks();
    webhooks
        .delete_single(&caller, &session.id.into(), FORM)
        .await?;
    Ok(success(format!(
        "Webhook for session {} deleted.",
        session.name
    )))
}
