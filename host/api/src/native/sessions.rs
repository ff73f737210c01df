//! `/v1/sessions`: the WhatsApp accounts this host keeps linked, and pairing them.

pub(super) mod pairing;
pub(super) mod passkey;
pub(super) mod proxy;
pub(super) mod settings;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::LOCATION;
use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::sessions::CreateSession;
use warbler_domain::session::Account;
use warbler_domain::{
    Caller, EngineName, Jid, PhoneNumber, Session, SessionId, SessionName, SessionRef, Timestamp,
    UserId,
};

use super::{Listing, in_field, words};
use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    const CONFLICT: StatusCode = StatusCode::CONFLICT;
    const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
    let one = |route: Route| route.refuses(StatusCode::NOT_FOUND, &["unknown_session"]);
    vec![
        Route::of(__path_create, create)
            .refuses(
                StatusCode::BAD_REQUEST,
                &["bad_session_name", "unknown_engine"],
            )
            .refuses(StatusCode::FORBIDDEN, &["limited_to_sessions"])
            .refuses(CONFLICT, &["session_name_taken", "too_many_sessions"]),
        Route::of(__path_list, list),
        one(Route::of(__path_get, get)),
        one(Route::of(__path_rename, rename))
            .refuses(StatusCode::BAD_REQUEST, &["bad_session_name"])
            .refuses(CONFLICT, &["session_name_taken"]),
        one(Route::of(__path_start, start)).refuses(UNAVAILABLE, &["network_refused", "stopping"]),
        one(Route::of(__path_stop, stop)),
        one(Route::of(__path_restart, restart))
            .refuses(UNAVAILABLE, &["network_refused", "stopping"]),
        one(Route::of(__path_logout, logout)).refuses(CONFLICT, &["not_paired"]),
        one(Route::of(__path_delete, delete)),
    ]
}

/// A session to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CreateSession, example = json!({ "name": "shop", "start": true }))]
pub(super) struct CreateBody {
    /// Its name, unique among your sessions: 1 to 64 letters, digits, `.`, `_` or `-`. Without one it
    /// gets one that cannot be guessed.
    #[serde(default)]
    name: Option<String>,
    /// Whether to start it at once.
    #[serde(default)]
    start: bool,
    /// The engine it runs on, `whatsapp-rust` or `wa-rs`; without one, the host's default.
    #[serde(default)]
    engine: Option<String>,
}

impl CreateBody {
    fn into_command(self, app: &App) -> Result<(CreateSession, Option<EngineName>), Problem> {
        let engine = match &self.engine {
            Some(engine) => Some(in_field("unknown_engine", "engine", engine)?),
            None => None,
        };
        let command = CreateSession {
            name: match &self.name {
                Some(name) => in_field("bad_session_name", "name", name)?,
                None => app.sessions().made_up_name(),
            },
            start: self.start,
        };
        Ok((command, engine))
    }
}

/// What is to be changed about a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RenameSession, example = json!({ "name": "bakery" }))]
pub(super) struct RenameBody {
    /// Its new name: 1 to 64 letters, digits, `.`, `_` or `-`.
    name: String,
}

/// One WhatsApp account that this host keeps linked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session, example = json!({
    "id": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "name": "shop",
    "state": "connected",
    "wanted": "running",
    "changedAt": "2026-05-04T09:30:12.120Z",
    "createdAt": "2026-05-04T09:29:40.003Z",
    "engine": "whatsapp-rust",
    "account": {
        "jid": "15550100@s.whatsapp.net",
        "phone": "+15550100",
        "lid": "98765432101234@lid",
        "pushName": "The Shop",
    },
}))]
pub(super) struct SessionView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: SessionId,
    /// Its name, unique among its owner's sessions; usable in paths instead of the id.
    #[schema(value_type = String)]
    name: SessionName,
    /// Where it stands.
    state: words::SessionState,
    /// Why it stands there, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Whether it is to run.
    wanted: words::Wanted,
    /// Since when it stands there.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The user it belongs to, if it belongs to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    owner: Option<UserId>,
    /// The engine it runs on.
    engine: &'static str,
    /// The account, once paired.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountView>,
}

