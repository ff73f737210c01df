//! `/webhook`: where the events of a session are sent to.

use axum::Json;
use serde::Deserialize;
use serde_json::json;
use warbler_app::webhooks::SingleWebhook;
use warbler_domain::KindPattern;
use warbler_domain::session::Session;

use super::{Answer, Call, FORM, Gateway, Named, Who, named, success, told};
use crate::dialect::Row;
use crate::dialect::read::Perhaps;
use crate::extract::{Search, Wire};

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Gateway>> {
    vec![
        Row::post("/api/v1/webhook", Who::Token, set),
        Row::get("/api/v1/webhook", Who::Token, show),
        Row::delete("/api/v1/webhook", Who::Token, delete),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetBody {
    session_id: String,
    url: String,
}

/// `POST /api/v1/webhook`
async fn set(call: Call, Wire(body): Wire<SetBody>) -> Answer {
    let Session { id, name, .. } = named(&call, Some(&body.session_id)).await?;
    let command = SingleWebhook {
        session: id.into(),
        url: body.url,
        events: told::KINDS.iter().map(KindPattern::from).collect(),
        form: FORM.to_owned(),
    };
    let webhooks = call.app.webhooks();
    let webhook = webhooks.set_single(&call.caller, command).await?;
    let message = format!("Webhook URL for session {name} updated.");
    Ok(Json(json!({
        "status": "success", "message": message, "sessionId": name.as_str(), "url": webhook.url,
    })))
}

/// `GET /api/v1/webhook`
async fn show(call: Call, Search(query): Search<Named>) -> Answer {
    let Session { id, name, .. } = named(&call, query.session_id.as_deref()).await?;
    let webhooks = call.app.webhooks();
    let found = webhooks.single(&call.caller, &id.into(), FORM).await?;
    let url = found.map(|webhook| webhook.url);
    let shown = json!({ "status": "success", "sessionId": name.as_str(), "url": url });
    Ok(Json(shown))
}

/// `DELETE /api/v1/webhook`
async fn delete(call: Call, Search(query): Search<Named>, Perhaps(body): Perhaps<Named>) -> Answer {
    let said = body.and_then(|body| body.session_id).or(query.session_id);
    let Session { id, name, .. } = named(&call, said.as_deref()).await?;
    let (webhooks, id) = (call.app.webhooks(), id.into());
    webhooks.delete_single(&call.caller, &id, FORM).await?;
    Ok(success(format!("Webhook for session {name} deleted.")))
}
