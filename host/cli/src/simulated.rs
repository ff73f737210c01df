//! The people of the simulated network by HTTP, beside the native API at `/v1/simulator`.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /contacts` | | `{items: [Contact]}` |
//! | `POST /contacts` | `{number, name}` | 201 and the contact, new or known |
//! | `POST /contacts/{number}/messages` | `{text, to?}` | 202 `{id}`: the contact writes `text` |
//! | `GET /contacts/{number}/heard` | | `{items}`: what reached the contact's phone |
//! | `POST /contacts/{number}/online` | `{online}` | the contact, with its phone on or off |
//! | `POST /groups` | `{subject, by, members}` | 201 `{id}`; `by` and `members` are numbers |
//!
//! `to` is a session's name or id, a number, a JID or a group; without it the one linked session
//! hears it. A refusal is a problem, as the API's are.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use warbler_api::Problem;
use warbler_app::App;
use warbler_domain::{Caller, SessionRef};
use warbler_simulator::{Heard, Network, Person, PersonError};

/// Longest name of a contact or group, in characters.
const MAX_NAME: usize = 100;
/// Longest text a contact writes, in bytes, as on the real network.
const MAX_TEXT: usize = 64 * 1024;
/// Messages shown of what a contact heard, newest last.
const MAX_HEARD: usize = 200;

#[derive(Clone)]
struct Simulated {
    network: Network,
    app: App,
}

/// The routes; whoever mounts them asks for a key.
pub(crate) fn routes(network: Network, app: App) -> Router {
    Router::new()
        .route("/contacts", get(list).post(create))
        .route("/contacts/{number}/messages", post(say))
        .route("/contacts/{number}/heard", get(heard))
        .route("/contacts/{number}/online", post(online))
        .route("/contacts/{number}/scan", post(scan))
        .route("/groups", post(group))
        .with_state(Simulated { network, app })
}

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}

/// A simulated person as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Contact {
    number: String,
    name: String,
    jid: String,
    /// How many sessions are linked to this person's phone.
    linked_devices: usize,
}

