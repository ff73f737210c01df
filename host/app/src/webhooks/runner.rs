//! Makes the deliveries of one webhook, as long as any are due.
//!
//! Those of one chat are made one after the other, those of several side by side. One that fails
//! waits for its next turn and holds nothing back; when too many fail in a row, the rest of a batch
//! is let go of untried.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use warbler_domain::{EventBody, EventId, SessionId, Timestamp, Webhook, WebhookId};
use warbler_store::Error as StoreError;
use warbler_store::events::Stored;
use warbler_store::webhooks::{Claimed, Totals};

use super::attempt::{self, Ended};
use crate::core::Shared;
use crate::ingest::{announce, is_wanted, new_event};

/// Deliveries taken at once.
const BATCH: u32 = 128;
/// Requests to one receiver at the same time.
const SIDE_BY_SIDE: usize = 16;
/// For how long a delivery is taken; far longer than a batch lasts at its worst.
const LEASE: Duration = Duration::from_secs(300);

/// Makes what is due; when more is.
pub(super) async fn run(
    shared: &Arc<Shared>,
    id: WebhookId,
) -> Result<Option<Timestamp>, StoreError> {
    let owner: Arc<str> = shared.outbox.owner().into();
    loop {
        let webhook = shared.webhooks.get(id).filter(|webhook| webhook.enabled);
        let Some(webhook) = webhook.filter(|_| !shared.stop.is_cancelled()) else {
            return Ok(None);
        };
        let now = shared.clock.now();
        let by = Arc::clone(&owner);
        let limit = if shared.webhooks.is_in_trouble(id) {
            1
        } else {
            BATCH
        };
        let claim = shared.store.write_relaxed_together(move |tx| {
            let until = now.plus(LEASE);
            tx.deliveries_mut().claim(id, &by, now, until, limit)
        });
        let claimed = claim.await?;
        if claimed.is_empty() {
            return shared
                .store
                .read(move |db| db.deliveries().next_due(id))
                .await;
        }
        let told = events_of(shared, &claimed).await?;
        let made = make_all(shared, &webhook, claimed, told).await;
        let rests = made.rests;
        settle(shared, &webhook, made).await?;
        if rests {
            return Ok(Some(shared.clock.now()));
        }
    }
}

/// What the deliveries tell, by event.
async fn events_of(
    shared: &Shared,
    claimed: &[Claimed],
) -> Result<HashMap<EventId, Stored>, StoreError> {
    let unmade = claimed.iter().filter(|one| one.payload.is_none());
    let wanted: Vec<EventId> = unmade.map(|one| one.delivery.event).collect();
    shared
        .store
        .read(move |db| {
            let mut found = HashMap::with_capacity(wanted.len());
            for id in wanted {
                if let Some(event) = db.events().get(id)? {
                    found.insert(id, event);
                }
            }
            Ok(found)
        })
        .await
}

/// What became of a batch.
#[derive(Default)]
struct Made {
    ended: Vec<(SessionId, Ended)>,
    /// Those that were not tried.
    untried: Vec<i64>,
    /// Whether the webhook rests from now on.
    rests: bool,
}

async fn make_all(
    shared: &Arc<Shared>,
    webhook: &Arc<Webhook>,
    claimed: Vec<Claimed>,
    mut told: HashMap<EventId, Stored>,
) -> Made {
    let mut lanes: VecDeque<Vec<(Claimed, Option<Stored>)>> = VecDeque::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for one in claimed {
        let event = told.remove(&one.delivery.event);
        let place = *places.entry(one.lane.clone()).or_insert(lanes.len());
        match lanes.get_mut(place) {
            Some(lane) => lane.push((one, event)),
            None => lanes.push_back(vec![(one, event)]),
        }
    }
    let resting = Arc::new(AtomicBool::new(false));
    let mut made = Made::default();
    let mut running = JoinSet::new();
    loop {
        while running.len() < SIDE_BY_SIDE
            && let Some(lane) = lanes.pop_front()
        {
            let (shared, webhook) = (Arc::clone(shared), Arc::clone(webhook));
            running.spawn(make_lane(shared, webhook, lane, Arc::clone(&resting)));
        }
        match running.join_next().await {
            Some(Ok(lane)) => {
                made.ended.extend(lane.ended);
                made.untried.extend(lane.untried);
            }
            // What it had taken is still this host's, and is taken again.
            Some(Err(err)) => tracing::error!(%err, "Making deliveries panicked"),
            None => break,
        }
    }
    made.rests = resting.load(Ordering::Acquire);
    made
}

