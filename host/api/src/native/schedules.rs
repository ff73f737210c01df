//! `/v1/schedules`: messages for later, once or again and again.

mod change;
mod view;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::LOCATION;
use http::{HeaderName, StatusCode};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_app::schedules::{CreateSchedule, ScheduleStatus, When};
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::schedule::{Missed, Moment, ScheduleState};
use warbler_domain::{Caller, ScheduleId, SessionRef};

pub(in crate::native) use change::UpdateBody;
pub(in crate::native) use view::ScheduleView;

use super::messages::{CONTENT, ContentBody, recipient};
use super::{Listing, in_field};
use crate::extract::{Param, Search, parsed};
use crate::idempotent::{Named, Once, Turn};
use crate::mount::Route;
use crate::problem::Problem;

const BAD: StatusCode = StatusCode::BAD_REQUEST;

/// What is wrong with a schedule.
const PARTS: &[&str] = &[
    "bad_schedule_content",
    "bad_schedule_name",
    "bad_schedule_time",
    "bad_cron",
    "bad_time_zone",
    "schedule_never_runs",
];

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::of(__path_create, create)
            .carries_media()
            .done_once()
            .refuses(BAD, CONTENT)
            .refuses(BAD, &["bad_session_name"])
            .refuses(BAD, PARTS)
            .refuses(
                StatusCode::NOT_FOUND,
                &["unknown_session", "unknown_upload", "media_expired"],
            )
            .refuses(StatusCode::CONFLICT, &["too_many_schedules"])
            .refuses(StatusCode::INTERNAL_SERVER_ERROR, &["media_store"])
            .refuses(StatusCode::SERVICE_UNAVAILABLE, &["media_busy"]),
        Route::of(__path_list, list)
            .refuses(BAD, &["bad_session_name"])
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"]),
        one(Route::of(__path_get, get)),
        one(Route::of(__path_cancel, cancel))
            .refuses(StatusCode::CONFLICT, &["schedule_not_active"]),
    ];
    routes.extend(change::routes());
    routes
}

/// A route of one schedule.
fn one(route: Route) -> Route {
    route.refuses(StatusCode::NOT_FOUND, &["unknown_schedule"])
}

/// A message for later: `at` says when it goes out once, `cron` when again and again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CreateSchedule, example = json!({
    "session": "shop",
    "to": "+15550123",
    "message": { "text": "Good morning!" },
    "zone": "Europe/Berlin",
    "cron": "0 9 * * mon-fri",
}))]
pub(in crate::native) struct CreateBody {
    /// The session that sends, by id or name.
    session: String,
    /// To whom: a phone number in international form, or the JID of a person or group.
    to: String,
    /// What is sent.
    message: ContentBody,
    /// What it is called.
    name: Option<String>,
    /// Whose clock `at`, `cron` and `until` are read by; `UTC` when left out. A time that a change
    /// of the clocks skips is the first one after it; one that comes twice is the first.
    #[schema(example = "Europe/Berlin")]
    zone: Option<String>,
    /// When, once: a local time such as `2026-12-24T18:00:00`, or one with an offset or `Z`; up to
    /// 366 days ahead.
    at: Option<String>,
    /// When, again and again: minute, hour, day of month, month, day of week.
    cron: Option<String>,
    /// Not after this, for `cron`.
    until: Option<String>,
    /// What becomes of a run whose time passed more than five minutes ago while the host was down:
    /// `run` makes up for it, once however many were missed, `skip` leaves it out.
    #[schema(example = "run")]
    missed: Option<MissedBody>,
}

/// What becomes of a missed run.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = MissedPolicy)]
pub(in crate::native) enum MissedBody {
    Run,
    Skip,
}

impl From<MissedBody> for Missed {
    fn from(missed: MissedBody) -> Self {
        match missed {
            MissedBody::Run => Self::Run,
            MissedBody::Skip => Self::Skip,
        }
    }
}

