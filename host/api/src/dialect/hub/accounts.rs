//! `/auth` and `/user`: accounts, their logins and their keys.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::accounts::Register;
use warbler_app::login::{LogIn, LoggedIn};
use warbler_app::quotas::Quota;
use warbler_app::users::{ChangePassword, UpdateUser};
use warbler_domain::{Caller, Dialect, Email, Password, Realm, Role, Secret, User};

use super::{Answer, BAD, Call, Fault, Hub, Visit, Who, success};
use crate::dialect::{Row, Switch, every};
use crate::extract::Wire;
use crate::native::in_field;
use crate::problem::Problem;

const REALM: Realm = Realm::Dialect(Dialect::Hub);
/// Attempts of one address to register or to log in.
const ATTEMPTS: Quota = Quota::per_minute("hub.attempts", 5);
/// How young a login must be to change its password without the one before.
const FRESH: Duration = Duration::from_secs(15 * 60);

/// The rows of these sections.
pub(super) fn rows() -> Vec<Row<Hub>> {
    vec![
        Row::post("/auth/register", None, register).answers(BAD, &["user_taken"]),
        Row::post("/auth/login", None, log_in),
        Row::get("/auth/me", Who::Login, me),
        Row::post("/auth/regenerate-api-key", Who::Login, renew_key),
        Row::get("/user/profile", Who::Login, profile),
        Row::put("/user/profile", Who::Login, update).answers(BAD, &["user_taken"]),
        Row::get("/user/accounts", Who::Login, sessions),
        Row::get("/user/admin/users", Who::Login, users),
    ]
}

#[derive(Deserialize)]
struct RegisterBody {
    email: String,
    password: String,
    role: Option<String>,
}

#[derive(Deserialize)]
struct LogInBody {
    email: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateBody {
    email: Option<String>,
    password: Option<String>,
    current_password: Option<String>,
}

/// `POST /auth/register`
async fn register(visit: Visit, Wire(body): Wire<RegisterBody>) -> Answer {
    visit.state.attempt(ATTEMPTS, visit.address)?;
    visit.state.may_register()?;
    let wants_admin = body.role.as_deref() == Some(Role::Admin.as_str());
    let role = match wants_admin && visit.state.is_open(Switch::HubSelfAssignedRole) {
        true => Role::Admin,
        false => Role::User,
    };
    let command = Register {
        realm: REALM,
        name: None,
        email: email(&body.email)?,
        first_name: None,
        last_name: None,
        password: password(&body.password)?,
        role,
        address: visit.address,
    };
    let begun = visit.app.accounts().register(command).await?;
    logged_in(&visit.app, begun).await
}

/// `POST /auth/login`
async fn log_in(visit: Visit, Wire(body): Wire<LogInBody>) -> Answer {
    visit.state.attempt(ATTEMPTS, visit.address)?;
    let command = LogIn {
        login: body.email,
        password: Secret::new(body.password),
        address: visit.address,
        realm: REALM,
    };
    let begun = visit.app.logins().log_in_as(command).await?;
    logged_in(&visit.app, begun).await
}

async fn logged_in(app: &App, (caller, login): (Caller, LoggedIn)) -> Answer {
    let mut user = keyed_view(app, &caller, &login.user).await?;
    user["createdAt"] = json!(login.user.created_at);
    Ok(success(
        json!({ "user": user, "token": login.token.expose() }),
    ))
}

/// `GET /auth/me`
async fn me(call: Call) -> Answer {
    let (_, view) = own(&call).await?;
    Ok(success(view))
}

/// `POST /auth/regenerate-api-key`
async fn renew_key(call: Call) -> Answer {
    let key = call.app.keys().renew_readable(&call.caller, REALM).await?;
    Ok(success(json!({ "apiKey": key.expose() })))
}

/// `GET /user/profile`
async fn profile(call: Call) -> Answer {
    let (user, mut view) = own(&call).await?;
    view["updatedAt"] = json!(user.changed_at);
    Ok(success(view))
}

/// `PUT /user/profile`: what is said, or nothing of it.
async fn update(call: Call, Wire(body): Wire<UpdateBody>) -> Answer {
    let id = call.caller.require_user()?.into();
    let email = body.email.as_deref().map(email).transpose()?;
    let fresh = match call.state.is_open(Switch::HubPasswordWithoutCurrent) {
        true => Duration::MAX,
        false => FRESH,
    };
    let new = body.password.as_deref().map(password).transpose()?;
    let password = new.map(|new| ChangePassword {
        current: body.current_password.map(Secret::new),
        new,
        fresh_login: Some(fresh),
    });
    let change = UpdateUser {
        email: email.map(Some),
        ..UpdateUser::default()
    };
    let users = call.app.users();
    let changed = users.update_with(&call.caller, &id, change, password);
    let user = changed.await?;
    let mut view = keyed_view(&call.app, &call.caller, &user).await?;
    view["updatedAt"] = json!(user.changed_at);
    Ok(success(view))
}

/// `GET /user/accounts`
async fn sessions(call: Call) -> Answer {
    Ok(success(super::sessions::own(&call).await?))
}

/// `GET /user/admin/users`
async fn users(call: Call) -> Answer {
    let users = call.app.users();
    let newest_first = every(|page| users.list(&call.caller, page)).await?;
    let oldest_first = newest_first.iter().rev().map(|user| {
        let mut view = user_view(user);
        view["createdAt"] = json!(user.created_at);
        view["updatedAt"] = json!(user.changed_at);
        view
    });
    Ok(success(oldest_first.collect::<Vec<_>>()))
}

/// The user who calls, as it may see itself.
async fn own(call: &Call) -> Result<(User, Value), Fault> {
    let user = call.app.users().me(&call.caller).await?;
    let mut view = keyed_view(&call.app, &call.caller, &user).await?;
    view["createdAt"] = json!(user.created_at);
    Ok((user, view))
}

/// A user; which times are shown depends on the endpoint.
fn user_view(user: &User) -> Value {
    let email = user.email.as_ref().map(Email::as_str);
    json!({ "id": user.number, "email": email, "role": user.role.as_str() })
}

/// The user who calls, with its key.
async fn keyed_view(app: &App, caller: &Caller, user: &User) -> Result<Value, Fault> {
    let key = app.keys().readable(caller, REALM).await?;
    let mut view = user_view(user);
    view["apiKey"] = json!(key.expose());
    Ok(view)
}

fn email(text: &str) -> Result<Email, Problem> {
    in_field("bad_email", "email", text)
}

fn password(text: &str) -> Result<Password, Problem> {
    in_field("bad_password", "password", text)
}
