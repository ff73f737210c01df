//! `/messages` and `/message`: sending one or many, and taking one back.

use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::media::Origin;
use warbler_app::messages::{BatchItem, Draft, MediaForm, NewContent};
use warbler_domain::WhatsAppId;

use super::{Answer, Call, Fault, Gateway, Named, Who, named, sends, success};
use crate::dialect::read::Perhaps;
use crate::dialect::{Row, at_url, file, recipient};
use crate::extract::{Search, Wire};
use crate::native::in_field;
use crate::problem::Problem;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Gateway>> {
    vec![
        sends(Row::post("/api/v1/messages", Who::Token, send).carries_media()),
        sends(Row::delete("/api/v1/message", Who::Token, delete)),
    ]
}

/// One message, or several; each is read by itself, so that a bad one stops no other.
#[derive(Deserialize)]
#[serde(untagged)]
enum Sending {
    Many(Vec<Value>),
    One(Value),
}

#[derive(Deserialize)]
struct Item {
    recipient_type: RecipientType,
    to: String,
    #[serde(flatten)]
    part: Part,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RecipientType {
    Individual,
    Group,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Part {
    Text { text: TextPart },
    Image { image: FilePart },
    Document { document: DocumentPart },
}

#[derive(Deserialize)]
struct TextPart {
    body: String,
}

#[derive(Deserialize)]
struct FilePart {
    link: Option<String>,
    id: Option<String>,
    caption: Option<String>,
}

#[derive(Deserialize)]
struct DocumentPart {
    link: Option<String>,
    id: Option<String>,
    /// Asked for, and not believed: the type is told from the content.
    #[serde(rename = "mimetype")]
    _mimetype: String,
    filename: Option<String>,
    caption: Option<String>,
}

/// `POST /api/v1/messages`
async fn send(call: Call, Search(query): Search<Named>, Wire(body): Wire<Sending>) -> Answer {
    let session = named(&call, query.session_id.as_deref()).await?.id.into();
    let messages = call.app.messages();
    match body {
        Sending::One(item) => {
            let to = addressee(&item);
            let draft = draft(&call, item).await?;
            let message = messages.send(&call.caller, &session, draft, None).await?;
            let id = message.whatsapp_id.as_str();
            Ok(Json(json!({
                "status": "success", "message": "Message sent.", "messageId": id, "to": to,
            })))
        }
        Sending::Many(items) => {
            let to: Vec<Value> = items.iter().map(addressee).collect();
            let mut drafts = Vec::with_capacity(items.len());
            for item in items {
                drafts.push(draft(&call, item).await.map_err(BatchItem::from));
            }
            let sent = messages.send_batch(&call.caller, &session, drafts, None);
            let results: Vec<Value> = sent.await?.into_iter().zip(to).map(result).collect();
            Ok(Json(json!({ "status": "success", "results": results })))
        }
    }
}

/// To whom a message is, as it was written.
fn addressee(item: &Value) -> Value {
    item.get("to").cloned().unwrap_or_default()
}

/// What became of one of several messages.
fn result((item, to): (BatchItem, Value)) -> Value {
    match item {
        BatchItem::Accepted(message) => {
            let id = message.whatsapp_id.as_str();
            json!({ "status": "success", "to": to, "messageId": id })
        }
        BatchItem::Refused { detail, .. } => {
            json!({ "status": "error", "to": to, "message": detail })
        }
    }
}

/// The message that is written here.
async fn draft(call: &Call, item: Value) -> Result<Draft, Problem> {
    let item = serde_json::from_value(item);
    let item: Item = item.map_err(|err| Problem::invalid("invalid_body", err.to_string()))?;
    let is_group = item.recipient_type == RecipientType::Group;
    let to = recipient("to", &item.to, is_group)?;
    if to.jid().is_group() != is_group {
        let detail = "`recipient_type` and `to` disagree: one is a group, the other is not";
        return Err(Problem::invalid("bad_recipient", detail));
    }
    let (form, field, part, name) = match item.part {
        Part::Text { text } => return Ok(Draft::new(to, NewContent::Text(text.body.into()))),
        Part::Image { image } => (MediaForm::Image, "image", image, None),
        Part::Document { document } => {
            let (link, id, caption) = (document.link, document.id, document.caption);
            let part = FilePart { link, id, caption };
            (MediaForm::Document, "document", part, document.filename)
        }
    };
    let origin = origin(call, field, &part).await?;
    let content = file(form, origin, name.as_deref(), part.caption);
    Ok(Draft::new(to, content))
}

/// Where a file is: at a link, or uploaded before.
async fn origin(call: &Call, field: &str, part: &FilePart) -> Result<Origin, Problem> {
    match (&part.link, &part.id) {
        (Some(link), None) => at_url(&format!("{field}.link"), link),
        (None, Some(id)) => {
            let found = call.app.media().upload_named(&call.caller, id).await?;
            Ok(Origin::Upload(found.upload.id))
        }
        _ => {
            let detail = format!("`{field}` needs either `link` or `id`");
            Err(Problem::invalid("invalid_body", detail))
        }
    }
}

/// Which message is to be taken back; in a body, or a query.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteBody {
    session_id: Option<String>,
    remote_jid: Option<String>,
    message_id: Option<String>,
}

/// `DELETE /api/v1/message`
async fn delete(
    call: Call,
    Search(query): Search<DeleteBody>,
    Perhaps(body): Perhaps<DeleteBody>,
) -> Answer {
    let body = body.unwrap_or(query);
    let session = named(&call, body.session_id.as_deref()).await?.id.into();
    let (Some(chat), Some(id)) = (body.remote_jid, body.message_id) else {
        let detail = "`remoteJid` and `messageId` say which message is meant";
        return Err(Fault::invalid("invalid_body", detail));
    };
    let chat = in_field("bad_recipient", "remoteJid", &chat)?;
    let id: WhatsAppId = in_field("bad_message_id", "messageId", &id)?;
    let (messages, caller) = (call.app.messages(), &call.caller);
    messages.take_back(caller, &session, chat, &id).await?;
    Ok(success("Message deleted."))
}
