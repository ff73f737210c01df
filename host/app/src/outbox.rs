//! Messages on their way out: accept, hand to the network, retry, give up.
//!
//! Every message, whoever asked for it, is a row in the outbox from acceptance until the server
//! has acknowledged it. Only the oldest live row of a chat is ever under way, so a chat stays in
//! order. A row carries the id it has on the wire: sending it again, after a lost connection, a
//! lost acknowledgement or a crash, is the same message to the network and to its recipient.
//!
//! The usual way asks the database nothing twice: the transaction that accepts a message also
//! leases it, and the one that finishes it leases the next of its chat. The worker's tick finds
//! what fell off that way: retries that are due, leases that ran out, work of a session that came
//! back.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tracing::{error, warn};
use warbler_domain::{EventBody, Message, MessageStatus, SessionId, WhatsAppId};
use warbler_store::outbox::{Lease, OutboxRow};
use warbler_store::{Error as StoreError, Writer};

use crate::core::Shared;
use crate::driver::{AckRefusal, Outgoing, SendFailure};

/// Messages being handed to the network at the same time.
const UNDER_WAY: usize = 256;
/// Rows one look takes.
const CLAIM: u32 = 64;
/// How often the worker looks for what is due.
const TICK: Duration = Duration::from_millis(250);
/// First pause after a failure that may pass; doubles each time.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest such pause.
const RETRY_MAX: Duration = Duration::from_secs(300);

/// The worker's shared state.
pub(crate) struct Outbox {
    owner: String,
    slots: Arc<Semaphore>,
    wake: Notify,
}

impl Outbox {
    pub(crate) fn new(owner: String) -> Self {
        Self {
            owner,
            slots: Arc::new(Semaphore::new(UNDER_WAY)),
            wake: Notify::new(),
        }
    }
}

/// A place among the messages under way, and the lease that comes with it.
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
    pub(crate) lease: Lease,
}

