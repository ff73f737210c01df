//! `/v1/audit`: who changed what, when, from where.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, Timestamp};
use warbler_store::audit::{AuditEntry, AuditFilter};

use super::Listing;
use crate::extract::{Search, parsed};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::of(__path_list, list)]
}

/// Which changes are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only this action; with a dot at the end, all that begin so.
    #[param(example = "session.")]
    action: Option<String>,
    /// Only what the key, user or session with this id did.
    #[param(example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")]
    actor: Option<String>,
    /// Only what was done to the one with this id.
    #[param(example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5b")]
    target: Option<String>,
    /// Only from then on.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-05-04T00:00:00Z")]
    since: Option<Timestamp>,
    /// Only before then.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-05-05T00:00:00Z")]
    until: Option<Timestamp>,
    /// How many at most: 1 to 500, else 50.
    #[param(example = 50)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, example = "AAAAAAAAAGQ")]
    cursor: Option<Cursor>,
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry, example = json!({
    "at": "2026-05-04T09:29:40.003Z",
    "actor": {
        "kind": "user", "id": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a", "name": "ada",
        "address": "203.0.113.7",
    },
    "action": "session.delete",
    "target": { "id": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5b", "name": "shop" },
    "outcome": "done",
}))]
pub(super) struct EntryView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who.
    actor: ActorView,
    /// What was done.
    action: String,
    /// To what.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<TargetView>,
    /// `done`, or the code of the refusal.
    outcome: String,
}

/// Who changed something.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditActor)]
pub(super) struct ActorView {
    /// What was shown: `host`, `master-key`, `key`, `user`, `session-token`, or `nobody` for a
    /// login that failed and for an API that is open to everybody.
    kind: String,
    /// The id of that key, user or session.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// What it was called then.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Where the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

/// What was changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditTarget)]
pub(super) struct TargetView {
    /// Its id.
    id: String,
    /// What it was called then.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl From<AuditEntry> for EntryView {
    fn from(entry: AuditEntry) -> Self {
        let name = entry.name;
        Self {
            at: entry.at,
            actor: ActorView {
                kind: entry.actor_kind,
                id: entry.actor,
                name: entry.actor_name,
                address: entry.address.map(|address| address.to_string()),
            },
            action: entry.action,
            target: entry.target.map(|id| TargetView { id, name }),
            outcome: entry.outcome,
        }
    }
}

/// Lists changes, the newest first. For admins.
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "listAudit",
    params(ListQuery),
    responses((status = 200, description = "A page of changes.", body = Listing<EntryView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<EntryView>>, Problem> {
    let page = PageRequest::new(query.cursor, query.limit);
    let filter = AuditFilter {
        action: query.action,
        actor: query.actor,
        target: query.target,
        since: query.since,
        until: query.until,
    };
    Ok(Json(app.audit().list(&caller, filter, page).await?.into()))
}
