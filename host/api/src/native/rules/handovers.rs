//! `/v1/sessions/{session}/handovers`: chats that rules leave to a human.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::rules::HandedOver;
use warbler_domain::{Caller, ExtensionName, Jid, Recipient, SessionRef, Timestamp};

use crate::extract::{Pair, Param};
use crate::mount::Route;
use crate::native::Listing;
use crate::problem::Problem;

pub(super) fn routes() -> Vec<Route> {
    let of_session = |route: Route| route.refuses(StatusCode::NOT_FOUND, &["unknown_session"]);
    vec![
        of_session(Route::of(__path_list, list)),
        of_session(Route::of(__path_end, end)).refuses(StatusCode::NOT_FOUND, &["not_handed_over"]),
    ]
}

/// A chat that is left to a human.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HandedOver, example = json!({
    "chat": "15550123@s.whatsapp.net",
    "extension": "rules",
    "until": "2026-05-04T11:29:40.003Z",
}))]
pub(crate) struct HandedOverView {
    /// Which.
    #[schema(value_type = String)]
    chat: Jid,
    /// Whose rules leave it: `rules` for those of this API, else the name of a file with rules.
    #[schema(value_type = String)]
    extension: ExtensionName,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
}

impl From<HandedOver> for HandedOverView {
    fn from(one: HandedOver) -> Self {
        Self {
            chat: one.chat,
            extension: one.extension,
            until: one.until,
        }
    }
}

/// Lists the chats of a session that rules leave to a human, at most 1,000.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/handovers", operation_id = "listHandovers",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "All of them.", body = Listing<HandedOverView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<Listing<HandedOverView>>, Problem> {
    let chats = app.rules().handed_over(&caller, &session).await?;
    Ok(Json(Listing::whole(chats)))
}

/// Gives a chat back to the rules before its time, those of this API and of every file. What a rule
/// has tagged and remembered stays.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/handovers/{chat}", operation_id = "endHandover",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("chat" = String, Path, description = "Phone number or JID", example = "+15550123"),
    ),
    responses((status = 204, description = "Rules answer there again.")),
)]
pub(super) async fn end(
    State(app): State<App>,
    caller: Caller,
    Pair(session, chat): Pair<SessionRef, Recipient>,
) -> Result<StatusCode, Problem> {
    app.rules().take_back(&caller, &session, chat).await?;
    Ok(StatusCode::NO_CONTENT)
}
