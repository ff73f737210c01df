//! What is on its way to a webhook, and what became of it.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::webhook::{Delivery, DeliveryState};
use warbler_domain::{Caller, DeliveryId, EventId, SessionId, Timestamp, WebhookId};

use super::view::AttemptView;
use crate::extract::{Pair, Param, Search, parsed};
use crate::mount::Route;
use crate::native::{Listing, words};
use crate::problem::Problem;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    let one = |route: Route| route.refuses(StatusCode::NOT_FOUND, &["unknown_webhook"]);
    vec![
        one(Route::of(__path_list, list)),
        one(Route::of(__path_clear, clear)),
        one(Route::of(__path_replay, replay))
            .refuses(StatusCode::NOT_FOUND, &["unknown_delivery"])
            .refuses(StatusCode::CONFLICT, &["delivery_is_waiting"]),
        one(Route::of(__path_replay_dead, replay_dead)),
    ]
}

/// One event on its way to a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery, example = json!({
    "id": "0192f0c1-9a12-7d40-b1c2-d3e4f5061728",
    "event": "0192f0c1-9a12-7d40-b1c2-d3e4f5061727",
    "kind": "message.received",
    "session": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "state": "waiting",
    "createdAt": "2026-05-04T09:31:00.312Z",
    "dueAt": "2026-05-04T09:31:10.901Z",
    "attempts": [{ "at": "2026-05-04T09:31:00.320Z", "tookMs": 12, "status": 503, "error": "receiver_status" }],
}))]
pub(crate) struct DeliveryView {
    /// Its id: the `webhook-id` the receiver sees, the same at every attempt.
    #[schema(value_type = String, format = "uuid")]
    id: DeliveryId,
    /// The event it tells.
    #[schema(value_type = String, format = "uuid")]
    event: EventId,
    /// The event's kind.
    kind: String,
    /// The session it happened in.
    #[schema(value_type = String, format = "uuid")]
    session: SessionId,
    /// How far it is.
    state: words::DeliveryState,
    /// When it was made, or last replayed.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it is tried next; only while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    /// What became of the last attempts, at most 10, the newest last.
    attempts: Vec<AttemptView>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let waits = delivery.state == DeliveryState::Waiting;
        Self {
            id: delivery.id,
            event: delivery.event,
            kind: delivery.kind,
            session: delivery.session,
            state: delivery.state.into(),
            created_at: delivery.created_at,
            due_at: waits.then_some(delivery.due_at),
            attempts: delivery.tries.into_iter().map(AttemptView::from).collect(),
        }
    }
}

/// Which deliveries, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only those in this state.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<words::DeliveryState>, example = "dead")]
    state: Option<DeliveryState>,
    /// How many at most: 1 to 500, else 50.
    #[param(example = 50)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Which deliveries are taken away.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ClearQuery {
    /// Those in this state.
    #[serde(deserialize_with = "named")]
    #[param(value_type = words::DeliveryState, example = "dead")]
    state: DeliveryState,
}

fn named<'de, D: serde::Deserializer<'de>>(from: D) -> Result<DeliveryState, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// How many deliveries are made again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReplayedDeliveries, example = json!({ "replayed": 12 }))]
pub(crate) struct ReplayedView {
    /// How many.
    replayed: u64,
}

/// How many deliveries were taken away.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClearedDeliveries, example = json!({ "cleared": 12 }))]
pub(crate) struct ClearedView {
    /// How many.
    cleared: u64,
}

/// Lists what is on its way to a webhook, and what became of it, the newest first.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/deliveries", operation_id = "listDeliveries",
    params(
        ("id" = String, Path, description = "Id of the webhook", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"),
        ListQuery,
    ),
    responses((status = 200, description = "A page of deliveries.", body = Listing<DeliveryView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<WebhookId>,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<DeliveryView>>, Problem> {
    let page = PageRequest::new(query.cursor, query.limit);
    let webhooks = app.webhooks();
    let page = webhooks.deliveries(&caller, id, query.state, page).await?;
    Ok(Json(page.into()))
}

/// Takes away a webhook's deliveries in one state, 10,000 at most.
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}/deliveries", operation_id = "clearDeliveries",
    params(
        ("id" = String, Path, description = "Id of the webhook", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"),
        ClearQuery,
    ),
    responses((status = 200, description = "How many.", body = ClearedView)),
)]
pub(super) async fn clear(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<WebhookId>,
    Search(query): Search<ClearQuery>,
) -> Result<Json<ClearedView>, Problem> {
    let cleared = app.webhooks().clear(&caller, id, query.state).await?;
    Ok(Json(ClearedView { cleared }))
}

/// Makes a delivery again, whatever became of it, under the same id.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/deliveries/{delivery}/replay", operation_id = "replayDelivery",
    params(
        ("id" = String, Path, description = "Id of the webhook", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"),
        ("delivery" = String, Path, description = "Id of the delivery", example = "0192f0c1-9a12-7d40-b1c2-d3e4f5061728"),
    ),
    responses((status = 202, description = "It waits to be made.")),
)]
pub(super) async fn replay(
    State(app): State<App>,
    caller: Caller,
    Pair(id, delivery): Pair<WebhookId, DeliveryId>,
) -> Result<StatusCode, Problem> {
    app.webhooks().replay(&caller, id, delivery).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Makes all dead letters of a webhook again, 10,000 at most.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/replay", operation_id = "replayDeadDeliveries",
    params(("id" = String, Path, description = "Id of the webhook", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 202, description = "How many wait to be made.", body = ReplayedView)),
)]
pub(super) async fn replay_dead(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<WebhookId>,
) -> Result<(StatusCode, Json<ReplayedView>), Problem> {
    let replayed = app.webhooks().replay_dead(&caller, id).await?;
    Ok((StatusCode::ACCEPTED, Json(ReplayedView { replayed })))
}
