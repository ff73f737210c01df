//! Messages on their way out: accept, pace, hand to the network, retry, give up.
//!
//! Every message, whoever asked for it, is a row in the outbox from acceptance until the server
//! has acknowledged it. Only the oldest due row of a chat is ever under way, so a chat stays in
//! order. A row carries the id it has on the wire: sending it again, after a lost connection, a
//! lost acknowledgement or a crash, is the same message to the network and to its recipient.
//!
//! The usual way asks the database nothing twice: the transaction that accepts a message also
//! leases it, and the one that finishes it leases the next of its chat. The worker's tick finds
//! what fell off that way: retries that are due, leases that ran out, scheduled messages, work of
//! a session that came back. Sessions with rules for sending go by the worker alone ([`paced`]).

mod deliver;
mod desk;
mod failing;
mod paced;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tracing::{error, info};
use warbler_domain::{FailureCode, Message, SessionId, Timestamp};
use warbler_store::Error as StoreError;
use warbler_store::outbox::Lease;

use crate::core::Shared;
use crate::idempotency::Record;
use crate::pacing::Mode;

pub(crate) use deliver::{acknowledge, deliver_soon, note_event};
pub use desk::{
    DeadMessage, OutboxError, OutboxStatus, Outboxes, SendingRules, Standing, WaitingMessage,
};
pub(crate) use failing::unlinked;

use deliver::deliver_next;
use failing::{expire, give_up};

/// Messages being handed to the network at the same time.
const UNDER_WAY: usize = 256;
/// Rows one look takes.
const CLAIM: u32 = 64;
/// Scheduled rows that enter their lanes in one transaction.
const ENTER: u32 = 256;
/// How often the worker looks for what is due.
const TICK: Duration = Duration::from_millis(250);
/// How often it looks for what is too old, and forgets what is no longer needed.
const TIDY: Duration = Duration::from_secs(60);
/// Rows one transaction of the tidying touches.
const TIDIED: u32 = 500;

/// The worker's shared state.
pub(crate) struct Outbox {
    owner: String,
    slots: Arc<Semaphore>,
    wake: Notify,
}

impl Outbox {
    /// Who this host is to other hosts of the same database.
    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }

    pub(crate) fn new(owner: String) -> Self {
        Self {
            owner,
            slots: Arc::new(Semaphore::new(UNDER_WAY)),
            wake: Notify::new(),
        }
    }

    /// There may be something to send.
    fn wake(&self) {
        self.wake.notify_one();
    }
}

/// There may be something to send.
pub(crate) fn wake(shared: &Shared) {
    shared.outbox.wake();
}

/// A place among the messages under way, and the lease that comes with it.
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
    pub(crate) lease: Lease,
}

/// A place for a message of `session`, if one is free and the session can send now, without rules.
pub(crate) fn slot(shared: &Shared, session: SessionId) -> Option<Slot> {
    shared.directory.ready_link(session)?;
    if !shared.pacer.is_free(session) {
        return None;
    }
    let permit = Arc::clone(&shared.outbox.slots).try_acquire_owned().ok()?;
    Some(Slot {
        _permit: permit,
        lease: lease(shared),
    })
}

fn lease(shared: &Shared) -> Lease {
    let now = shared.clock.now();
    Lease {
        owner: shared.outbox.owner.clone(),
        now,
        until: now.plus(shared.settings.ack_timeout),
    }
}

/// Accepts one message, and notes what its caller is answered: durable when this answers.
pub(crate) async fn accept(
    shared: &Arc<Shared>,
    message: Message,
    record: Option<Record>,
) -> Result<Message, StoreError> {
    let now = shared.clock.now();
    let slot = match message.scheduled_for {
        Some(at) if at > now => None,
        _ => slot(shared, message.session),
    };
    let lease = slot.as_ref().map(|slot| slot.lease.clone());
    let (message, claimed) = shared
        .store
        .write_together(move |tx| {
            tx.messages_mut().insert(&message)?;
            let claimed = tx.outbox_mut().enqueue(&message, now, lease.as_ref())?;
            if let Some(record) = &record {
                record.put(tx)?;
            }
            Ok::<_, StoreError>((message, claimed))
        })
        .await?;
    if let (Some(slot), Some(row)) = (slot, claimed) {
        deliver_soon(shared, row, message.clone(), slot);
    } else if !shared.pacer.is_free(message.session) {
        shared.outbox.wake();
    }
    Ok(message)
}

/// Accepts many messages at once, all or none; the worker takes them from there.
pub(crate) async fn accept_all(
    shared: &Arc<Shared>,
    messages: Vec<Message>,
    record: Option<Record>,
) -> Result<(), StoreError> {
    let now = shared.clock.now();
    shared
        .store
        .write(move |tx| {
            for message in &messages {
                tx.messages_mut().insert(message)?;
                tx.outbox_mut().enqueue(message, now, None)?;
            }
            record.map_or(Ok(()), |record| record.put(tx))
        })
        .await?;
    shared.outbox.wake();
    Ok(())
}

