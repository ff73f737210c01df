//! Forgetting what is old: events, calls, traces, messages, dead letters, the log of changes, counts
//! by the hour, expired values and lists of recipients that no campaign has.
//!
//! Every so often each kind is walked from its oldest row in small steps with pauses between them,
//! so that nobody waits for it. Streams that are behind are told where events went missing
//! ([`crate::events::Gap`]). Media have a loop of their own, in [`crate::media`].
//!
//! Invariant: what is still under way is never forgotten: events the chain is not through with and
//! messages in the outbox stay, however old they are.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};
use warbler_domain::Timestamp;
use warbler_domain::webhook::DeliveryState;
use warbler_store::retention::Step;
use warbler_store::{Error, Writer};

use crate::core::Shared;

/// Rows looked at in one step.
const ROWS: u32 = 256;
/// How long messages are counted by the hour: what statistics show, and some more.
const COUNTED: Duration = Duration::from_secs(2 * 24 * 3600);
/// Hours whose counts go in one step.
const HOURS: u32 = 24;

/// For how long things are kept; nothing means for good.
#[derive(Debug, Clone)]
pub struct RetentionSettings {
    /// Events, and the calls that were seen.
    pub events: Option<Duration>,
    /// What the extensions did with each event.
    pub traces: Option<Duration>,
    /// Messages, counted from when this host stored them.
    pub messages: Option<Duration>,
    /// What could not be sent.
    pub dead_letters: Option<Duration>,
    /// The log of changes.
    pub audit: Option<Duration>,
    /// How often there is a look.
    pub every: Duration,
    /// Pause between two steps.
    pub pause: Duration,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        Self {
            events: Some(30 * DAY),
            traces: Some(7 * DAY),
            messages: None,
            dead_letters: Some(90 * DAY),
            audit: Some(365 * DAY),
            every: Duration::from_secs(15 * 60),
            pause: Duration::from_millis(50),
        }
    }
}

/// The worker: until the host stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let every = shared.settings.retention.every;
    while pause(&shared, every).await {
        match sweep(&shared).await {
            Ok(0) => {}
            Ok(forgotten) => info!(forgotten, "Retention has removed {forgotten} old rows"),
            Err(err) => warn!(%err, "Retention could not remove what is old; it tries again later"),
        }
    }
}

/// Forgets all that is old; how much that was.
async fn sweep(shared: &Shared) -> Result<u64, Error> {
    let settings = &shared.settings.retention;
    let now = shared.clock.now();
    let before = |kept: Option<Duration>| kept.map(|kept| earlier(now, kept));
    let mut forgotten = 0;
    if let Some(time) = before(settings.traces) {
        let traces = move |tx: &Writer<'_>, after| tx.retention().traces(time, after, ROWS);
        forgotten += walk(shared, traces).await?;
    }
    if let Some(time) = before(settings.events) {
        // Streams learn it before it happens, so that none can miss it.
        let store = &shared.store;
        let last = store.read(move |db| db.last_event_before(time)).await?;
        shared.bus.removing(last);
        let events = move |tx: &Writer<'_>, after| tx.retention().events(time, after, ROWS);
        forgotten += walk(shared, events).await?;
        let calls = move |tx: &Writer<'_>| tx.retention().calls(time, ROWS);
        forgotten += again(shared, calls).await?;
        for done in [DeliveryState::Delivered, DeliveryState::Dropped] {
            let deliveries = move |tx: &Writer<'_>| tx.deliveries_mut().forget(done, time, ROWS);
            forgotten += again(shared, deliveries).await?;
        }
    }
    if let Some(time) = before(settings.messages) {
        let messages = move |tx: &Writer<'_>, after| tx.retention().messages(time, after, ROWS);
        forgotten += walk(shared, messages).await?;
    }
    if let Some(time) = before(settings.dead_letters) {
        let dead = move |tx: &Writer<'_>| tx.retention().dead_letters(time, ROWS);
        forgotten += again(shared, dead).await?;
        let dead =
            move |tx: &Writer<'_>| tx.deliveries_mut().forget(DeliveryState::Dead, time, ROWS);
        forgotten += again(shared, dead).await?;
    }
    if let Some(time) = before(settings.audit) {
        let changes = move |tx: &Writer<'_>| tx.audit_mut().delete_before(time, ROWS);
        forgotten += again(shared, changes).await?;
    }
    let lists = move |tx: &Writer<'_>| tx.campaigns_mut().sweep_lists(now, ROWS);
    forgotten += again(shared, lists).await?;
    let shown_no_more = earlier(now, COUNTED);
    let hours = move |tx: &Writer<'_>| tx.retention().hours(shown_no_more, HOURS);
    forgotten += again(shared, hours).await?;
    let expired = shared
        .store
        .write_relaxed(move |tx| tx.kv_mut().delete_expired(now));
    Ok(forgotten + expired.await?)
}

/// Takes steps until one finds nothing more, or the host stops.
async fn walk<F>(shared: &Shared, forget: F) -> Result<u64, Error>
where
    F: Fn(&Writer<'_>, i64) -> Result<Step, Error> + Copy + Send + 'static,
{
    let mut forgotten = 0;
    let mut after = 0;
    loop {
        let step = shared.store.write_relaxed(move |tx| forget(tx, after));
        let step = step.await?;
        forgotten += step.forgotten;
        match step.next {
            Some(next) if pause(shared, shared.settings.retention.pause).await => after = next,
            _ => return Ok(forgotten),
        }
    }
}

/// Takes steps until one removes less than it might, or the host stops.
async fn again<F>(shared: &Shared, forget: F) -> Result<u64, Error>
where
    F: Fn(&Writer<'_>) -> Result<u64, Error> + Copy + Send + 'static,
{
    let mut forgotten = 0;
    loop {
        let gone = shared.store.write_relaxed(forget).await?;
        forgotten += gone;
        if gone < u64::from(ROWS) || !pause(shared, shared.settings.retention.pause).await {
            return Ok(forgotten);
        }
    }
}

/// Waits; `false` when the host stops.
async fn pause(shared: &Shared, pause: Duration) -> bool {
    tokio::select! {
        () = shared.stop.cancelled() => false,
        () = tokio::time::sleep(pause) => true,
    }
}

fn earlier(now: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(by))
}
