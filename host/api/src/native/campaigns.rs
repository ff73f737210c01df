//! `/v1/campaigns`: one message for many recipients.

pub(in crate::native) mod actions;
mod body;
pub(crate) mod export;
pub(crate) mod list;
pub(in crate::native) mod recipients;
mod view;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::LOCATION;
use http::{HeaderName, StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;
use warbler_app::App;
use warbler_app::campaigns::{CampaignError, CampaignStatus};
use warbler_domain::campaign::{CampaignKind, CampaignState};
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, CampaignId};

pub(crate) use body::Scalar;
pub(in crate::native) use body::{CreateBody, RulesBody, UpdateBody, recipients_of};
pub(in crate::native) use view::{CampaignView, CountsView};

use super::Listing;
use super::messages::CONTENT;
use crate::extract::{Param, Search, Wire, parsed};
use crate::idempotent::{Named, Turn};
use crate::mount::Route;
use crate::problem::{Problem, RowProblem};
use list::NewList;

const BAD: StatusCode = StatusCode::BAD_REQUEST;
/// What is wrong with a campaign.
pub(in crate::native) const PARTS: &[&str] = &[
    "bad_session_name",
    "bad_campaign_sessions",
    "bad_campaign_name",
    "bad_campaign_content",
    "bad_campaign_rules",
    "bad_campaign_start",
    "bad_template",
    "unknown_template_extension",
    "no_recipients",
];
/// What is wrong with a list of recipients.
pub(in crate::native) const LIST: &[&str] = &["bad_recipients", "too_many_recipients"];
/// What is not there.
pub(in crate::native) const MISSING: &[&str] =
    &["unknown_session", "unknown_upload", "media_expired"];

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        make(Route::of(__path_create, create))
            .refuses(BAD, list::CSV)
            .refuses(StatusCode::PAYLOAD_TOO_LARGE, &["csv_too_large"]),
        Route::of(__path_list_all, list_all).refuses(BAD, &["invalid_query"]),
    ];
    routes.extend(list::routes());
    routes.extend([
        one(Route::of(__path_get, get)),
        one(Route::of(__path_update, update))
            .carries_media()
            .refuses(BAD, PARTS)
            .refuses(BAD, CONTENT)
            .refuses(StatusCode::NOT_FOUND, MISSING)
            .refuses(StatusCode::CONFLICT, &["campaign_wrong_state"])
            .refuses(StatusCode::INTERNAL_SERVER_ERROR, &["media_store"])
            .refuses(StatusCode::SERVICE_UNAVAILABLE, &["media_busy"]),
        one(Route::of(__path_delete, delete)),
    ]);
    routes.extend(actions::routes());
    routes.extend(recipients::routes());
    routes
}

/// A route of one campaign.
fn one(route: Route) -> Route {
    route.refuses(StatusCode::NOT_FOUND, &["unknown_campaign"])
}

/// A route that makes a campaign or broadcast.
pub(in crate::native) fn make(route: Route) -> Route {
    route
        .carries_media()
        .done_once()
        .refuses(BAD, PARTS)
        .refuses(BAD, CONTENT)
        .refuses(BAD, LIST)
        .refuses(StatusCode::NOT_FOUND, MISSING)
        .refuses(StatusCode::CONFLICT, &["too_many_campaigns"])
        .refuses(StatusCode::INTERNAL_SERVER_ERROR, &["media_store"])
        .refuses(StatusCode::SERVICE_UNAVAILABLE, &["media_busy"])
}

/// A refusal, with what is wrong with each row where it is about a list.
pub(crate) fn refused(err: CampaignError) -> Problem {
    let rows = match &err {
        CampaignError::BadRecipients { errors, .. } => errors.iter().map(row).collect(),
        _ => Vec::new(),
    };
    Problem::from(err).with_rows(rows)
}

fn row(error: &warbler_app::campaigns::RowError) -> RowProblem {
    RowProblem {
        row: error.row,
        column: error.column.clone(),
        code: error.code,
        message: error.message.clone(),
    }
}

