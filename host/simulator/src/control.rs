//! The simulated network by HTTP, for whoever runs it alone or watches it in a browser.
//!
//! JSON in, JSON out; it is served beside the media, on the loopback interface only.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /control` | | `{rootKey}`: the key that signs the server's certificates, in hex |
//! | `GET /control/people` | | `[{number, name, jid, lid, devices, activeDevices, linked: [{id, name, platform}]}]` |
//! | `POST /control/people` | `{number, name}` | the person, new or known |
//! | `POST /control/people/{number}/say` | `{to, text, replyTo?}` | `{id}` |
//! | `POST /control/people/{number}/react` | `{to, messageId, emoji}` | `{id}` |
//! | `POST /control/people/{number}/edit` | `{to, messageId, text}` | `{id}` |
//! | `POST /control/people/{number}/revoke` | `{to, messageId}` | `{id}` |
//! | `POST /control/people/{number}/image` | `{to, base64, mime, caption?}` | `{id}` |
//! | `POST /control/people/{number}/send` | `{to, type, …}`, see below | `{id}` |
//! | `POST /control/people/{number}/status` | `{type, …}`, see below | `{id}` |
//! | `POST /control/people/{number}/forward` | `{to, messageId}` | `{id}` |
//! | `POST /control/people/{number}/vote` | `{to, pollId, options: [name]}` | `{id}` |
//! | `POST /control/people/{number}/read`, `…/play` | `{messageId}` | `{}` |
//! | `POST /control/people/{number}/type`, `…/record`, `…/pause` | `{to}` | `{}` |
//! | `POST /control/people/{number}/call` | `{to, video?}` | `{call}` |
//! | `POST /control/people/{number}/hang-up` | `{to, call}` | `{}` |
//! | `POST /control/people/{number}/reject` | `{call}` | `{}` |
//! | `POST /control/people/{number}/profile` | `{name?, about?, picture?, business?}`, picture in base64 | `{}` |
//! | `POST /control/people/{number}/block` | `{who, on}` | `{}` |
//! | `POST /control/people/{number}/privacy` | `{category, value}` | `{}` |
//! | `POST /control/people/{number}/chat` | `{chat, archived?, pinned?, muted?, read?, name?}` | `{}` |
//! | `GET /control/people/{number}/chat?chat=` | | `{archived, pinned, muted, markedRead}` |
//! | `POST /control/people/{number}/remember` | `{chat, author, text, at}` | `{id}` |
//! | `POST /control/people/{number}/online` | `{online}` | `{}` |
//! | `POST /control/people/{number}/echo` | `{on}` | `{}` |
//! | `POST /control/people/{number}/scan` | `{qr}` | `{}` once the client is linked |
//! | `POST /control/people/{number}/type-code` | `{code}` | `{}` once the client is linked |
//! | `POST /control/people/{number}/unlink` | | `{}` |
//! | `POST /control/people/{number}/links-at-most` | `{companions}` | `{}` |
//! | `POST /control/people/{number}/demand-passkey` | `{on}` | `{}` |
//! | `POST /control/people/{number}/sign` | `{options, origin?}`, WebAuthn's options | the passkey's signature, as a browser writes it |
//! | `POST /control/people/{number}/groups` | `{subject, members: [number]}` | `{jid}` |
//! | `POST /control/people/{number}/groups/{jid}` | `{change: "add", members}`, `remove`, `promote`, `demote`; `{change: "subject", text}`, `description`; `{change: "announce", on}`, `lock`; `{change: "picture", base64}`; `{change: "leave"}` | `{}` |
//! | `GET /control/people/{number}/groups/{jid}/invite` | | `{code}` |
//! | `POST /control/people/{number}/join` | `{code}` | `{}` |
//! | `GET /control/people/{number}/calls`, `…/chat-states` | | what has reached the person |
//! | `GET /control/people/{number}/heard` | | `[Heard]`, media by its length |
//! | `GET /control/people/{number}/receipts` | | `[ReceiptSeen]` |
//! | `GET /control/people/{number}/copies` | | `[Heard]` that own companions have sent |
//! | `POST /control/faults` | `{fault: "drop", number?, …}` as in [`Fault`] | `{met}` |
//! | `DELETE /control/faults` | | `{}` |
//! | `GET /control/journal` | | `[JournalLine]` |
//!
//! A message to send has a `type` and what belongs to it: `text` (`text`, `preview?`, `color?`), `image`,
//! `video`, `audio`, `document`, `sticker` (`base64`, `mime`, and of `caption`, `seconds`, `gif`, `voice`,
//! `waveform`, `fileName`, `animated` what applies), `location` (`latitude`, `longitude`, `name?`,
//! `address?`), `contacts` (`cards: [{name, vcard}]`), `poll` (`name`, `options`, `selectable?`). Every
//! kind takes `replyTo?`, `mentions?`, `mentionsAll?`, `forwardingScore?`, `viewOnce?`.
//!
//! A refusal is `{error}` with 400, 404 for a person nobody knows, 409 when the network refused.

