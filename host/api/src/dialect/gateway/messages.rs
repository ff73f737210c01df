//! `/messages` and `/message`: sending one or many, and taking one back.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::fetch::FetchError;
use warbler_app::media::{FileName, NewMedium, Origin};
use warbler_app::messages::{BatchItem, Draft, MediaForm, NewContent, NewMedia, NewMentions};
use warbler_domain::{Caller, Message, WhatsAppId};

use super::{Fault, Gateway, Who, named, success};
use crate::dialect::read::Perhaps;
use crate::dialect::{Row, recipient};
use crate::extract::{Search, Wire};
use crate::native::in_field;
use crate::problem::Problem;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Gateway>> {
    const SECTION: &str = "Message Management";
    let unavailable = ["not_paired"];
    vec![
        Row::post("/api/v1/messages", Who::Token, send)
            .about(SECTION, "Sends a message, or several in their order.")
            .asks("sessionId", "The session that sends")
            .reads(json!({
                "recipient_type": "individual", "to": "6281234567890", "type": "text",
                "text": { "body": "Hello from the API!" },
            }))
            .carries_media()
            .answers(StatusCode::SERVICE_UNAVAILABLE, &unavailable),
        Row::delete("/api/v1/message", Who::Token, delete)
            .about(SECTION, "Takes a message back that the session has sent.")
            .reads(json!({
                "sessionId": "mySession", "remoteJid": "6281234567890@s.whatsapp.net",
                "messageId": "3EB0D8E8D8F9A7B6",
            }))
            .answers(StatusCode::SERVICE_UNAVAILABLE, &unavailable),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionQuery {
    session_id: Option<String>,
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
    Image { image: ImagePart },
    Document { document: DocumentPart },
}

#[derive(Deserialize)]
struct TextPart {
    body: String,
}

#[derive(Deserialize)]
struct ImagePart {
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
async fn send(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<SessionQuery>,
    Wire(body): Wire<Sending>,
) -> Result<Json<Value>, Fault> {
    let session = named(&app, &caller, query.session_id.as_deref()).await?;
    let (session, messages) = (session.id.into(), app.messages());
    match body {
        Sending::One(item) => {
            let to = addressee(&item);
            let draft = draft(&app, &caller, item).await?;
            let message = messages.send(&caller, &session, draft, None).await?;
            Ok(Json(json!({
                "status": "success",
                "message": "Message sent.",
                "messageId": message.whatsapp_id.as_str(),
                "to": to,
            })))
        }
        Sending::Many(items) => {
            let to: Vec<Value> = items.iter().map(addressee).collect();
            let mut drafts = Vec::with_capacity(items.len());
            for item in items {
                let draft = draft(&app, &caller, item).await;
                drafts.push(draft.map_err(|problem| {
                    let (code, detail) = problem.into_code_and_detail();
                    BatchItem::refused(code, detail)
                }));
            }
            let sent = messages.send_batch(&caller, &session, drafts, None).await?;
            let results = sent.into_iter().zip(to).map(|(item, to)| result(item, to));
            let results: Vec<Value> = results.collect();
            Ok(Json(json!({ "status": "success", "results": results })))
        }
    }
}

/// To whom a message is, as it was written.
fn addressee(item: &Value) -> Value {
    item.get("to").cloned().unwrap_or_default()
}

/// What became of one of several messages.
fn result(item: BatchItem, to: Value) -> Value {
    match item {
        BatchItem::Accepted(message) => {
            let Message { whatsapp_id, .. } = *message;
            json!({ "status": "success", "to": to, "messageId": whatsapp_id.as_str() })
        }
        BatchItem::Refused { detail, .. } => {
            json!({ "status": "error", "to": to, "message": detail })
        }
    }
}

/// The message that is written here.
async fn draft(app: &App, caller: &Caller, item: Value) -> Result<Draft, Problem> {
    let item: Item = serde_json::from_value(item)
        .map_err(|err| Problem::invalid("invalid_body", err.to_string()))?;
    let is_group = item.recipient_type == RecipientType::Group;
    let to = recipient("to", &item.to, is_group)?;
    if to.jid().is_group() != is_group {
        let detail = "`recipient_type` and `to` disagree: one is a group, the other is not";
        return Err(Problem::invalid("bad_recipient", detail));
    }
    let (form, source, name, caption) = match item.part {
        Part::Text { text } => {
            let content = NewContent::Text(text.body.into());
            return Ok(Draft::new(to, content));
        }
        Part::Image { image } => {
            let source = ("image", image.link, image.id);
            (MediaForm::Image, source, None, image.caption)
        }
        Part::Document { document } => {
            let source = ("document", document.link, document.id);
            let name = document.filename.as_deref().and_then(FileName::of);
            (MediaForm::Document, source, name, document.caption)
        }
    };
    let medium = NewMedium {
        origin: origin(app, caller, source).await?,
        kind: Some(form.kind()),
        file_name: name,
    };
    let content = NewContent::Media(NewMedia {
        medium,
        form,
        caption: caption.filter(|caption| !caption.is_empty()),
        mentions: NewMentions::default(),
        view_once: false,
    });
    Ok(Draft::new(to, content))
}

/// Where a file is: at a link, or uploaded before.
async fn origin(
    app: &App,
    caller: &Caller,
    (field, link, id): (&str, Option<String>, Option<String>),
) -> Result<Origin, Problem> {
    match (link, id) {
        (Some(link), None) => {
            let link = link.parse().map_err(|err: FetchError| Problem::from(err));
            Ok(Origin::Url(
                link.map_err(|err| err.in_field(format!("{field}.link")))?,
            ))
        }
        (None, Some(id)) => {
            let found = app.media().upload_named(caller, &id).await?;
            Ok(Origin::Upload(found.upload.id))
        }
        _ => {
            let detail = format!("`{field}` needs either `link` or `id`");
            Err(Problem::invalid("invalid_body", detail))
        }
    }
}

/// Which message is to be taken back; in a body, or a query.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteBody {
    session_id: Option<String>,
    remote_jid: Option<String>,
    message_id: Option<String>,
}

/// `DELETE /api/v1/message`
async fn delete(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<DeleteBody>,
    Perhaps(body): Perhaps<DeleteBody>,
) -> Result<Json<Value>, Fault> {
    let body = body.unwrap_or(query);
    let session = named(&app, &caller, body.session_id.as_deref()).await?;
    let (Some(chat), Some(id)) = (body.remote_jid, body.message_id) else {
        let detail = "`remoteJid` and `messageId` say which message is meant";
        return Err(Fault::invalid("invalid_body", detail));
    };
    let chat = in_field("bad_recipient", "remoteJid", &chat)?;
    let id: WhatsAppId = in_field("bad_message_id", "messageId", &id)?;
    let messages = app.messages();
    messages
        .take_back(&caller, &session.id.into(), chat, &id)
        .await?;
    Ok(success("Message deleted."))
}
