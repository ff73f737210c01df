//! `/v1/events/ws`: events as they happen, by WebSocket.
//!
//! The same stream as the server-sent one, for those who cannot set headers: the key comes in a
//! header or in the first message, never in the URL. Every text message of the host is one event,
//! or a word of the stream itself (`stream.ready`, `stream.gap`), or, before the end, a problem.
//!
//! A reader that does not take what it is sent in time is let go with the reason, and one that does
//! not answer a ping is gone. Each can come back with the last id it has seen.

mod upgrade;

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, StatusCode};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_websockets::{CloseCode, Limits, Message, ServerBuilder, WebSocketStream};
use tracing::debug;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::events::{EventStream, Streamed, Wanted};
use warbler_domain::{Caller, EventId, Secret, SessionRef};

use super::EventView;
use super::stream::{GapView, StreamQuery, patterns, place};
use crate::caller::{self, Origin};
use crate::extract::Search;
use crate::mount::{ApiState, Route, Streams};
use crate::problem::Problem;
use upgrade::Upgrade;

/// How long the first message may take where the key comes in it.
const FIRST_MESSAGE: Duration = Duration::from_secs(10);
/// How often a reader is asked for a sign of life; it has until the next time to give one.
const PING: Duration = Duration::from_secs(20);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);
/// Largest message of a reader, in bytes.
const MAX_MESSAGE: usize = 16 * 1024;

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

pub(super) fn route() -> Route {
    Route::of(__path_connect, connect)
        .without_key()
        .refuses(StatusCode::UNAUTHORIZED, &["invalid_key"])
        .refuses(StatusCode::UPGRADE_REQUIRED, &["upgrade_required"])
        .refuses(
            StatusCode::SERVICE_UNAVAILABLE,
            &["store_unavailable", "too_many_streams"],
        )
}

/// The first message of a client; all of it may be left out where a header holds the key.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StreamHello, example = json!({ "key": "wbl_…", "kinds": ["message.*"], "session": "shop" }))]
pub(in crate::native) struct HelloBody {
    /// The API key, where no header holds it.
    #[schema(value_type = Option<String>)]
    key: Option<String>,
    /// Only events of this session, by id or name.
    session: Option<String>,
    /// Only events of these kinds; `message.*` stands for all that begin so.
    kinds: Option<Vec<String>>,
    /// Id of the last event that was seen; what happened since comes first.
    after: Option<String>,
}

/// A word of the stream itself.
#[derive(Serialize)]
struct Word {
    kind: &'static str,
}

/// Streams events as they happen, by WebSocket.
///
/// The key comes as `Authorization` or `X-API-Key`, or in the first message, which is sent within
/// 10 s: `{"key": "wbl_…", "kinds": ["message.*"], "session": "shop", "after": "…"}`. It may say
/// what the query can say, and goes before it. The host answers `{"kind": "stream.ready"}`; from
/// then on every message is one event, as `/v1/events` shows it, or `{"kind": "stream.gap"}` where
/// events may be missing. What is refused later comes as a problem, and then the connection is
/// closed with 4000 and the status. Pings are sent every 20 s; a reader that takes nothing for
/// 10 s is let go with 4408.
#[utoipa::path(
    get, path = "/v1/events/ws", operation_id = "connectToEvents",
    params(StreamQuery),
    responses((status = 101, description = "A WebSocket; see above for what it says.")),
)]
pub(in crate::native::events) async fn connect(
    State(state): State<ApiState>,
    State(app): State<App>,
    State(streams): State<Streams>,
    Origin(origin): Origin,
    headers: HeaderMap,
    Search(query): Search<StreamQuery>,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    let caller = match caller::has_credential(&headers) {
        true => Some(caller::recognise(&state, &headers).await?.at(origin)),
        false => None,
    };
    let place = place(&streams)?;
    let (answer, upgraded) = upgrade.accept();
    let tasks = streams.tasks.clone();
    tasks.spawn(async move {
        let Ok(upgraded) = upgraded.await else {
            return debug!("A WebSocket was not taken over by its client");
        };
        let limits = Limits::default().max_payload_len(Some(MAX_MESSAGE));
        let socket = ServerBuilder::new()
            .limits(limits)
            .serve(TokioIo::new(upgraded));
        let conversation = Conversation {
            socket,
            stop: streams.stop,
            slow: streams.slow,
            _place: place,
        };
        conversation.run(&app, caller, query.into()).await;
    });
    Ok(answer)
}

/// Why a conversation ends.
enum End {
    /// The client has gone.
    Gone,
    /// The host stops, or the credential has ended.
    Over,
    /// The client takes nothing.
    TooSlow,
    /// The client was refused.
    Refused(Problem),
}

/// One connected client.
struct Conversation {
    socket: Socket,
    stop: CancellationToken,
    slow: Duration,
    _place: OwnedSemaphorePermit,
}

impl Conversation {
    async fn run(mut self, app: &App, caller: Option<Caller>, wanted: Wanted) {
        let Err(end) = self.converse(app, caller, wanted).await;
        let (code, reason) = match end {
            End::Gone => return,
            End::Over => (1001, "over"),
            End::TooSlow => (4408, "too_slow"),
            End::Refused(problem) => {
                let (status, code) = (problem.status().as_u16(), problem.code());
                // Whoever does not take it sees the code of the close.
                drop(self.say(&problem.body()).await);
                (4000 + status, code)
            }
        };
        let code = CloseCode::try_from(code).ok();
        let goodbye = self.socket.send(Message::close(code, reason));
        // Whoever is gone needs no goodbye.
        drop(timeout(GOODBYE, goodbye).await);
        debug!(reason, "A WebSocket was closed: {reason}");
    }

