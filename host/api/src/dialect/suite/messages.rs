//! `/api/messages/send`: one message to one recipient.

use axum::Json;
use serde::Deserialize;
use serde_json::json;
use warbler_app::messages::{Draft, MediaForm, NewContent};
use warbler_app::quotas::Quota;
use warbler_domain::Recipient;
use warbler_domain::place::{BadDegrees, Degrees, Location};
use warbler_domain::vcard::ContactCard;

use super::wire::{Id, address, message_id};
use super::{Answer, Call, Known, Suite, media};
use crate::dialect::{Row, file};
use crate::extract::Wire;
use crate::native::in_field;
use crate::problem::Problem;

/// Messages of one session.
pub(super) const PER_MINUTE: Quota = Quota::per_minute("suite.messages", 10);

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    vec![
        Row::post("/api/messages/send/text", Known, text),
        Row::post("/api/messages/send/image", Known, image).carries_media(),
        Row::post("/api/messages/send/document", Known, document).carries_media(),
        Row::post("/api/messages/send/video", Known, video).carries_media(),
        Row::post("/api/messages/send/audio", Known, audio).carries_media(),
        Row::post("/api/messages/send/location", Known, location),
        Row::post("/api/messages/send/contact", Known, contact),
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

/// `POST /api/messages/send/text`
async fn text(call: Call, Wire(body): Wire<TextBody>) -> Answer {
    send(&call, &body.way, NewContent::Text(body.text.into())).await
}

/// `POST /api/messages/send/image`
async fn image(call: Call, Wire(body): Wire<MediaBody>) -> Answer {
    send_file(&call, MediaForm::Image, "imageUrl", body).await
}

/// `POST /api/messages/send/document`
async fn document(call: Call, Wire(body): Wire<MediaBody>) -> Answer {
    send_file(&call, MediaForm::Document, "documentUrl", body).await
}

/// `POST /api/messages/send/video`
async fn video(call: Call, Wire(body): Wire<MediaBody>) -> Answer {
    send_file(&call, MediaForm::Video, "videoUrl", body).await
}

/// `POST /api/messages/send/audio`
async fn audio(call: Call, Wire(body): Wire<MediaBody>) -> Answer {
    send_file(&call, MediaForm::Audio, "audioUrl", body).await
}

/// Sends a file; `field` is what the document calls its address.
async fn send_file(call: &Call, form: MediaForm, field: &str, body: MediaBody) -> Answer {
    let origin = match (body.url, body.base64) {
        (Some(url), None) => media::at_url(call, field, &url).await?,
        (None, Some(text)) => media::in_base64(text),
        _ => {
            let detail = format!("say where the file is: either `{field}` or its base64");
            let problem = Problem::invalid("invalid_body", detail);
            return Err(problem.in_field(field).into());
        }
    };
    let content = file(form, origin, body.filename.as_deref(), body.caption);
    send(call, &body.way, content).await
}

/// `POST /api/messages/send/location`
async fn location(call: Call, Wire(body): Wire<LocationBody>) -> Answer {
    let bad =
        |err: BadDegrees| Problem::invalid("bad_location", err.to_string()).in_field("latitude");
    let content = NewContent::Location(Location {
        latitude: Degrees::latitude(body.latitude).map_err(bad)?,
        longitude: Degrees::longitude(body.longitude).map_err(bad)?,
        name: body.name,
        address: body.address,
        live: false,
    });
    send(&call, &body.way, content).await
}

/// `POST /api/messages/send/contact`
async fn contact(call: Call, Wire(body): Wire<ContactBody>) -> Answer {
    let (card, field) = (body.contact, "contact.phoneNumber");
    let number = in_field("bad_phone_number", field, &card.phone_number)?;
    let company = card.organization.as_deref();
    let mut made = ContactCard::of_company(&card.full_name, &[number], company);
    if let Some(email) = &card.email {
        made = made.with_email(email);
    }
    // What came of it must be a card, too: with a name, and of a size that is taken.
    let made = ContactCard::parse(&made.vcard)
        .map_err(|err| Problem::invalid("bad_contact", err.to_string()).in_field("contact"))?;
    send(&call, &body.way, NewContent::Contacts(vec![made])).await
}

/// Accepts a message, within the limits of the document.
async fn send(call: &Call, way: &Way, content: NewContent) -> Answer {
    let session = Id::named(&way.session_id);
    let to: Recipient = in_field("bad_recipient", "to", &way.to)?;
    call.state.take(&[(PER_MINUTE, &call.sender(&session))])?;
    let (messages, draft) = (call.app.messages(), Draft::new(to, content));
    let message = messages.send(&call.caller, &session, draft, None).await?;
    Ok(Json(json!({
        "success": true,
        "message": "Message sent successfully",
        "messageId": message_id(&message.whatsapp_id),
        "timestamp": message.timestamp,
        "to": address(&message.chat),
    })))
}
