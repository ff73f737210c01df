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
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_app::events::{Gap, Streamed, Wanted};
use warbler_domain::{Caller, EventId, KindPattern, SessionRef};
use warbler_store::events::Stored;

use super::EventView;
use crate::extract::{Search, parsed};
use crate::mount::{Route, Streams};
use crate::problem::Problem;

/// How often a silent stream shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a client waits before it comes back.
const RETRY: Duration = Duration::from_secs(2);
/// Kinds that may be named at once.
const MAX_KINDS: usize = 32;
const LAST_EVENT_ID: &str = "last-event-id";

pub(super) fn route() -> Route {
    Route::of(__path_follow, follow)
        .refuses(StatusCode::BAD_REQUEST, &["bad_event_id"])
        .refuses(StatusCode::NOT_FOUND, &["unknown_event", "unknown_session"])
        .refuses(StatusCode::SERVICE_UNAVAILABLE, &["too_many_streams"])
}

/// Which events a stream is to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StreamQuery {
    /// Only those of this session, by id or name.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, example = "shop")]
    pub(super) session: Option<SessionRef>,
    /// Only those of these kinds, with commas between them; `message.*` stands for all that begin
    /// so. At most 32.
    #[serde(default, deserialize_with = "kinds")]
    #[param(value_type = Option<String>, example = "message.*,session.status")]
    pub(super) kinds: Vec<KindPattern>,
    /// Id of the last event that was seen; what happened since comes first.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, example = "0192f0c1-9a12-7d40-b1c2-d3e4f5061728")]
    pub(super) after: Option<EventId>,
}

impl From<StreamQuery> for Wanted {
    fn from(query: StreamQuery) -> Self {
        Self {
            after: query.after,
            session: query.session,
            kinds: query.kinds,
        }
    }
}

/// Kinds as a query names them.
fn kinds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<KindPattern>, D::Error> {
    let text = String::deserialize(deserializer)?;
    patterns(text.split(',').map(str::trim)).map_err(serde::de::Error::custom)
}

/// The kinds these words stand for, or what is wrong with one.
pub(super) fn patterns<'a>(
    words: impl Iterator<Item = &'a str>,
) -> Result<Vec<KindPattern>, String> {
    let kinds: Result<Vec<KindPattern>, _> = words
        .filter(|word| !word.is_empty())
        .take(MAX_KINDS + 1)
        .map(|word| word.parse::<KindPattern>().map_err(|err| err.to_string()))
        .collect();
    let kinds = kinds?;
    if kinds.len() > MAX_KINDS {
        return Err(format!("kinds: at most {MAX_KINDS} can be named"));
    }
    Ok(kinds)
}

/// A place in a stream where events may be missing: the last one that was seen is no longer
/// stored, or the reader was slower than the host forgets. What is still stored follows; a few of
/// those events may have been seen before.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StreamGap, example = json!({ "kind": "stream.gap", "after": "0192f0c1-9a12-7d40-b1c2-d3e4f5061728" }))]
pub(in crate::native) struct GapView {
    /// `stream.gap`.
    pub(super) kind: &'static str,
    /// The event the stream was to go on behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    after: Option<EventId>,
}

impl From<Gap> for GapView {
    fn from(gap: Gap) -> Self {
        Self {
            kind: "stream.gap",
            after: gap.after,
        }
    }
}

/// A place among the streams that may be open.
pub(super) fn place(streams: &Streams) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(&streams.room).try_acquire_owned().map_err(|_| {
        let detail = "too many event streams are open; close one, or read GET /v1/events";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", detail)
    })
}

/// Streams events as they happen.
///
/// Server-sent events: `id:` is the event's id, `event:` its kind, `data:` the event as JSON. A
/// client that comes back with `Last-Event-ID` (a browser does so by itself) gets what it missed
/// first. If that event is no longer stored, the stream begins with `event: stream.gap`, and goes
/// on with what is stored since that time. A comment every 15 s shows that the stream is alive.
/// Where headers cannot be set, use the WebSocket at `/v1/events/ws`.
#[utoipa::path(
    get, path = "/v1/events/stream", operation_id = "streamEvents",
    params(
        StreamQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that was seen; goes before `after`",
            example = "0192f0c1-9a12-7d40-b1c2-d3e4f5061728"),
    ),
    responses((
        status = 200, description = "A stream that ends when the host stops and when the credential ends.",
        body = String, content_type = "text/event-stream",
        example = "id: 0192f0c1-9a12-7d40-b1c2-d3e4f5061728\nevent: message.received\ndata: {\"id\":…}\n\n",
    )),
)]
pub(super) async fn follow(
    State(app): State<App>,
    State(streams): State<Streams>,
    caller: Caller,
    headers: HeaderMap,
    Search(query): Search<StreamQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, axum::Error>>>, Problem> {
    let mut wanted = Wanted::from(query);
    wanted.after = last_event_id(&headers)?.or(wanted.after);
    let place = place(&streams)?;
    let events = app.events().stream(&caller, wanted).await?;
    let batches = stream::unfold((events, place), async |(mut events, place)| {
        match events.next().await {
            Ok(next) => next.map(|next| (stream::iter(frames(next)), (events, place))),
            Err(refusal) => {
                // Logged where it becomes a problem; the client comes back with `Last-Event-ID`.
                drop(Problem::from(refusal));
                None
            }
        }
    });
    // A first line at once: the client knows that it is connected.
    let opening = stream::iter([Ok(Event::default().retry(RETRY).comment("open"))]);
    let until_stop = opening
        .chain(batches.flatten())
        .take_until(streams.stop.cancelled_owned());
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

fn frames(next: Streamed) -> Vec<Result<Event, axum::Error>> {
    match next {
        Streamed::Events(batch) => batch.into_iter().map(frame).collect(),
        Streamed::Gap(gap) => {
            let view = GapView::from(gap);
            vec![Event::default().event(view.kind).json_data(&view)]
        }
    }
}

fn frame(stored: Stored) -> Result<Event, axum::Error> {
    let view = EventView::from(stored);
    Event::default()
        .id(view.id.to_string())
        .event(&view.kind)
        .json_data(&view)
}
