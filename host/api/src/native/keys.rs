//! `/v1/keys`: API keys, and the tokens of sessions.

pub(super) mod session_token;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::LOCATION;
use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::keys::{CreateKey, NewKey};
use warbler_domain::{Caller, KeyId, Realm, Scope, Scopes, SessionId, Timestamp, UserId};
use warbler_store::access_keys::AccessKey;

use super::{Listing, in_field, words};
use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    let one = |route: Route| route.refuses(StatusCode::NOT_FOUND, &["unknown_key"]);
    let mut routes = vec![
        Route::of(__path_create, create)
            .refuses(
                BAD,
                &[
                    "bad_key_name",
                    "bad_scope",
                    "bad_session_name",
                    "bad_user_name",
                ],
            )
            .refuses(
                BAD,
                &[
                    "bad_dialect",
                    "expired_already",
                    "scope_too_wide",
                    "admin_is_unlimited",
                ],
            )
            .refuses(StatusCode::NOT_FOUND, &["unknown_session", "unknown_user"])
            .refuses(StatusCode::CONFLICT, &["too_many_keys"]),
        Route::of(__path_list, list),
        one(Route::of(__path_get, get)),
        one(Route::of(__path_rename, rename)).refuses(BAD, &["bad_key_name"]),
        one(Route::of(__path_revoke, revoke)),
    ];
    routes.extend(session_token::routes());
    routes
}

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CreateKey, example = json!({
    "name": "n8n", "scopes": ["read", "send"], "sessions": ["shop"],
    "expiresAt": "2027-01-01T00:00:00Z",
}))]
pub(super) struct CreateBody {
    /// What it is called: 1 to 100 characters.
    name: String,
    /// What it may do. Each scope holds those before it: `read`, `send`, `manage`, `admin`.
    #[schema(value_type = Vec<words::Scope>, min_items = 1)]
    scopes: Vec<String>,
    /// The sessions it is for, by id or name; when left out, all that its owner has.
    #[serde(default)]
    sessions: Vec<String>,
    /// The user it acts for, by id or name. Users who have logged in make keys for themselves.
    owner: Option<String>,
    /// The dialect it is good in, such as `hub`; the native API when left out. Every API has keys
    /// of its own.
    dialect: Option<String>,
    /// Until when it is good; for ever when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

impl CreateBody {
    /// Most sessions a key can be limited to.
    const MOST_SESSIONS: usize = 1000;