/// When something is to go out, if that is said.
fn when(
    at: Option<String>,
    cron: Option<String>,
    until: Option<String>,
) -> Result<Option<When>, Problem> {
    let moment = |field: &str, text: &str| in_field::<Moment>("bad_schedule_time", field, text);
    match (at, cron, until) {
        (None, None, None) => Ok(None),
        (Some(at), None, None) => Ok(Some(When::At(moment("at", &at)?))),
        (None, Some(cron), until) => Ok(Some(When::Cron {
            expression: in_field("bad_cron", "cron", &cron)?,
            until: until
                .as_deref()
                .map(|until| moment("until", until))
                .transpose()?,
        })),
        _ => Err(no_time()),
    }
}

fn no_time() -> Problem {
    let detail = "say when: `at` for once, or `cron` and perhaps `until` for again and again";
    Problem::invalid("bad_schedule_time", detail).in_field("at")
}

impl CreateBody {
    fn into_command(self) -> Result<CreateSchedule, Problem> {
        let when = when(self.at, self.cron, self.until)?;
        let when = when.ok_or_else(no_time)?;
        let zone = self.zone.as_deref().unwrap_or("UTC");
        Ok(CreateSchedule {
            session: in_field("bad_session_name", "session", &self.session)?,
            name: self.name,
            to: recipient(&self.to, "to")?,
            content: self.message.into_content()?,
            zone: in_field("bad_time_zone", "zone", zone)?,
            when,
            missed: self.missed.map_or(Missed::Run, Missed::from),
        })
    }
}

/// Makes a schedule.
#[utoipa::path(
    post, path = "/v1/schedules", operation_id = "createSchedule",
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of your own for this request", example = "good-morning")),
    request_body = CreateBody,
    responses((status = 201, description = "The schedule.", body = ScheduleView)),
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    once: Once<CreateBody>,
) -> Result<impl IntoResponse, Problem> {
    let turn = Named::turn::<ScheduleId>(once.key, &app, &caller).await?;
    let status: ScheduleStatus = match turn {
        Turn::Again(id) => app.schedules().get(&caller, id).await?,
        Turn::Go(claim) => {
            let command = once.body.into_command()?;
            app.schedules().create(&caller, command, claim).await?
        }
    };
    let at = format!("/v1/schedules/{}", status.schedule.id);
    let location: [(HeaderName, String); 1] = [(LOCATION, at)];
    Ok((
        StatusCode::CREATED,
        location,
        Json(ScheduleView::from(status)),
    ))
}

/// Which schedules are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only those of this session, by id or name.
    #[param(example = "shop")]
    session: Option<String>,
    /// Only those in this state: `active`, `paused`, `done` or `cancelled`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, example = "active")]
    state: Option<ScheduleState>,
    /// How many at most: 1 to 500, else 50.
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists schedules, the newest first.
#[utoipa::path(
    get, path = "/v1/schedules", operation_id = "listSchedules",
    params(ListQuery),
    responses((status = 200, description = "A page of schedules.", body = Listing<ScheduleView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<ScheduleView>>, Problem> {
    let session: Option<SessionRef> = query
        .session
        .map(|session| in_field("bad_session_name", "session", &session))
        .transpose()?;
    let page = PageRequest::new(query.cursor, query.limit);
    let found = app
        .schedules()
        .list(&caller, session.as_ref(), query.state, page)
        .await?;
    Ok(Json(found.into()))
}

/// Shows a schedule, its next runs and its last ones.
#[utoipa::path(
    get, path = "/v1/schedules/{id}", operation_id = "getSchedule",
    params(("id" = String, Path, description = "Id of the schedule", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The schedule.", body = ScheduleView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<ScheduleId>,
) -> Result<Json<ScheduleView>, Problem> {
    Ok(Json(app.schedules().get(&caller, id).await?.into()))
}

/// Takes a schedule back: it does not run any more.
#[utoipa::path(
    post, path = "/v1/schedules/{id}/cancel", operation_id = "cancelSchedule",
    params(("id" = String, Path, description = "Id of the schedule", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The schedule.", body = ScheduleView)),
)]
pub(super) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<ScheduleId>,
) -> Result<Json<ScheduleView>, Problem> {
    Ok(Json(app.schedules().cancel(&caller, id).await?.into()))
}
