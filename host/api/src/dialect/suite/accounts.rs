//! `/api/auth`: accounts, their logins and their keys.

use std::time::Duration;

use axum::Json;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::accounts::Register;
use warbler_app::login::LogIn;
use warbler_app::quotas::Quota;
use warbler_app::users::{ChangePassword, UpdateUser};
use warbler_domain::caller::Identity;
use warbler_domain::{Caller, Dialect, Email, Realm, Role, Secret, User, UserId, UserName};

use super::wire::{ACTIVE, standing_at};
use super::{Answer, Call, Created, Fault, Known, Suite, Visit};
use crate::dialect::{Row, Switch};
use crate::extract::Wire;
use crate::native::in_field;
use crate::problem::Problem;

const REALM: Realm = Realm::Dialect(Dialect::Suite);
/// Attempts of one address at whatever takes a password or a token.
const ATTEMPTS: Quota = Quota::per_minute("suite.attempts", 5);

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    vec![
        Row::post("/api/auth/register", None, register),
        Row::post("/api/auth/login", None, log_in),
        Row::post("/api/auth/logout", Known, log_out),
        Row::post("/api/auth/refresh", None, refresh),
        Row::get("/api/auth/profile", Known, profile),
        Row::put("/api/auth/profile", Known, update),
        Row::post("/api/auth/change-password", Known, change_password)
            .answers(StatusCode::UNAUTHORIZED, &["wrong_current_password"]),
        Row::post("/api/auth/regenerate-api-key", Known, renew_key),
        Row::delete("/api/auth/account", Known, delete),
    ]
}

#[derive(Deserialize)]
struct RegisterBody {
    username: String,
    email: String,
    password: String,
}

#[derive(Deserialize)]
struct LogInBody {
    username: Option<String>,
    email: Option<String>,
    password: String,
}