/// The answer to a request that made a campaign.
pub(in crate::native) fn made(status: CampaignStatus, place: &str) -> impl IntoResponse + use<> {
    let at = format!("{place}/{}", status.campaign.id);
    let location: [(HeaderName, String); 1] = [(LOCATION, at)];
    (
        StatusCode::CREATED,
        location,
        Json(CampaignView::from(status)),
    )
}

/// Makes a campaign: a draft, or with `startAt` one that starts by itself.
///
/// Recipients stand in `recipients`, or in a CSV file: send a form (`multipart/form-data`) with this
/// JSON as the part `campaign` and the file as the part `file` behind it. The campaign is made whole
/// or not at all: rows that cannot be used are told in `rows`, unless `skipBad` leaves them out.
#[utoipa::path(
    post, path = "/v1/campaigns", operation_id = "createCampaign",
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of your own for this request", example = "spring-menu-1")),
    request_body = CreateBody,
    responses((status = 201, description = "The campaign.", body = CampaignView)),
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    new: NewList,
) -> Result<impl IntoResponse, Problem> {
    let turn = Named::turn::<CampaignId>(new.key, &app, &caller).await?;
    let status = match turn {
        Turn::Again(id) => app.campaigns().get(&caller, id).await,
        Turn::Go(claim) => {
            let command = new
                .body
                .into_command(CampaignKind::Campaign, new.recipients)?;
            app.campaigns().create(&caller, command, claim).await
        }
    };
    Ok(made(status.map_err(refused)?, "/v1/campaigns"))
}

/// Which campaigns are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::native) struct ListQuery {
    /// Only those in this state: `draft`, `scheduled`, `running`, `paused`, `completed`,
    /// `cancelled` or `failed`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, example = "running")]
    pub(in crate::native) state: Option<CampaignState>,
    /// How many at most: 1 to 500, else 50.
    pub(in crate::native) limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    pub(in crate::native) cursor: Option<Cursor>,
}

/// Lists the campaigns, newest first.
#[utoipa::path(
    get, path = "/v1/campaigns", operation_id = "listCampaigns",
    params(ListQuery),
    responses((status = 200, description = "A page of campaigns.", body = Listing<CampaignView>)),
)]
pub(super) async fn list_all(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<CampaignView>>, Problem> {
    let page = PageRequest::new(query.cursor, query.limit);
    let kind = CampaignKind::Campaign;
    let found = app.campaigns().list(&caller, kind, query.state, page).await;
    Ok(Json(found.map_err(refused)?.into()))
}

/// Shows a campaign and how far it is.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}", operation_id = "getCampaign",
    params(("id" = String, Path, description = "Id of the campaign", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The campaign.", body = CampaignView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    let status = app.campaigns().get(&caller, id).await;
    Ok(Json(status.map_err(refused)?.into()))
}

/// Changes a campaign that was not started yet. What is left out stays.
#[utoipa::path(
    patch, path = "/v1/campaigns/{id}", operation_id = "updateCampaign",
    params(("id" = String, Path, description = "Id of the campaign", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    request_body = UpdateBody,
    responses((status = 200, description = "The campaign.", body = CampaignView)),
)]
pub(super) async fn update(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
    Wire(body): Wire<UpdateBody>,
) -> Result<Json<CampaignView>, Problem> {
    let change = body.into_change()?;
    let status = app.campaigns().change(&caller, id, change).await;
    Ok(Json(status.map_err(refused)?.into()))
}

/// Ends a campaign and takes it away, with its list. The messages stay.
#[utoipa::path(
    delete, path = "/v1/campaigns/{id}", operation_id = "deleteCampaign",
    params(("id" = String, Path, description = "Id of the campaign", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 204, description = "It is gone.")),
)]
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
) -> Result<StatusCode, Problem> {
    app.campaigns().delete(&caller, id).await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}
