//! `/v1/sessions/{session}/calls`: calls a session has seen, and refusing them.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_domain::call::Call;
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, Jid, SessionRef, Timestamp};

use super::chats::asks_network;
use super::{Listing, words};
use crate::extract::{Pair, Param, Search, parsed};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_list, list).refuses(StatusCode::NOT_FOUND, &["unknown_session"]),
        asks_network(Route::of(__path_reject, reject))
            .refuses(StatusCode::NOT_FOUND, &["unknown_call"])
            .refuses(StatusCode::CONFLICT, &["call_over"]),
    ]
}

/// A call a session has seen.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Call, example = json!({
    "id": "A1B2C3D4E5F6",
    "by": "15550123@s.whatsapp.net",
    "video": false,
    "group": false,
    "state": "ringing",
    "at": "2026-05-04T09:31:00.000Z",
}))]
pub(super) struct CallView {
    /// The network's id of it.
    id: String,
    /// Who calls.
    #[schema(value_type = String)]
    by: Jid,
    /// Whether with pictures.
    video: bool,
    /// Whether several people are called.
    group: bool,
    /// What has become of it.
    state: words::CallState,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<Call> for CallView {
    fn from(call: Call) -> Self {
        Self {
            id: call.id,
            by: call.by,
            video: call.video,
            group: call.group,
            state: call.state.into(),
            at: call.at,
        }
    }
}

/// Which page is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// How many at most: 1 to 500, else 50.
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists the calls a session has seen, newest first.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/calls", operation_id = "listCalls",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ListQuery,
    ),
    responses((status = 200, description = "A page of calls.", body = Listing<CallView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<CallView>>, Problem> {
    let page = PageRequest::new(query.cursor, query.limit);
    Ok(Json(
        app.calls().list(&caller, &session, page).await?.into(),
    ))
}

/// Refuses a call that rings.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/calls/{call}/reject", operation_id = "rejectCall",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("call" = String, Path, description = "The network's id of the call", example = "A1B2C3D4E5F6"),
    ),
    responses((status = 204, description = "It is refused.")),
)]
pub(super) async fn reject(
    State(app): State<App>,
    caller: Caller,
    Pair(session, call): Pair<SessionRef, String>,
) -> Result<StatusCode, Problem> {
    app.calls().reject(&caller, &session, &call).await?;
    Ok(StatusCode::NO_CONTENT)
}
