//! `/v1/sessions/{session}/contacts`: people and what they are called, whether numbers are on
//! WhatsApp, blocking, presence.

pub(super) mod blocked;
pub(super) mod saved;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_app::contacts::PersonProfile;
use warbler_domain::contact::{Contact, Picture, PictureSize, Registration};
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, Jid, PhoneNumber, Recipient, SessionRef, Timestamp};

use super::chats::{asks_network, name_part};
use super::{Listing, in_field};
use crate::extract::{Pair, Param, Search, Wire, parsed};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    const MISSING: StatusCode = StatusCode::NOT_FOUND;
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    vec![
        Route::of(__path_list, list)
            .refuses(BAD, &["bad_name_filter"])
            .refuses(MISSING, &["unknown_session"]),
        Route::of(__path_get, get).refuses(MISSING, &["unknown_session", "unknown_contact"]),
        Route::of(saved::__path_save, saved::save)
            .refuses(BAD, &["bad_name", "not_a_person"])
            .refuses(MISSING, &["unknown_session"])
            .refuses(StatusCode::CONFLICT, &["address_book_full"]),
        Route::of(saved::__path_forget, saved::forget)
            .refuses(BAD, &["not_a_person"])
            .refuses(MISSING, &["unknown_session", "name_not_saved"]),
        asks_network(Route::of(__path_check, check))
            .refuses(BAD, &["bad_phone_number", "bad_number_count"]),
        asks_network(Route::of(__path_profile, profile)).refuses(BAD, &["not_a_person"]),
        asks_network(Route::of(__path_picture, picture)).refuses(MISSING, &["no_picture"]),
        asks_network(Route::of(__path_watch, watch)).refuses(BAD, &["not_a_person"]),
        asks_network(Route::of(__path_show_presence, show_presence)),
        asks_network(Route::of(blocked::__path_list, blocked::list)),
        asks_network(Route::of(blocked::__path_block, blocked::block))
            .refuses(BAD, &["not_a_person"]),
        asks_network(Route::of(blocked::__path_unblock, blocked::unblock))
            .refuses(BAD, &["not_a_person"]),
    ]
}

/// Somebody a session knows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Contact, example = json!({
    "jid": "15550123@s.whatsapp.net",
    "phone": "+15550123",
    "pushName": "Ada",
    "seenAt": "2026-05-04T09:31:00.000Z",
}))]
pub(super) struct ContactView {
    /// Their address; the one with the phone number, where it is known.
    #[schema(value_type = String)]
    jid: Jid,
    /// Their other address, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    alt: Option<Jid>,
    /// Their number, in international form, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    /// The name that was saved for them here.
    #[serde(skip_serializing_if = "Option::is_none")]
    saved_name: Option<String>,
    /// The name in the account's address book.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The name they show.
    #[serde(skip_serializing_if = "Option::is_none")]
    push_name: Option<String>,
    /// When this host last learned something new of them.
    #[schema(value_type = String, format = DateTime)]
    seen_at: Timestamp,
}

impl From<Contact> for ContactView {
    fn from(contact: Contact) -> Self {
        Self {
            phone: contact.jid.phone_number().map(|number| number.to_string()),
            jid: contact.jid,
            alt: contact.alt,
            saved_name: contact.saved_name,
            name: contact.name,
            push_name: contact.push_name,
            seen_at: contact.seen_at,
        }
    }
}

/// Which people are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only those with this in a name or in the number.
    #[param(example = "ada", max_length = 100)]
    name: Option<String>,
    /// How many at most: 1 to 500, else 50.
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists the people a session knows, those it met last first.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/contacts", operation_id = "listContacts",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ListQuery,
    ),
    responses((status = 200, description = "A page of people.", body = Listing<ContactView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<ContactView>>, Problem> {
    let name = query.name.map(name_part).transpose()?;
    let page = PageRequest::new(query.cursor, query.limit);
    let found = app.contacts().list(&caller, &session, name, page).await?;
    Ok(Json(found.into()))
}

/// Shows somebody a session knows.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/contacts/{contact}", operation_id = "getContact",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("contact" = String, Path, description = "Phone number or JID", example = "+15550123"),
    ),
    responses((status = 200, description = "The person.", body = ContactView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Pair(session, person): Pair<SessionRef, Recipient>,
) -> Result<Json<ContactView>, Problem> {
    Ok(Json(
        app.contacts().get(&caller, &session, person).await?.into(),
    ))
}

/// Numbers to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CheckNumbers, example = json!({ "numbers": ["+15550123", "+15550199"] }))]
pub(super) struct CheckBody {
    /// 1 to 100 numbers in international form.
    #[schema(min_items = 1, max_items = 100)]
    numbers: Vec<String>,
}

/// Whether a number is on WhatsApp.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CheckedNumber)]
pub(super) struct CheckedView {
    /// The number that was asked.
    #[schema(example = "+15550123")]
    number: String,
    /// Whether it has an account.
    on_whatsapp: bool,
    /// The account's address; its number can differ from the one asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "15550123@s.whatsapp.net")]
    jid: Option<Jid>,
    /// The account's address that hides the number, where told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    lid: Option<Jid>,
    /// Whether it is a business.
    #[serde(skip_serializing_if = "Option::is_none")]
    business: Option<bool>,
}

impl From<Registration> for CheckedView {
    fn from(Registration { number, account }: Registration) -> Self {
        Self {
            number: number.to_string(),
            on_whatsapp: account.is_some(),
            business: account.as_ref().map(|account| account.business),
            lid: account.as_ref().and_then(|account| account.lid.clone()),
            jid: account.map(|account| account.jid),
        }
    }
}

/// Asks which numbers are on WhatsApp. Answers are kept for an hour.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/contacts/check", operation_id = "checkNumbers",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = CheckBody,
    responses((status = 200, description = "Each number, in the order asked.", body = Listing<CheckedView>)),
)]
pub(super) async fn check(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<CheckBody>,
) -> Result<Json<Listing<CheckedView>>, Problem> {
    let numbers = body.numbers.iter().enumerate();
    let numbers = numbers
        .map(|(index, text)| in_field("bad_phone_number", &format!("numbers[{index}]"), text))
        .collect::<Result<Vec<PhoneNumber>, _>>()?;
    let checked = app.contacts().check(&caller, &session, numbers).await?;
    Ok(Json(Listing::whole(checked)))
}

