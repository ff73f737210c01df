//! The worker: looks at campaigns that run and keeps a few of their messages in the outbox.
//!
//! It looks ahead as little as it can: with a pause between messages, or where a session is paced,
//! one message, else [`AHEAD`] for each session. So a pause takes effect at once, and what people
//! send by themselves waits for one message of a campaign at most.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tracing::{error, warn};
use warbler_domain::campaign::{Campaign, CampaignCounts, CampaignState, CampaignStep};
use warbler_domain::{CampaignId, SessionId, Timestamp};
use warbler_store::Error as StoreError;
use warbler_store::outbox::Lease;

use super::CampaignError;
use super::feed::{self, Fed};
use super::life::{carry_out, take_step, tell};
use crate::core::Shared;
use crate::pacing::Mode;

/// Messages of campaigns that wait in the outbox of a session at most.
pub(super) const AHEAD: u32 = 32;
/// Shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(10);
/// Time between two looks while campaigns run and nothing happens.
const TICK: Duration = Duration::from_millis(500);
/// The same while none runs: clocks are set.
const LOOK: Duration = Duration::from_secs(30);
/// How often a campaign's progress is told at most.
const TOLD: Duration = Duration::from_secs(1);
/// For how long a host holds a campaign without a word.
const LEASE: Duration = Duration::from_secs(2);
const HOUR: Duration = Duration::from_secs(3600);

/// The worker's shared state.
#[derive(Default)]
pub(crate) struct Runner {
    wake: Notify,
    at_work: AtomicBool,
}

impl Runner {
    /// There is another campaign, or another state.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// A message was taken over: there may be room for the next.
    pub(crate) fn moved(&self) {
        if self.at_work.load(Ordering::Relaxed) {
            self.wake.notify_one();
        }
    }
}

/// What the worker remembers of a campaign at work.
#[derive(Default)]
struct Memory {
    /// When each session may be given the next message.
    next_at: HashMap<SessionId, Timestamp>,
    loaded: bool,
    /// Which session comes first at the next look.
    turn: usize,
    told: Option<(Timestamp, CampaignCounts)>,
    held_until: Option<Timestamp>,
}

/// The worker, until the host stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut memories: HashMap<CampaignId, Memory> = HashMap::new();
    loop {
        let pause = match look(&shared, &mut memories).await {
            Ok(pause) => pause.max(SHORTEST),
            Err(err) => {
                error!(%err, "Campaigns could not be worked at");
                TICK
            }
        };
        // What happens meanwhile is looked at together.
        tokio::select! {
            () = tokio::time::sleep(SHORTEST) => {}
            () = shared.stop.cancelled() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(pause.saturating_sub(SHORTEST)) => {}
            () = shared.campaigns.wake.notified() => {}
            () = shared.stop.cancelled() => return,
        }
    }
}

/// Works at every campaign; how long until there may be more to do.
async fn look(
    shared: &Arc<Shared>,
    memories: &mut HashMap<CampaignId, Memory>,
) -> Result<Duration, StoreError> {
    let now = shared.clock.now();
    let (at_work, next) = shared
        .store
        .read(move |db| {
            let at_work = db.campaigns().at_work(now)?;
            Ok::<_, StoreError>((at_work, db.campaigns().next_start()?))
        })
        .await?;
    shared
        .campaigns
        .at_work
        .store(!at_work.is_empty(), Ordering::Relaxed);
    memories.retain(|id, _| at_work.iter().any(|campaign| campaign.id == *id));
    let mut pause = match next {
        Some(next) => (next.since(now) + Duration::from_millis(1)).min(LOOK),
        None => LOOK,
    };
    for campaign in at_work {
        let memory = memories.entry(campaign.id).or_default();
        let id = campaign.id;
        match work(shared, memory, campaign).await {
            Ok(next) => pause = pause.min(next),
            // Somebody moved it on meanwhile.
            Err(CampaignError::WrongState { .. } | CampaignError::Unknown(_)) => {
                pause = Duration::ZERO;
            }
            Err(err) => {
                warn!(campaign.id = %id, %err, "A campaign could not be worked at");
                pause = pause.min(TICK);
            }
        }
    }
    Ok(pause)
}

