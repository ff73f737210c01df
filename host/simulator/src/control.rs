//! The simulated network by HTTP, for whoever runs it alone or watches it in a browser.
//!
//! JSON in, JSON out; it is served beside the media, on the loopback interface only.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /control` | | `{rootKey}`: the key that signs the server's certificates, in hex |
//! | `GET /control/people` | | `[{number, name, jid, lid, devices, activeDevices}]` |
//! | `POST /control/people` | `{number, name}` | the person, new or known |
//! | `POST /control/people/{number}/say` | `{to, text, replyTo?}` | `{id}` |
//! | `POST /control/people/{number}/react` | `{to, messageId, emoji}` | `{id}` |
//! | `POST /control/people/{number}/edit` | `{to, messageId, text}` | `{id}` |
//! | `POST /control/people/{number}/revoke` | `{to, messageId}` | `{id}` |
//! | `POST /control/people/{number}/image` | `{to, base64, mime, caption?}` | `{id}` |
//! | `POST /control/people/{number}/read` | `{messageId}` | `{}` |
//! | `POST /control/people/{number}/type` | `{to}` | `{}` |
//! | `POST /control/people/{number}/online` | `{online}` | `{}` |
//! | `POST /control/people/{number}/echo` | `{on}` | `{}` |
//! | `POST /control/people/{number}/scan` | `{qr}` | `{}` once the client is linked |
//! | `POST /control/people/{number}/type-code` | `{code}` | `{}` once the client is linked |
//! | `POST /control/people/{number}/unlink` | | `{}` |
//! | `POST /control/people/{number}/groups` | `{subject, members: [number]}` | `{jid}` |
//! | `GET /control/people/{number}/heard` | | `[Heard]`, media by its length |
//! | `GET /control/people/{number}/receipts` | | `[ReceiptSeen]` |
//! | `GET /control/people/{number}/copies` | | `[Heard]` that own companions have sent |
//! | `POST /control/faults` | `{fault: "drop", number?, …}` as in [`Fault`] | `{met}` |
//! | `DELETE /control/faults` | | `{}` |
//! | `GET /control/journal` | | `[JournalLine]` |
//!
//! A refusal is `{error}` with 400, 404 for a person nobody knows, 409 when the network refused.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::address::digits;
use crate::faults::{Fault, Faults, Scope};
use crate::hub::Hub;
use crate::person::{Heard, Person, PersonError, ReceiptSeen};
use crate::server::JournalLine;
use crate::state::account::AccountId;

/// How long a request may be; an image in base64 must fit.
const MAX_REQUEST: usize = 24 << 20;

type App = Shared<Arc<Hub>>;

/// The control routes.
pub(crate) fn routes() -> Router<Arc<Hub>> {
    let one = Router::new()
        .route("/say", post(say))
        .route("/react", post(react))
        .route("/edit", post(edit))
        .route("/revoke", post(revoke))
        .route("/image", post(image))
        .route("/read", post(read))
        .route("/type", post(typing))
        .route("/online", post(online))
        .route("/echo", post(echo))
        .route("/scan", post(scan))
        .route("/type-code", post(type_code))
        .route("/unlink", post(unlink))
        .route("/groups", post(groups))
        .route("/heard", get(heard))
        .route("/receipts", get(receipts))
        .route("/copies", get(copies));
    Router::new()
        .route("/control", get(about))
        .route("/control/people", get(people).post(add_person))
        .nest("/control/people/{number}", one)
        .route("/control/faults", post(add_fault).delete(clear_faults))
        .route("/control/journal", get(journal))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
}

/// A refusal.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<PersonError> for Refused {
    fn from(error: PersonError) -> Self {
        let status = match &error {
            PersonError::Refused(_) | PersonError::Declined | PersonError::TooManyDevices => {
                StatusCode::CONFLICT
            }
            PersonError::NoAnswer => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        };
        Refused(status, error.to_string())
    }
}

type Answer<T = Value> = Result<Json<T>, Refused>;

fn done() -> Answer {
    Ok(Json(json!({})))
}

fn sent(id: &str) -> Answer {
    Ok(Json(json!({ "id": id })))
}

