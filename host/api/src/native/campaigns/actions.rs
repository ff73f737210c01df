//! What can be done with a campaign.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_domain::{Caller, CampaignId, Message};

use super::{BAD, CampaignView, made, one, refused};
use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::native::messages::{MessageView, recipient};
use crate::problem::Problem;

/// The routes of this part.
pub(super) fn routes() -> Vec<Route> {
    let step = |route: Route| one(route).refuses(StatusCode::CONFLICT, &["campaign_wrong_state"]);
    vec![
        step(Route::of(__path_start, start)).refuses(BAD, &["no_recipients"]),
        step(Route::of(__path_pause, pause)),
        step(Route::of(__path_resume, resume)),
        step(Route::of(__path_retry, retry))
            .refuses(StatusCode::CONFLICT, &["campaign_nothing_failed"]),
        step(Route::of(__path_cancel, cancel)),
        one(Route::of(__path_copy, copy))
            .refuses(BAD, &["bad_campaign_name"])
            .refuses(StatusCode::CONFLICT, &["too_many_campaigns"]),
        one(Route::of(__path_test, test))
            .refuses(
                BAD,
                &[
                    "bad_recipient",
                    "not_writable",
                    "bad_template",
                    "unknown_template_extension",
                ],
            )
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"])
            .refuses(
                StatusCode::CONFLICT,
                &["not_paired", "template_extension_failed"],
            ),
    ]
}

/// Starts a campaign. Its list is looked at row by row, each sent to at most once.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/start", operation_id = "startCampaign",
    params(("id" = String, Path, description = "Id of the campaign", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The campaign.", body = CampaignView)),
)]
pub(super) async fn start(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    let status = app.campaigns().start(&caller, id).await;
    Ok(Json(status.map_err(refused)?.into()))
}

/// Lets a campaign rest. What is being handed to WhatsApp arrives; nothing else goes out.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/pause", operation_id = "pauseCampaign",
    params(("id" = String, Path, description = "Id of the campaign", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The campaign.", body = CampaignView)),
)]
pub(super) async fn pause(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    let status = app.campaigns().pause(&caller, id).await;
    Ok(Json(status.map_err(refused)?.into()))
}

/// Lets a campaign go on that was paused or could not go on.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/resume", operation_id = "resumeCampaign",
    params(("id" = String, Path, description = "Id of the campaign", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The campaign.", body = CampaignView)),
)]
pub(super) async fn resume(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    let status = app.campaigns().resume(&caller, id).await;
    Ok(Json(status.map_err(refused)?.into()))
}

/// Sends to those again for whom it failed, each under the id its message had: one that arrived
/// after all is not doubled.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/retry", operation_id = "retryCampaign",
    params(("id" = String, Path, description = "Id of the campaign", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The campaign.", body = CampaignView)),
)]
pub(super) async fn retry(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    let status = app.campaigns().retry(&caller, id).await;
    Ok(Json(status.map_err(refused)?.into()))
}

/// Ends a campaign: nobody else is sent to.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/cancel", operation_id = "cancelCampaign",
    params(("id" = String, Path, description = "Id of the campaign", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The campaign.", body = CampaignView)),
)]
pub(super) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    let status = app.campaigns().cancel(&caller, id).await;
    Ok(Json(status.map_err(refused)?.into()))
}

/// How a copy is to be called.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = CloneCampaign, example = json!({ "name": "Summer menu" }))]
pub(in crate::native) struct CloneBody {
    /// Its name; that of the original and `(copy)` when left out.
    name: Option<String>,
}

/// Copies a campaign into a new draft, with its list and nothing sent.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/clone", operation_id = "cloneCampaign",
    params(("id" = String, Path, description = "Id of the campaign", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    request_body = CloneBody,
    responses((status = 201, description = "The copy.", body = CampaignView)),
)]
pub(super) async fn copy(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
    Wire(body): Wire<CloneBody>,
) -> Result<impl IntoResponse, Problem> {
    let status = app.campaigns().copy(&caller, id, body.name).await;
    Ok(made(status.map_err(refused)?, "/v1/campaigns"))
}

/// To whom a trial goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = TestCampaign, example = json!({ "to": "+15550123" }))]
pub(in crate::native) struct TestBody {
    /// A phone number in international form, or the JID of a person or group.
    #[schema(example = "+15550123")]
    to: String,
}

/// Sends what the first recipient would get to somebody else, to see how it looks.
#[utoipa::path(
    post, path = "/v1/campaigns/{id}/test", operation_id = "testCampaign",
    params(("id" = String, Path, description = "Id of the campaign", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    request_body = TestBody,
    responses((status = 202, description = "The message, accepted.", body = MessageView)),
)]
pub(super) async fn test(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
    Wire(body): Wire<TestBody>,
) -> Result<(StatusCode, Json<MessageView>), Problem> {
    let to = recipient(&body.to, "to")?;
    let message: Result<Message, _> = app.campaigns().test(&caller, id, to).await;
    Ok((StatusCode::ACCEPTED, Json(message.map_err(refused)?.into())))
}