/// Works at one campaign; how long until there may be more to do.
async fn work(
    shared: &Arc<Shared>,
    memory: &mut Memory,
    campaign: Campaign,
) -> Result<Duration, CampaignError> {
    let now = shared.clock.now();
    if !hold(shared, memory, &campaign, now).await? {
        return Ok(TICK);
    }
    if carry_out(shared, campaign.id).await? {
        return Ok(Duration::ZERO);
    }
    if campaign.state.is_over() || campaign.state == CampaignState::Paused {
        return Ok(TICK);
    }
    if campaign.state == CampaignState::Scheduled {
        match take_step(shared, campaign.id, CampaignStep::Start, None, None).await {
            Err(CampaignError::NoRecipients) => {
                return Err(CampaignError::NoRecipients);
            }
            other => other?,
        };
        return Ok(Duration::ZERO);
    }
    load(shared, memory, &campaign, now).await?;
    report(shared, memory, &campaign, now).await?;
    let known = campaign.sessions.iter().copied();
    let left: Vec<_> = known
        .filter(|session| shared.directory.owner(*session).is_some())
        .collect();
    if left.is_empty() {
        let reason = "its sessions were deleted".to_owned();
        fail(shared, campaign.id, reason).await?;
        return Ok(Duration::ZERO);
    }
    let id = campaign.id;
    if !shared
        .store
        .read(move |db| db.campaigns().is_open(id))
        .await
        .map_err(CampaignError::Store)?
    {
        take_step(shared, id, CampaignStep::Complete, None, None).await?;
        return Ok(Duration::ZERO);
    }
    if let Some(quiet) = &campaign.rules.quiet
        && let Some(until) = quiet.end_at(now)
    {
        return Ok(until.since(now).min(LOOK));
    }
    let (rooms, wait) = rooms(shared, memory, &campaign, &left, now).await?;
    if rooms.is_empty() {
        return Ok(wait);
    }
    let used = match feed::feed(shared, &campaign, &rooms).await? {
        Fed::Sessions(used) => used,
        Fed::Nobody => return Ok(wait),
        Fed::More => return Ok(Duration::ZERO),
        Fed::Impossible(reason) => {
            fail(shared, id, reason).await?;
            return Ok(Duration::ZERO);
        }
    };
    let delay = campaign.rules.delay();
    memory.turn = memory.turn.wrapping_add(1);
    let mut next = wait;
    if !delay.is_zero() {
        let fraction = f64::from(campaign.rules.jitter_percent) / 100.0;
        for session in used {
            let pause = shared.random.jitter(delay, fraction);
            memory.next_at.insert(session, now.plus(pause));
            next = next.min(pause);
        }
    }
    Ok(next)
}

/// Keeps the hold on a campaign; whether this host has it.
async fn hold(
    shared: &Arc<Shared>,
    memory: &mut Memory,
    campaign: &Campaign,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let until = now.plus(LEASE);
    let fresh = memory
        .held_until
        .is_some_and(|held| held.since(now) > LEASE / 2);
    if fresh {
        return Ok(true);
    }
    let lease = Lease {
        owner: shared.outbox.owner().to_owned(),
        now,
        until,
    };
    let id = campaign.id;
    let held = shared
        .store
        .write_relaxed(move |tx| tx.campaigns_mut().lease(id, &lease))
        .await?;
    memory.held_until = held.then_some(until);
    Ok(held)
}