fn person(hub: &Arc<Hub>, number: &str) -> Result<Person, Refused> {
    let id = digits(number).and_then(|pn| hub.lock().account_by_pn(&pn));
    id.and_then(|id| Person::existing(hub, id)).ok_or_else(|| {
        Refused(
            StatusCode::NOT_FOUND,
            format!("{number:?} is not the number of anybody here"),
        )
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PersonView {
    number: String,
    name: String,
    jid: String,
    lid: String,
    devices: Vec<u16>,
    active_devices: Vec<u16>,
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
        }
    }
}

async fn about(Shared(hub): App) -> Json<Value> {
    Json(json!({ "rootKey": HEXLOWER.encode(&hub.identity.root()) }))
}

async fn people(Shared(hub): App) -> Json<Vec<PersonView>> {
    let count = hub.lock().accounts.len();
    let views = (0..count)
        .filter_map(|index| Person::existing(&hub, AccountId(index)))
        .map(|person| PersonView::from(&person));
    Json(views.collect())
}

#[derive(Deserialize)]
struct NewPerson {
    number: String,
    name: String,
}

async fn add_person(Shared(hub): App, Json(body): Json<NewPerson>) -> Answer<PersonView> {
    let person = Person::get_or_create(&hub, &body.number, &body.name)?;
    Ok(Json(PersonView::from(&person)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Say {
    to: String,
    text: String,
    reply_to: Option<String>,
}

async fn say(Shared(hub): App, Path(number): Path<String>, Json(body): Json<Say>) -> Answer {
    let person = person(&hub, &number)?;
    let id = match &body.reply_to {
        Some(quoted) => person.replies(&body.to, quoted, &body.text).await?,
        None => person.says(&body.to, &body.text).await?,
    };
    sent(&id)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct React {
    to: String,
    message_id: String,
    emoji: String,
}

async fn react(Shared(hub): App, Path(number): Path<String>, Json(body): Json<React>) -> Answer {
    let person = person(&hub, &number)?;
    sent(
        &person
            .reacts(&body.to, &body.message_id, &body.emoji)
            .await?,
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Edit {
    to: String,
    message_id: String,
    text: String,
}

async fn edit(Shared(hub): App, Path(number): Path<String>, Json(body): Json<Edit>) -> Answer {
    let person = person(&hub, &number)?;
    sent(&person.edits(&body.to, &body.message_id, &body.text).await?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Revoke {
    to: String,
    message_id: String,
}

async fn revoke(Shared(hub): App, Path(number): Path<String>, Json(body): Json<Revoke>) -> Answer {
    let person = person(&hub, &number)?;
    sent(&person.revokes(&body.to, &body.message_id).await?)
}

#[derive(Deserialize)]
struct Image {
    to: String,
    base64: String,
    mime: String,
    caption: Option<String>,
}

async fn image(Shared(hub): App, Path(number): Path<String>, Json(body): Json<Image>) -> Answer {
    let person = person(&hub, &number)?;
    let bytes = BASE64
        .decode(body.base64.as_bytes())
        .map_err(|_| Refused(StatusCode::BAD_REQUEST, "base64 cannot be read".into()))?;
    let caption = body.caption.as_deref();
    sent(
        &person
            .sends_image(&body.to, &bytes, &body.mime, caption)
            .await?,
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    message_id: String,
}

async fn read(Shared(hub): App, Path(number): Path<String>, Json(body): Json<Read>) -> Answer {
    let person = person(&hub, &number)?;
    let found = person
        .heard()
        .into_iter()
        .find(|heard| heard.id == body.message_id)
        .ok_or(PersonError::UnknownMessage(body.message_id))?;
    person.reads(&found);
    done()
}

#[derive(Deserialize)]
struct To {
    to: String,
}

async fn typing(Shared(hub): App, Path(number): Path<String>, Json(body): Json<To>) -> Answer {
    person(&hub, &number)?.types(&body.to)?;
    done()
}

#[derive(Deserialize)]
struct Online {
    online: bool,
}

async fn online(Shared(hub): App, Path(number): Path<String>, Json(body): Json<Online>) -> Answer {
    let person = person(&hub, &number)?;
    if body.online {
        person.comes_online();
    } else {
        person.goes_offline();
    }
    done()
}

#[derive(Deserialize)]
struct Echo {
    on: bool,
}

async fn echo(Shared(hub): App, Path(number): Path<String>, Json(body): Json<Echo>) -> Answer {
    person(&hub, &number)?.echoes(body.on);
    done()
}

#[derive(Deserialize)]
struct Scan {
    qr: String,
}

async fn scan(Shared(hub): App, Path(number): Path<String>, Json(body): Json<Scan>) -> Answer {
    person(&hub, &number)?.scans(&body.qr).await?;
    done()
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

async fn type_code(Shared(hub): App, Path(number): Path<String>, Json(body): Json<Code>) -> Answer {
    person(&hub, &number)?.types_code(&body.code).await?;
    done()
}

async fn unlink(Shared(hub): App, Path(number): Path<String>) -> Answer {
    person(&hub, &number)?.unlinks_all().await;
    done()
}

#[derive(Deserialize)]
struct NewGroup {
    subject: String,
    members: Vec<String>,
}

async fn groups(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<NewGroup>,
) -> Answer {
    let owner = person(&hub, &number)?;
    let members = body
        .members
        .iter()
        .map(|member| person(&hub, member))
        .collect::<Result<Vec<_>, _>>()?;
    let members: Vec<&Person> = members.iter().collect();
    let jid = owner.creates_group(&body.subject, &members).await?;
    Ok(Json(json!({ "jid": jid })))
}

async fn heard(Shared(hub): App, Path(number): Path<String>) -> Answer<Vec<Heard>> {
    Ok(Json(person(&hub, &number)?.heard()))
}

async fn receipts(Shared(hub): App, Path(number): Path<String>) -> Answer<Vec<ReceiptSeen>> {
    Ok(Json(person(&hub, &number)?.receipts()))
}

async fn copies(Shared(hub): App, Path(number): Path<String>) -> Answer<Vec<Heard>> {
    Ok(Json(person(&hub, &number)?.sent_copies()))
}

#[derive(Deserialize)]
struct NewFault {
    number: Option<String>,
    #[serde(flatten)]
    fault: Fault,
}

async fn add_fault(Shared(hub): App, Json(body): Json<NewFault>) -> Answer {
    let scope = body.number.map_or(Scope::All, Scope::Account);
    let met = Faults { hub }
        .inject(scope, body.fault)
        .map_err(|error| Refused(StatusCode::BAD_REQUEST, error.to_string()))?;
    Ok(Json(json!({ "met": met })))
}

async fn clear_faults(Shared(hub): App) -> Answer {
    Faults { hub }.clear();
    done()
}

async fn journal(Shared(hub): App) -> Json<Vec<JournalLine>> {
    Json(hub.lock().journal.lines())
}
