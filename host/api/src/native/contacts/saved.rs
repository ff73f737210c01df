//! The names that callers save for people.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_domain::{Caller, Recipient, SessionRef};

use super::ContactView;
use crate::extract::{Pair, Wire};
use crate::problem::Problem;

/// What somebody is to be called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SaveContact, example = json!({ "name": "Ada, blue bike" }))]
pub(in crate::native) struct SaveBody {
    /// The name: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
}

/// Saves a name for somebody, known or not.
///
/// It is kept on this host, for this session, and shown before the names of the account's address
/// book and those that people show.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/contacts/{contact}", operation_id = "saveContact",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("contact" = String, Path, description = "Phone number or JID", example = "+15550123"),
    ),
    request_body = SaveBody,
    responses((status = 200, description = "The person.", body = ContactView)),
)]
pub(in crate::native) async fn save(
    State(app): State<App>,
    caller: Caller,
    Pair(session, person): Pair<SessionRef, Recipient>,
    Wire(body): Wire<SaveBody>,
) -> Result<Json<ContactView>, Problem> {
    let contacts = app.contacts();
    let saved = contacts.save_name(&caller, &session, person, &body.name);
    Ok(Json(saved.await?.into()))
}

/// Forgets the name that was saved for somebody.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/contacts/{contact}", operation_id = "forgetContact",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("contact" = String, Path, description = "Phone number or JID", example = "+15550123"),
    ),
    responses((status = 204, description = "It is forgotten.")),
)]
pub(in crate::native) async fn forget(
    State(app): State<App>,
    caller: Caller,
    Pair(session, person): Pair<SessionRef, Recipient>,
) -> Result<StatusCode, Problem> {
    let contacts = app.contacts();
    contacts.forget_name(&caller, &session, person).await?;
    Ok(StatusCode::NO_CONTENT)
}
