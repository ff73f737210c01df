//! What a session does by itself.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_domain::session::SessionSettings;
use warbler_domain::{Caller, SessionRef};

use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(in crate::native) fn routes() -> Vec<Route> {
    let one = |route: Route| route.refuses(StatusCode::NOT_FOUND, &["unknown_session"]);
    vec![
        one(Route::of(__path_get, get)),
        one(Route::of(__path_set, set)).refuses(
            StatusCode::BAD_REQUEST,
            &["description_too_long", "bad_text"],
        ),
    ]
}

/// What a session does by itself.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SessionSettings, example = json!({
    "description": "The shop's number",
    "autoRejectCalls": true,
    "rejectedCallText": "We cannot take calls here; please write.",
}))]
pub(in crate::native) struct SettingsView {
    /// What it is for, in words: up to 500 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Whether calls are refused as soon as they ring.
    #[serde(default)]
    #[schema(default = false)]
    auto_reject_calls: bool,
    /// What is written to who was refused; nothing when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_call_text: Option<String>,
}

impl From<SessionSettings> for SettingsView {
    fn from(settings: SessionSettings) -> Self {
        Self {
            description: settings.description,
            auto_reject_calls: settings.auto_reject_calls,
            rejected_call_text: settings.rejected_call_text,
        }
    }
}

impl From<SettingsView> for SessionSettings {
    fn from(view: SettingsView) -> Self {
        Self {
            description: view.description,
            auto_reject_calls: view.auto_reject_calls,
            rejected_call_text: view.rejected_call_text,
        }
    }
}

/// Shows what a session does by itself.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/settings", operation_id = "getSessionSettings",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The settings.", body = SettingsView)),
)]
pub(in crate::native) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<SettingsView>, Problem> {
    Ok(Json(
        app.sessions().settings(&caller, &session).await?.into(),
    ))
}

/// Sets what a session does by itself: all of it; what is left out is off.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/settings", operation_id = "setSessionSettings",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = SettingsView,
    responses((status = 200, description = "The settings.", body = SettingsView)),
)]
pub(in crate::native) async fn set(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<SettingsView>,
) -> Result<Json<SettingsView>, Problem> {
    let settings = app
        .sessions()
        .set_settings(&caller, &session, body.into())
        .await?;
    Ok(Json(settings.into()))
}
