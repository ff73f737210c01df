//! What is not said: reading, typing, calling; and what has reached a person.

use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, App, Refused, done, person};
use crate::hub::Hub;
use crate::person::{CallSeen, ChatSettings, ChatStateSeen, Heard, PersonError, ReceiptSeen};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Read {
    message_id: String,
}

pub(super) async fn read(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Read>,
) -> Answer {
    let found = heard_by(&hub, &number, body.message_id)?;
    person(&hub, &number)?.reads(&found);
    done()
}

pub(super) async fn play(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Read>,
) -> Answer {
    let found = heard_by(&hub, &number, body.message_id)?;
    person(&hub, &number)?.plays(&found);
    done()
}

fn heard_by(hub: &Arc<Hub>, number: &str, id: String) -> Result<Heard, Refused> {
    let heard = person(hub, number)?.heard();
    let found = heard.into_iter().find(|heard| heard.id == id);
    Ok(found.ok_or(PersonError::UnknownMessage(id))?)
}

#[derive(Deserialize)]
pub(super) struct To {
    to: String,
}

pub(super) async fn typing(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<To>,
) -> Answer {
    person(&hub, &number)?.types(&body.to)?;
    done()
}

pub(super) async fn record(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<To>,
) -> Answer {
    person(&hub, &number)?.records(&body.to)?;
    done()
}

pub(super) async fn pause(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<To>,
) -> Answer {
    person(&hub, &number)?.pauses(&body.to)?;
    done()
}

#[derive(Deserialize)]
pub(super) struct Call {
    to: String,
    #[serde(default)]
    video: bool,
}

pub(super) async fn call(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Call>,
) -> Answer {
    let person = person(&hub, &number)?;
    let call = match body.video {
        true => person.video_calls(&body.to)?,
        false => person.calls(&body.to)?,
    };
    Ok(Json(json!({ "call": call })))
}

#[derive(Deserialize)]
pub(super) struct HangUp {
    to: String,
    call: String,
}

pub(super) async fn hang_up(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<HangUp>,
) -> Answer {
    person(&hub, &number)?.hangs_up(&body.to, &body.call)?;
    done()
}

#[derive(Deserialize)]
pub(super) struct Reject {
    call: String,
}

pub(super) async fn reject(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Reject>,
) -> Answer {
    person(&hub, &number)?.rejects(&body.call)?;
    done()
}

pub(super) async fn heard(Shared(hub): App, Path(number): Path<String>) -> Answer<Vec<Heard>> {
    Ok(Json(person(&hub, &number)?.heard()))
}

pub(super) async fn receipts(
    Shared(hub): App,
    Path(number): Path<String>,
) -> Answer<Vec<ReceiptSeen>> {
    Ok(Json(person(&hub, &number)?.receipts()))
}

pub(super) async fn copies(Shared(hub): App, Path(number): Path<String>) -> Answer<Vec<Heard>> {
    Ok(Json(person(&hub, &number)?.sent_copies()))
}

pub(super) async fn calls(Shared(hub): App, Path(number): Path<String>) -> Answer<Vec<CallSeen>> {
    Ok(Json(person(&hub, &number)?.calls_seen()))
}

pub(super) async fn chat_states(
    Shared(hub): App,
    Path(number): Path<String>,
) -> Answer<Vec<ChatStateSeen>> {
    Ok(Json(person(&hub, &number)?.chat_states()))
}

#[derive(Deserialize)]
pub(super) struct Chat {
    chat: String,
}

pub(super) async fn chat(
    Shared(hub): App,
    Path(number): Path<String>,
    Query(asked): Query<Chat>,
) -> Answer<ChatSettings> {
    let person = person(&hub, &number)?;
    Ok(Json(person.chat_settings(&asked.chat).await?))
}
