//! `/api/messages/send`: one message to one recipient.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use warbler_app::media::NewMedium;
use warbler_app::messages::{Draft, MediaForm, NewContent, NewMedia, NewMentions};
use warbler_app::quotas::Quota;
use warbler_domain::place::{Degrees, Location};
use warbler_domain::vcard::ContactCard;
use warbler_domain::{Caller, Recipient, SessionRef, Timestamp};

use super::wire::{Id, address, message_id};
use super::{Fault, Known, Suite, SuiteState, media};
use crate::dialect::Row;
use crate::dialect::state::holder;
use crate::extract::Wire;
use crate::native::in_field;
use crate::problem::Problem;

/// Messages of one session.
pub(super) const PER_MINUTE: Quota = Quota::per_minute("suite.messages", 10);

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    const SECTION: &str = "Messaging";
    let example = |more: Value| {
        let mut body = json!({
            "sessionId": "5bc99cea8975b95fe7077c64a3312145", "to": "15550100",
        });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        body
    };
    let url = |name: &str| format!("https://example.com/{name}");
    let card = json!({
        "fullName": "Ada Lovelace", "organization": "Example", "phoneNumber": "+15550101",
        "email": "ada@example.com",
    });
    vec![
        Row::post("/api/messages/send/text", Known, text)
            .about(SECTION, "Sends a text.")
            .reads(example(json!({ "text": "Hello!" }))),
        Row::post("/api/messages/send/image", Known, image)
            .about(SECTION, "Sends a picture, by `imageUrl` or `imageBase64`.")
            .reads(example(
                json!({ "imageUrl": url("a.jpg"), "caption": "Look" }),
            ))
            .carries_media(),
        Row::post("/api/messages/send/document", Known, document)
            .about(
                SECTION,
                "Sends a file, by `documentUrl` or `documentBase64`.",
            )
            .reads(example(
                json!({ "documentUrl": url("a.pdf"), "filename": "report.pdf" }),
            ))
            .carries_media(),
        Row::post("/api/messages/send/video", Known, video)
            .about(SECTION, "Sends a film, by `videoUrl` or `videoBase64`.")
            .reads(example(
                json!({ "videoUrl": url("a.mp4"), "caption": "Look" }),
            ))
            .carries_media(),
        Row::post("/api/messages/send/audio", Known, audio)
            .about(SECTION, "Sends a sound, by `audioUrl` or `audioBase64`.")
            .reads(example(json!({ "audioUrl": url("a.mp3") })))
            .carries_media(),
        Row::post("/api/messages/send/location", Known, location)
            .about(SECTION, "Sends a place.")
            .reads(example(json!({
                "latitude": 52.52, "longitude": 13.4, "name": "Berlin", "address": "Berlin",
            }))),
        Row::post("/api/messages/send/contact", Known, contact)
            .about(SECTION, "Sends an entry of an address book.")
            .reads(example(json!({ "contact": card }))),
    ]
}

/// To whom, by which session.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Way {
    session_id: String,
    to: String,
}

#[derive(Deserialize)]
struct TextBody {
    #[serde(flatten)]
    way: Way,
    text: String,
}

/// A file, under the names that each kind has for it.
#[derive(Deserialize)]
struct MediaBody {
    #[serde(flatten)]
    way: Way,
    #[serde(
        alias = "imageUrl",
        alias = "documentUrl",
        alias = "videoUrl",
        alias = "audioUrl"
    )]
    url: Option<String>,
    #[serde(
        alias = "imageBase64",
        alias = "documentBase64",
        alias = "videoBase64",
        alias = "audioBase64"
    )]
    base64: Option<String>,
    caption: Option<String>,
    filename: Option<String>,
}

#[derive(Deserialize)]
struct LocationBody {
    #[serde(flatten)]
    way: Way,
    latitude: f64,
    longitude: f64,
    name: Option<String>,
    address: Option<String>,
}

#[derive(Deserialize)]
struct ContactBody {
    #[serde(flatten)]
    way: Way,
    contact: Card,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Card {
    full_name: String,
    organization: Option<String>,
    phone_number: String,
    email: Option<String>,
}

/// What every accepted message is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SentView {
    success: bool,
    message: &'static str,
    message_id: String,
    timestamp: Timestamp,
    to: String,
}

type Sent = Result<Json<SentView>, Fault>;

/// `POST /api/messages/send/text`
async fn text(State(state): State<SuiteState>, caller: Caller, Wire(body): Wire<TextBody>) -> Sent {
    let content = NewContent::Text(body.text.into());
    send(&state, &caller, &body.way, content).await
}

