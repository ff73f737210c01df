//! `/api/auth`: accounts, their logins and their keys.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use warbler_app::accounts::Register;
use warbler_app::login::LogIn;
use warbler_app::quotas::Quota;
use warbler_app::users::{ChangePassword, UpdateUser};
use warbler_domain::caller::Identity;
use warbler_domain::{
    Caller, Dialect, Email, Password, Realm, Role, Secret, Timestamp, User, UserId, UserName,
};

use super::{Fault, Known, Suite, SuiteState};
use crate::caller::Origin;
use crate::dialect::state::holder;
use crate::dialect::{Row, Standing, Switch};
use crate::extract::Wire;
use crate::native::in_field;
use crate::problem::Problem;

const REALM: Realm = Realm::Dialect(Dialect::Suite);
/// Attempts of one address at whatever takes a password or a token.
const ATTEMPTS: Quota = Quota::per_minute("suite.attempts", 5);

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    const SECTION: &str = "Authentication";
    let account = json!({ "username": "ada_l", "password": "a long password" });
    let new = json!({
        "username": "ada_l", "email": "ada@example.com", "password": "a long password",
    });
    vec![
        Row::post("/api/auth/register", None, register)
            .about(SECTION, "Registers an account and logs it in.")
            .reads(new),
        Row::post("/api/auth/login", None, log_in)
            .about(SECTION, "Logs an account in, by `username` or `email`.")
            .reads(account),
        Row::post("/api/auth/logout", Known, log_out).about(
            SECTION,
            "Ends the login; its tokens are refused from now on.",
        ),
        Row::post("/api/auth/refresh", None, refresh)
            .about(SECTION, "Makes another token for a login that goes on.")
            .reads(json!({ "token": "the token of the login" })),
        Row::get("/api/auth/profile", Known, profile).about(SECTION, "Shows the own account."),
        Row::put("/api/auth/profile", Known, update)
            .about(SECTION, "Changes the own address and names.")
            .reads(json!({ "email": "ada@example.org", "firstName": "Ada", "lastName": "L." })),
        Row::post("/api/auth/change-password", Known, change_password)
            .about(SECTION, "Changes the own password; every other login ends.")
            .reads(json!({
                "currentPassword": "a long password", "newPassword": "another password",
            }))
            .answers(StatusCode::UNAUTHORIZED, &["wrong_current_password"]),
        Row::post("/api/auth/regenerate-api-key", Known, renew_key).about(
            SECTION,
            "Makes another API key; the one before is refused from now on.",
        ),
        Row::delete("/api/auth/account", Known, delete)
            .about(SECTION, "Deletes the own account and all that is its own."),
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

/// A user; which fields it has depends on the endpoint.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserView<'a> {
    id: String,
    username: &'a str,
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a str>,
}

impl<'a> UserView<'a> {
    fn new(user: &'a User) -> Self {
        Self {
            id: format!("user_{}", user.number),
            username: user.name.as_str(),
            email: user.email.as_ref().map(Email::as_str),
            is_active: None,
            created_at: None,
            first_name: None,
            last_name: None,
        }
    }

    fn with_state(mut self, user: &User) -> Self {
        self.is_active = Some(user.disabled_at.is_none());
        self
    }

    fn with_creation(mut self, user: &User) -> Self {
        self.created_at = Some(user.created_at);
        self
    }

    fn with_names(mut self, user: &'a User) -> Self {
        self.first_name = user.first_name.as_deref();
        self.last_name = user.last_name.as_deref();
        self
    }
}

type Told = Result<Json<Value>, Fault>;

/// `POST /api/auth/register`
async fn register(
    State(state): State<SuiteState>,
    Origin(address): Origin,
    Wire(body): Wire<RegisterBody>,
) -> Result<(StatusCode, Json<Value>), Fault> {
    state.take(&[(ATTEMPTS, &holder(None, address))])?;
    state.may_register()?;
    let command = Register {
        realm: REALM,
        name: Some(username(&body.username)?),
        email: in_field("bad_email", "email", &body.email)?,
        first_name: None,
        last_name: None,
        password: password("password", &body.password)?,
        role: Role::User,
        address,
    };
    let app = &state.api.app;
    let (caller, login) = app.accounts().register(command).await?;
    let key = app.keys().readable(&caller, REALM).await?;
    let user = UserView::new(&login.user).with_state(&login.user);
    let told = json!({
        "message": "User registered successfully",
        "user": user.with_creation(&login.user),
        "token": login.token.expose(),
        "apiKey": key.expose(),
    });
    Ok((StatusCode::CREATED, Json(told)))
}

/// `POST /api/auth/login`
async fn log_in(
    State(state): State<SuiteState>,
    Origin(address): Origin,
    Wire(body): Wire<LogInBody>,
) -> Told {
    state.take(&[(ATTEMPTS, &holder(None, address))])?;
    let login = body.username.or(body.email).ok_or_else(|| {
        Problem::invalid("invalid_body", "username: say it, or `email`").in_field("username")
    })?;
    let command = LogIn {
        login,
        password: Secret::new(body.password),
        address,
        realm: REALM,
    };
    let begun = state.api.app.logins().log_in(command).await?;
    Ok(Json(json!({
        "message": "Login successful",
        "user": UserView::new(&begun.user).with_state(&begun.user),
        "token": begun.token.expose(),
        "expiresIn": lasts(begun.token_expires_at.since(state.now())),
    })))
}

