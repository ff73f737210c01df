//! `/v1/sessions/{session}/groups`: what groups are, and changing them.

pub(super) mod invites;
pub(super) mod members;
pub(super) mod view;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::groups::{GroupUpdate, NewGroup};
use warbler_domain::group::GroupSetting;
use warbler_domain::{Caller, Recipient, SessionRef};

pub(super) use view::GroupView;

use super::Listing;
use super::chats::asks_network;
use super::profile::{PictureBody, takes_picture};
use crate::extract::{Pair, Param, Wire};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    let one = |route: Route| asks_network(route).refuses(BAD, &["not_a_group"]);
    vec![
        asks_network(Route::of(__path_list, list)),
        asks_network(Route::of(__path_create, create)).refuses(
            BAD,
            &[
                "bad_subject",
                "bad_members",
                "bad_recipient",
                "not_a_person",
            ],
        ),
        one(Route::of(__path_get, get)).refuses(StatusCode::NOT_FOUND, &["unknown_group"]),
        one(Route::of(__path_change, change))
            .refuses(BAD, &["no_change", "bad_subject", "description_too_long"]),
        takes_picture(one(Route::of(__path_set_picture, set_picture))),
        one(Route::of(__path_remove_picture, remove_picture)),
        one(Route::of(members::__path_change, members::change))
            .refuses(BAD, &["bad_members", "bad_recipient", "not_a_person"]),
        one(Route::of(invites::__path_show, invites::show)),
        one(Route::of(invites::__path_renew, invites::renew)),
        asks_network(Route::of(invites::__path_look, invites::look)).refuses(BAD, &["bad_invite"]),
        asks_network(Route::of(invites::__path_join, invites::join)).refuses(BAD, &["bad_invite"]),
        one(Route::of(__path_leave, leave)),
    ]
}

/// Lists the groups the account is in, by subject.
///
/// When the session is not connected, the list is what was known last.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/groups", operation_id = "listGroups",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "All of them.", body = Listing<GroupView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<Listing<GroupView>>, Problem> {
    let groups = app.groups().list(&caller, &session).await?;
    Ok(Json(Listing::whole(groups)))
}

/// A group to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CreateGroup, example = json!({ "subject": "Regulars", "members": ["+15550123"] }))]
pub(super) struct CreateBody {
    /// Its subject: 1 to 100 characters.
    subject: String,
    /// Who is in it besides the account: phone numbers or JIDs.
    #[schema(min_items = 1, max_items = 1024)]
    members: Vec<String>,
}

/// Makes a group of the account and some people, and says for whom it did not work.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/groups", operation_id = "createGroup",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = CreateBody,
    responses((status = 201, description = "The group.", body = view::CreatedView)),
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<CreateBody>,
) -> Result<impl IntoResponse, Problem> {
    let new = NewGroup {
        subject: body.subject,
        members: members::recipients(&body.members, "members")?,
    };
    let (group, results) = app.groups().create(&caller, &session, new).await?;
    let created = view::CreatedView::of(group, results);
    Ok((StatusCode::CREATED, Json(created)))
}

/// Shows one group, with its members.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/groups/{group}", operation_id = "getGroup",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("group" = String, Path, description = "JID of the group", example = "120363000000000000@g.us"),
    ),
    responses((status = 200, description = "The group.", body = GroupView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Pair(session, group): Pair<SessionRef, Recipient>,
) -> Result<Json<GroupView>, Problem> {
    Ok(Json(
        app.groups().get(&caller, &session, group).await?.into(),
    ))
}

/// What is to be changed about a group; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ChangeGroup, example = json!({ "subject": "Regulars", "announce": true }))]
pub(super) struct ChangeBody {
    /// Its subject: 1 to 100 characters.
    subject: Option<String>,
    /// What it is about: up to 2,048 characters; an empty one takes it away.
    description: Option<String>,
    /// Only admins may write.
    announce: Option<bool>,
    /// Only admins may change subject, description and picture.
    locked: Option<bool>,
    /// New members need an admin's approval.
    approval: Option<bool>,
}

impl ChangeBody {
    fn into_update(self) -> Result<GroupUpdate, Problem> {
        let settings = [
            self.announce.map(GroupSetting::Announce),
            self.locked.map(GroupSetting::Locked),
            self.approval.map(GroupSetting::Approval),
        ];
        let update = GroupUpdate {
            subject: self.subject,
            description: self.description.map(Some),
            settings: settings.into_iter().flatten().collect(),
        };
        if update == GroupUpdate::default() {
            let detail =
                "say what to change: `subject`, `description`, `announce`, `locked` or `approval`";
            return Err(Problem::invalid("no_change", detail));
        }
        Ok(update)
    }
}

/// Changes a group's subject, description or settings.
#[utoipa::path(
    patch, path = "/v1/sessions/{session}/groups/{group}", operation_id = "changeGroup",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("group" = String, Path, description = "JID of the group", example = "120363000000000000@g.us"),
    ),
    request_body = ChangeBody,
    responses((status = 200, description = "The group.", body = GroupView)),
)]
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    Pair(session, group): Pair<SessionRef, Recipient>,
    Wire(body): Wire<ChangeBody>,
) -> Result<Json<GroupView>, Problem> {
    let update = body.into_update()?;
    let group = app
        .groups()
        .update(&caller, &session, group, update)
        .await?;
    Ok(Json(group.into()))
}

/// Changes a group's picture; it is cut to a square.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/groups/{group}/picture", operation_id = "setGroupPicture",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("group" = String, Path, description = "JID of the group", example = "120363000000000000@g.us"),
    ),
    request_body = PictureBody,
    responses((status = 204, description = "It is shown.")),
)]
pub(super) async fn set_picture(
    State(app): State<App>,
    caller: Caller,
    Pair(session, group): Pair<SessionRef, Recipient>,
    Wire(body): Wire<PictureBody>,
) -> Result<StatusCode, Problem> {
    let picture = body.into_origin()?;
    app.groups()
        .set_picture(&caller, &session, group, picture)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a group's picture away.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/groups/{group}/picture", operation_id = "removeGroupPicture",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("group" = String, Path, description = "JID of the group", example = "120363000000000000@g.us"),
    ),
    responses((status = 204, description = "It is gone.")),
)]
pub(super) async fn remove_picture(
    State(app): State<App>,
    caller: Caller,
    Pair(session, group): Pair<SessionRef, Recipient>,
) -> Result<StatusCode, Problem> {
    app.groups()
        .remove_picture(&caller, &session, group)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leaves a group.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/groups/{group}/leave", operation_id = "leaveGroup",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("group" = String, Path, description = "JID of the group", example = "120363000000000000@g.us"),
    ),
    responses((status = 204, description = "The account has left.")),
)]
pub(super) async fn leave(
    State(app): State<App>,
    caller: Caller,
    Pair(session, group): Pair<SessionRef, Recipient>,
) -> Result<StatusCode, Problem> {
    app.groups().leave(&caller, &session, group).await?;
    Ok(StatusCode::NO_CONTENT)
}
