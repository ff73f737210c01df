//! `/v1/extensions`: the plugins and scripts, how they are, and what they are granted.

mod grants;
mod replay;
mod usage;

pub(super) use grants::{GrantedView, GrantsBody};
pub(super) use replay::{ReplayBody, ReplayView};

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_domain::extension::{ExtensionFault, ExtensionStatus, Grants};
use warbler_domain::{Caller, EventId, ExtensionName, Generation, Timestamp};

use super::{Listing, words};
use crate::extract::Param;
use crate::mount::Route;
use crate::problem::Problem;
use usage::UsageView;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::of(__path_list, list),
        Route::of(__path_get, get).refuses(StatusCode::NOT_FOUND, &["unknown_extension"]),
    ];
    routes.extend(grants::routes());
    routes.extend(replay::routes());
    routes
}

/// A plugin or a script.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Extension, example = json!({
    "name": "auto-reply",
    "kind": "script",
    "path": "scripts/auto-reply.rhai",
    "state": "active",
    "generation": "a1b2c3d4e5f6",
    "loadedAt": "2026-05-04T09:29:40.003Z",
    "order": 100,
    "hooks": ["event"],
    "events": ["message.received"],
    "grants": { "send": "reply-only", "history": "none" },
    "usage": {
        "succeeded": 1204, "failed": { "deadline": 1 }, "queueMicros": 310, "startMicros": 14400, "guestMicros": 18060,
        "hostMicros": 2200, "peakMemoryBytes": 1179648, "actions": 311, "fetches": 0, "denials": 0, "running": 0, "waiting": 0,
        "warm": 0, "reloads": 2, "quarantines": 0,
    },
}))]
pub(super) struct ExtensionView {
    /// Its name.
    #[schema(value_type = String)]
    name: ExtensionName,
    /// What it is made of.
    kind: words::ExtensionKind,
    /// Where it was loaded from.
    path: String,
    /// Whether it runs.
    state: words::ExtensionState,
    /// The version that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    generation: Option<Generation>,
    /// Since when that version runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    loaded_at: Option<Timestamp>,
    /// Its place in the chain: smaller comes first.
    order: i32,
    /// What it is called for.
    hooks: Vec<words::Hook>,
    /// The event kinds it is called for.
    events: Vec<String>,
    /// What holds for it.
    grants: GrantsView,
    /// What it asks for and is not granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<GrantsView>,
    /// What the running version has done and used since it was loaded.
    usage: UsageView,
    /// Until when it is left out, in state `quarantined`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    quarantined_until: Option<Timestamp>,
    /// Why the newest file does not run, or what went wrong at its last event.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<FaultView>,
}

/// What holds for an extension: what it asks for and the operator grants.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Grants)]
pub(super) struct GrantsView {
    /// To whom it may write.
    send: words::SendScope,
    /// Where it may fetch from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["https://api.example.com"]))]
    http: Vec<String>,
    /// The names of the secrets it may read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["crm_token"]))]
    secrets: Vec<String>,
    /// Which stored messages it may read.
    history: words::HistoryScope,
    /// How much memory a call may take, in MiB; the usual limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<u32>,
    /// The sessions whose events it is given; those of all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["shop"]))]
    sessions: Option<Vec<String>>,
    /// How many messages it may send in a minute, in all; no bound of its own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    /// Whether an instance of it may be kept between calls.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    warm: bool,
}

impl From<Grants> for GrantsView {
    fn from(grants: Grants) -> Self {
        Self {
            send: grants.send.into(),
            http: grants.http.iter().map(ToString::to_string).collect(),
            secrets: grants.secrets,
            history: grants.history.into(),
            memory: grants.memory,
            sessions: grants
                .sessions
                .map(|names| names.iter().map(ToString::to_string).collect()),
            rate: grants.rate,
            warm: grants.warm,
        }
    }
}

/// What went wrong with an extension.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExtensionFault)]
pub(super) struct FaultView {
    /// A stable word: `script-syntax`, `deadline`, `memory`, `trap`, …
    #[schema(example = "script-syntax")]
    code: String,
    /// What to do about it.
    message: String,
    /// The file it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    /// The line itself, with a caret below the column.
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
    /// The event it happened at, if it was at one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    event: Option<EventId>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<ExtensionStatus> for ExtensionView {
    fn from(status: ExtensionStatus) -> Self {
        Self {
            name: status.name,
            kind: status.kind.into(),
            path: status.path,
            state: status.state.into(),
            generation: status.generation,
            loaded_at: status.loaded_at,
            order: status.order,
            hooks: status.hooks.into_iter().map(words::Hook::from).collect(),
            events: status.events,
            grants: status.grants.into(),
            withheld: Some(status.withheld)
                .filter(|withheld| !withheld.is_default())
                .map(GrantsView::from),
            usage: status.usage.into(),
            quarantined_until: status.quarantined_until,
            last_error: status.last_error.map(FaultView::from),
        }
    }
}

impl From<ExtensionFault> for FaultView {
    fn from(fault: ExtensionFault) -> Self {
        Self {
            code: fault.code,
            message: fault.message,
            file: fault.file,
            line: fault.line,
            column: fault.column,
            excerpt: fault.excerpt,
            event: fault.event,
            at: fault.at,
        }
    }
}

/// Lists every extension, in the order of the chain, with its state and last error.
#[utoipa::path(
    get, path = "/v1/extensions", operation_id = "listExtensions",
    responses((status = 200, description = "All of them, running or not.", body = Listing<ExtensionView>)),
)]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Json<Listing<ExtensionView>> {
    Json(Listing::whole(app.extensions().list(&caller)))
}

/// Shows one extension.
#[utoipa::path(
    get, path = "/v1/extensions/{name}", operation_id = "getExtension",
    params(("name" = String, Path, description = "Name of the extension", example = "auto-reply")),
    responses((status = 200, description = "The extension.", body = ExtensionView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(name): Param<ExtensionName>,
) -> Result<Json<ExtensionView>, Problem> {
    Ok(Json(app.extensions().get(&caller, &name)?.into()))
}