/// `POST /api/auth/logout`: with a key there is no login to end.
async fn log_out(State(state): State<SuiteState>, caller: Caller) -> Told {
    let is_login = matches!(caller.identity(), Identity::User(..));
    if is_login && !state.is_open(Switch::SuiteStatelessLogout) {
        state.api.app.logins().log_out(&caller).await?;
    }
    Ok(Json(json!({ "message": "Logout successful" })))
}

/// `POST /api/auth/refresh`: the token in the body is the credential.
async fn refresh(
    State(state): State<SuiteState>,
    Origin(address): Origin,
    Wire(body): Wire<RefreshBody>,
) -> Told {
    state.take(&[(ATTEMPTS, &holder(None, address))])?;
    let logins = state.api.app.logins();
    let renewed = logins.renew(&Secret::new(body.token), REALM).await?;
    Ok(Json(json!({
        "message": "Token refreshed successfully",
        "token": renewed.token.expose(),
        "expiresIn": lasts(renewed.expires_at.since(state.now())),
    })))
}

/// `GET /api/auth/profile`: the key is shown to whoever has logged in, and to nobody else.
async fn profile(State(state): State<SuiteState>, caller: Caller) -> Told {
    let app = &state.api.app;
    let user = app.users().me(&caller).await?;
    let key = match caller.identity() {
        Identity::User(..) => Some(app.keys().readable(&caller, REALM).await?),
        _ => None,
    };
    let own = app.sessions().owned(&caller).await?;
    let active = own.iter().filter(|marked| {
        let standing = Standing::from(marked.session.state);
        matches!(standing, Standing::Connected | Standing::Waiting)
    });
    let counted = app.stats().messages(&caller, None).await?;
    let view = UserView::new(&user).with_state(&user).with_creation(&user);
    Ok(Json(json!({
        "user": view,
        "apiKey": key.as_ref().map(Secret::expose),
        "stats": {
            "totalSessions": own.len(),
            "activeSessions": active.count(),
            "messagesSent": counted.sent(),
            "messagesReceived": counted.inbound,
        },
    })))
}

/// `PUT /api/auth/profile`
async fn update(
    State(state): State<SuiteState>,
    caller: Caller,
    Wire(body): Wire<UpdateBody>,
) -> Told {
    let (actor, id) = acting(&state, &caller)?;
    let email = body.email.as_deref();
    let email = email.map(|text| in_field("bad_email", "email", text));
    let change = UpdateUser {
        email: email.transpose()?.map(Some),
        first_name: body.first_name.map(Some),
        last_name: body.last_name.map(Some),
        ..UpdateUser::default()
    };
    let users = state.api.app.users();
    let user = users.update(&actor, &id.into(), change).await?;
    Ok(Json(json!({
        "message": "Profile updated successfully",
        "user": UserView::new(&user).with_names(&user),
    })))
}

/// `POST /api/auth/change-password`
async fn change_password(
    State(state): State<SuiteState>,
    caller: Caller,
    Origin(address): Origin,
    Wire(body): Wire<PasswordBody>,
) -> Told {
    state.take(&[(ATTEMPTS, &holder(None, address))])?;
    let (actor, id) = acting(&state, &caller)?;
    let change = ChangePassword {
        current: Some(Secret::new(body.current_password)),
        new: password("newPassword", &body.new_password)?,
        // However young the login, the password before is asked for.
        fresh_login: Some(Duration::ZERO),
    };
    let users = state.api.app.users();
    users.change_password(&actor, &id.into(), change).await?;
    Ok(Json(json!({ "message": "Password changed successfully" })))
}

/// `POST /api/auth/regenerate-api-key`
async fn renew_key(State(state): State<SuiteState>, caller: Caller) -> Told {
    let (actor, id) = acting(&state, &caller)?;
    let keys = state.api.app.keys();
    let key = match actor.identity() {
        Identity::User(..) => keys.renew_readable(&actor, REALM).await?,
        _ => keys.renew_readable_of(&actor, id, REALM).await?,
    };
    Ok(Json(json!({
        "message": "API key regenerated successfully",
        "apiKey": key.expose(),
    })))
}

/// `DELETE /api/auth/account`
async fn delete(State(state): State<SuiteState>, caller: Caller) -> Told {
    let (actor, id) = acting(&state, &caller)?;
    let accounts = state.api.app.accounts();
    accounts.delete(&actor, &id.into()).await?;
    Ok(Json(json!({ "message": "Account deleted successfully" })))
}

/// Who changes the account, and which: whoever has logged in; whoever holds its key only where
/// that is open.
fn acting(state: &SuiteState, caller: &Caller) -> Result<(Caller, UserId), Fault> {
    let id = caller.require_user()?;
    let is_login = matches!(caller.identity(), Identity::User(..));
    match (is_login, state.is_open(Switch::SuiteApiKeyAccountActions)) {
        (true, _) => Ok((caller.clone(), id)),
        (false, true) => Ok((Caller::host().at(caller.address()), id)),
        (false, false) => {
            let detail = "an API key does not change the account; log in and send the token";
            Err(Fault::new(StatusCode::FORBIDDEN, "login_needed", detail))
        }
    }
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

fn password(field: &str, text: &str) -> Result<Password, Problem> {
    in_field("bad_password", field, text)
}
