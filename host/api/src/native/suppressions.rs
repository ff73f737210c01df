//! `/v1/suppressions`: who does not want campaigns.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_domain::campaign::Suppression;
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, Jid, Recipient, SessionId, SessionRef, Timestamp, UserId};

use super::messages::recipient;
use super::{Listing, in_field};
use crate::extract::{Param, Search, Wire, parsed};
use crate::mount::Route;
use crate::problem::Problem;

const BAD: StatusCode = StatusCode::BAD_REQUEST;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_list, list).refuses(BAD, &["bad_recipient"]),
        Route::of(__path_add, add)
            .refuses(
                BAD,
                &[
                    "bad_recipient",
                    "bad_session_name",
                    "not_a_person",
                    "session_required",
                    "bad_suppression_reason",
                ],
            )
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"])
            .refuses(StatusCode::CONFLICT, &["too_many_suppressions"]),
        Route::of(__path_remove, remove).refuses(StatusCode::NOT_FOUND, &["unknown_suppression"]),
    ]
}

/// Somebody who does not want campaigns.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Suppression, example = json!({
    "to": "15550123@s.whatsapp.net", "reason": "opt-out", "createdAt": "2026-05-04T09:31:00.000Z",
}))]
pub(in crate::native) struct SuppressionView {
    /// Who.
    #[schema(value_type = String)]
    to: Jid,
    /// The one session that leaves them out; all of their owner's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    session: Option<SessionId>,
    /// The user whose sessions leave them out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    owner: Option<UserId>,
    /// Why: `opt-out` when they wrote so themselves, else what was said when they were added.
    reason: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Suppression> for SuppressionView {
    fn from(one: Suppression) -> Self {
        Self {
            to: one.jid,
            session: one.session,
            owner: one.owner,
            reason: one.reason,
            created_at: one.created_at,
        }
    }
}

/// Which of them are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only this person: a phone number or a JID.
    #[param(example = "+15550123")]
    to: Option<String>,
    /// How many at most: 1 to 500, else 50.
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists who does not want campaigns, the newest first.
#[utoipa::path(
    get, path = "/v1/suppressions", operation_id = "listSuppressions",
    params(ListQuery),
    responses((status = 200, description = "A page of people.", body = Listing<SuppressionView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<SuppressionView>>, Problem> {
    let to = query.to.map(|to| recipient(&to, "to")).transpose()?;
    let page = PageRequest::new(query.cursor, query.limit);
    let found = app.suppressions().list(&caller, to, page).await?;
    Ok(Json(found.into()))
}

/// Somebody to leave out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AddSuppression, example = json!({ "to": "+15550123", "reason": "asked on the phone" }))]
pub(in crate::native) struct AddBody {
    /// Who: a phone number or the JID of a person.
    #[schema(example = "+15550123")]
    to: String,
    /// The one session that leaves them out; all of the caller's when left out.
    session: Option<String>,
    /// Why, up to 200 characters.
    #[serde(default)]
    #[schema(example = "asked on the phone")]
    reason: String,
}

/// Leaves somebody out of campaigns. Whoever is left out already stays so.
#[utoipa::path(
    post, path = "/v1/suppressions", operation_id = "addSuppression",
    request_body = AddBody,
    responses((status = 201, description = "The entry.", body = SuppressionView)),
)]
pub(super) async fn add(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<AddBody>,
) -> Result<(StatusCode, Json<SuppressionView>), Problem> {
    let to = recipient(&body.to, "to")?;
    let session: Option<SessionRef> = body
        .session
        .map(|session| in_field("bad_session_name", "session", &session))
        .transpose()?;
    let added = app
        .suppressions()
        .add(&caller, session.as_ref(), to, body.reason)
        .await?;
    Ok((StatusCode::CREATED, Json(added.into())))
}

/// Lets somebody be written to again.
#[utoipa::path(
    delete, path = "/v1/suppressions/{to}", operation_id = "removeSuppression",
    params(("to" = String, Path, description = "A phone number or a JID", example = "+15550123")),
    responses((status = 204, description = "Nothing leaves them out any more.")),
)]
pub(super) async fn remove(
    State(app): State<App>,
    caller: Caller,
    Param(to): Param<Recipient>,
) -> Result<StatusCode, Problem> {
    app.suppressions().remove(&caller, to).await?;
    Ok(StatusCode::NO_CONTENT)
}