#[derive(Deserialize)]
struct RefreshBody {
    token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateBody {
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PasswordBody {
    current_password: String,
    new_password: String,
}

/// A user; endpoints that say more of one add that.
fn user_view(user: &User) -> Value {
    json!({
        "id": format!("user_{}", user.number),
        "username": user.name.as_str(),
        "email": user.email.as_ref().map(Email::as_str),
    })
}

/// A user, and whether it may log in.
fn account_view(user: &User) -> Value {
    let mut view = user_view(user);
    view["isActive"] = json!(user.disabled_at.is_none());
    view
}

/// `POST /api/auth/register`
async fn register(visit: Visit, Wire(body): Wire<RegisterBody>) -> Created {
    visit.state.attempt(ATTEMPTS, visit.address)?;
    visit.state.may_register()?;
    let command = Register {
        realm: REALM,
        name: Some(username(&body.username)?),
        email: in_field("bad_email", "email", &body.email)?,
        first_name: None,
        last_name: None,
        password: in_field("bad_password", "password", &body.password)?,
        role: Role::User,
        address: visit.address,
    };
    let (caller, login) = visit.app.accounts().register(command).await?;
    let key = visit.app.keys().readable(&caller, REALM).await?;
    let mut user = account_view(&login.user);
    user["createdAt"] = json!(login.user.created_at);
    let told = json!({
        "message": "User registered successfully",
        "user": user,
        "token": login.token.expose(),
        "apiKey": key.expose(),
    });
    Ok((StatusCode::CREATED, Json(told)))
}

/// `POST /api/auth/login`
async fn log_in(visit: Visit, Wire(body): Wire<LogInBody>) -> Answer {
    visit.state.attempt(ATTEMPTS, visit.address)?;
    let login = body.username.or(body.email).ok_or_else(|| {
        Problem::invalid("invalid_body", "username: say it, or `email`").in_field("username")
    })?;
    let command = LogIn {
        login,
        password: Secret::new(body.password),
        address: visit.address,
        realm: REALM,
    };
    let begun = visit.app.logins().log_in(command).await?;
    Ok(Json(json!({
        "message": "Login successful",
        "user": account_view(&begun.user),
        "token": begun.token.expose(),
        "expiresIn": lasts(begun.token_expires_at.since(visit.state.now())),
    })))
}

/// `POST /api/auth/logout`: with a key there is no login to end.
async fn log_out(call: Call) -> Answer {
    if has_logged_in(&call.caller) && !call.state.is_open(Switch::SuiteStatelessLogout) {
        call.app.logins().log_out(&call.caller).await?;
    }
    Ok(Json(json!({ "message": "Logout successful" })))
}

/// `POST /api/auth/refresh`: the token in the body is the credential.
async fn refresh(visit: Visit, Wire(body): Wire<RefreshBody>) -> Answer {
    visit.state.attempt(ATTEMPTS, visit.address)?;
    let logins = visit.app.logins();
    let renewed = logins.renew(&Secret::new(body.token), REALM).await?;
    Ok(Json(json!({
        "message": "Token refreshed successfully",
        "token": renewed.token.expose(),
        "expiresIn": lasts(renewed.expires_at.since(visit.state.now())),
    })))
}

/// `GET /api/auth/profile`: the key is shown to whoever has logged in, and to nobody else.
async fn profile(call: Call) -> Answer {
    let user = call.app.users().me(&call.caller).await?;
    let key = match has_logged_in(&call.caller) {
        true => Some(call.app.keys().readable(&call.caller, REALM).await?),
        false => None,
    };
    let own = call.app.sessions().owned(&call.caller).await?;
    let counted = call.app.stats().messages(&call.caller, None).await?;
    let mut view = account_view(&user);
    view["createdAt"] = json!(user.created_at);
    Ok(Json(json!({
        "user": view,
        "apiKey": key.as_ref().map(Secret::expose),
        "stats": {
            "totalSessions": own.len(), "activeSessions": standing_at(&own, &ACTIVE),
            "messagesSent": counted.sent(), "messagesReceived": counted.inbound,
        },
    })))
}

/// `PUT /api/auth/profile`
async fn update(call: Call, Wire(body): Wire<UpdateBody>) -> Answer {
    let (actor, id) = acting(&call)?;
    let email = body.email.as_deref();
    let email = email.map(|text| in_field("bad_email", "email", text));
    let change = UpdateUser {
        email: email.transpose()?.map(Some),
        first_name: body.first_name.map(Some),
        last_name: body.last_name.map(Some),
        ..UpdateUser::default()
    };
    let user = call.app.users().update(&actor, &id.into(), change).await?;
    let mut view = user_view(&user);
    if let Some(name) = &user.first_name {
        view["firstName"] = json!(name);
    }
    if let Some(name) = &user.last_name {
        view["lastName"] = json!(name);
    }
    let told = json!({ "message": "Profile updated successfully", "user": view });
    Ok(Json(told))
}

/// `POST /api/auth/change-password`
async fn change_password(call: Call, Wire(body): Wire<PasswordBody>) -> Answer {
    call.state.attempt(ATTEMPTS, call.caller.address())?;
    let (actor, id) = acting(&call)?;
    let change = ChangePassword {
        current: Some(Secret::new(body.current_password)),
        new: in_field("bad_password", "newPassword", &body.new_password)?,
        // However young the login, the password before is asked for.
        fresh_login: Some(Duration::ZERO),
    };
    let users = call.app.users();
    users.change_password(&actor, &id.into(), change).await?;
    Ok(Json(json!({ "message": "Password changed successfully" })))
}

/// `POST /api/auth/regenerate-api-key`
async fn renew_key(call: Call) -> Answer {
    let (actor, id) = acting(&call)?;
    let keys = call.app.keys();
    let key = match has_logged_in(&actor) {
        true => keys.renew_readable(&actor, REALM).await?,
        false => keys.renew_readable_of(&actor, id, REALM).await?,
    };
    Ok(Json(json!({
        "message": "API key regenerated successfully", "apiKey": key.expose(),
    })))
}

/// `DELETE /api/auth/account`
async fn delete(call: Call) -> Answer {
    let (actor, id) = acting(&call)?;
    call.app.accounts().delete(&actor, &id.into()).await?;
    Ok(Json(json!({ "message": "Account deleted successfully" })))
}

/// Whether somebody has logged in, and does not hold a key.
fn has_logged_in(caller: &Caller) -> bool {
    matches!(caller.identity(), Identity::User(..))
}

/// Who changes the account, and which: whoever has logged in; whoever holds its key only where
/// that is open.
fn acting(call: &Call) -> Result<(Caller, UserId), Fault> {
    let id = call.caller.require_user()?;
    if has_logged_in(&call.caller) {
        return Ok((call.caller.clone(), id));
    }
    if call.state.is_open(Switch::SuiteApiKeyAccountActions) {
        return Ok((Caller::host().at(call.caller.address()), id));
    }
    let detail = "an API key does not change the account; log in and send the token";
    Err(Fault::new(StatusCode::FORBIDDEN, "login_needed", detail))
}

/// For how long a token is good, as `24h`.
fn lasts(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 3600.. => format!("{}h", seconds.div_ceil(3600)),
        seconds => format!("{}m", seconds.div_ceil(60)),
    }
}

/// 3 to 30 letters, digits and `_`.
fn username(text: &str) -> Result<UserName, Problem> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if (3..=30).contains(&text.len()) && text.bytes().all(plain) {
        return in_field("bad_user_name", "username", text);
    }
    let detail = "a username has 3 to 30 letters, digits and `_`";
    Err(Problem::invalid("bad_user_name", detail).in_field("username"))
}
