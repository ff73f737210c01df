//! `/auth` and `/user`: accounts, their logins and their keys.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::accounts::Register;
use warbler_app::login::{LogIn, LoggedIn};
use warbler_app::quotas::Quota;
use warbler_app::users::{ChangePassword, UpdateUser};
use warbler_domain::{Caller, Dialect, Email, Password, Realm, Role, Secret, User};

use super::wire::{SessionView, Success, UserView};
use super::{FRESH, Fault, Hub, HubState, Who};
use crate::caller::Origin;
use crate::dialect::state::holder;
use crate::dialect::{Row, Switch, every};
use crate::extract::Wire;
use crate::native::in_field;
use crate::problem::Problem;

const REALM: Realm = Realm::Dialect(Dialect::Hub);
const BAD: StatusCode = StatusCode::BAD_REQUEST;
/// Attempts of one address to register or to log in.
const ATTEMPTS: Quota = Quota::per_minute("hub.attempts", 5);

/// The rows of these sections.
pub(super) fn rows() -> Vec<Row<Hub>> {
    const AUTH: &str = "Authentication";
    const USERS: &str = "User Management";
    let account = json!({ "email": "ada@example.com", "password": "a long password" });
    vec![
        Row::post("/auth/register", None, register)
            .about(AUTH, "Registers an account and logs it in.")
            .reads(account.clone())
            .answers(BAD, &["user_taken"]),
        Row::post("/auth/login", None, log_in)
            .about(AUTH, "Logs an account in.")
            .reads(account),
        Row::get("/auth/me", Who::Login, me).about(AUTH, "Shows who has logged in."),
        Row::post("/auth/regenerate-api-key", Who::Login, renew_key).about(
            AUTH,
            "Makes another API key; the one before is refused from now on.",
        ),
        Row::get("/user/profile", Who::Login, profile).about(USERS, "Shows the own account."),
        Row::put("/user/profile", Who::Login, update)
            .about(USERS, "Changes the own address or password.")
            .reads(json!({ "email": "ada@example.org", "password": "another password" }))
            .answers(BAD, &["user_taken"]),
        Row::get("/user/accounts", Who::Login, sessions)
            .about(USERS, "Lists the own WhatsApp accounts."),
        Row::get("/user/admin/users", Who::Login, users)
            .about(USERS, "Lists all users; admins only."),
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

#[derive(Serialize)]
struct LoginView {
    user: UserView,
    token: String,
}

type Told<T> = Result<Json<Success<T>>, Fault>;

/// `POST /auth/register`
async fn register(
    State(state): State<HubState>,
    Origin(address): Origin,
    Wire(body): Wire<RegisterBody>,
) -> Told<LoginView> {
    state.take(&[(ATTEMPTS, &holder(None, address))])?;
    state.may_register()?;
    let wants_admin = body.role.as_deref() == Some(Role::Admin.as_str());
    let role = match wants_admin && state.is_open(Switch::HubSelfAssignedRole) {
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
        address,
    };
    let begun = state.api.app.accounts().register(command).await?;
    logged_in(&state.api.app, begun).await
}

/// `POST /auth/login`
async fn log_in(
    State(state): State<HubState>,
    Origin(address): Origin,
    Wire(body): Wire<LogInBody>,
) -> Told<LoginView> {
    state.take(&[(ATTEMPTS, &holder(None, address))])?;
    let command = LogIn {
        login: body.email,
        password: Secret::new(body.password),
        address,
        realm: REALM,
    };
    let begun = state.api.app.logins().log_in_as(command).await?;
    logged_in(&state.api.app, begun).await
}

async fn logged_in(app: &App, (caller, login): (Caller, LoggedIn)) -> Told<LoginView> {
    let key = app.keys().readable(&caller, REALM).await?;
    Ok(Success::of(LoginView {
        user: UserView::new(&login.user, Some(&key)),
        token: login.token.expose().to_owned(),
    }))
}

/// `GET /auth/me`
async fn me(State(app): State<App>, caller: Caller) -> Told<UserView> {
    let (user, key) = own(&app, &caller).await?;
    Ok(Success::of(UserView::new(&user, Some(&key))))
}

/// `POST /auth/regenerate-api-key`
async fn renew_key(State(app): State<App>, caller: Caller) -> Told<Value> {
    let key = app.keys().renew_readable(&caller, REALM).await?;
    Ok(Success::of(json!({ "apiKey": key.expose() })))
}

/// `GET /user/profile`
async fn profile(State(app): State<App>, caller: Caller) -> Told<UserView> {
    let (user, key) = own(&app, &caller).await?;
    let shown = UserView::new(&user, Some(&key)).with_change(&user);
    Ok(Success::of(shown))
}

/// `PUT /user/profile`: what is said, or nothing of it.
async fn update(
    State(state): State<HubState>,
    caller: Caller,
    Wire(body): Wire<UpdateBody>,
) -> Told<UserView> {
    let app = &state.api.app;
    let id = caller.require_user()?.into();
    let email = body.email.as_deref().map(email).transpose()?;
    let fresh = match state.is_open(Switch::HubPasswordWithoutCurrent) {
        true => std::time::Duration::MAX,
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
    let users = app.users();
    let user = users.update_with(&caller, &id, change, password).await?;
    let key = app.keys().readable(&caller, REALM).await?;
    let shown = UserView::new(&user, Some(&key)).with_change(&user);
    Ok(Success::of(shown.without_creation()))
}

/// `GET /user/accounts`
async fn sessions(State(app): State<App>, caller: Caller) -> Told<Vec<SessionView>> {
    Ok(Success::of(super::sessions::own(&app, &caller).await?))
}

/// `GET /user/admin/users`
async fn users(State(app): State<App>, caller: Caller) -> Told<Vec<UserView>> {
    let users = app.users();
    let newest_first = every(|page| users.list(&caller, page)).await?;
    let oldest_first = newest_first.iter().rev();
    let view = |user| UserView::new(user, None).with_change(user);
    Ok(Success::of(oldest_first.map(view).collect()))
}

/// The user who calls, and its key.
async fn own(app: &App, caller: &Caller) -> Result<(User, Secret), Fault> {
    let user = app.users().me(caller).await?;
    let key = app.keys().readable(caller, REALM).await?;
    Ok((user, key))
}

fn email(text: &str) -> Result<Email, Problem> {
    in_field("bad_email", "email", text)
}

fn password(text: &str) -> Result<Password, Problem> {
    in_field("bad_password", "password", text)
}