/// What somebody shows to this account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PersonProfile)]
pub(super) struct ProfileView {
    /// Their address.
    #[schema(value_type = String, example = "15550123@s.whatsapp.net")]
    jid: Jid,
    /// Their number, in international form, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    /// What the session calls them: the name saved here, else the one in the account's address
    /// book, else the one they show.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The text about themselves; left out when there is none or it is not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    /// Whether it is a business.
    business: bool,
    /// The name of a business, verified by WhatsApp.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_name: Option<String>,
}

impl From<PersonProfile> for ProfileView {
    fn from(person: PersonProfile) -> Self {
        let contact = person.contact.as_ref();
        let name = contact.and_then(|contact| contact.display_name());
        Self {
            phone: person.jid.phone_number().map(|number| number.to_string()),
            name: name.map(str::to_owned),
            jid: person.jid,
            about: person.profile.about,
            business: person.profile.business,
            verified_name: person.profile.verified_name,
        }
    }
}

/// Shows what somebody shows to this account, known or not.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/contacts/{contact}/profile", operation_id = "getContactProfile",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("contact" = String, Path, description = "Phone number or JID", example = "+15550123"),
    ),
    responses((status = 200, description = "The profile.", body = ProfileView)),
)]
pub(super) async fn profile(
    State(app): State<App>,
    caller: Caller,
    Pair(session, person): Pair<SessionRef, Recipient>,
) -> Result<Json<ProfileView>, Problem> {
    Ok(Json(
        app.contacts()
            .profile(&caller, &session, person)
            .await?
            .into(),
    ))
}

/// Which size of a picture.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PictureQuery {
    /// `preview` (some 96 pixels) or `full` (up to 640), which is the default.
    #[param(inline)]
    size: Option<SizeWord>,
}

/// Which size of a picture.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SizeWord {
    Preview,
    Full,
}

/// A picture on the network.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Picture)]
pub(super) struct PictureView {
    /// Changes with every new picture.
    #[schema(example = "1714815060")]
    id: String,
    /// Where it can be fetched, for some hours.
    #[schema(example = "https://pps.whatsapp.net/v/t61/picture.jpg")]
    url: String,
}

impl From<Picture> for PictureView {
    fn from(picture: Picture) -> Self {
        Self {
            id: picture.id,
            url: picture.url,
        }
    }
}

/// Shows where the picture of somebody or of a group is.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/contacts/{contact}/picture", operation_id = "getContactPicture",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("contact" = String, Path, description = "Phone number or JID of a person or group", example = "+15550123"),
        PictureQuery,
    ),
    responses((status = 200, description = "The picture.", body = PictureView)),
)]
pub(super) async fn picture(
    State(app): State<App>,
    caller: Caller,
    Pair(session, of): Pair<SessionRef, Recipient>,
    Search(query): Search<PictureQuery>,
) -> Result<Json<PictureView>, Problem> {
    let size = match query.size {
        Some(SizeWord::Preview) => PictureSize::Preview,
        Some(SizeWord::Full) | None => PictureSize::Full,
    };
    let found = app.contacts().picture(&caller, &session, of, size).await?;
    Ok(Json(found.into()))
}

/// Asks to be told, by `presence` events, when somebody comes and goes, until the session
/// reconnects.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/contacts/{contact}/watch", operation_id = "watchPresence",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("contact" = String, Path, description = "Phone number or JID", example = "+15550123"),
    ),
    responses((status = 204, description = "It is watched.")),
)]
pub(super) async fn watch(
    State(app): State<App>,
    caller: Caller,
    Pair(session, person): Pair<SessionRef, Recipient>,
) -> Result<StatusCode, Problem> {
    app.contacts().watch(&caller, &session, person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the account shows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ShowPresence, example = json!({ "online": true }))]
pub(super) struct PresenceBody {
    /// Whether it is online.
    online: bool,
}

/// Shows the account as online or not.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/presence", operation_id = "showPresence",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = PresenceBody,
    responses((status = 204, description = "It is shown.")),
)]
pub(super) async fn show_presence(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<PresenceBody>,
) -> Result<StatusCode, Problem> {
    app.contacts()
        .set_online(&caller, &session, body.online)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
