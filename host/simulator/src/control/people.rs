//! Who is here, and what they do with their phones.

use axum::Json;
use axum::extract::{Path, State as Shared};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, App, bytes_of, done, person};
use crate::person::{LinkedDevice, Muted, Person};
use crate::state::account::AccountId;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PersonView {
    number: String,
    name: String,
    jid: String,
    lid: String,
    devices: Vec<u16>,
    active_devices: Vec<u16>,
    linked: Vec<LinkedDevice>,
}

impl From<&Person> for PersonView {
    fn from(person: &Person) -> Self {
        Self {
            number: person.number().to_owned(),
            name: person.name().to_owned(),
            jid: person.jid(),
            lid: person.lid(),
            devices: person.devices(),
            active_devices: person.active_devices(),
            linked: person.linked_devices(),
        }
    }
}

pub(super) async fn people(Shared(hub): App) -> Json<Vec<PersonView>> {
    let count = hub.lock().accounts.len();
    let views = (0..count)
        .filter_map(|index| Person::existing(&hub, AccountId(index)))
        .map(|person| PersonView::from(&person));
    Json(views.collect())
}

#[derive(Deserialize)]
pub(super) struct NewPerson {
    number: String,
    name: String,
}

pub(super) async fn add_person(
    Shared(hub): App,
    Json(body): Json<NewPerson>,
) -> Answer<PersonView> {
    let person = Person::get_or_create(&hub, &body.number, &body.name)?;
    Ok(Json(PersonView::from(&person)))
}

#[derive(Deserialize)]
pub(super) struct Online {
    online: bool,
}

pub(super) async fn online(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Online>,
) -> Answer {
    let person = person(&hub, &number)?;
    if body.online {
        person.comes_online();
    } else {
        person.goes_offline();
    }
    done()
}

#[derive(Deserialize)]
pub(super) struct Echo {
    on: bool,
}

pub(super) async fn echo(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Echo>,
) -> Answer {
    person(&hub, &number)?.echoes(body.on);
    done()
}

#[derive(Deserialize)]
pub(super) struct Scan {
    qr: String,
}

pub(super) async fn scan(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Scan>,
) -> Answer {
    person(&hub, &number)?.scans(&body.qr).await?;
    done()
}

#[derive(Deserialize)]
pub(super) struct Code {
    code: String,
}

pub(super) async fn type_code(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Code>,
) -> Answer {
    person(&hub, &number)?.types_code(&body.code).await?;
    done()
}

pub(super) async fn unlink(Shared(hub): App, Path(number): Path<String>) -> Answer {
    person(&hub, &number)?.unlinks_all().await;
    done()
}

#[derive(Deserialize)]
pub(super) struct AtMost {
    companions: usize,
}

pub(super) async fn links_at_most(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<AtMost>,
) -> Answer {
    person(&hub, &number)?.links_at_most(body.companions);
    done()
}

#[derive(Deserialize)]
pub(super) struct Demand {
    on: bool,
}

pub(super) async fn demand_passkey(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Demand>,
) -> Answer {
    person(&hub, &number)?.demands_passkey(body.on);
    done()
}

#[derive(Deserialize)]
pub(super) struct ToSign {
    options: Value,
    #[serde(default = "site")]
    origin: String,
}

fn site() -> String {
    "https://web.whatsapp.com".to_owned()
}

pub(super) async fn sign(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<ToSign>,
) -> Answer {
    let person = person(&hub, &number)?;
    let signed = person.signs_with_passkey(&body.options.to_string(), &body.origin)?;
    Ok(Json(signed))
}

#[derive(Deserialize)]
pub(super) struct Profile {
    name: Option<String>,
    about: Option<String>,
    /// Empty takes the picture away.
    picture: Option<String>,
    business: Option<String>,
}

pub(super) async fn profile(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Profile>,
) -> Answer {
    let person = person(&hub, &number)?;
    if let Some(name) = &body.name {
        person.renames_self(name);
    }
    if let Some(about) = &body.about {
        person.sets_about(about).await?;
    }
    match body.picture.as_deref() {
        Some("") => person.removes_picture().await?,
        Some(base64) => person.sets_picture(&bytes_of(base64)?).await?,
        None => {}
    }
    if let Some(name) = &body.business {
        person.opens_business(name);
    }
    done()
}

#[derive(Deserialize)]
pub(super) struct Block {
    who: String,
    on: bool,
}

pub(super) async fn block(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Block>,
) -> Answer {
    let (one, other) = (person(&hub, &number)?, person(&hub, &body.who)?);
    match body.on {
        true => one.blocks(&other)?,
        false => one.unblocks(&other)?,
    }
    done()
}

#[derive(Deserialize)]
pub(super) struct Privacy {
    category: String,
    value: String,
}

pub(super) async fn privacy(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Privacy>,
) -> Answer {
    person(&hub, &number)?.sets_privacy(&body.category, &body.value)?;
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChatChange {
    chat: String,
    archived: Option<bool>,
    pinned: Option<bool>,
    muted: Option<bool>,
    read: Option<bool>,
    /// The name to save the other person by.
    name: Option<String>,
}

pub(super) async fn change_chat(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<ChatChange>,
) -> Answer {
    let person = person(&hub, &number)?;
    if let Some(on) = body.archived {
        person.archives(&body.chat, on).await?;
    }
    if let Some(on) = body.pinned {
        person.pins(&body.chat, on).await?;
    }
    if let Some(on) = body.muted {
        let until = on.then_some(Muted::ForEver);
        person.mutes(&body.chat, until).await?;
    }
    if let Some(read) = body.read {
        person.marks_chat_read(&body.chat, read).await?;
    }
    if let Some(name) = &body.name {
        person.saves_contact(&body.chat, name).await?;
    }
    done()
}

#[derive(Deserialize)]
pub(super) struct Remember {
    chat: String,
    author: String,
    text: String,
    at: u64,
}

pub(super) async fn remember(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Remember>,
) -> Answer {
    let author = person(&hub, &body.author)?;
    let person = person(&hub, &number)?;
    super::sent(&person.remembers(&body.chat, &author, &body.text, body.at)?)
}
