//! `/v1/events`: what happened, what the extensions made of it, and the stream of what happens.

mod action;
mod socket;
mod stream;
mod trace;
mod view;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use warbler_app::App;
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, EventId, EventKind, SessionRef};

pub(super) use action::ActionView;
pub(super) use socket::HelloBody;
pub(super) use stream::GapView;
pub(super) use trace::{CostView, ExplainedView, LogView};
pub(super) use view::EventView;

use super::Listing;
use crate::extract::{Param, Search, parsed};
use crate::mount::Route;
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_list, list).refuses(StatusCode::NOT_FOUND, &["unknown_session"]),
        Route::of(__path_explain, explain).refuses(StatusCode::NOT_FOUND, &["unknown_event"]),
        stream::route(),
        socket::route(),
    ]
}

/// Which events are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only those of this session, by id or name.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, example = "shop")]
    session: Option<SessionRef>,
    /// Only those of this kind.
    #[param(example = "message.received")]
    kind: Option<String>,
    /// How many at most: 1 to 500, else 50.
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists events, newest first.
#[utoipa::path(
    get, path = "/v1/events", operation_id = "listEvents",
    params(ListQuery),
    responses((status = 200, description = "A page of events.", body = Listing<EventView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<EventView>>, Problem> {
    let kind = query.kind.map(EventKind::new);
    let page = PageRequest::new(query.cursor, query.limit);
    Ok(Json(
        app.events()
            .list(&caller, query.session.as_ref(), kind, page)
            .await?
            .into(),
    ))
}

/// Shows what each extension did with an event: its verdict, its actions, its log, what it used, its
/// error; and why others were not called for it.
#[utoipa::path(
    get, path = "/v1/events/{id}/trace", operation_id = "explainEvent",
    params(("id" = String, Path, description = "Id of the event", example = "0192f0c1-9a12-7d40-b1c2-d3e4f5061728")),
    responses((status = 200, description = "The event and its way through the chain.", body = ExplainedView)),
)]
pub(super) async fn explain(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<EventId>,
) -> Result<Json<ExplainedView>, Problem> {
    let explained = app.events().explain(&caller, id).await?;
    Ok(Json(ExplainedView {
        event: explained.stored.into(),
        trace: explained.trace.map(Into::into),
        passed: explained.passed.into_iter().map(Into::into).collect(),
    }))
}
