//! `/v1/extensions/{name}/replay`: stored events through two versions, for nothing.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::extensions::{MAX_REPLAYED, Outcome, Replay, Replayed, ReplayedEvent};
use warbler_domain::{Caller, EventId, EventKind, ExtensionName, Generation, Timestamp};

use super::FaultView;
use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::native::events::{ActionView, CostView, LogView};
use crate::native::{in_field, words};
use crate::problem::Problem;

/// How many events are replayed when nothing is said.
const USUAL: u32 = 50;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_replay, replay)
            .refuses(StatusCode::BAD_REQUEST, &["bad_replay"])
            .refuses(
                StatusCode::NOT_FOUND,
                &["unknown_extension", "unknown_event"],
            )
            .refuses(StatusCode::CONFLICT, &["replay_under_way"]),
    ]
}

/// What to replay: so many of the newest events, or one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = ReplayRequest, example = json!({ "events": 50 }))]
pub(in crate::native) struct ReplayBody {
    /// How many events, the newest ones that a version is called for: 1 to 200, else 50.
    #[schema(example = 50)]
    events: Option<u32>,
    /// The id of one event.
    #[schema(example = "0192f0c1-9a12-7d40-b1c2-d3e4f5061728")]
    event: Option<String>,
}

impl ReplayBody {
    fn into_replay(self) -> Result<Replay, Problem> {
        match (self.event, self.events) {
            (Some(id), None) => Ok(Replay::One(in_field::<EventId>(
                "bad_replay",
                "/event",
                &id,
            )?)),
            (None, events) => {
                let events = events.unwrap_or(USUAL);
                if !(1..=MAX_REPLAYED).contains(&events) {
                    let message = format!("`events` is 1 to {MAX_REPLAYED}");
                    return Err(Problem::invalid("bad_replay", message).in_field("/events"));
                }
                Ok(Replay::Last(events))
            }
            (Some(_), Some(_)) => Err(Problem::invalid(
                "bad_replay",
                "say `events` or `event`, not both",
            )),
        }
    }
}

/// What two versions of an extension would do with events of the past.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Replay)]
pub(in crate::native) struct ReplayView {
    /// The older version: the one that runs while a newer one does not, else the one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    before: Option<Generation>,
    /// The newer version; absent when it cannot be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    after: Option<Generation>,
    /// Why it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FaultView>,
    /// At how many of the events the two differ.
    different: usize,
    /// Whether time ran out before all events were replayed.
    cut_short: bool,
    /// The events, the newest first.
    events: Vec<ReplayedView>,
}

/// One event of a replay.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplayedEvent)]
pub(in crate::native) struct ReplayedView {
    /// The event's id.
    #[schema(value_type = String)]
    id: EventId,
    /// What kind of event it is.
    #[schema(value_type = String, example = "message.received")]
    kind: EventKind,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Whether both versions would do the same.
    same: bool,
    /// What the older version would do; absent when it is not called for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<OutcomeView>,
    /// What the newer version would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<OutcomeView>,
}

/// What a version would do with an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplayOutcome)]
pub(in crate::native) struct OutcomeView {
    /// Whether the chain would go on.
    verdict: words::Verdict,
    /// What it would ask for.
    actions: Vec<ActionView>,
    /// How many times it would write to its key-value space.
    kv_writes: usize,
    /// What it logged.
    logs: Vec<LogView>,
    /// What it used.
    cost: CostView,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FaultView>,
}

impl From<Replayed> for ReplayView {
    fn from(replayed: Replayed) -> Self {
        let events = replayed.events.iter();
        Self {
            before: replayed.before,
            after: replayed.after,
            error: replayed.fault.map(FaultView::from),
            different: events.filter(|event| !event.is_same()).count(),
            cut_short: replayed.cut_short,
            events: replayed
                .events
                .into_iter()
                .map(ReplayedView::from)
                .collect(),
        }
    }
}

impl From<ReplayedEvent> for ReplayedView {
    fn from(replayed: ReplayedEvent) -> Self {
        Self {
            id: replayed.event.id,
            kind: replayed.event.kind(),
            at: replayed.event.at,
            same: replayed.is_same(),
            before: replayed.before.map(OutcomeView::from),
            after: replayed.after.map(OutcomeView::from),
        }
    }
}

impl From<Outcome> for OutcomeView {
    fn from(outcome: Outcome) -> Self {
        Self {
            verdict: outcome.verdict.into(),
            actions: outcome.actions.into_iter().map(ActionView::from).collect(),
            kv_writes: outcome.kv_writes.len(),
            logs: outcome.logs.into_iter().map(LogView::from).collect(),
            cost: outcome.cost.into(),
            error: outcome.fault.map(FaultView::from),
        }
    }
}

/// Takes events of the past through two versions of an extension, and shows where they differ.
///
/// Nothing is carried out, requests to the outside are refused, and nothing counts against the
/// extension. The versions are the one that runs and the newer one that does not (it waits for a grant, or
/// failed), else the one before and the one that runs. For admins.
#[utoipa::path(
    post, path = "/v1/extensions/{name}/replay", operation_id = "replayExtension",
    params(("name" = String, Path, description = "Name of the extension", example = "auto-reply")),
    request_body = ReplayBody,
    responses((status = 200, description = "What both would do.", body = ReplayView)),
)]
pub(super) async fn replay(
    State(app): State<App>,
    caller: Caller,
    Param(name): Param<ExtensionName>,
    Wire(body): Wire<ReplayBody>,
) -> Result<Json<ReplayView>, Problem> {
    let replay = body.into_replay()?;
    let extensions = app.extensions();
    Ok(Json(
        extensions.replay(&caller, &name, replay).await?.into(),
    ))
}
