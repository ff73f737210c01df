//! `/v1/users`: who owns sessions here.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::LOCATION;
use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_app::users::{ChangePassword, CreateUser, UpdateUser};
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::user::UserRef;
use warbler_domain::{Caller, Role, Secret, SessionRef, Timestamp, User, UserId};

use super::sessions::SessionView;
use super::{Listing, in_field, words};
use crate::extract::{Param, Search, Wire, parsed};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    const BUSY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
    let one = |route: Route| route.refuses(StatusCode::NOT_FOUND, &["unknown_user"]);
    vec![
        Route::of(__path_create, create)
            .refuses(BAD, &["bad_user_name", "bad_email", "bad_role"])
            .refuses(BAD, &["bad_password", "bad_personal_name"])
            .refuses(StatusCode::CONFLICT, &["user_taken"])
            .refuses(BUSY, &["busy"]),
        Route::of(__path_list, list),
        one(Route::of(__path_get, get)),
        one(Route::of(__path_update, update))
            .refuses(BAD, &["bad_user_name", "bad_email", "bad_role"])
            .refuses(BAD, &["bad_personal_name"])
            .refuses(StatusCode::CONFLICT, &["user_taken"]),
        one(Route::of(__path_change_password, change_password))
            .refuses(BAD, &["bad_password", "current_password_needed"])
            .refuses(StatusCode::FORBIDDEN, &["wrong_current_password"])
            .refuses(StatusCode::TOO_MANY_REQUESTS, &["login_throttled"])
            .refuses(BUSY, &["busy"]),
        one(Route::of(__path_delete, delete)).refuses(BAD, &["own_heir"]),
        one(Route::of(__path_give, give))
            .refuses(BAD, &["bad_user_name"])
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"])
            .refuses(StatusCode::CONFLICT, &["session_name_taken"]),
    ]
}

/// A user to make.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CreateUser, example = json!({
    "name": "ada", "password": "correct horse battery staple", "email": "ada@example.com",
}))]
pub(super) struct CreateBody {
    /// What it logs in as: 1 to 64 letters, digits, `.`, `_` or `-`; unique whatever the case.
    name: String,
    /// Its password: at least 8 characters, at most 256 bytes.
    password: String,
    /// Its e-mail address, which it may log in with too.
    email: Option<String>,
    /// Its first name.
    first_name: Option<String>,
    /// Its last name.
    last_name: Option<String>,
    /// What it is here; `user` when left out.
    #[schema(value_type = Option<words::Role>)]
    role: Option<String>,
}

impl CreateBody {
    fn into_command(self) -> Result<CreateUser, Problem> {
        let email = self.email.filter(|email| !email.is_empty());
        Ok(CreateUser {
            name: in_field("bad_user_name", "name", &self.name)?,
            email: match email {
                Some(email) => Some(in_field("bad_email", "email", &email)?),
                None => None,
            },
            first_name: self.first_name,
            last_name: self.last_name,
            role: match self.role {
                Some(role) => in_field("bad_role", "role", &role)?,
                None => Role::User,
            },
            password: in_field("bad_password", "password", &self.password)?,
        })
    }
}

/// What is to be different about a user; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = UpdateUser, example = json!({ "email": "ada@example.com", "disabled": false }))]
pub(super) struct UpdateBody {
    /// What it logs in as.
    name: Option<String>,
    /// Its e-mail address; empty for none.
    email: Option<String>,
    /// Its first name; empty for none.
    first_name: Option<String>,
    /// Its last name; empty for none.
    last_name: Option<String>,
    /// What it is here; admins only.
    #[schema(value_type = Option<words::Role>)]
    role: Option<String>,
    /// Whether it may not log in; admins only. Its logins and keys are refused at once.
    disabled: Option<bool>,
}

impl UpdateBody {
    fn into_command(self) -> Result<UpdateUser, Problem> {
        let name = self
            .name
            .map(|name| in_field("bad_user_name", "name", &name));
        let email = self.email.map(|email| match email.as_str() {
            "" => Ok(None),
            email => in_field("bad_email", "email", email).map(Some),
        });
        let role = self.role.map(|role| in_field("bad_role", "role", &role));
        Ok(UpdateUser {
            name: name.transpose()?,
            email: email.transpose()?,
            first_name: self.first_name.map(Some),
            last_name: self.last_name.map(Some),
            role: role.transpose()?,
            disabled: self.disabled,
        })
    }
}

/// A password in place of another.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ChangePassword, example = json!({
    "current": "correct horse battery staple", "new": "another horse, another staple",
}))]
pub(super) struct PasswordBody {
    /// The one there is; admins need not know that of others.
    current: Option<String>,
    /// The one there is to be.
    new: String,
}

/// Whose a session is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = GiveSession, example = json!({ "owner": "ada" }))]
pub(super) struct GiveBody {
    /// The id or name of a user; left out for nobody.
    owner: Option<String>,
}