impl From<&Person> for Contact {
    fn from(person: &Person) -> Self {
        Self {
            number: format!("+{}", person.number()),
            name: person.name().to_owned(),
            jid: person.jid(),
            linked_devices: person.devices().len(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewContact {
    number: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Say {
    text: String,
    to: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Online {
    online: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGroup {
    subject: String,
    by: String,
    members: Vec<String>,
}

async fn list(State(simulated): State<Simulated>) -> Json<Items<Contact>> {
    let items = simulated
        .network
        .people()
        .iter()
        .map(Contact::from)
        .collect();
    Json(Items { items })
}

async fn create(
    State(simulated): State<Simulated>,
    Body(body): Body<NewContact>,
) -> Result<(StatusCode, Json<Contact>), Problem> {
    let name = name(&body.name)?;
    let person = simulated
        .network
        .person(&body.number, name)
        .map_err(refused)?;
    Ok((StatusCode::CREATED, Json((&person).into())))
}

async fn say(
    State(simulated): State<Simulated>,
    Path(number): Path<String>,
    Body(body): Body<Say>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if body.text.trim().is_empty() || body.text.len() > MAX_TEXT {
        let detail = format!("`text` must have 1 to {MAX_TEXT} bytes");
        return Err(Problem::invalid("bad_text", detail));
    }
    let person = find(&simulated, &number)?;
    let to = simulated.recipient(body.to.as_deref()).await?;
    let id = person.says(&to, &body.text).await.map_err(refused)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id }))))
}

async fn heard(
    State(simulated): State<Simulated>,
    Path(number): Path<String>,
) -> Result<Json<Items<Heard>>, Problem> {
    let mut items = find(&simulated, &number)?.heard();
    let surplus = items.len().saturating_sub(MAX_HEARD);
    items.drain(..surplus);
    Ok(Json(Items { items }))
}

async fn online(
    State(simulated): State<Simulated>,
    Path(number): Path<String>,
    Body(body): Body<Online>,
) -> Result<Json<Contact>, Problem> {
    let person = find(&simulated, &number)?;
    if body.online {
        person.comes_online();
    } else {
        person.goes_offline();
    }
    Ok(Json((&person).into()))
}

/// The QR a person's phone is to scan.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scan {
    qr: String,
}

async fn scan(
    State(simulated): State<Simulated>,
    Path(number): Path<String>,
    Body(body): Body<Scan>,
) -> Result<Json<Contact>, Problem> {
    let person = find(&simulated, &number)?;
    let scanned = person.scans(&body.qr).await;
    scanned.map_err(|err| Problem::invalid("not_scanned", err.to_string()))?;
    Ok(Json((&person).into()))
}

async fn group(
    State(simulated): State<Simulated>,
    Body(body): Body<NewGroup>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let by = find(&simulated, &body.by)?;
    let members: Result<Vec<Person>, Problem> = body
        .members
        .iter()
        .map(|number| find(&simulated, number))
        .collect();
    let members = members?;
    let members: Vec<&Person> = members.iter().collect();
    let created = by.creates_group(name(&body.subject)?, &members).await;
    let id = created.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

impl Simulated {
    /// Whom a contact writes to: what was named, or the only linked session.
    async fn recipient(&self, to: Option<&str>) -> Result<String, Problem> {
        let caller = Caller::host();
        let Some(to) = to else {
            let sessions = self.app.sessions().list(&caller).await?;
            let mut linked = sessions.into_iter().filter_map(|session| session.account);
            return match (linked.next(), linked.next()) {
                (Some(account), None) => Ok(account.jid.to_string()),
                (None, _) => Err(conflict(
                    "no_linked_session",
                    "no session is linked to a phone yet",
                )),
                (Some(_), Some(_)) => Err(Problem::invalid(
                    "missing_to",
                    "several sessions are linked; name one in `to`",
                )),
            };
        };
        // Whatever is neither number nor address can only be a session.
        let number = to
            .chars()
            .all(|c| c.is_ascii_digit() || "+ -().".contains(c));
        if to.contains('@') || number {
            return Ok(to.to_owned());
        }
        let session: SessionRef = to
            .parse()
            .map_err(|err| Problem::invalid("bad_recipient", format!("{err}")))?;
        let session = self.app.sessions().get(&caller, &session).await?;
        match session.account {
            Some(account) => Ok(account.jid.to_string()),
            None => {
                let detail = format!("session {} is not linked to a phone", session.name);
                Err(conflict("not_paired", detail))
            }
        }
    }
}

fn find(simulated: &Simulated, number: &str) -> Result<Person, Problem> {
    simulated.network.find_person(number).ok_or_else(|| {
        let detail = "the simulated network knows nobody with this number; make the contact first";
        Problem::new(StatusCode::NOT_FOUND, "unknown_contact", detail)
    })
}

fn name(text: &str) -> Result<&str, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_NAME {
        return Err(Problem::invalid(
            "bad_name",
            format!("a name has 1 to {MAX_NAME} characters"),
        ));
    }
    Ok(text)
}

/// A JSON body, refused as a problem.
struct Body<T>(T);

impl<T, S> FromRequest<S> for Body<T>
where
    Json<T>: FromRequest<S, Rejection = JsonRejection>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(Problem::new(
                rejection.status(),
                "invalid_body",
                rejection.body_text(),
            )),
        }
    }
}

/// Why a person did not do it.
fn refused(err: PersonError) -> Problem {
    let detail = err.to_string();
    match err {
        PersonError::BadNumber(_) => Problem::invalid("bad_number", detail),
        PersonError::UnknownRecipient(_) => {
            Problem::new(StatusCode::NOT_FOUND, "unknown_recipient", detail)
        }
        PersonError::NoAnswer => Problem::new(StatusCode::GATEWAY_TIMEOUT, "no_answer", detail),
        _ => conflict("network_refused", detail),
    }
}

fn conflict(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, detail)
}