/// The WhatsApp account of a session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Account)]
pub(super) struct AccountView {
    /// Its address.
    #[schema(value_type = String)]
    jid: Jid,
    /// Its number, in international form.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    /// Its address that hides the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    lid: Option<Jid>,
    /// The name it shows to others.
    #[serde(skip_serializing_if = "Option::is_none")]
    push_name: Option<String>,
}

impl From<Session> for SessionView {
    fn from(session: Session) -> Self {
        Self {
            id: session.id,
            name: session.name,
            state: session.state.into(),
            reason: session.reason,
            wanted: session.wanted.into(),
            changed_at: session.changed_at,
            created_at: session.created_at,
            owner: session.owner,
            engine: session.engine.as_str(),
            account: session.account.map(AccountView::from),
        }
    }
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        let phone = account
            .jid
            .phone_number()
            .map(|number: PhoneNumber| number.to_string());
        Self {
            jid: account.jid,
            phone,
            lid: account.lid,
            push_name: account.push_name,
        }
    }
}

/// Makes a session.
#[utoipa::path(
    post, path = "/v1/sessions", operation_id = "createSession",
    request_body = CreateBody,
    responses((status = 201, description = "The session.", body = SessionView)),
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<CreateBody>,
) -> Result<impl IntoResponse, Problem> {
    let session = match body.into_command(&app)? {
        (command, Some(engine)) => app.sessions().create_on(&caller, command, engine).await?,
        (command, None) => app.sessions().create(&caller, command).await?,
    };
    let location: [(HeaderName, String); 1] = [(LOCATION, format!("/v1/sessions/{}", session.id))];
    Ok((
        StatusCode::CREATED,
        location,
        Json(SessionView::from(session)),
    ))
}

/// Lists the sessions of the caller, by name.
#[utoipa::path(
    get, path = "/v1/sessions", operation_id = "listSessions",
    responses((status = 200, description = "All of them.", body = Listing<SessionView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Listing<SessionView>>, Problem> {
    Ok(Json(Listing::whole(app.sessions().list(&caller).await?)))
}

/// Shows one session.
#[utoipa::path(
    get, path = "/v1/sessions/{session}", operation_id = "getSession",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The session.", body = SessionView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<SessionView>, Problem> {
    Ok(Json(app.sessions().get(&caller, &session).await?.into()))
}

/// Gives a session another name. Its id stays, and with it all that belongs to the session.
#[utoipa::path(
    patch, path = "/v1/sessions/{session}", operation_id = "renameSession",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = RenameBody,
    responses((status = 200, description = "The session.", body = SessionView)),
)]
pub(super) async fn rename(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<RenameBody>,
) -> Result<Json<SessionView>, Problem> {
    let name: SessionName = in_field("bad_session_name", "name", &body.name)?;
    let renamed = app.sessions().rename(&caller, &session, name).await?;
    Ok(Json(renamed.into()))
}

/// Starts a session, now and after every restart of the host. One that runs goes on.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/start", operation_id = "startSession",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The session.", body = SessionView)),
)]
pub(super) async fn start(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<SessionView>, Problem> {
    Ok(Json(app.sessions().start(&caller, &session).await?.into()))
}

/// Stops a session; it stays linked to its phone.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/stop", operation_id = "stopSession",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The session.", body = SessionView)),
)]
pub(super) async fn stop(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<SessionView>, Problem> {
    Ok(Json(app.sessions().stop(&caller, &session).await?.into()))
}

/// Stops a session and starts it again.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/restart", operation_id = "restartSession",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The session.", body = SessionView)),
)]
pub(super) async fn restart(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<SessionView>, Problem> {
    Ok(Json(
        app.sessions().restart(&caller, &session).await?.into(),
    ))
}

/// Ends the link with the phone and forgets the keys; the session stays, to be paired anew.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/logout", operation_id = "logoutSession",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The session.", body = SessionView)),
)]
pub(super) async fn logout(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<SessionView>, Problem> {
    Ok(Json(app.sessions().logout(&caller, &session).await?.into()))
}

/// Deletes a session with all its messages, events and keys; a linked one is logged out first.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}", operation_id = "deleteSession",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 204, description = "It is gone.")),
)]
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<StatusCode, Problem> {
    app.sessions().delete(&caller, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}
