//! `/api/messages/send/bulk`: one text for each of many recipients.
//!
//! Each counts against the limit of the session; those beyond it are accepted for later, one after
//! the other, instead of being refused.

use std::time::Duration;

use axum::Json;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use warbler_app::messages::{BatchItem, Draft, NewContent};
use warbler_app::quotas::QuotaExceeded;
use warbler_domain::SessionRef;

use super::messages::PER_MINUTE;
use super::wire::{Id, message_id};
use super::{Answer, Call, Known, Suite};
use crate::dialect::Row;
use crate::extract::Wire;
use crate::native::in_field;
use crate::problem::Problem;

/// The row of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    vec![Row::post("/api/messages/send/bulk", Known, bulk).carries_media()]
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

/// `POST /api/messages/send/bulk`
async fn bulk(call: Call, Wire(body): Wire<BulkBody>) -> Answer {
    let session = Id::named(&body.session_id);
    let drafts = body.messages.iter().map(|one| Ok(draft(&call, one)?));
    let mut drafts: Vec<_> = drafts.collect();
    space_out(&call, &session, &mut drafts)?;
    let (messages, caller) = (call.app.messages(), &call.caller);
    let sent = messages.send_batch(caller, &session, drafts, None).await?;
    let is_accepted = |item: &&BatchItem| matches!(item, BatchItem::Accepted(_));
    let (total, successful) = (sent.len(), sent.iter().filter(is_accepted).count());
    let results = body.messages.iter().zip(sent);
    let results: Vec<Value> = results.map(|(one, item)| result(&one.to, item)).collect();
    Ok(Json(json!({
        "success": true,
        "message": "Bulk messages sent successfully",
        "results": results,
        "summary": { "total": total, "successful": successful, "failed": total - successful },
    })))
}

/// What became of one of them.
fn result(to: &str, item: BatchItem) -> Value {
    match item {
        BatchItem::Accepted(message) => {
            json!({ "to": to, "success": true, "messageId": message_id(&message.whatsapp_id) })
        }
        BatchItem::Refused { detail, .. } => {
            json!({ "to": to, "success": false, "error": detail })
        }
    }
}

/// One message with its variables in it; a text without any is sent as it is.
fn draft(call: &Call, one: &OneBody) -> Result<Draft, Problem> {
    let to = in_field("bad_recipient", "to", &one.to)?;
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
        false => call.app.messages().filled(&one.text, &fields)?,
    };
    Ok(Draft::new(to, NewContent::Text(text.into())))
}

/// Counts every message; those that are too many for this minute are to go in the next ones.
fn space_out(
    call: &Call,
    session: &SessionRef,
    drafts: &mut [Result<Draft, BatchItem>],
) -> Result<(), QuotaExceeded> {
    let sender = call.sender(session);
    let each = PER_MINUTE.per / PER_MINUTE.most;
    let mut waits: Option<Duration> = None;
    for (place, draft) in drafts.iter_mut().flatten().enumerate() {
        waits = match waits {
            Some(wait) => Some(wait + each),
            None => match call.state.take(&[(PER_MINUTE, &sender)]) {
                Ok(()) => None,
                Err(exceeded) if place == 0 => return Err(exceeded),
                Err(exceeded) => Some(exceeded.retry_after),
            },
        };
        draft.send_at = waits.map(|wait| call.state.now().plus(wait));
    }
    Ok(())
}
