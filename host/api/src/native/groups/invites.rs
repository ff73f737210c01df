//! Invitations to groups: giving them, looking at them, using them.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_domain::group::InviteCode;
use warbler_domain::{Caller, Jid, Recipient, SessionRef};

use super::GroupView;
use crate::extract::{Pair, Param, Wire};
use crate::native::in_field;
use crate::problem::Problem;

/// An invitation. Whoever has it can join.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Invite, example = json!({
    "link": "https://chat.whatsapp.com/AbCdEfGhIjKlMnOpQrStUv", "code": "AbCdEfGhIjKlMnOpQrStUv",
}))]
pub(in crate::native) struct InviteView {
    /// As a link.
    link: String,
    /// The code alone.
    code: String,
}

impl From<InviteCode> for InviteView {
    fn from(code: InviteCode) -> Self {
        Self {
            link: code.link(),
            code: code.as_str().to_owned(),
        }
    }
}

/// Shows a group's invitation.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/groups/{group}/invite", operation_id = "getGroupInvite",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("group" = String, Path, description = "JID of the group", example = "120363000000000000@g.us"),
    ),
    responses((status = 200, description = "The invitation.", body = InviteView)),
)]
pub(in crate::native) async fn show(
    State(app): State<App>,
    caller: Caller,
    Pair(session, group): Pair<SessionRef, Recipient>,
) -> Result<Json<InviteView>, Problem> {
    let code = app.groups().invite(&caller, &session, group, false).await?;
    Ok(Json(code.into()))
}

/// Makes a new invitation for a group; the old one is worthless then.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/groups/{group}/invite", operation_id = "renewGroupInvite",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("group" = String, Path, description = "JID of the group", example = "120363000000000000@g.us"),
    ),
    responses((status = 200, description = "The new invitation.", body = InviteView)),
)]
pub(in crate::native) async fn renew(
    State(app): State<App>,
    caller: Caller,
    Pair(session, group): Pair<SessionRef, Recipient>,
) -> Result<Json<InviteView>, Problem> {
    let code = app.groups().invite(&caller, &session, group, true).await?;
    Ok(Json(code.into()))
}

/// An invitation somebody gave.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = UseInvite, example = json!({ "invite": "https://chat.whatsapp.com/AbCdEfGhIjKlMnOpQrStUv" }))]
pub(in crate::native) struct InviteBody {
    /// The link, or the code alone.
    invite: String,
}

impl InviteBody {
    fn into_code(self) -> Result<InviteCode, Problem> {
        in_field("bad_invite", "invite", &self.invite)
    }
}

/// Shows the group an invitation is for, without joining it.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/invites/look", operation_id = "lookAtInvite",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = InviteBody,
    responses((status = 200, description = "The group, as far as it is shown to who is not in it.", body = GroupView)),
)]
pub(in crate::native) async fn look(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<InviteBody>,
) -> Result<Json<GroupView>, Problem> {
    let code = body.into_code()?;
    let group = app.groups().invited_to(&caller, &session, code).await?;
    Ok(Json(group.into()))
}

/// What became of joining.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Joined, example = json!({ "joined": true, "group": "120363000000000000@g.us" }))]
pub(in crate::native) struct JoinedView {
    /// Whether the account is in the group now; if not, an admin has to agree first.
    joined: bool,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    group: Option<Jid>,
}

/// Joins a group by invitation.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/invites/join", operation_id = "joinGroup",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = InviteBody,
    responses((status = 200, description = "What became of it.", body = JoinedView)),
)]
pub(in crate::native) async fn join(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<InviteBody>,
) -> Result<Json<JoinedView>, Problem> {
    let code = body.into_code()?;
    let group = app.groups().join(&caller, &session, code).await?;
    Ok(Json(JoinedView {
        joined: group.is_some(),
        group,
    }))
}
