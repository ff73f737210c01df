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
//! hears it. A refusal is a problem document of the same shape as the API's.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::sessions::SessionError;
use warbler_domain::{Caller, Refusal, RefusalKind, SessionRef};
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
) -> Result<(StatusCode, Json<Contact>), Refused> {
    let name = name(&body.name)?;
    let person = simulated.network.person(&body.number, name)?;
    Ok((StatusCode::CREATED, Json((&person).into())))
}

async fn say(
    State(simulated): State<Simulated>,
    Path(number): Path<String>,
    Body(body): Body<Say>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    if body.text.trim().is_empty() || body.text.len() > MAX_TEXT {
        let detail = format!("`text` must have 1 to {MAX_TEXT} bytes");
        return Err(Refused::invalid("bad_text", detail));
    }
    let person = find(&simulated, &number)?;
    let to = simulated.recipient(body.to.as_deref()).await?;
    let id = person.says(&to, &body.text).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id }))))
}

async fn heard(
    State(simulated): State<Simulated>,
    Path(number): Path<String>,
) -> Result<Json<Items<Heard>>, Refused> {
    let mut items = find(&simulated, &number)?.heard();
    let surplus = items.len().saturating_sub(MAX_HEARD);
    items.drain(..surplus);
    Ok(Json(Items { items }))
}

async fn online(
    State(simulated): State<Simulated>,
    Path(number): Path<String>,
    Body(body): Body<Online>,
) -> Result<Json<Contact>, Refused> {
    let person = find(&simulated, &number)?;
    if body.online {
        person.comes_online();
    } else {
        person.goes_offline();
    }
    Ok(Json((&person).into()))
}

async fn group(
    State(simulated): State<Simulated>,
    Body(body): Body<NewGroup>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let by = find(&simulated, &body.by)?;
    let members: Result<Vec<Person>, Refused> = body
        .members
        .iter()
        .map(|number| find(&simulated, number))
        .collect();
    let members = members?;
    let members: Vec<&Person> = members.iter().collect();
    let id = by.creates_group(name(&body.subject)?, &members).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

impl Simulated {
    /// Whom a contact writes to: what was named, or the only linked session.
    async fn recipient(&self, to: Option<&str>) -> Result<String, Refused> {
        let caller = Caller::host();
        let Some(to) = to else {
            let sessions = self.app.sessions().list(&caller).await?;
            let mut linked = sessions.into_iter().filter_map(|session| session.account);
            return match (linked.next(), linked.next()) {
                (Some(account), None) => Ok(account.jid.to_string()),
                (None, _) => Err(Refused::conflict(
                    "no_linked_session",
                    "no session is linked to a phone yet",
                )),
                (Some(_), Some(_)) => Err(Refused::invalid(
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
            .map_err(|err| Refused::invalid("bad_recipient", format!("{err}")))?;
        let session = self.app.sessions().get(&caller, &session).await?;
        match session.account {
            Some(account) => Ok(account.jid.to_string()),
            None => {
                let detail = format!("session {} is not linked to a phone", session.name);
                Err(Refused::conflict("not_paired", detail))
            }
        }
    }
}

fn find(simulated: &Simulated, number: &str) -> Result<Person, Refused> {
    simulated.network.find_person(number).ok_or_else(|| {
        let detail = "the simulated network knows nobody with this number; make the contact first";
        Refused::new(StatusCode::NOT_FOUND, "unknown_contact", detail)
    })
}

fn name(text: &str) -> Result<&str, Refused> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_NAME {
        return Err(Refused::invalid(
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
    type Rejection = Refused;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Refused> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(Refused::new(
                rejection.status(),
                "invalid_body",
                rejection.body_text(),
            )),
        }
    }
}

/// A refusal.
struct Refused {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Refused {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
        }
    }

    fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }
}

impl From<PersonError> for Refused {
    fn from(err: PersonError) -> Self {
        let detail = err.to_string();
        match err {
            PersonError::BadNumber(_) => Self::invalid("bad_number", detail),
            PersonError::UnknownRecipient(_) => {
                Self::new(StatusCode::NOT_FOUND, "unknown_recipient", detail)
            }
            PersonError::NoAnswer => Self::new(StatusCode::GATEWAY_TIMEOUT, "no_answer", detail),
            _ => Self::conflict("network_refused", detail),
        }
    }
}

impl From<SessionError> for Refused {
    fn from(err: SessionError) -> Self {
        let status = match err.kind() {
            RefusalKind::NotFound => StatusCode::NOT_FOUND,
            RefusalKind::Conflict => StatusCode::CONFLICT,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, err.code(), err.public_message())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut title = self.code.replace('_', " ");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let body = json!({
            "type": format!("urn:warbler:problem:{}", self.code),
            "title": title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        let mut response = (self.status, Json(body)).into_response();
        let content_type = HeaderValue::from_static("application/problem+json");
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
        response
    }
}