async fn make_lane(
    shared: Arc<Shared>,
    webhook: Arc<Webhook>,
    lane: Vec<(Claimed, Option<Stored>)>,
    resting: Arc<AtomicBool>,
) -> Made {
    let mut made = Made::default();
    for (claimed, event) in lane {
        let permit = shared.webhooks.room.acquire().await;
        if resting.load(Ordering::Acquire) || shared.stop.is_cancelled() {
            made.untried.push(claimed.seq);
            continue;
        }
        let (session, seq) = (claimed.delivery.session, claimed.seq);
        let ended = tokio::select! {
            ended = attempt::make(&shared, &webhook, claimed, event) => ended,
            // The receiver may get it twice, once now and once after the next start.
            () = shared.stop.cancelled() => {
                made.untried.push(seq);
                continue;
            }
        };
        drop(permit);
        match ended.arrived {
            Some(true) => shared.webhooks.succeeded(webhook.id),
            Some(false) => {
                let now = shared.clock.now();
                let settings = &shared.settings.webhooks;
                if shared
                    .webhooks
                    .failed(settings, webhook.id, now, ended.after)
                {
                    resting.store(true, Ordering::Release);
                }
            }
            None => {}
        }
        made.ended.push((session, ended));
    }
    made
}

/// Stores what became of a batch, and what that means for the webhook.
async fn settle(shared: &Shared, webhook: &Webhook, made: Made) -> Result<(), StoreError> {
    let now = shared.clock.now();
    let count = |arrived| {
        let ended = made.ended.iter();
        ended
            .filter(|(_, one)| one.arrived == Some(arrived))
            .count() as u64
    };
    let (delivered, failed) = (count(true), count(false));
    let totals = Totals {
        delivered,
        failed,
        last_delivered_at: (delivered > 0).then_some(now),
    };
    let since = match webhook.failing_since {
        _ if delivered > 0 => None,
        None if failed > 0 => Some(now),
        since => since,
    };
    let gone = made.ended.iter().any(|(_, one)| one.gone);
    let lasting =
        since.is_some_and(|since| now.since(since) >= shared.settings.webhooks.failing_for);
    let reason = match (gone, lasting) {
        (true, _) => Some("the receiver answered 410: it is gone for good"),
        (_, true) => Some("nothing has arrived there for too long"),
        _ => None,
    };
    let id = webhook.id;
    let off = reason.map(|reason| (reason.to_owned(), made.ended.first()));
    let event = off.and_then(|(reason, ended)| {
        let (session, _) = ended?;
        let body = EventBody::WebhookDisabled {
            webhook: id,
            reason: reason.clone(),
        };
        Some((new_event(shared, *session, body), reason))
    });
    let event = event.map(|(event, reason)| {
        let done = !is_wanted(shared, &event);
        (event, reason, done)
    });
    let changed = (since != webhook.failing_since || event.is_some()).then(|| Webhook {
        failing_since: since,
        enabled: webhook.enabled && event.is_none(),
        disabled_reason: event.as_ref().map(|(_, reason, _)| reason.clone()),
        ..webhook.clone()
    });
    let row = changed.clone();
    let newest = shared.store.write_relaxed_together(move |tx| {
        for (_, ended) in &made.ended {
            for (extension, writes) in &ended.kv {
                tx.kv_mut().apply(extension, writes, now)?;
            }
            tx.deliveries_mut().settle(&ended.outcome)?;
        }
        for seq in &made.untried {
            tx.deliveries_mut().release(*seq)?;
        }
        tx.webhooks_mut().count_attempts(id, &totals)?;
        if let Some(row) = &row
            && let Some(mut stored) = tx.webhooks().get(id)?
        {
            // Only what is told here: a caller may have changed the rest meanwhile.
            stored.failing_since = row.failing_since;
            if !row.enabled {
                (stored.enabled, stored.disabled_reason) = (false, row.disabled_reason.clone());
            }
            tx.webhooks_mut().put(&stored)?;
        }
        match &event {
            Some((event, _, done)) => tx.events_mut().insert(event, *done),
            None => Ok(None),
        }
    });
    let newest = newest.await?;
    if let Some(changed) = changed {
        shared.webhooks.note(&changed);
    }
    if let Some(seq) = newest {
        tracing::warn!(webhook.id = %id, "A webhook was switched off");
        announce(shared, seq);
    }
    Ok(())
}