/// Somebody who owns sessions here.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User, example = json!({
    "id": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "number": 1,
    "name": "ada",
    "email": "ada@example.com",
    "role": "user",
    "disabled": false,
    "createdAt": "2026-05-04T09:29:40.003Z",
    "changedAt": "2026-05-04T09:29:40.003Z",
}))]
pub(super) struct UserView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: UserId,
    /// Its number: 1 for the first user of the host.
    number: i64,
    /// What it logs in as; usable in paths instead of the id.
    name: String,
    /// Its e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Its first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    /// Its last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    /// What it is here.
    role: words::Role,
    /// Whether it may not log in.
    disabled: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            number: user.number,
            name: user.name.to_string(),
            email: user.email.map(|email| email.to_string()),
            first_name: user.first_name,
            last_name: user.last_name,
            role: user.role.into(),
            disabled: user.disabled_at.is_some(),
            created_at: user.created_at,
            changed_at: user.changed_at,
        }
    }
}

/// Which users are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// How many at most: 1 to 500, else 50.
    #[param(example = 50)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, example = "AAAAAAAAAGQ")]
    cursor: Option<Cursor>,
}

/// What becomes of the user's sessions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteQuery {
    /// The user, by id or name, to whom the sessions go; without one they are nobody's.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, example = "bob")]
    sessions_to: Option<UserRef>,
}

/// Makes a user. For admins.
#[utoipa::path(
    post, path = "/v1/users", operation_id = "createUser",
    request_body = CreateBody,
    responses((status = 201, description = "The user.", body = UserView)),
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<CreateBody>,
) -> Result<impl IntoResponse, Problem> {
    let user = app.users().create(&caller, body.into_command()?).await?;
    let location: [(HeaderName, String); 1] = [(LOCATION, format!("/v1/users/{}", user.id))];
    Ok((StatusCode::CREATED, location, Json(UserView::from(user))))
}

/// Lists all users, the newest first. For admins.
#[utoipa::path(
    get, path = "/v1/users", operation_id = "listUsers",
    params(ListQuery),
    responses((status = 200, description = "A page of users.", body = Listing<UserView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<UserView>>, Problem> {
    let page = PageRequest::new(query.cursor, query.limit);
    Ok(Json(app.users().list(&caller, page).await?.into()))
}

/// Shows a user. Admins see all, everybody else only itself.
#[utoipa::path(
    get, path = "/v1/users/{user}", operation_id = "getUser",
    params(("user" = String, Path, description = "Id or name of the user", example = "ada")),
    responses((status = 200, description = "The user.", body = UserView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(user): Param<UserRef>,
) -> Result<Json<UserView>, Problem> {
    Ok(Json(app.users().get(&caller, &user).await?.into()))
}

/// Changes a user. Admins change all; users who have logged in change themselves.
#[utoipa::path(
    patch, path = "/v1/users/{user}", operation_id = "updateUser",
    params(("user" = String, Path, description = "Id or name of the user", example = "ada")),
    request_body = UpdateBody,
    responses((status = 200, description = "The user.", body = UserView)),
)]
pub(super) async fn update(
    State(app): State<App>,
    caller: Caller,
    Param(user): Param<UserRef>,
    Wire(body): Wire<UpdateBody>,
) -> Result<Json<UserView>, Problem> {
    let change = body.into_command()?;
    Ok(Json(
        app.users().update(&caller, &user, change).await?.into(),
    ))
}

/// Puts another password in place; every login of the user ends.
#[utoipa::path(
    put, path = "/v1/users/{user}/password", operation_id = "changePassword",
    params(("user" = String, Path, description = "Id or name of the user", example = "ada")),
    request_body = PasswordBody,
    responses((status = 204, description = "It is in place.")),
)]
pub(super) async fn change_password(
    State(app): State<App>,
    caller: Caller,
    Param(user): Param<UserRef>,
    Wire(body): Wire<PasswordBody>,
) -> Result<StatusCode, Problem> {
    let change = ChangePassword {
        current: body.current.map(Secret::new),
        new: in_field("bad_password", "new", &body.new)?,
        fresh_login: None,
    };
    app.users().change_password(&caller, &user, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a user with its logins, its keys and the tokens of its sessions; the sessions stay.
#[utoipa::path(
    delete, path = "/v1/users/{user}", operation_id = "deleteUser",
    params(
        ("user" = String, Path, description = "Id or name of the user", example = "ada"),
        DeleteQuery,
    ),
    responses((status = 204, description = "It is gone.")),
)]
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Param(user): Param<UserRef>,
    Search(query): Search<DeleteQuery>,
) -> Result<StatusCode, Problem> {
    let heir = query.sessions_to.as_ref();
    app.users().delete(&caller, &user, heir).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a session to a user, or to nobody. For admins.
///
/// The token the session had is refused from now on: who made it need not be the one who owns it
/// now.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/owner", operation_id = "giveSession",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = GiveBody,
    responses((status = 200, description = "The session.", body = SessionView)),
)]
pub(super) async fn give(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<GiveBody>,
) -> Result<Json<SessionView>, Problem> {
    let owner = body
        .owner
        .map(|owner| in_field::<UserRef>("bad_user_name", "owner", &owner));
    let owner = owner.transpose()?;
    let users = app.users();
    let given = users
        .give_session(&caller, &session, owner.as_ref())
        .await?;
    Ok(Json(given.into()))
}
