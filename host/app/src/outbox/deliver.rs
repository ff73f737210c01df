//! Handing messages to the network, and what it answers.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, error, warn};
use warbler_domain::chat::ChatState;
use warbler_domain::{
    Content, EventBody, FailureCode, Jid, Message, MessageStatus, SessionId, WhatsAppId,
};
use warbler_store::outbox::{Lease, OutboxRow};
use warbler_store::{Error as StoreError, Writer};

use super::failing::give_up;
use super::{Slot, lease};
use crate::core::Shared;
use crate::driver::{AckRefusal, Link, Outgoing, SendFailure};
use crate::pacing::Mode;

/// First pause after a failure that may pass; doubles each time.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest such pause.
const RETRY_MAX: Duration = Duration::from_secs(300);
/// The server's code for a recipient this account may not write to yet.
const RESTRICTED: &str = "463";

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
            let sending = async {
                show_typing(shared, link.as_ref(), &message).await;
                let outgoing = Outgoing {
                    whatsapp_id: message.whatsapp_id,
                    chat: message.chat,
                    content: message.content,
                    quoted: message.quoted,
                    forwarded: message.forwarded,
                    audience: message.audience,
                };
                link.send(&outgoing).await
            };
            let sent = tokio::select! {
                sent = sending => sent,
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

/// Shows that the account writes for as long as the message takes to be typed, if its session is
/// to do so.
async fn show_typing(shared: &Shared, link: &dyn Link, message: &Message) {
    let Mode::Paced(rules) = shared.pacer.mode(message.session) else {
        return;
    };
    let (Some(typing), Some(characters)) = (&rules.typing, typed(&message.content)) else {
        return;
    };
    let lasts = typing.lasts(characters);
    if lasts.is_zero() || message.chat.server() == warbler_domain::jid::Server::Broadcast {
        return;
    }
    if let Err(err) = link.show_state(&message.chat, ChatState::Composing).await {
        debug!(session.id = %message.session, %err, "Typing could not be shown");
        return;
    }
    tokio::time::sleep(lasts).await;
}

/// How many characters somebody would type for it; nothing for what is not typed.
fn typed(content: &Content) -> Option<usize> {
    match content {
        Content::Text(_) | Content::Media(_) | Content::Poll(_) => {
            content.readable().map(|text| text.chars().count())
        }
        _ => None,
    }
}

async fn failed(
    shared: &Arc<Shared>,
    row: &OutboxRow,
    failure: &SendFailure,
) -> Result<(), StoreError> {
    let seq = row.seq;
    let code = match failure {
        SendFailure::NotConnected => {
            return shared
                .store
                .write_relaxed(move |tx| tx.outbox_mut().release(seq))
                .await;
        }
        SendFailure::Temporary(_) if row.attempts < shared.settings.send_attempts => {
            let pause = RETRY_FIRST
                .saturating_mul(1 << row.attempts.saturating_sub(1).min(16))
                .min(RETRY_MAX);
            let due_at = shared.clock.now().plus(shared.random.jitter(pause, 0.3));
            let reason = failure.to_string();
            warn!(session.id = %row.session, attempt = row.attempts, reason, "A message will be tried again");
            return shared
                .store
                .write(move |tx| tx.outbox_mut().retry(seq, due_at, &reason))
                .await;
        }
        SendFailure::Temporary(_) => FailureCode::TooManyAttempts,
        SendFailure::NotOnWhatsApp => FailureCode::NotOnWhatsapp,
        SendFailure::Media { .. } => FailureCode::MediaRefused,
        SendFailure::Permanent(_) => FailureCode::Refused,
    };
    give_up(shared, row.clone(), code, failure.to_string()).await
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
    let (id, next) = (id.clone(), next_lease(shared, session));
    let worker = Arc::clone(shared);
    let (found, seq, claimed) = shared
        .store
        .write_relaxed_together(move |tx| {
            let Some(row) = tx.outbox().by_whatsapp_id(session, &id)? else {
                return Ok::<_, StoreError>((false, None, None));
            };
            tx.outbox_mut().finish(&row)?;
            tx.messages_mut()
                .advance(row.message, MessageStatus::Sent, None)?;
            tx.campaigns_mut()
                .note_sent(row.message, worker.clock.now())?;
            let seq = match tx.messages().get(row.message)? {
                Some(message) => note_event(&worker, tx, message)?,
                None => None,
            };
            Ok((true, seq, claim_next(tx, &row, next.as_ref())?))
        })
        .await?;
    if found {
        shared.pacer.count(session, shared.clock.now());
        shared.campaigns.moved();
    }
    if let Some(seq) = seq {
        crate::ingest::announce(shared, seq);
    }
    deliver_next(shared, claimed).await;
    Ok(())
}

/// Stores the event of a message of ours that is as it is now.
pub(crate) fn note_event(
    shared: &Shared,
    tx: &Writer<'_>,
    message: Message,
) -> Result<Option<i64>, StoreError> {
    let session = message.session;
    let body = EventBody::Message {
        message: Box::new(message),
    };
    let event = crate::ingest::new_event(shared, session, body);
    let done = !crate::ingest::is_wanted(shared, &event);
    tx.events_mut().insert(&event, done)
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
    if refusal.retryable {
        return failed(shared, &row, &SendFailure::Temporary(reason)).await;
    }
    let code = match refusal.code.as_str() {
        RESTRICTED => FailureCode::Restricted,
        _ => FailureCode::Refused,
    };
    give_up(shared, row, code, reason).await
}

pub(super) type Claimed = Option<(OutboxRow, Message)>;

/// The lease for the next of a chat; nothing when the worker has to be asked first.
pub(super) fn next_lease(shared: &Shared, session: SessionId) -> Option<Lease> {
    if shared.pacer.is_free(session) {
        return Some(lease(shared));
    }
    shared.outbox.wake();
    None
}

/// Leases the row that became head when `done` left.
pub(super) fn claim_next(
    tx: &Writer<'_>,
    done: &OutboxRow,
    lease: Option<&Lease>,
) -> Result<Claimed, StoreError> {
    let Some(lease) = lease else {
        return Ok(None);
    };
    claim_of(tx, done.session, &done.chat, lease)
}

fn claim_of(
    tx: &Writer<'_>,
    session: SessionId,
    chat: &Jid,
    lease: &Lease,
) -> Result<Claimed, StoreError> {
    let Some(row) = tx.outbox_mut().claim_head(session, chat, lease)? else {
        return Ok(None);
    };
    let message = tx.messages().get(row.message)?;
    Ok(message.map(|message| (row, message)))
}

pub(super) async fn deliver_next(shared: &Arc<Shared>, claimed: Claimed) {
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