/// When each session was given its last message, after a start of the host.
async fn load(
    shared: &Arc<Shared>,
    memory: &mut Memory,
    campaign: &Campaign,
    now: Timestamp,
) -> Result<(), StoreError> {
    if memory.loaded {
        return Ok(());
    }
    let delay = campaign.rules.delay();
    if !delay.is_zero() {
        let id = campaign.id;
        let since = before(now, delay.saturating_mul(2));
        let last = shared
            .store
            .read(move |db| db.campaigns().last_queued(id, since))
            .await?;
        for (session, at) in last {
            memory.next_at.insert(session, at.plus(delay));
        }
    }
    memory.loaded = true;
    Ok(())
}

/// Tells how far a campaign is, at most once a second and only when it is further.
async fn report(
    shared: &Arc<Shared>,
    memory: &mut Memory,
    campaign: &Campaign,
    now: Timestamp,
) -> Result<(), StoreError> {
    if memory.told.is_some_and(|(at, _)| now.since(at) < TOLD) {
        return Ok(());
    }
    let id = campaign.id;
    let counts = shared
        .store
        .read(move |db| db.campaigns().counts(id))
        .await?;
    let before = memory.told.replace((now, counts));
    // The first look only learns; the step that began it has told.
    if before.is_none_or(|(_, told)| told == counts) {
        return Ok(());
    }
    let (worker, campaign) = (Arc::clone(shared), campaign.clone());
    let seq = shared
        .store
        .write_relaxed(move |tx| tell(&worker, tx, &campaign))
        .await?;
    if let Some(seq) = seq {
        crate::ingest::announce(shared, seq);
    }
    Ok(())
}

async fn fail(shared: &Arc<Shared>, id: CampaignId, reason: String) -> Result<(), CampaignError> {
    take_step(shared, id, CampaignStep::Fail, Some(reason), None).await?;
    Ok(())
}

/// How many messages each session can be given now, and how long until that may be more.
async fn rooms(
    shared: &Arc<Shared>,
    memory: &Memory,
    campaign: &Campaign,
    left: &[SessionId],
    now: Timestamp,
) -> Result<(Vec<(SessionId, u32)>, Duration), StoreError> {
    let delayed = campaign.rules.delay_millis > 0;
    let mut wait = TICK;
    let mut ready = Vec::new();
    for step in 0..left.len() {
        let at = memory.turn.wrapping_add(step) % left.len();
        let Some(session) = left.get(at).copied() else {
            continue;
        };
        if let Some(next) = memory.next_at.get(&session).filter(|next| **next > now) {
            wait = wait.min(next.since(now));
            continue;
        }
        let most = match shared.pacer.mode(session) {
            _ if shared.directory.ready_link(session).is_none() => 0,
            Mode::Free if delayed => 1,
            Mode::Free => AHEAD,
            Mode::Paused => 0,
            Mode::Paced(rules) => {
                let quiet = rules.quiet.as_ref().and_then(|quiet| quiet.end_at(now));
                u32::from(quiet.is_none())
            }
        };
        if most > 0 {
            ready.push((session, most));
        }
    }
    let (id, per_hour) = (campaign.id, campaign.rules.per_hour);
    let rooms = shared
        .store
        .read(move |db| {
            let mut left = match per_hour {
                0 => u32::MAX,
                most => most.saturating_sub(db.campaigns().queued_since(id, before(now, HOUR))?),
            };
            let mut rooms = Vec::new();
            for (session, most) in ready {
                let (_, due) = db.campaigns().in_outbox(session, now, AHEAD * 2)?;
                let queued = db.campaigns().queued_in(id, session)?;
                let room = most
                    .saturating_sub(due)
                    .min(AHEAD.saturating_sub(queued))
                    .min(left);
                left = left.saturating_sub(room);
                if room > 0 {
                    rooms.push((session, room));
                }
            }
            Ok::<_, StoreError>(rooms)
        })
        .await?;
    Ok((rooms, wait))
}

fn before(now: Timestamp, duration: Duration) -> Timestamp {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(millis))
}
