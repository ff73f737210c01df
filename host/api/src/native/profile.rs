//! `/v1/sessions/{session}/profile`: what the account of a session shows of itself.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::media::Origin;
use warbler_app::profile::OwnProfile;
use warbler_domain::{Caller, Jid, SessionRef, UploadId};

use super::chats::asks_network;
use super::contacts::PictureView;
use super::in_field;
use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    let paired = |route| asks_network(route).refuses(StatusCode::CONFLICT, &["not_paired"]);
    vec![
        paired(Route::of(__path_get, get)),
        paired(Route::of(__path_change, change))
            .refuses(BAD, &["no_change", "bad_name", "about_too_long"]),
        takes_picture(asks_network(Route::of(__path_set_picture, set_picture))),
        asks_network(Route::of(__path_remove_picture, remove_picture)),
    ]
}

/// Documents what a route that takes a picture refuses.
pub(super) fn takes_picture(route: Route) -> Route {
    route
        .carries_media()
        .refuses(
            StatusCode::BAD_REQUEST,
            &["no_picture_given", "several_pictures", "broken_picture"],
        )
        .refuses(
            StatusCode::BAD_REQUEST,
            &[
                "bad_media_data",
                "empty_media",
                "media_too_large",
                "media_wrong_type",
            ],
        )
        .refuses(
            StatusCode::BAD_REQUEST,
            &[
                "url_invalid",
                "url_scheme",
                "url_credentials",
                "url_not_allowed",
            ],
        )
        .refuses(StatusCode::NOT_FOUND, &["unknown_upload", "media_expired"])
        .refuses(
            StatusCode::SERVICE_UNAVAILABLE,
            &["media_busy", "disk_full"],
        )
}

/// A picture to take.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SetPicture, example = json!({ "url": "https://example.com/logo.png" }))]
pub(super) struct PictureBody {
    /// The picture itself: base64, or a data URL.
    data: Option<String>,
    /// Where to fetch it.
    url: Option<String>,
    /// The id of an upload.
    #[schema(value_type = Option<String>, format = "uuid")]
    upload: Option<UploadId>,
}

impl PictureBody {
    pub(super) fn into_origin(self) -> Result<Origin, Problem> {
        match (self.data, self.url, self.upload) {
            (Some(data), None, None) if data.trim_start().starts_with("data:") => {
                Ok(Origin::DataUrl(data))
            }
            (Some(data), None, None) => Ok(Origin::Base64(data)),
            (None, Some(url), None) => Ok(Origin::Url(in_field("url_invalid", "url", &url)?)),
            (None, None, Some(id)) => Ok(Origin::Upload(id)),
            (None, None, None) => Err(Problem::invalid(
                "no_picture_given",
                "say where the picture is: `data`, `url` or `upload`",
            )),
            _ => Err(Problem::invalid(
                "several_pictures",
                "`data`, `url` and `upload` exclude each other",
            )),
        }
    }
}

/// What the account of a session shows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OwnProfile, example = json!({
    "jid": "15550100@s.whatsapp.net",
    "phone": "+15550100",
    "name": "The Shop",
    "about": "Open from 9 to 6",
    "business": false,
}))]
pub(super) struct ProfileView {
    /// The account's address.
    #[schema(value_type = String)]
    jid: Jid,
    /// Its number, in international form.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    /// The name it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The text about itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    /// Whether it is a business.
    business: bool,
    /// Its picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<PictureView>,
}

impl From<OwnProfile> for ProfileView {
    fn from(profile: OwnProfile) -> Self {
        let OwnProfile {
            account,
            shown,
            picture,
        } = profile;
        Self {
            phone: account.jid.phone_number().map(|number| number.to_string()),
            jid: account.jid,
            name: account.push_name,
            about: shown.about,
            business: shown.business,
            picture: picture.map(PictureView::from),
        }
    }
}

/// Shows what the account shows of itself.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/profile", operation_id = "getOwnProfile",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The profile.", body = ProfileView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<ProfileView>, Problem> {
    Ok(Json(app.profile().get(&caller, &session).await?.into()))
}

/// What the account is to show; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ChangeProfile, example = json!({ "name": "The Shop", "about": "Open from 9 to 6" }))]
pub(super) struct ChangeBody {
    /// The name: 1 to 25 characters.
    name: Option<String>,
    /// The text about itself: up to 139 characters; an empty one takes it away.
    about: Option<String>,
}

/// Changes the name the account shows, or its text about itself.
#[utoipa::path(
    patch, path = "/v1/sessions/{session}/profile", operation_id = "changeOwnProfile",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = ChangeBody,
    responses((status = 204, description = "It is shown.")),
)]
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<ChangeBody>,
) -> Result<StatusCode, Problem> {
    if body.name.is_none() && body.about.is_none() {
        let detail = "say what to change: `name` or `about`";
        return Err(Problem::invalid("no_change", detail));
    }
    if let Some(name) = &body.name {
        app.profile().set_name(&caller, &session, name).await?;
    }
    if let Some(about) = &body.about {
        app.profile().set_about(&caller, &session, about).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the account's picture; it is cut to a square.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/profile/picture", operation_id = "setOwnPicture",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = PictureBody,
    responses((status = 204, description = "It is shown.")),
)]
pub(super) async fn set_picture(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<PictureBody>,
) -> Result<StatusCode, Problem> {
    let picture = body.into_origin()?;
    app.profile()
        .set_picture(&caller, &session, picture)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the account's picture away.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/profile/picture", operation_id = "removeOwnPicture",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 204, description = "It is gone.")),
)]
pub(super) async fn remove_picture(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<StatusCode, Problem> {
    app.profile().remove_picture(&caller, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}