/// `POST /api/messages/send/image`
async fn image(
    State(state): State<SuiteState>,
    caller: Caller,
    Wire(body): Wire<MediaBody>,
) -> Sent {
    file(&state, &caller, MediaForm::Image, body).await
}

/// `POST /api/messages/send/document`
async fn document(
    State(state): State<SuiteState>,
    caller: Caller,
    Wire(body): Wire<MediaBody>,
) -> Sent {
    file(&state, &caller, MediaForm::Document, body).await
}

/// `POST /api/messages/send/video`
async fn video(
    State(state): State<SuiteState>,
    caller: Caller,
    Wire(body): Wire<MediaBody>,
) -> Sent {
    file(&state, &caller, MediaForm::Video, body).await
}

/// `POST /api/messages/send/audio`
async fn audio(
    State(state): State<SuiteState>,
    caller: Caller,
    Wire(body): Wire<MediaBody>,
) -> Sent {
    file(&state, &caller, MediaForm::Audio, body).await
}

async fn file(state: &SuiteState, caller: &Caller, form: MediaForm, body: MediaBody) -> Sent {
    let field = match form {
        MediaForm::Image => "imageUrl",
        MediaForm::Video => "videoUrl",
        MediaForm::Audio => "audioUrl",
        _ => "documentUrl",
    };
    let origin = match (body.url, body.base64) {
        (Some(url), None) => media::at_url(&state.api.app, caller, field, &url).await?,
        (None, Some(text)) => media::in_base64(text),
        _ => {
            let detail = format!("say where the file is: either `{field}` or its base64");
            return Err(Problem::invalid("invalid_body", detail)
                .in_field(field)
                .into());
        }
    };
    let content = NewContent::Media(NewMedia {
        medium: NewMedium {
            origin,
            kind: Some(form.kind()),
            file_name: media::file_name(body.filename.as_deref()),
        },
        form,
        caption: body.caption.filter(|caption| !caption.is_empty()),
        mentions: NewMentions::default(),
        view_once: false,
    });
    send(state, caller, &body.way, content).await
}

/// `POST /api/messages/send/location`
async fn location(
    State(state): State<SuiteState>,
    caller: Caller,
    Wire(body): Wire<LocationBody>,
) -> Sent {
    let bad = |err: warbler_domain::place::BadDegrees| {
        Problem::invalid("bad_location", err.to_string()).in_field("latitude")
    };
    let content = NewContent::Location(Location {
        latitude: Degrees::latitude(body.latitude).map_err(bad)?,
        longitude: Degrees::longitude(body.longitude).map_err(bad)?,
        name: body.name,
        address: body.address,
        live: false,
    });
    send(&state, &caller, &body.way, content).await
}

/// `POST /api/messages/send/contact`
async fn contact(
    State(state): State<SuiteState>,
    caller: Caller,
    Wire(body): Wire<ContactBody>,
) -> Sent {
    let card = body.contact;
    let number = in_field(
        "bad_phone_number",
        "contact.phoneNumber",
        &card.phone_number,
    )?;
    let company = card.organization.as_deref();
    let mut made = ContactCard::of_company(&card.full_name, &[number], company);
    if let Some(email) = card.email.as_deref() {
        made = made.with_email(email);
    }
    // What came of it must be a card, too: with a name, and of a size that is taken.
    let made = ContactCard::parse(&made.vcard)
        .map_err(|err| Problem::invalid("bad_contact", err.to_string()).in_field("contact"))?;
    send(&state, &caller, &body.way, NewContent::Contacts(vec![made])).await
}

/// Accepts a message, within the limits of the document.
async fn send(state: &SuiteState, caller: &Caller, way: &Way, content: NewContent) -> Sent {
    let session = Id::named(&way.session_id);
    let to: Recipient = in_field("bad_recipient", "to", &way.to)?;
    state.take(&[(PER_MINUTE, &sender(caller, &session))])?;
    let messages = state.api.app.messages();
    let message = messages
        .send(caller, &session, Draft::new(to, content), None)
        .await?;
    Ok(Json(SentView {
        success: true,
        message: "Message sent successfully",
        message_id: message_id(&message.whatsapp_id),
        timestamp: message.timestamp,
        to: address(&message.chat),
    }))
}

/// What the messages of a session are counted under.
pub(super) fn sender(caller: &Caller, session: &SessionRef) -> String {
    format!("{} {session}", holder(Some(caller), None))
}
