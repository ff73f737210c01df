//! Claiming for a session with rules: every message asks its ledger first.

use std::sync::Arc;
use std::time::Duration;

use warbler_domain::pacing::{Pacing, QuietHours};
use warbler_domain::{Direction, FailureCode, Jid, Message, SessionId, Timestamp};
use warbler_store::outbox::{Lease, OutboxRow};
use warbler_store::{Error as StoreError, Reader, Writer};

use super::deliver::deliver_next;
use super::failing::give_up;
use crate::core::Shared;
use crate::pacing::{Hold, Ledger, Mode};

/// Messages of a chat that are looked at to see whether somebody just wrote.
const LOOKED_AT: u32 = 20;

/// Claims and delivers what the rules of a session let go now; whether there may be more.
pub(super) async fn claim_due(
    shared: &Arc<Shared>,
    session: SessionId,
    rules: &Arc<Pacing>,
) -> Result<bool, StoreError> {
    let now = shared.clock.now();
    let free = super::free_slots(shared);
    if free == 0 || shared.pacer.hold(session, now).is_some() {
        return Ok(false);
    }
    let mut lease = super::lease(shared);
    if let Some(typing) = &rules.typing {
        lease.until = lease
            .until
            .plus(Duration::from_millis(typing.longest_millis));
    }
    let (worker, rules) = (Arc::clone(shared), Arc::clone(rules));
    let (claimed, more) = shared
        .store
        .write(move |tx| {
            // Rules that were changed meanwhile hold nothing back any more.
            if worker.pacer.mode(session) != Mode::Paced(Arc::clone(&rules)) {
                return Ok((Vec::new(), true));
            }
            worker.pacer.with_ledger(session, |ledger| {
                claim(&worker, tx, ledger, session, &rules, &lease, free)
            })
        })
        .await?;
    for (row, message) in claimed {
        if row.attempts > shared.settings.send_attempts {
            let reason = "the network did not acknowledge the message".to_owned();
            give_up(shared, row, FailureCode::NotAcknowledged, reason).await?;
        } else {
            deliver_next(shared, Some((row, message))).await;
        }
    }
    Ok(more)
}

type Claimed = (Vec<(OutboxRow, Message)>, bool);

fn claim(
    shared: &Shared,
    tx: &Writer<'_>,
    ledger: &mut Ledger,
    session: SessionId,
    rules: &Pacing,
    lease: &Lease,
    free: u32,
) -> Result<Claimed, StoreError> {
    let now = lease.now;
    ledger.load(tx, session, rules, now, &shared.random)?;
    let due = tx.outbox().due(session, now, free)?;
    let more = due.len() == free as usize;
    let mut claimed = Vec::new();
    for row in due {
        if let Some(hold) = chat_hold(tx, ledger, rules, session, &row.chat, now)? {
            tx.outbox_mut().delay(row.seq, hold.until, hold.why)?;
            continue;
        }
        // The next look comes when this is over.
        if ledger.check_session(rules, now).is_some() {
            return Ok((claimed, false));
        }
        let row = tx.outbox_mut().lease(row, lease)?;
        // A repeat under the same id is the same message.
        if row.attempts == 1 {
            ledger.note(rules, &row.chat, now, &shared.random);
            tx.sending_mut().note_sent(session, now, &row.chat)?;
        }
        if let Some(message) = tx.messages().get(row.message)? {
            claimed.push((row, message));
        }
    }
    Ok((claimed, more))
}

/// What holds messages to this chat back, whatever the others of the session do.
fn chat_hold(
    db: &Reader<'_>,
    ledger: &Ledger,
    rules: &Pacing,
    session: SessionId,
    chat: &Jid,
    now: Timestamp,
) -> Result<Option<Hold>, StoreError> {
    if let Some(quiet) = &rules.quiet
        && let Some(until) = quiet.end_at(now)
        && !just_wrote(db, quiet, session, chat, now)?
    {
        let why = "quiet_hours";
        return Ok(Some(Hold { until, why }));
    }
    Ok(ledger.check_chat(rules, chat, now))
}

/// Whether somebody wrote in this chat so lately that an answer is due in quiet hours too.
fn just_wrote(
    db: &Reader<'_>,
    quiet: &QuietHours,
    session: SessionId,
    chat: &Jid,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if quiet.answer_within_minutes == 0 {
        return Ok(false);
    }
    let within = Duration::from_secs(u64::from(quiet.answer_within_minutes) * 60);
    let page = warbler_domain::page::PageRequest::new(None, Some(LOOKED_AT));
    let newest = db.messages().list(session, Some(chat), page)?;
    Ok(newest.items.iter().any(|message| {
        message.direction == Direction::Inbound && now.since(message.timestamp) <= within
    }))
}
