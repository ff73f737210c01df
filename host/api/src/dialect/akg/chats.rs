//! `/api/chat` and `/api/groups`: sending to one chat, and looking at chats.

use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::messages::{Draft, MediaForm, NewContent};
use warbler_domain::history::HistoryFilter;
use warbler_domain::page::PageRequest;
use warbler_domain::{Direction, Message, Recipient, Timestamp};

use super::sessions::Id;
use super::{Akg, Answer, Call, Key};
use crate::dialect::{Row, at_url, file};
use crate::extract::{Pair, Param, Wire};
use crate::native::in_field;
use crate::problem::Problem;

/// Messages of a chat that are shown.
const SHOWN: u32 = 100;

/// The rows of these sections.
pub(super) fn rows() -> Vec<Row<Akg>> {
    vec![
        Row::post("/api/chat/send", Key, send),
        Row::get("/api/chat/{sessionId}/{jid}", Key, history),
        Row::get("/api/groups/{sessionId}", Key, groups),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendBody {
    session_id: String,
    jid: String,
    message: MessageBody,
}

/// What is sent: exactly one of text, picture, film, file and sound.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageBody {
    text: Option<String>,
    image: Option<FileBody>,
    video: Option<FileBody>,
    document: Option<FileBody>,
    audio: Option<FileBody>,
    caption: Option<String>,
    file_name: Option<String>,
}

#[derive(Deserialize)]
struct FileBody {
    url: String,
}

impl MessageBody {
    fn into_content(self) -> Result<NewContent, Problem> {
        let files = [
            (self.image, MediaForm::Image, "message.image.url"),
            (self.video, MediaForm::Video, "message.video.url"),
            (self.document, MediaForm::Document, "message.document.url"),
            (self.audio, MediaForm::Audio, "message.audio.url"),
        ];
        let said = |(body, form, field): (Option<FileBody>, _, _)| Some((body?.url, form, field));
        let mut files = files.into_iter().filter_map(said);
        match (self.text, files.next(), files.next()) {
            (Some(text), None, None) => Ok(NewContent::Text(text.into())),
            (None, Some((url, form, field)), None) => {
                let name = self.file_name.as_deref();
                Ok(file(form, at_url(field, &url)?, name, self.caption))
            }
            _ => {
                let detail =
                    "`message` has exactly one of `text`, `image`, `video`, `document` and `audio`";
                Err(Problem::invalid("no_content", detail).in_field("message"))
            }
        }
    }
}

/// `POST /api/chat/send`
async fn send(call: Call, Wire(body): Wire<SendBody>) -> Answer {
    let session = Id::named(&body.session_id)?;
    let to: Recipient = in_field("bad_recipient", "jid", &body.jid)?;
    let draft = Draft::new(to, body.message.into_content()?);
    let messages = call.app.messages();
    let message = messages.send(&call.caller, &session, draft, None).await?;
    Ok(Json(json!({ "success": true, "messageId": message.id })))
}

/// A message, in the history and in webhooks.
pub(super) fn message_view(message: &Message) -> Value {
    json!({
        "id": message.whatsapp_id.as_str(),
        "jid": message.chat,
        "fromMe": message.direction == Direction::Outbound,
        "pushName": message.sender_display_name(),
        "type": message.content.word(),
        "content": message.content.readable(),
        "timestamp": message.timestamp,
    })
}

/// `GET /api/chat/{sessionId}/{jid}`
async fn history(call: Call, Pair(Id(session), chat): Pair<Id, Recipient>) -> Answer<Vec<Value>> {
    let filter = HistoryFilter {
        chat: Some(chat.into_jid()),
        ..HistoryFilter::default()
    };
    let page = PageRequest::new(None, Some(SHOWN));
    let chats = call.app.chats();
    let page = chats.history(&call.caller, &session, filter, page).await?;
    let messages = page.items.iter().map(|shown| message_view(&shown.message));
    Ok(Json(messages.collect()))
}

/// `GET /api/groups/{sessionId}`: `creation` is in seconds since 1970.
async fn groups(call: Call, Param(Id(session)): Param<Id>) -> Answer<Vec<Value>> {
    let groups = call.app.groups().list(&call.caller, &session).await?;
    let seconds = |at: Timestamp| at.as_millis().div_euclid(1000);
    let views = groups.into_iter().map(|group| {
        let creation = group.created_at.map(seconds);
        json!({
            "jid": group.jid, "subject": group.subject, "size": group.size, "creation": creation,
        })
    });
    Ok(Json(views.collect()))
}
