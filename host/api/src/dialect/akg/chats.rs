//! `/api/chat` and `/api/groups`: messages, and the groups of a session.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::media::FileName;
use warbler_app::messages::{Draft, MediaForm, NewContent};
use warbler_domain::history::HistoryFilter;
use warbler_domain::page::PageRequest;
use warbler_domain::{Caller, Direction, Jid, Message, Recipient, Timestamp};

use super::sessions::Id;
use super::{Akg, Fault, Key};
use crate::dialect::{Row, file_at};
use crate::extract::{Pair, Param, Wire};
use crate::native::in_field;
use crate::problem::Problem;

/// Messages of a chat that are shown.
const SHOWN: u32 = 100;

/// The rows of these sections.
pub(super) fn rows() -> Vec<Row<Akg>> {
    const SECTION: &str = "Messaging";
    vec![
        Row::post("/api/chat/send", Key, send)
            .about(SECTION, "Sends a text, a picture, a film, a file or sound.")
            .reads(json!({
                "sessionId": "marketing-1", "jid": "15550100@s.whatsapp.net",
                "message": { "text": "Hello!" },
            })),
        Row::get("/api/chat/{sessionId}/{jid}", Key, history).about(
            SECTION,
            "Shows the newest 100 messages of a chat, the newest first.",
        ),
        Row::get("/api/groups/{sessionId}", Key, groups)
            .about("Groups", "Lists the groups a session is in."),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendBody {
    session_id: String,
    jid: String,
    message: MessageBody,
}

/// What to send: exactly one of the first five.
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
        let files = files.into_iter();
        let mut files =
            files.filter_map(|(body, form, field)| body.map(|body| (body.url, form, field)));
        match (self.text, files.next(), files.next()) {
            (Some(text), None, None) => Ok(NewContent::Text(text.into())),
            (None, Some((url, form, field)), None) => {
                let name = self.file_name.as_deref().and_then(FileName::of);
                file_at(field, &url, form, name, self.caption)
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
async fn send(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<SendBody>,
) -> Result<Json<Value>, Fault> {
    let Id(session) = in_field("bad_session_name", "sessionId", &body.session_id)?;
    let to: Recipient = in_field("bad_recipient", "jid", &body.jid)?;
    let draft = Draft::new(to, body.message.into_content()?);
    let message = app.messages().send(&caller, &session, draft, None).await?;
    Ok(Json(json!({ "success": true, "messageId": message.id })))
}

/// A message as histories and webhooks of this dialect show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageView {
    id: String,
    jid: Jid,
    from_me: bool,
    push_name: Option<String>,
    r#type: &'static str,
    content: Option<String>,
    timestamp: Timestamp,
}

impl From<&Message> for MessageView {
    fn from(message: &Message) -> Self {
        Self {
            id: message.whatsapp_id.to_string(),
            jid: message.chat.clone(),
            from_me: message.direction == Direction::Outbound,
            push_name: message.sender_display_name().map(str::to_owned),
            r#type: message.content.word(),
            content: message.content.readable().map(str::to_owned),
            timestamp: message.timestamp,
        }
    }
}

/// `GET /api/chat/{sessionId}/{jid}`
async fn history(
    State(app): State<App>,
    caller: Caller,
    Pair(Id(session), chat): Pair<Id, Recipient>,
) -> Result<Json<Vec<MessageView>>, Fault> {
    let filter = HistoryFilter {
        chat: Some(chat.into_jid()),
        ..HistoryFilter::default()
    };
    let page = PageRequest::new(None, Some(SHOWN));
    let page = app.chats().history(&caller, &session, filter, page).await?;
    let messages = page.items.iter();
    Ok(Json(
        messages.map(|shown| (&shown.message).into()).collect(),
    ))
}

#[derive(Serialize)]
struct GroupView {
    jid: Jid,
    subject: String,
    size: u32,
    /// In seconds since 1970.
    creation: Option<i64>,
}

/// `GET /api/groups/{sessionId}`
async fn groups(
    State(app): State<App>,
    caller: Caller,
    Param(Id(session)): Param<Id>,
) -> Result<Json<Vec<GroupView>>, Fault> {
    let groups = app.groups().list(&caller, &session).await?.into_iter();
    let seconds = |at: Timestamp| at.as_millis().div_euclid(1000);
    let views = groups.map(|group| GroupView {
        jid: group.jid,
        subject: group.subject,
        size: group.size,
        creation: group.created_at.map(seconds),
    });
    Ok(Json(views.collect()))
}
