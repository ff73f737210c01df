//! `/v1/extensions/{name}/grants`: what an extension asks for, what it is granted, what holds.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::extensions::Granted;
use warbler_domain::extension::{HistoryScope, OperatorGrants, SendScope};
use warbler_domain::{Caller, ExtensionName};

use super::GrantsView;
use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::native::{in_field, words};
use crate::problem::Problem;

pub(super) fn routes() -> Vec<Route> {
    let one = |route: Route| route.refuses(StatusCode::NOT_FOUND, &["unknown_extension"]);
    vec![
        one(Route::of(__path_show, show)),
        one(Route::of(__path_grant, grant)).refuses(StatusCode::BAD_REQUEST, &["bad_grant"]),
    ]
}

/// What is granted at runtime, in the place of what was; what is absent is not granted here.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = GrantsToGive, example = json!({ "send": "contacts", "secrets": ["crm_token"], "rate": 30 }))]
pub(in crate::native) struct GrantsBody {
    /// To whom it may write: `reply-only`, `contacts` or `any`.
    #[schema(example = "contacts")]
    send: Option<String>,
    /// Where it may fetch from.
    #[schema(example = json!(["https://api.example.com"]))]
    http: Option<Vec<String>>,
    /// The names of the secrets it may read.
    #[schema(example = json!(["crm_token"]))]
    secrets: Option<Vec<String>>,
    /// Which stored messages it may read: `none`, `chat` or `any`.
    #[schema(example = "chat")]
    history: Option<String>,
    /// How much memory a call may take, in MiB: 1 to 128.
    memory: Option<u32>,
    /// The sessions whose events it is given, and no others.
    #[schema(example = json!(["shop"]))]
    sessions: Option<Vec<String>>,
    /// How many messages it may send in a minute, in all: 1 to 100,000.
    rate: Option<u32>,
    /// Whether an instance of it may be kept between calls.
    warm: Option<bool>,
}

impl GrantsBody {
    fn into_grants(self) -> Result<OperatorGrants, Problem> {
        let bad = |field: &'static str, message: &str| {
            Problem::invalid("bad_grant", message.to_owned()).in_field(field)
        };
        let send = self.send.as_deref().map(|word| match word {
            "reply-only" => Ok(SendScope::ReplyOnly),
            "contacts" => Ok(SendScope::Contacts),
            "any" => Ok(SendScope::Any),
            _ => Err(bad("/send", "`send` is `reply-only`, `contacts` or `any`")),
        });
        let history = self.history.as_deref().map(|word| match word {
            "none" => Ok(HistoryScope::None),
            "chat" => Ok(HistoryScope::Chat),
            "any" => Ok(HistoryScope::Any),
            _ => Err(bad("/history", "`history` is `none`, `chat` or `any`")),
        });
        let http = self.http.map(|items| {
            let parsed = items
                .iter()
                .map(|text| in_field("bad_grant", "/http", text));
            parsed.collect::<Result<Vec<_>, Problem>>()
        });
        let sessions = self.sessions.map(|items| {
            let parsed = items
                .iter()
                .map(|text| in_field("bad_grant", "/sessions", text));
            parsed.collect::<Result<Vec<_>, Problem>>()
        });
        Ok(OperatorGrants {
            send: send.transpose()?,
            http: http.transpose()?,
            secrets: self.secrets,
            history: history.transpose()?,
            memory: self.memory,
            sessions: sessions.transpose()?,
            rate: self.rate,
            warm: self.warm,
        })
    }
}

/// What the operator says in one place; what is absent is not said there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OperatorGrants)]
pub(in crate::native) struct OperatorView {
    /// To whom it may write.
    #[serde(skip_serializing_if = "Option::is_none")]
    send: Option<words::SendScope>,
    /// Where it may fetch from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["https://api.example.com"]))]
    http: Option<Vec<String>>,
    /// The names of the secrets it may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<String>>,
    /// Which stored messages it may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<words::HistoryScope>,
    /// How much memory a call may take, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<u32>,
    /// The sessions whose events it is given, and no others.
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<Vec<String>>,
    /// How many messages it may send in a minute, in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    /// Whether an instance of it may be kept between calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    warm: Option<bool>,
}

impl From<OperatorGrants> for OperatorView {
    fn from(said: OperatorGrants) -> Self {
        fn texts<T: ToString>(items: Option<Vec<T>>) -> Option<Vec<String>> {
            items.map(|items| items.iter().map(ToString::to_string).collect())
        }
        Self {
            send: said.send.map(Into::into),
            http: texts(said.http),
            secrets: said.secrets,
            history: said.history.map(Into::into),
            memory: said.memory,
            sessions: texts(said.sessions),
            rate: said.rate,
            warm: said.warm,
        }
    }
}

/// What an extension asks for, what it is granted by whom, and what holds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GrantedExtension, example = json!({
    "asked": { "send": "any", "history": "none" },
    "config": { "send": "contacts" },
    "runtime": { "rate": 30 },
    "effective": { "send": "contacts", "history": "none", "rate": 30 },
    "withheld": { "send": "any", "history": "none" },
}))]
pub(in crate::native) struct GrantedView {
    /// What its newest version asks for.
    asked: GrantsView,
    /// What the configuration says; it goes over what was granted at runtime.
    config: OperatorView,
    /// What was granted at runtime.
    runtime: OperatorView,
    /// What holds for the version that runs: asked for and granted.
    effective: GrantsView,
    /// What the version that runs asks for in vain.
    withheld: GrantsView,
}

impl From<Granted> for GrantedView {
    fn from(granted: Granted) -> Self {
        Self {
            asked: granted.status.asked.into(),
            config: granted.config.into(),
            runtime: granted.runtime.into(),
            effective: granted.status.grants.into(),
            withheld: granted.status.withheld.into(),
        }
    }
}

/// Shows what an extension asks for, what it is granted, and what holds.
///
/// For admins.
#[utoipa::path(
    get, path = "/v1/extensions/{name}/grants", operation_id = "getExtensionGrants",
    params(("name" = String, Path, description = "Name of the extension", example = "auto-reply")),
    responses((status = 200, description = "What is asked for, granted and effective.", body = GrantedView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Param(name): Param<ExtensionName>,
) -> Result<Json<GrantedView>, Problem> {
    Ok(Json(app.extensions().grants(&caller, &name).await?.into()))
}

/// Puts grants in the place of those that were given at runtime.
///
/// What the configuration says goes over it. What holds is what the extension asks for and is granted; a
/// version that waited for a grant is loaded before this is answered. For admins.
#[utoipa::path(
    put, path = "/v1/extensions/{name}/grants", operation_id = "grantExtension",
    params(("name" = String, Path, description = "Name of the extension", example = "auto-reply")),
    request_body = GrantsBody,
    responses((status = 200, description = "What holds now.", body = GrantedView)),
)]
pub(super) async fn grant(
    State(app): State<App>,
    caller: Caller,
    Param(name): Param<ExtensionName>,
    Wire(body): Wire<GrantsBody>,
) -> Result<Json<GrantedView>, Problem> {
    let granted = body.into_grants()?;
    Ok(Json(
        app.extensions()
            .grant(&caller, &name, granted)
            .await?
            .into(),
    ))
}
