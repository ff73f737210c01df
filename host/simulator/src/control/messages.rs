//! What people say: texts, media, polls, votes, and what points at other messages.

use axum::Json;
use axum::extract::{Path, State as Shared};
use serde::Deserialize;

use super::{Answer, App, Refused, bytes_of, person, sent};
use crate::person::{Outgoing, Saying};
use crate::phone::content::parts::{ContactCard, LinkPreview, Look, Place, Poll};
use crate::phone::media::MediaKind;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Say {
    to: String,
    text: String,
    reply_to: Option<String>,
}

pub(super) async fn say(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Say>,
) -> Answer {
    let person = person(&hub, &number)?;
    let id = match &body.reply_to {
        Some(quoted) => person.replies(&body.to, quoted, &body.text).await?,
        None => person.says(&body.to, &body.text).await?,
    };
    sent(&id)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct React {
    to: String,
    message_id: String,
    emoji: String,
}

pub(super) async fn react(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<React>,
) -> Answer {
    let person = person(&hub, &number)?;
    sent(
        &person
            .reacts(&body.to, &body.message_id, &body.emoji)
            .await?,
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Edit {
    to: String,
    message_id: String,
    text: String,
}

pub(super) async fn edit(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Edit>,
) -> Answer {
    let person = person(&hub, &number)?;
    sent(&person.edits(&body.to, &body.message_id, &body.text).await?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Revoke {
    to: String,
    message_id: String,
}

pub(super) async fn revoke(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Revoke>,
) -> Answer {
    let person = person(&hub, &number)?;
    sent(&person.revokes(&body.to, &body.message_id).await?)
}

#[derive(Deserialize)]
pub(super) struct Image {
    to: String,
    base64: String,
    mime: String,
    caption: Option<String>,
}

pub(super) async fn image(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Image>,
) -> Answer {
    let person = person(&hub, &number)?;
    let bytes = bytes_of(&body.base64)?;
    let caption = body.caption.as_deref();
    sent(
        &person
            .sends_image(&body.to, &bytes, &body.mime, caption)
            .await?,
    )
}

/// A message of any kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    #[serde(flatten)]
    what: What,
    reply_to: Option<String>,
    #[serde(default)]
    mentions: Vec<String>,
    #[serde(default)]
    mentions_all: bool,
    #[serde(default)]
    forwarding_score: u32,
    #[serde(default)]
    view_once: bool,
}

#[derive(Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
enum What {
    Text {
        text: String,
        preview: Option<LinkPreview>,
        color: Option<u32>,
    },
    Image(Body),
    Video(Body),
    Audio(Body),
    Document(Body),
    Sticker(Body),
    Location(Place),
    Contacts {
        cards: Vec<ContactCard>,
    },
    Poll(Poll),
}

#[derive(Deserialize)]
struct Body {
    base64: String,
    mime: String,
    #[serde(flatten)]
    look: Look,
}

impl Message {
    fn outgoing(self) -> Result<Outgoing, Refused> {
        let saying = match self.what {
            What::Text {
                text,
                preview,
                color,
            } => Saying::Text {
                body: text,
                preview,
                color,
            },
            What::Image(body) => body.saying(MediaKind::Image)?,
            What::Video(body) => body.saying(MediaKind::Video)?,
            What::Audio(body) => body.saying(MediaKind::Audio)?,
            What::Document(body) => body.saying(MediaKind::Document)?,
            What::Sticker(body) => body.saying(MediaKind::Sticker)?,
            What::Location(place) => Saying::Location(place),
            What::Contacts { cards } => Saying::Contacts(cards),
            What::Poll(poll) => Saying::Poll(poll),
        };
        Ok(Outgoing {
            saying,
            reply_to: self.reply_to,
            mentions: self.mentions,
            mentions_all: self.mentions_all,
            forwarding_score: self.forwarding_score,
            view_once: self.view_once,
        })
    }
}

impl Body {
    fn saying(self, kind: MediaKind) -> Result<Saying, Refused> {
        Ok(Saying::Media {
            kind,
            bytes: bytes_of(&self.base64)?.into(),
            mime: self.mime,
            look: self.look,
        })
    }
}

#[derive(Deserialize)]
pub(super) struct Send {
    to: String,
    #[serde(flatten)]
    message: Message,
}

pub(super) async fn send(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Send>,
) -> Answer {
    let person = person(&hub, &number)?;
    let message = body.message.outgoing()?;
    sent(&person.sends(&body.to, message).await?)
}

pub(super) async fn status(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Message>,
) -> Answer {
    let person = person(&hub, &number)?;
    sent(&person.posts_status(body.outgoing()?).await?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Forward {
    to: String,
    message_id: String,
}

pub(super) async fn forward(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Forward>,
) -> Answer {
    let person = person(&hub, &number)?;
    sent(&person.forwards(&body.message_id, &body.to).await?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Vote {
    to: String,
    poll_id: String,
    options: Vec<String>,
}

pub(super) async fn vote(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Vote>,
) -> Answer {
    let person = person(&hub, &number)?;
    let options: Vec<&str> = body.options.iter().map(String::as_str).collect();
    sent(&person.votes(&body.to, &body.poll_id, &options).await?)
}
