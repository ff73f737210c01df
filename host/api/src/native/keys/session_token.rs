//! `/v1/sessions/{session}/token`: what acts for one session and nothing else.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::keys::NewSessionToken;
use warbler_domain::{Caller, SessionRef, Timestamp};
use warbler_store::session_tokens::SessionToken;

use super::scopes_of;
use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::native::words;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    let one = |route: Route| route.refuses(StatusCode::NOT_FOUND, &["unknown_session"]);
    let missing = |route: Route| one(route).refuses(StatusCode::NOT_FOUND, &["no_session_token"]);
    vec![
        one(Route::of(__path_rotate, rotate))
            .refuses(StatusCode::BAD_REQUEST, &["bad_scope", "not_for_admins"]),
        missing(Route::of(__path_show, show)),
        missing(Route::of(__path_revoke, revoke)),
    ]
}

/// What the token of a session is to be for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RotateSessionToken, example = json!({ "scopes": ["read", "send"] }))]
pub(in crate::native) struct RotateBody {
    /// What it may do with the session: `read`, `send`, `manage`; reading and sending when left
    /// out.
    #[serde(default = "read_and_send")]
    #[schema(value_type = Vec<words::Scope>, required = false)]
    scopes: Vec<String>,
}

fn read_and_send() -> Vec<String> {
    vec!["send".to_owned()]
}

/// The token of a session, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionToken, example = json!({
    "prefix": "wbt_mfrggz",
    "scopes": ["read", "send"],
    "createdAt": "2026-05-04T09:29:40.003Z",
}))]
pub(in crate::native) struct TokenView {
    /// Its first characters, to recognise it by.
    prefix: String,
    /// What it may do with the session.
    scopes: Vec<words::Scope>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last used, give or take a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl From<SessionToken> for TokenView {
    fn from(token: SessionToken) -> Self {
        Self {
            prefix: token.prefix,
            scopes: token.scopes.iter().map(words::Scope::from).collect(),
            created_at: token.created_at,
            last_used_at: token.last_used_at,
        }
    }
}

/// A token that was just made. Its secret is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewSessionToken)]
pub(in crate::native) struct NewTokenView {
    /// What to send as `Authorization: Bearer …`. Keep it: it is not shown again.
    #[schema(example = "wbt_mfrggzdfmztwq2lknnwg23tpobyxe43uov3ho6dzpi4dsmjq")]
    secret: String,
    /// The token.
    token: TokenView,
}

impl From<NewSessionToken> for NewTokenView {
    fn from(new: NewSessionToken) -> Self {
        Self {
            secret: new.secret.expose().to_owned(),
            token: new.token.into(),
        }
    }
}

/// Makes the token of a session, in place of the one there was: it acts for that session only.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/token", operation_id = "rotateSessionToken",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = RotateBody,
    responses((status = 201, description = "The token.", body = NewTokenView)),
)]
pub(super) async fn rotate(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<RotateBody>,
) -> Result<(StatusCode, Json<NewTokenView>), Problem> {
    let scopes = scopes_of(&body.scopes)?;
    let keys = app.keys();
    let new = keys.rotate_session_token(&caller, &session, scopes).await?;
    Ok((StatusCode::CREATED, Json(new.into())))
}

/// Shows the token of a session, without its secret.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/token", operation_id = "getSessionToken",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The token.", body = TokenView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<TokenView>, Problem> {
    let token = app.keys().session_token(&caller, &session).await?;
    Ok(Json(token.into()))
}

/// Takes the token of a session away; it is refused from now on.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/token", operation_id = "revokeSessionToken",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 204, description = "It is gone.")),
)]
pub(super) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<StatusCode, Problem> {
    app.keys().revoke_session_token(&caller, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}
