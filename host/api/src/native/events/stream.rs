//! `/v1/events/stream`: events as they happen (server-sent events).
//!
//! The events are read from the store, so a slow reader costs one batch and misses nothing, and a
//! reader that comes back with `Last-Event-ID` goes on where it was. Streams end when the host
//! stops, and there are only so many at a time.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{self, Stream, StreamExt as _};
use http::{HeaderMap, StatusCode};
use warbler_app::App;
use warbler_domain::{Caller, EventId};
use warbler_store::events::Stored;

use super::EventView;
use crate::mount::{Route, Streams};
use crate::problem::Problem;

/// How often a silent stream shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const LAST_EVENT_ID: &str = "last-event-id";

pub(super) fn route() -> Route {
    Route::of(__path_follow, follow)
        .refuses(StatusCode::BAD_REQUEST, &["bad_event_id"])
        .refuses(StatusCode::NOT_FOUND, &["unknown_event"])
        .refuses(StatusCode::SERVICE_UNAVAILABLE, &["too_many_streams"])
}

/// Streams events as they happen.
///
/// Server-sent events: `id:` is the event's id, `event:` its kind, `data:` the event as JSON. A
/// client that comes back with `Last-Event-ID` gets what it missed first. A comment every 15 s
/// shows that the stream is alive.
#[utoipa::path(
    get, path = "/v1/events/stream", operation_id = "streamEvents",
    params(("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that was seen")),
    responses((
        status = 200, description = "A stream that ends when the host stops.",
        body = String, content_type = "text/event-stream",
        example = "id: 0192f0c1-9a12-7d40-b1c2-d3e4f5061728\nevent: message.received\ndata: {\"id\":…}\n\n",
    )),
)]
pub(super) async fn follow(
    State(app): State<App>,
    State(streams): State<Streams>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, axum::Error>>>, Problem> {
    let after = last_event_id(&headers)?;
    let place = Arc::clone(&streams.room).try_acquire_owned().map_err(|_| {
        let detail = "too many event streams are open; close one, or read GET /v1/events";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", detail)
    })?;
    let events = app.events().stream(&caller, after).await?;
    let batches = stream::unfold((events, place), async |(mut events, place)| {
        match events.next().await {
            Ok(batch) => {
                batch.map(|batch| (stream::iter(batch.into_iter().map(frame)), (events, place)))
            }
            Err(refusal) => {
                // Logged where it becomes a problem; the client comes back with `Last-Event-ID`.
                drop(Problem::from(refusal));
                None
            }
        }
    });
    let until_stop = batches.flatten().take_until(streams.stop.cancelled_owned());
    Ok(Sse::new(until_stop).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("alive")))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<EventId>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let parsed = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    match parsed {
        Some(id) => Ok(Some(id)),
        None => Err(Problem::invalid(
            "bad_event_id",
            "`Last-Event-ID` is not the id of an event",
        )),
    }
}

fn frame(stored: Stored) -> Result<Event, axum::Error> {
    let view = EventView::from(stored);
    Event::default()
        .id(view.id.to_string())
        .event(&view.kind)
        .json_data(&view)
}
