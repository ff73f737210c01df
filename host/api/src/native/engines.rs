//! `/v1/engines`: the WhatsApp engines of this host, what each can do, and on which a session runs.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::driver::EngineCapability;
use warbler_app::sessions::EngineShown;
use warbler_domain::{Caller, SessionRef};

use super::sessions::SessionView;
use super::{Listing, in_field};
use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_list, list),
        Route::of(__path_set, set)
            .refuses(StatusCode::BAD_REQUEST, &["unknown_engine"])
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"])
            .refuses(
                StatusCode::CONFLICT,
                &["engine_needs_pairing", "session_running"],
            ),
    ]
}

/// A WhatsApp engine.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Engine, example = json!({
    "name": "wa-rs",
    "default": false,
    "capabilities": [],
    "lacks": [{ "name": "status_posts", "means": "statuses cannot be posted" }],
}))]
pub(super) struct EngineView {
    /// Its name.
    name: &'static str,
    /// Whether sessions get it that ask for none.
    default: bool,
    /// What it can do of what engines differ in.
    capabilities: Vec<&'static str>,
    /// What it cannot do of what engines differ in.
    lacks: Vec<LackView>,
}

/// Something an engine cannot do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EngineLack)]
pub(super) struct LackView {
    /// Its name among the capabilities.
    name: &'static str,
    /// What that means, in words.
    means: &'static str,
}

impl From<EngineShown> for EngineView {
    fn from(engine: EngineShown) -> Self {
        let lacks = engine.lacks().map(|lack| LackView {
            name: lack.word(),
            means: lack.without(),
        });
        let capabilities = engine.capabilities.iter().copied();
        Self {
            name: engine.name.as_str(),
            default: engine.default,
            lacks: lacks.collect(),
            capabilities: capabilities.map(EngineCapability::word).collect(),
        }
    }
}

/// On which engine a session is to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ChooseEngine, example = json!({ "engine": "wa-rs" }))]
pub(super) struct ChooseBody {
    /// Its name: `whatsapp-rust` or `wa-rs`.
    engine: String,
}

/// Lists the engines, and what each can do of what engines differ in.
#[utoipa::path(
    get, path = "/v1/engines", operation_id = "listEngines",
    responses((status = 200, description = "All of them.", body = Listing<EngineView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Listing<EngineView>>, Problem> {
    let engines = app.sessions().engines(&caller)?;
    Ok(Json(Listing::whole(engines)))
}

/// Lets a session run on another engine. It must be stopped, and linked to no phone: the keys of one
/// engine are of no use to another, so that a linked session is logged out first and paired anew.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/engine", operation_id = "setSessionEngine",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = ChooseBody,
    responses((status = 200, description = "The session.", body = SessionView)),
)]
pub(super) async fn set(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<ChooseBody>,
) -> Result<Json<SessionView>, Problem> {
    let engine = in_field("unknown_engine", "engine", &body.engine)?;
    let session = app.sessions().set_engine(&caller, &session, engine).await?;
    Ok(Json(session.into()))
}