    async fn converse(
        &mut self,
        app: &App,
        caller: Option<Caller>,
        wanted: Wanted,
    ) -> Result<std::convert::Infallible, End> {
        let (caller, wanted) = match caller {
            Some(caller) => (caller, wanted),
            None => self.introduced(app, wanted).await?,
        };
        let events = app.events().stream(&caller, wanted).await;
        let mut events = events.map_err(|refusal| End::Refused(refusal.into()))?;
        self.say(&Word {
            kind: "stream.ready",
        })
        .await?;
        self.follow(&mut events).await
    }

    /// The caller of the first message, and what it asks for.
    async fn introduced(&mut self, app: &App, wanted: Wanted) -> Result<(Caller, Wanted), End> {
        let text = timeout(FIRST_MESSAGE, self.first_text()).await;
        let text = text.map_err(|_| {
            let detail = "no first message with the key came within 10 s";
            End::Refused(Problem::new(
                StatusCode::UNAUTHORIZED,
                "missing_key",
                detail,
            ))
        })??;
        let hello = hello(&text).map_err(End::Refused)?;
        let Some(key) = hello.key.as_deref() else {
            let detail = "the first message needs the API key: {\"key\": \"wbl_…\"}";
            let problem = Problem::new(StatusCode::UNAUTHORIZED, "missing_key", detail);
            return Err(End::Refused(problem));
        };
        let caller = app.keys().authenticate(&Secret::new(key.trim())).await;
        let caller = caller.map_err(|refusal| End::Refused(refusal.into()))?;
        Ok((caller, hello.over(wanted).map_err(End::Refused)?))
    }

    async fn first_text(&mut self) -> Result<String, End> {
        loop {
            let message = tokio::select! {
                message = self.socket.next() => message,
                () = self.stop.cancelled() => return Err(End::Over),
            };
            match message {
                Some(Ok(message)) if message.is_close() => return Err(End::Gone),
                Some(Ok(message)) => {
                    if let Some(text) = message.as_text() {
                        return Ok(text.to_owned());
                    }
                }
                Some(Err(_)) | None => return Err(End::Gone),
            }
        }
    }

    async fn follow(&mut self, events: &mut EventStream) -> Result<std::convert::Infallible, End> {
        let mut pings = interval(PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Err(End::Over),
                next = events.next() => match next {
                    Ok(Some(next)) => self.tell(next).await?,
                    Ok(None) => return Err(End::Over),
                    Err(refusal) => return Err(End::Refused(refusal.into())),
                },
                message = self.socket.next() => match message {
                    Some(Ok(message)) if !message.is_close() => heard = Instant::now(),
                    _ => return Err(End::Gone),
                },
                _ = pings.tick() => {
                    if heard.elapsed() > PING * 2 {
                        return Err(End::Gone);
                    }
                    self.send(vec![Message::ping("")]).await?;
                }
            }
        }
    }

    async fn tell(&mut self, next: Streamed) -> Result<(), End> {
        match next {
            Streamed::Gap(gap) => self.say(&GapView::from(gap)).await,
            Streamed::Events(batch) => {
                let views = batch.into_iter().map(EventView::from);
                let messages: Result<Vec<Message>, End> = views.map(|view| text(&view)).collect();
                self.send(messages?).await
            }
        }
    }

    async fn say(&mut self, body: &impl Serialize) -> Result<(), End> {
        self.send(vec![text(body)?]).await
    }

    /// Hands messages over, within the time a reader has for that.
    async fn send(&mut self, messages: Vec<Message>) -> Result<(), End> {
        let sending = async {
            for message in messages {
                self.socket.feed(message).await?;
            }
            self.socket.flush().await
        };
        match timeout(self.slow, sending).await {
            Ok(sent) => sent.map_err(|_| End::Gone),
            Err(_) => Err(End::TooSlow),
        }
    }
}

fn text(body: &impl Serialize) -> Result<Message, End> {
    let text = serde_json::to_string(body).map_err(|_| {
        let detail = "an event could not be written";
        End::Refused(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            detail,
        ))
    })?;
    Ok(Message::text(text))
}

/// The first message, or what is wrong with it.
fn hello(text: &str) -> Result<HelloBody, Problem> {
    serde_json::from_str(text).map_err(|err| {
        let detail = format!("the first message: {err}");
        Problem::invalid(
            if err.is_data() {
                "invalid_body"
            } else {
                "invalid_json"
            },
            detail,
        )
    })
}

impl HelloBody {
    /// What is wanted where the query said `wanted`.
    fn over(self, mut wanted: Wanted) -> Result<Wanted, Problem> {
        if let Some(session) = self.session {
            let session: SessionRef = session.parse().map_err(|err| wrong("session", &err))?;
            wanted.session = Some(session);
        }
        if let Some(kinds) = self.kinds {
            let kinds = patterns(kinds.iter().map(String::as_str));
            wanted.kinds = kinds.map_err(|err| wrong("kinds", &err))?;
        }
        if let Some(after) = self.after {
            let after: EventId = after.parse().map_err(|err| wrong("after", &err))?;
            wanted.after = Some(after);
        }
        Ok(wanted)
    }
}

fn wrong(field: &str, err: &dyn std::fmt::Display) -> Problem {
    Problem::invalid("invalid_body", format!("{field}: {err}")).in_field(field)
}
