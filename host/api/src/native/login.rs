//! `/v1/login`, `/v1/logout`, `/v1/me`: people and their tokens.
//!
//! Logging in and renewing a login need no key; that is what they are for.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::login::{LogIn, LoggedIn};
use warbler_domain::caller::Identity;
use warbler_domain::{Caller, Realm, Secret, SessionId, Timestamp};

use super::users::UserView;
use super::words;
use crate::caller::Origin;
use crate::extract::Wire;
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_log_in, log_in)
            .without_key()
            .refuses(StatusCode::UNAUTHORIZED, &["wrong_password"])
            .refuses(StatusCode::TOO_MANY_REQUESTS, &["login_throttled"])
            .refuses(StatusCode::SERVICE_UNAVAILABLE, &["busy"]),
        Route::of(__path_refresh, refresh)
            .without_key()
            .refuses(StatusCode::UNAUTHORIZED, &["invalid_refresh_token"]),
        Route::of(__path_log_out, log_out).refuses(StatusCode::CONFLICT, &["not_a_login"]),
        Route::of(__path_me, me),
    ]
}

/// Who wants to log in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = LogIn, example = json!({ "login": "ada", "password": "correct horse battery staple" }))]
pub(super) struct LogInBody {
    /// The name or the e-mail address of a user.
    login: String,
    /// The password.
    password: String,
}

/// What renews a login.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RefreshLogin, example = json!({ "refreshToken": "wbr_mfrggzdfmztwq2lk…" }))]
pub(super) struct RefreshBody {
    /// The refresh token of the answer before. It is good once.
    refresh_token: String,
}

/// A login: send `token` as a key is sent, and `refreshToken` once, for the next.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Login)]
pub(super) struct LoginView {
    /// What to send as `Authorization: Bearer …`. A secret.
    #[schema(example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTky….q1Xc…")]
    token: String,
    /// Until when that is good.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// What gets the next token, once. A secret.
    #[schema(example = "wbr_mfrggzdfmztwq2lk…")]
    refresh_token: String,
    /// Until when the login can be renewed; then the password is needed again.
    #[schema(value_type = String, format = DateTime)]
    refresh_expires_at: Timestamp,
    /// Who has logged in.
    user: UserView,
}

impl From<LoggedIn> for LoginView {
    fn from(login: LoggedIn) -> Self {
        Self {
            token: login.token.expose().to_owned(),
            expires_at: login.token_expires_at,
            refresh_token: login.refresh_token.expose().to_owned(),
            refresh_expires_at: login.expires_at,
            user: login.user.into(),
        }
    }
}

/// Who calls, and what it may.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Me, example = json!({
    "kind": "key",
    "id": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "name": "n8n",
    "scopes": ["read", "send"],
    "allSessions": false,
    "sessions": ["0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5b"],
}))]
pub(super) struct MeView {
    /// What was shown.
    kind: words::CallerKind,
    /// The id of that key, user or session.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// What that is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What it may do.
    scopes: Vec<words::Scope>,
    /// Whether it may use every session.
    all_sessions: bool,
    /// The sessions it is limited to, if it is. Without this and `allSessions`, those of `user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    sessions: Option<Vec<SessionId>>,
    /// The user who calls, or for whom the key acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserView>,
}

/// Logs a user in: its name and password become a token for some minutes.
///
/// After five failures in a row a name, and an address, has to wait before the next attempt,
/// longer each time.
#[utoipa::path(
    post, path = "/v1/login", operation_id = "logIn",
    request_body = LogInBody,
    responses((status = 200, description = "The login.", body = LoginView)),
)]
pub(super) async fn log_in(
    State(app): State<App>,
    Origin(address): Origin,
    Wire(body): Wire<LogInBody>,
) -> Result<Json<LoginView>, Problem> {
    let command = LogIn {
        login: body.login,
        password: Secret::new(body.password),
        address,
        realm: Realm::Native,
    };
    Ok(Json(app.logins().log_in(command).await?.into()))
}

/// Renews a login: a refresh token becomes the next token and the next refresh token.
///
/// Each refresh token is good once. When one is used again, somebody has a copy of it, and the
/// whole login ends.
#[utoipa::path(
    post, path = "/v1/login/refresh", operation_id = "refreshLogin",
    request_body = RefreshBody,
    responses((status = 200, description = "The login.", body = LoginView)),
)]
pub(super) async fn refresh(
    State(app): State<App>,
    Origin(address): Origin,
    Wire(body): Wire<RefreshBody>,
) -> Result<Json<LoginView>, Problem> {
    let token = Secret::new(body.refresh_token);
    Ok(Json(app.logins().refresh(&token, address).await?.into()))
}

/// Ends the login whose token is sent, at once.
#[utoipa::path(
    post, path = "/v1/logout", operation_id = "logOut",
    responses((status = 204, description = "Its tokens are refused from now on.")),
)]
pub(super) async fn log_out(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    app.logins().log_out(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows who calls, and what it may.
#[utoipa::path(
    get, path = "/v1/me", operation_id = "getMe",
    responses((status = 200, description = "Whoever holds the credential that was sent.", body = MeView)),
)]
pub(super) async fn me(State(app): State<App>, caller: Caller) -> Result<Json<MeView>, Problem> {
    let user = app.users().own(&caller).await?;
    let id = match caller.identity() {
        Identity::Host | Identity::MasterKey | Identity::Nobody => None,
        Identity::Key(id) => Some(id.to_string()),
        Identity::User(id, _) => Some(id.to_string()),
        Identity::SessionToken(id) => Some(id.to_string()),
    };
    let only = caller.reach().only.as_ref();
    Ok(Json(MeView {
        kind: caller.identity().into(),
        id,
        name: caller.name().map(str::to_owned),
        scopes: caller.scopes().iter().map(words::Scope::from).collect(),
        all_sessions: caller.reaches_all(),
        sessions: only.map(|only| only.iter().copied().collect()),
        user: user.map(UserView::from),
    }))
}