mod groups;
mod messages;
mod people;
mod signals;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use data_encoding::{BASE64, HEXLOWER};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::address::digits;
use crate::faults::{Fault, Faults, Scope};
use crate::hub::Hub;
use crate::person::{Person, PersonError};
use crate::server::JournalLine;

/// How long a request may be; an image in base64 must fit.
const MAX_REQUEST: usize = 24 << 20;

type App = Shared<Arc<Hub>>;

/// The control routes.
pub(crate) fn routes() -> Router<Arc<Hub>> {
    let one = Router::new()
        .route("/say", post(messages::say))
        .route("/react", post(messages::react))
        .route("/edit", post(messages::edit))
        .route("/revoke", post(messages::revoke))
        .route("/image", post(messages::image))
        .route("/send", post(messages::send))
        .route("/status", post(messages::status))
        .route("/forward", post(messages::forward))
        .route("/vote", post(messages::vote))
        .route("/read", post(signals::read))
        .route("/play", post(signals::play))
        .route("/type", post(signals::typing))
        .route("/record", post(signals::record))
        .route("/pause", post(signals::pause))
        .route("/call", post(signals::call))
        .route("/hang-up", post(signals::hang_up))
        .route("/reject", post(signals::reject))
        .route("/online", post(people::online))
        .route("/echo", post(people::echo))
        .route("/scan", post(people::scan))
        .route("/type-code", post(people::type_code))
        .route("/unlink", post(people::unlink))
        .route("/links-at-most", post(people::links_at_most))
        .route("/demand-passkey", post(people::demand_passkey))
        .route("/sign", post(people::sign))
        .route("/profile", post(people::profile))
        .route("/block", post(people::block))
        .route("/privacy", post(people::privacy))
        .route("/remember", post(people::remember))
        .route("/chat", get(signals::chat).post(people::change_chat))
        .route("/groups", post(groups::groups))
        .route("/groups/{jid}", post(groups::change))
        .route("/groups/{jid}/invite", get(groups::invite))
        .route("/join", post(groups::join))
        .route("/heard", get(signals::heard))
        .route("/receipts", get(signals::receipts))
        .route("/copies", get(signals::copies))
        .route("/calls", get(signals::calls))
        .route("/chat-states", get(signals::chat_states));
    Router::new()
        .route("/control", get(about))
        .route(
            "/control/people",
            get(people::people).post(people::add_person),
        )
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

/// Bytes that came as base64.
fn bytes_of(base64: &str) -> Result<Vec<u8>, Refused> {
    BASE64
        .decode(base64.as_bytes())
        .map_err(|_| Refused(StatusCode::BAD_REQUEST, "base64 cannot be read".into()))
}

async fn about(Shared(hub): App) -> Json<Value> {
    Json(json!({ "rootKey": HEXLOWER.encode(&hub.identity.root()) }))
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