/// A session can send: nothing of it is under way any more, everything may go. If the host that
/// had its last link was killed, what that host sent last goes again, under the ids it had.
pub(crate) async fn connected(shared: &Arc<Shared>, session: SessionId) -> Result<(), StoreError> {
    let now = shared.clock.now();
    let owner = shared.outbox.owner.clone();
    let again = shared
        .store
        .write_relaxed(move |tx| {
            tx.sending_mut().note_pairing(session, Some(now))?;
            tx.outbox_mut().release_all(session)?;
            match tx.sending_mut().begin_link(session, &owner)? {
                Some(host) if host != owner => tx.outbox_mut().send_again(session, now),
                _ => Ok(0),
            }
        })
        .await?;
    if again > 0 {
        info!(session.id = %session, count = again, "The last messages before the host ended without warning go again");
    }
    shared.outbox.wake();
    Ok(())
}

/// The link of a session has ended properly: whatever was asked of it has been answered.
pub(crate) async fn disconnected(shared: &Shared, session: SessionId) -> Result<(), StoreError> {
    let owner = shared.outbox.owner.clone();
    shared
        .store
        .write_relaxed(move |tx| tx.sending_mut().end_link(session, &owner))
        .await
}

/// The worker: looks for rows that are due, until the host stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut tidied: Option<Timestamp> = None;
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.outbox.wake.notified() => {}
            _ = tick.tick() => {}
        }
        if let Err(err) = look(&shared).await {
            error!(%err, "The outbox could not be read");
        }
        let now = shared.clock.now();
        if tidied.is_none_or(|last| now.since(last) >= TIDY) {
            tidied = Some(now);
            if let Err(err) = tidy(&shared).await {
                error!(%err, "The outbox could not be tidied");
            }
        }
    }
}

async fn look(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let now = shared.clock.now();
    let (scheduled, due) = shared
        .store
        .read(move |db| {
            let scheduled = db.outbox().is_scheduled_due(now)?;
            Ok::<_, StoreError>((scheduled, db.outbox().sessions_due(now)?))
        })
        .await?;
    if scheduled {
        shared
            .store
            .write(move |tx| tx.outbox_mut().enter_scheduled(now, ENTER))
            .await?;
        shared.outbox.wake();
    }
    for session in due {
        if shared.directory.ready_link(session).is_none() {
            continue;
        }
        let more = match shared.pacer.mode(session) {
            Mode::Free => claim_due(shared, session).await?,
            Mode::Paced(rules) => paced::claim_due(shared, session, &rules).await?,
            Mode::Paused => false,
        };
        if more {
            shared.outbox.wake();
        }
    }
    Ok(())
}

/// Claims and delivers what a session has due; whether there may be more.
async fn claim_due(shared: &Arc<Shared>, session: SessionId) -> Result<bool, StoreError> {
    let free = free_slots(shared);
    if free == 0 {
        return Ok(false);
    }
    let lease = lease(shared);
    let claimed = shared
        .store
        .write_relaxed(move |tx| {
            let mut claimed = Vec::new();
            for row in tx.outbox_mut().claim(session, &lease, free)? {
                if let Some(message) = tx.messages().get(row.message)? {
                    claimed.push((row, message));
                }
            }
            Ok::<_, StoreError>(claimed)
        })
        .await?;
    let more = claimed.len() == free as usize;
    for (row, message) in claimed {
        // Only a lost acknowledgement brings a row here this often.
        if row.attempts > shared.settings.send_attempts {
            let reason = "the network did not acknowledge the message".to_owned();
            give_up(shared, row, FailureCode::NotAcknowledged, reason).await?;
        } else {
            deliver_next(shared, Some((row, message))).await;
        }
    }
    Ok(more)
}

fn free_slots(shared: &Shared) -> u32 {
    u32::try_from(shared.outbox.slots.available_permits())
        .unwrap_or(CLAIM)
        .min(CLAIM)
}

/// Gives up what is too old, and forgets what was kept for a time that is over.
async fn tidy(shared: &Arc<Shared>) -> Result<(), StoreError> {
    expire(shared).await?;
    crate::idempotency::forget_old(shared, TIDIED).await?;
    let now = shared.clock.now().as_millis();
    let memory = i64::try_from(crate::pacing::Ledger::MEMORY.as_millis()).unwrap_or(i64::MAX);
    let before = Timestamp::from_millis(now.saturating_sub(memory));
    shared
        .store
        .write_relaxed(move |tx| tx.sending_mut().forget_sent(before, TIDIED))
        .await?;
    Ok(())
}