    fn into_command(self) -> Result<CreateKey, Problem> {
        if self.sessions.len() > Self::MOST_SESSIONS {
            let detail = format!("a key is for at most {} sessions", Self::MOST_SESSIONS);
            return Err(Problem::invalid("bad_session_name", detail).in_field("sessions"));
        }
        let sessions = self.sessions.iter();
        let sessions = sessions.map(|session| in_field("bad_session_name", "sessions", session));
        let owner = self
            .owner
            .map(|owner| in_field("bad_user_name", "owner", &owner));
        let dialect = self
            .dialect
            .map(|dialect| in_field("bad_dialect", "dialect", &dialect));
        Ok(CreateKey {
            name: self.name,
            scopes: scopes_of(&self.scopes)?,
            sessions: sessions.collect::<Result<_, _>>()?,
            owner: owner.transpose()?,
            expires_at: self.expires_at,
            realm: dialect.transpose()?.map_or(Realm::Native, Realm::Dialect),
        })
    }
}

/// The scopes in a list of words.
fn scopes_of(words: &[String]) -> Result<Scopes, Problem> {
    let scopes: Result<Vec<Scope>, Problem> = words
        .iter()
        .map(|word| in_field("bad_scope", "scopes", word))
        .collect();
    Scopes::of(scopes?)
        .ok_or_else(|| Problem::invalid("bad_scope", "name at least one scope").in_field("scopes"))
}

/// What is to be different about a key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RenameKey, example = json!({ "name": "n8n in the cellar" }))]
pub(super) struct RenameBody {
    /// What it is called: 1 to 100 characters.
    name: String,
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey, example = json!({
    "id": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "name": "n8n",
    "prefix": "wbl_mfrggz",
    "scopes": ["read", "send"],
    "createdAt": "2026-05-04T09:29:40.003Z",
    "lastUsedAt": "2026-05-04T10:02:11.480Z",
}))]
pub(super) struct KeyView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: KeyId,
    /// What it is called.
    name: String,
    /// Its first characters, to recognise it by.
    prefix: String,
    /// What it may do.
    scopes: Vec<words::Scope>,
    /// The sessions it is limited to, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    sessions: Option<Vec<SessionId>>,
    /// The user it acts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    owner: Option<UserId>,
    /// The dialect it is good in, if it is not good here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "hub")]
    dialect: Option<&'static str>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Until when it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When it was last used, give or take a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl From<AccessKey> for KeyView {
    fn from(key: AccessKey) -> Self {
        let sessions = key.sessions.as_deref();
        Self {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes.iter().map(words::Scope::from).collect(),
            sessions: sessions.map(|sessions| sessions.iter().copied().collect()),
            owner: key.owner,
            dialect: match key.realm {
                Realm::Native => None,
                Realm::Dialect(dialect) => Some(dialect.as_str()),
            },
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// A key that was just made. Its secret is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewApiKey)]
pub(super) struct NewKeyView {
    /// What to send as `Authorization: Bearer …` or `X-API-Key: …`. Keep it: it is not shown
    /// again.
    #[schema(example = "wbl_mfrggzdfmztwq2lknnwg23tpobyxe43uov3ho6dzpi4dsmjq")]
    secret: String,
    /// The key.
    key: KeyView,
}

impl From<NewKey> for NewKeyView {
    fn from(new: NewKey) -> Self {
        Self {
            secret: new.secret.expose().to_owned(),
            key: new.key.into(),
        }
    }
}

/// Makes an API key. Its secret stands in this answer and nowhere else.
///
/// Admins make any; users who have logged in make keys that act for them. A key does not make
/// keys, unless it is an admin key.
#[utoipa::path(
    post, path = "/v1/keys", operation_id = "createKey",
    request_body = CreateBody,
    responses((status = 201, description = "The key.", body = NewKeyView)),
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<CreateBody>,
) -> Result<impl IntoResponse, Problem> {
    let new = app.keys().create(&caller, body.into_command()?).await?;
    let location: [(HeaderName, String); 1] = [(LOCATION, format!("/v1/keys/{}", new.key.id))];
    Ok((StatusCode::CREATED, location, Json(NewKeyView::from(new))))
}

/// Lists the API keys, the oldest first: all for admins, their own for users who have logged in.
#[utoipa::path(
    get, path = "/v1/keys", operation_id = "listKeys",
    responses((status = 200, description = "All that are good.", body = Listing<KeyView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Listing<KeyView>>, Problem> {
    Ok(Json(Listing::whole(app.keys().list(&caller).await?)))
}

/// Shows an API key.
#[utoipa::path(
    get, path = "/v1/keys/{id}", operation_id = "getKey",
    params(("id" = String, Path, description = "Id of the key", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The key.", body = KeyView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<KeyId>,
) -> Result<Json<KeyView>, Problem> {
    Ok(Json(app.keys().get(&caller, id).await?.into()))
}

/// Gives an API key another name.
#[utoipa::path(
    patch, path = "/v1/keys/{id}", operation_id = "renameKey",
    params(("id" = String, Path, description = "Id of the key", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    request_body = RenameBody,
    responses((status = 200, description = "The key.", body = KeyView)),
)]
pub(super) async fn rename(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<KeyId>,
    Wire(body): Wire<RenameBody>,
) -> Result<Json<KeyView>, Problem> {
    Ok(Json(
        app.keys().rename(&caller, id, &body.name).await?.into(),
    ))
}

/// Ends an API key, at once and for good.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", operation_id = "revokeKey",
    params(("id" = String, Path, description = "Id of the key", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 204, description = "It is refused from now on.")),
)]
pub(super) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<KeyId>,
) -> Result<StatusCode, Problem> {
    app.keys().revoke(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
