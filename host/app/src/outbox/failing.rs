//! Giving messages up: they become dead letters, and whoever follows the events learns why.

use std::sync::Arc;

use tracing::{info, warn};
use warbler_domain::{FailureCode, SessionId, Timestamp};
use warbler_store::outbox::OutboxRow;
use warbler_store::{Error as StoreError, Writer};

use super::TIDIED;
use super::deliver::{claim_next, deliver_next, next_lease, note_event};
use crate::core::Shared;
use crate::pacing::Mode;

/// Makes a row a dead letter and lets the next of its chat go.
pub(super) async fn give_up(
    shared: &Arc<Shared>,
    row: OutboxRow,
    code: FailureCode,
    reason: String,
) -> Result<(), StoreError> {
    warn!(session.id = %row.session, message.id = %row.message, %code, reason, "A message was given up");
    let next = next_lease(shared, row.session);
    let worker = Arc::clone(shared);
    let (seq, claimed) = shared
        .store
        .write(move |tx| {
            let seq = bury(&worker, tx, &row, code, &reason)?;
            Ok::<_, StoreError>((seq, claim_next(tx, &row, next.as_ref())?))
        })
        .await?;
    if let Some(seq) = seq {
        crate::ingest::announce(shared, seq);
    }
    deliver_next(shared, claimed).await;
    Ok(())
}

/// Makes a row a dead letter, notes it in its message, and stores the event.
fn bury(
    shared: &Shared,
    tx: &Writer<'_>,
    row: &OutboxRow,
    code: FailureCode,
    reason: &str,
) -> Result<Option<i64>, StoreError> {
    let now = shared.clock.now();
    tx.outbox_mut().bury(row, code, reason, now)?;
    match tx.messages_mut().fail(row.message, code, reason)? {
        Some(message) => note_event(shared, tx, message),
        None => Ok(None),
    }
}

/// A session was unlinked from its phone: what waited for its turn cannot go out any more. What
/// is scheduled stays, since the session may be paired again by then.
pub(crate) async fn unlinked(shared: &Arc<Shared>, session: SessionId) -> Result<(), StoreError> {
    loop {
        let worker = Arc::clone(shared);
        let (buried, newest) = shared
            .store
            .write(move |tx| {
                tx.sending_mut().note_pairing(session, None)?;
                let reason = "the session was unlinked from its phone before the message went out";
                let rows = tx.outbox().live(session, TIDIED)?;
                let mut newest = None;
                for row in &rows {
                    let code = FailureCode::SessionLoggedOut;
                    newest = bury(&worker, tx, row, code, reason)?.or(newest);
                }
                Ok::<_, StoreError>((rows.len(), newest))
            })
            .await?;
        if let Some(seq) = newest {
            crate::ingest::announce(shared, seq);
        }
        if buried == 0 {
            return Ok(());
        }
        info!(session.id = %session, count = buried, "Waiting messages of an unlinked session were given up");
    }
}

/// Gives up what has waited longer than messages may. What pacing or a pause holds back is not
/// counted as waiting in vain.
pub(super) async fn expire(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let longest = shared.settings.send_max_age;
    if longest.is_zero() {
        return Ok(());
    }
    let now = shared.clock.now();
    let longest = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
    let entered = Timestamp::from_millis(now.as_millis().saturating_sub(longest));
    let old = shared
        .store
        .read(move |db| db.outbox().older_than(entered, now, TIDIED))
        .await?;
    for row in old {
        let in_vain = match shared.pacer.mode(row.session) {
            Mode::Free => true,
            Mode::Paced(_) => row.attempts > 0,
            Mode::Paused => false,
        };
        if in_vain {
            let reason = "the message waited longer than messages may".to_owned();
            give_up(shared, row, FailureCode::Expired, reason).await?;
        }
    }
    Ok(())
}
