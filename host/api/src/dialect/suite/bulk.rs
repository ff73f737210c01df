//! `/api/messages/send/bulk`: one text for each of many recipients.
//!
//! Each counts against the limit of the session; those beyond it are accepted for later, one after
//! the other, instead of being refused.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use warbler_app::messages::{BatchItem, Draft, NewContent};
use warbler_app::quotas::QuotaExceeded;
use warbler_domain::{Caller, SessionRef};

use super::messages::{PER_MINUTE, sender};
use super::wire::{Id, message_id};
use super::{Fault, Known, Suite, SuiteState};
use crate::dialect::Row;
use crate::extract::Wire;
use crate::native::in_field;
use crate::problem::Problem;

/// The row of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    let message = json!({
        "to": "15550100", "text": "Hello {{name}}!", "variables": { "name": "Ada" },
    });
    let row = Row::post("/api/messages/send/bulk", Known, bulk)
        .about(
            "Messaging",
            "Sends a text to each of up to 1000 recipients.",
        )
        .reads(json!({
            "sessionId": "5bc99cea8975b95fe7077c64a3312145", "messages": [message],
        }))
        .carries_media();
    vec![row]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BulkBody {
    session_id: String,
    messages: Vec<OneBody>,
}

#[derive(Deserialize)]
struct OneBody {
    to: String,
    text: String,
    #[serde(default)]
    variables: Map<String, Value>,
}

/// What became of one of them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultView {
    to: String,
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl ResultView {
    fn new(to: String, item: BatchItem) -> Self {
        let (message_id, error) = match item {
            BatchItem::Accepted(message) => (Some(message_id(&message.whatsapp_id)), None),
            BatchItem::Refused { detail, .. } => (None, Some(detail)),
        };
        Self {
            to,
            success: error.is_none(),
            message_id,
            error,
        }
    }
}

/// `POST /api/messages/send/bulk`
async fn bulk(
    State(state): State<SuiteState>,
    caller: Caller,
    Wire(body): Wire<BulkBody>,
) -> Result<Json<Value>, Fault> {
    let session = Id::named(&body.session_id);
    let mut drafts: Vec<_> = body.messages.iter().map(|one| draft(&state, one)).collect();
    space_out(&state, &caller, &session, &mut drafts)?;
    let messages = state.api.app.messages();
    let items = messages.send_batch(&caller, &session, drafts, None).await?;
    let to = body.messages.into_iter().map(|one| one.to);
    let results: Vec<_> = to
        .zip(items)
        .map(|(to, item)| ResultView::new(to, item))
        .collect();
    let successful = results.iter().filter(|result| result.success).count();
    Ok(Json(json!({
        "success": true,
        "message": "Bulk messages sent successfully",
        "summary": {
            "total": results.len(),
            "successful": successful,
            "failed": results.len() - successful,
        },
        "results": results,
    })))
}

/// One message with its variables in it; a text without any is sent as it is.
fn draft(state: &SuiteState, one: &OneBody) -> Result<Draft, BatchItem> {
    let refused = |problem: Problem| {
        let (code, detail) = problem.into_code_and_detail();
        BatchItem::refused(code, detail)
    };
    let to = in_field("bad_recipient", "to", &one.to).map_err(refused)?;
    let fields = one.variables.iter().map(|(name, value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            value => value.to_string(),
        };
        (name.clone(), value)
    });
    let fields: Vec<(String, String)> = fields.collect();
    let text = match fields.is_empty() {
        true => one.text.clone(),
        false => {
            let filled = state.api.app.messages().filled(&one.text, &fields);
            filled.map_err(|err| refused(err.into()))?
        }
    };
    Ok(Draft::new(to, NewContent::Text(text.into())))
}

/// Counts every message; those that are too many for this minute are to go in the next ones.
fn space_out(
    state: &SuiteState,
    caller: &Caller,
    session: &SessionRef,
    drafts: &mut [Result<Draft, BatchItem>],
) -> Result<(), QuotaExceeded> {
    let sender = sender(caller, session);
    let each = PER_MINUTE.per / PER_MINUTE.most;
    let mut waits: Option<Duration> = None;
    for (place, draft) in drafts.iter_mut().flatten().enumerate() {
        waits = match waits {
            Some(wait) => Some(wait + each),
            None => match state.take(&[(PER_MINUTE, &sender)]) {
                Ok(()) => None,
                Err(exceeded) if place == 0 => return Err(exceeded),
                Err(exceeded) => Some(exceeded.retry_after),
            },
        };
        draft.send_at = waits.map(|wait| state.now().plus(wait));
    }
    Ok(())
}
