//! Whom the account has blocked.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_domain::{Caller, Jid, Recipient, SessionRef};

use crate::extract::{Pair, Param};
use crate::native::Listing;
use crate::problem::Problem;

/// Somebody who is blocked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BlockedContact)]
pub(in crate::native) struct BlockedView {
    /// Their address.
    #[schema(value_type = String, example = "15550123@s.whatsapp.net")]
    jid: Jid,
}

impl From<Jid> for BlockedView {
    fn from(jid: Jid) -> Self {
        Self { jid }
    }
}

/// Lists whom the account has blocked.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/blocked", operation_id = "listBlocked",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "All of them.", body = Listing<BlockedView>)),
)]
pub(in crate::native) async fn list(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<Listing<BlockedView>>, Problem> {
    let blocked = app.contacts().blocked(&caller, &session).await?;
    Ok(Json(Listing::whole(blocked)))
}

/// Blocks somebody.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/blocked/{contact}", operation_id = "blockContact",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("contact" = String, Path, description = "Phone number or JID", example = "+15550123"),
    ),
    responses((status = 204, description = "They are.")),
)]
pub(in crate::native) async fn block(
    State(app): State<App>,
    caller: Caller,
    Pair(session, person): Pair<SessionRef, Recipient>,
) -> Result<StatusCode, Problem> {
    app.contacts().block(&caller, &session, person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets somebody write again.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/blocked/{contact}", operation_id = "unblockContact",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("contact" = String, Path, description = "Phone number or JID", example = "+15550123"),
    ),
    responses((status = 204, description = "They may.")),
)]
pub(in crate::native) async fn unblock(
    State(app): State<App>,
    caller: Caller,
    Pair(session, person): Pair<SessionRef, Recipient>,
) -> Result<StatusCode, Problem> {
    app.contacts().unblock(&caller, &session, person).await?;
    Ok(StatusCode::NO_CONTENT)
}