/// A place for a message of `session`, if one is free and the session can send now.
pub(crate) fn slot(shared: &Shared, session: SessionId) -> Option<Slot> {
    shared.directory.ready_link(session)?;
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

/// Accepts one message: durable when this answers.
pub(crate) async fn accept(shared: &Arc<Shared>, message: Message) -> Result<Message, StoreError> {
    let slot = slot(shared, message.session);
    let lease = slot.as_ref().map(|slot| slot.lease.clone());
    let now = shared.clock.now();
    let (message, claimed) = shared
        .store
        .write(move |tx| {
            tx.messages_mut().insert(&message)?;
            let claimed = tx.outbox_mut().enqueue(&message, now, lease.as_ref())?;
            Ok::<_, StoreError>((message, claimed))
        })
        .await?;
    if let (Some(slot), Some(row)) = (slot, claimed) {
        deliver_soon(shared, row, message.clone(), slot);
    }
    Ok(message)
}

/// Hands a message leased by `slot` to the network, in its own task.
pub(crate) fn deliver_soon(shared: &Arc<Shared>, row: OutboxRow, message: Message, slot: Slot) {
    let worker = Arc::clone(shared);
    shared.tasks.spawn(async move {
        if let Err(err) = deliver(&worker, &row, message).await {
            // The lease runs out by itself and the row is tried again.
            error!(session.id = %row.session, %err, "The outbox could not note how a message fared");
        }
        drop(slot);
    });
}

async fn deliver(
    shared: &Arc<Shared>,
    row: &OutboxRow,
    message: Message,
) -> Result<(), StoreError> {
    let failure = match shared.directory.ready_link(row.session) {
        None => SendFailure::NotConnected,
        Some(link) => {
            let outgoing = Outgoing {
                whatsapp_id: message.whatsapp_id,
                chat: message.chat,
                content: message.content,
                quoted: message.quoted,
            };
            let sent = tokio::select! {
                sent = link.send(&outgoing) => sent,
                () = shared.stop.cancelled() => Err(SendFailure::NotConnected),
            };
            match sent {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            }
        }
    };
    failed(shared, row, &failure).await
}

async fn failed(
    shared: &Arc<Shared>,
    row: &OutboxRow,
    failure: &SendFailure,
) -> Result<(), StoreError> {
    let seq = row.seq;
    match failure {
        SendFailure::NotConnected => {
            shared
                .store
                .write_relaxed(move |tx| tx.outbox_mut().release(seq))
                .await
        }
        SendFailure::Temporary(_) if row.attempts < shared.settings.send_attempts => {
            let pause = RETRY_FIRST
                .saturating_mul(1 << row.attempts.saturating_sub(1).min(16))
                .min(RETRY_MAX);
            let due_at = shared.clock.now().plus(shared.random.jitter(pause, 0.3));
            let reason = failure.to_string();
            warn!(session.id = %row.session, attempt = row.attempts, reason, "A message will be tried again");
            shared
                .store
                .write(move |tx| tx.outbox_mut().retry(seq, due_at, &reason))
                .await
        }
        _ => give_up(shared, row.clone(), failure.to_string()).await,
    }
}

/// Makes a row a dead letter and lets the next of its chat go.
async fn give_up(shared: &Arc<Shared>, row: OutboxRow, reason: String) -> Result<(), StoreError> {
    warn!(session.id = %row.session, message.id = %row.message, reason, "A message was given up");
    let next = lease(shared);
    let claimed = shared
        .store
        .write(move |tx| {
            tx.messages_mut()
                .advance(row.message, MessageStatus::Failed, Some(&reason))?;
            tx.outbox_mut().bury(&row, &reason)?;
            claim_next(tx, &row, &next)
        })
        .await?;
    deliver_next(shared, claimed).await;
    Ok(())
}

/// Notes the server's answer to a message.
pub(crate) async fn acknowledge(
    shared: &Arc<Shared>,
    session: SessionId,
    id: &WhatsAppId,
    refused: Option<AckRefusal>,
) {
    let noted = match refused {
        None => taken_over(shared, session, id).await,
        Some(refusal) => turned_down(shared, session, id, refusal).await,
    };
    if let Err(err) = noted {
        // Without the note the row is sent again under the same id, which is harmless.
        error!(session.id = %session, %err, "An acknowledgement could not be stored");
    }
}

async fn taken_over(
    shared: &Arc<Shared>,
    session: SessionId,
    id: &WhatsAppId,
) -> Result<(), StoreError> {
    let (id, next) = (id.clone(), lease(shared));
    let worker = Arc::clone(shared);
    let (seq, claimed) = shared
        .store
        .write_relaxed(move |tx| {
            let Some(row) = tx.outbox().by_whatsapp_id(session, &id)? else {
                return Ok::<_, StoreError>((None, None));
            };
            tx.outbox_mut().finish(&row)?;
            tx.messages_mut()
                .advance(row.message, MessageStatus::Sent, None)?;
            let seq = match tx.messages().get(row.message)? {
                Some(message) => {
                    let body = EventBody::Message {
                        message: Box::new(message),
                    };
                    let event = crate::ingest::new_event(&worker, session, body);
                    tx.events_mut()
                        .insert(&event, !crate::ingest::is_wanted(&worker, &event))?
                }
                None => None,
            };
            Ok((seq, claim_next(tx, &row, &next)?))
        })
        .await?;
    if let Some(seq) = seq {
        crate::ingest::announce(shared, seq);
    }
    deliver_next(shared, claimed).await;
    Ok(())
}

async fn turned_down(
    shared: &Arc<Shared>,
    session: SessionId,
    id: &WhatsAppId,
    refusal: AckRefusal,
) -> Result<(), StoreError> {
    let wanted = id.clone();
    let row = shared
        .store
        .read(move |db| db.outbox().by_whatsapp_id(session, &wanted))
        .await?;
    let Some(row) = row else {
        return Ok(());
    };
    let reason = format!("the server refused the message with code {}", refusal.code);
    let failure = if refusal.retryable {
        SendFailure::Temporary(reason)
    } else {
        SendFailure::Permanent(reason)
    };
    failed(shared, &row, &failure).await
}

type Claimed = Option<(OutboxRow, Message)>;

/// Leases the row that became head when `done` left.
fn claim_next(tx: &Writer<'_>, done: &OutboxRow, lease: &Lease) -> Result<Claimed, StoreError> {
    let Some(row) = tx
        .outbox_mut()
        .claim_head(done.session, &done.chat, lease)?
    else {
        return Ok(None);
    };
    let message = tx.messages().get(row.message)?;
    Ok(message.map(|message| (row, message)))
}

async fn deliver_next(shared: &Arc<Shared>, claimed: Claimed) {
    let Some((row, message)) = claimed else {
        return;
    };
    if let Ok(permit) = Arc::clone(&shared.outbox.slots).acquire_owned().await {
        let slot = Slot {
            _permit: permit,
            lease: lease(shared),
        };
        deliver_soon(shared, row, message, slot);
    }
}

/// A session can send: nothing of it is under way any more, everything may go.
pub(crate) async fn connected(shared: &Arc<Shared>, session: SessionId) -> Result<(), StoreError> {
    shared
        .store
        .write_relaxed(move |tx| tx.outbox_mut().release_all(session))
        .await?;
    shared.outbox.wake.notify_one();
    Ok(())
}

/// The worker: looks for rows that are due, until the host stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.outbox.wake.notified() => {}
            _ = tick.tick() => {}
        }
        if let Err(err) = look(&shared).await {
            error!(%err, "The outbox could not be read");
        }
    }
}

async fn look(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let now = shared.clock.now();
    let due = shared
        .store
        .read(move |db| db.outbox().sessions_due(now))
        .await?;
    for session in due {
        if shared.directory.ready_link(session).is_some() && claim_due(shared, session).await? {
            shared.outbox.wake.notify_one();
        }
    }
    Ok(())
}

/// Claims and delivers what a session has due; whether there may be more.
async fn claim_due(shared: &Arc<Shared>, session: SessionId) -> Result<bool, StoreError> {
    let free = u32::try_from(shared.outbox.slots.available_permits())
        .unwrap_or(CLAIM)
        .min(CLAIM);
    if free == 0 {
        return Ok(false);
    }
    let lease = lease(shared);
    let attempts = shared.settings.send_attempts;
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
        if row.attempts > attempts {
            give_up(
                shared,
                row,
                "the network did not acknowledge the message".to_owned(),
            )
            .await?;
        } else {
            deliver_next(shared, Some((row, message))).await;
        }
    }
    Ok(more)
}
