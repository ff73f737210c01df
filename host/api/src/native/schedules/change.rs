//! Changing a schedule, letting it rest, going on.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::schedules::UpdateSchedule;
use warbler_domain::schedule::Missed;
use warbler_domain::{Caller, ScheduleId};

use super::view::ScheduleView;
use super::{BAD, MissedBody, PARTS, one, when};
use crate::extract::{Param, Wire, given};
use crate::mount::Route;
use crate::native::in_field;
use crate::native::messages::{CONTENT, ContentBody, recipient};
use crate::problem::Problem;

pub(super) fn routes() -> Vec<Route> {
    const OVER: &[&str] = &["schedule_not_active"];
    vec![
        one(Route::of(__path_update, update))
            .carries_media()
            .refuses(BAD, PARTS)
            .refuses(BAD, CONTENT)
            .refuses(StatusCode::NOT_FOUND, &["unknown_upload", "media_expired"])
            .refuses(StatusCode::CONFLICT, OVER)
            .refuses(StatusCode::INTERNAL_SERVER_ERROR, &["media_store"])
            .refuses(StatusCode::SERVICE_UNAVAILABLE, &["media_busy"]),
        one(Route::of(__path_pause, pause)).refuses(StatusCode::CONFLICT, OVER),
        one(Route::of(__path_resume, resume))
            .refuses(BAD, &["schedule_never_runs"])
            .refuses(StatusCode::CONFLICT, OVER)
            .refuses(StatusCode::CONFLICT, &["schedule_not_paused"]),
    ]
}

/// What is to be different about a schedule; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = UpdateSchedule, example = json!({ "cron": "30 9 * * mon-fri" }))]
pub(in crate::native) struct UpdateBody {
    /// What it is called; null for no name.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    /// To whom.
    to: Option<String>,
    /// What is sent.
    message: Option<ContentBody>,
    /// Whose clock it goes by. A time of `at` that was given before stays the same instant.
    #[schema(example = "Europe/Berlin")]
    zone: Option<String>,
    /// When, once; in place of `cron`, if that was given before.
    at: Option<String>,
    /// When, again and again; in place of `at`, if that was given before.
    cron: Option<String>,
    /// Not after this, for `cron`, which is to be given as well.
    until: Option<String>,
    /// What becomes of a run that was missed.
    #[schema(example = "run")]
    missed: Option<MissedBody>,
}

impl UpdateBody {
    fn into_update(self) -> Result<UpdateSchedule, Problem> {
        let zone = self.zone.as_deref();
        Ok(UpdateSchedule {
            name: self.name,
            to: self.to.map(|to| recipient(&to, "to")).transpose()?,
            content: self.message.map(ContentBody::into_content).transpose()?,
            zone: zone
                .map(|zone| in_field("bad_time_zone", "zone", zone))
                .transpose()?,
            when: when(self.at, self.cron, self.until)?,
            missed: self.missed.map(Missed::from),
        })
    }
}

/// Changes a schedule that is active or paused.
#[utoipa::path(
    patch, path = "/v1/schedules/{id}", operation_id = "updateSchedule",
    params(("id" = String, Path, description = "Id of the schedule", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    request_body = UpdateBody,
    responses((status = 200, description = "The schedule.", body = ScheduleView)),
)]
pub(super) async fn update(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<ScheduleId>,
    Wire(body): Wire<UpdateBody>,
) -> Result<Json<ScheduleView>, Problem> {
    let update = body.into_update()?;
    Ok(Json(
        app.schedules().update(&caller, id, update).await?.into(),
    ))
}

/// Lets a schedule rest: it does not run until it is resumed.
#[utoipa::path(
    post, path = "/v1/schedules/{id}/pause", operation_id = "pauseSchedule",
    params(("id" = String, Path, description = "Id of the schedule", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The schedule.", body = ScheduleView)),
)]
pub(super) async fn pause(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<ScheduleId>,
) -> Result<Json<ScheduleView>, Problem> {
    Ok(Json(app.schedules().pause(&caller, id).await?.into()))
}

/// Lets a paused schedule go on with its next run; those that would have been meanwhile are left out.
#[utoipa::path(
    post, path = "/v1/schedules/{id}/resume", operation_id = "resumeSchedule",
    params(("id" = String, Path, description = "Id of the schedule", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The schedule.", body = ScheduleView)),
)]
pub(super) async fn resume(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<ScheduleId>,
) -> Result<Json<ScheduleView>, Problem> {
    Ok(Json(app.schedules().resume(&caller, id).await?.into()))
}
