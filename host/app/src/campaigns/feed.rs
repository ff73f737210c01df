//! Putting the next messages of a campaign into the outbox.

use std::collections::HashSet;
use std::sync::Arc;

use tracing::debug;
use warbler_domain::campaign::{Campaign, CampaignRecipient, RecipientState};
use warbler_domain::{
    Caller, CampaignId, ExtensionName, Jid, Message, PhoneNumber, SessionId, SessionRef, Timestamp,
};
use warbler_store::campaigns::Settled;
use warbler_store::kv::KvWrite;
use warbler_store::{Error as StoreError, Writer};

use super::CampaignError;
use super::life::is_running;
use super::write::Writer as Words;
use crate::contacts::Contacts;
use crate::core::Shared;
use crate::messages::{Destination, outgoing};

/// Numbers that are looked up at once.
const LOOKED_UP: u32 = 50;

/// What came of it.
pub(super) enum Fed {
    /// These sessions were given messages.
    Sessions(HashSet<SessionId>),
    /// There was nobody to be sent to.
    Nobody,
    /// Recipients were dealt with who are not sent to; others may be.
    More,
    /// It cannot go on, for this reason.
    Impossible(String),
}

/// One recipient's message, ready to be put into the outbox.
enum Ready {
    Message {
        place: u32,
        message: Box<Message>,
        kv: Option<(ExtensionName, Vec<KvWrite>)>,
    },
    /// It was given up before, and is tried again under its id.
    Again {
        place: u32,
        session: SessionId,
        message: Box<Message>,
    },
    Settled {
        place: u32,
        settled: Settled,
    },
}

/// Gives each session as many messages as it has room for.
pub(super) async fn feed(
    shared: &Arc<Shared>,
    campaign: &Campaign,
    rooms: &[(SessionId, u32)],
) -> Result<Fed, CampaignError> {
    let id = campaign.id;
    let wanted = rooms.iter().map(|(_, room)| room).sum();
    if campaign.rules.check_numbers
        && let Some((session, _)) = rooms.first()
    {
        match check_numbers(shared, id, *session, wanted).await? {
            LookedUp::All => {}
            LookedUp::Some => return Ok(Fed::More),
            LookedUp::NotNow => return Ok(Fed::Nobody),
        }
    }
    let Some(words) = Words::of(shared, campaign)? else {
        let name = campaign.writer.as_ref().map(ToString::to_string);
        let name = name.unwrap_or_default();
        return Ok(Fed::Impossible(format!(
            "the extension `{name}` is not loaded"
        )));
    };
    let planned = shared
        .store
        .read(move |db| db.campaigns().in_state(id, RecipientState::Planned, wanted))
        .await
        .map_err(CampaignError::Store)?;
    if planned.is_empty() {
        return Ok(Fed::Nobody);
    }
    let turns = in_turn(rooms);
    let mut ready = Vec::with_capacity(planned.len());
    for (recipient, session) in planned.into_iter().zip(turns) {
        let Some(made) = make(shared, campaign, &words, recipient, session).await? else {
            continue;
        };
        ready.push(made);
    }
    if ready.is_empty() {
        return Ok(Fed::Nobody);
    }
    let worker = Arc::clone(shared);
    let put = shared
        .store
        .write_relaxed(move |tx| put(&worker, tx, id, ready))
        .await
        .map_err(CampaignError::Store)?;
    debug!(campaign.id = %id, count = put.len(), "Messages of a campaign were put into the outbox");
    if put.is_empty() {
        return Ok(Fed::More);
    }
    crate::outbox::wake(shared);
    Ok(Fed::Sessions(put.into_iter().collect()))
}

/// The sessions one after the other, each as often as it has room.
fn in_turn(rooms: &[(SessionId, u32)]) -> Vec<SessionId> {
    let rounds = rooms.iter().map(|(_, room)| *room).max().unwrap_or(0);
    let mut turns = Vec::new();
    for round in 0..rounds {
        let with_room = rooms.iter().filter(|(_, room)| *room > round);
        turns.extend(with_room.map(|(session, _)| *session));
    }
    turns
}

async fn make(
    shared: &Arc<Shared>,
    campaign: &Campaign,
    words: &Words,
    recipient: CampaignRecipient,
    session: SessionId,
) -> Result<Option<Ready>, CampaignError> {
    let place = recipient.place;
    if let Some(again) = again(shared, &recipient).await? {
        return Ok(Some(again));
    }
    let identity = shared.directory.identity(session);
    let Some((name, Some(account))) = identity else {
        // It was unlinked since its room was asked for; the recipient stays planned.
        return Ok(None);
    };
    let written = match words
        .write(shared, campaign, &recipient, (session, &name))
        .await
    {
        Ok(written) => written,
        Err(fault) => {
            return Ok(Some(Ready::Settled {
                place,
                settled: Settled {
                    state: RecipientState::Failed,
                    code: fault.code,
                    error: fault.message,
                },
            }));
        }
    };
    let to = Destination::of(shared, session, recipient.to)
        .await
        .map_err(CampaignError::Store)?;
    let mut message = outgoing(shared, session, &account, to, written.content, None);
    message.whatsapp_id = recipient.whatsapp_id;
    Ok(Some(Ready::Message {
        place,
        message: Box::new(message),
        kv: written.kv,
    }))
}

/// The message that a recipient has from an earlier run.
async fn again(
    shared: &Arc<Shared>,
    recipient: &CampaignRecipient,
) -> Result<Option<Ready>, CampaignError> {
    let (Some(message), Some(session)) = (recipient.message, recipient.session) else {
        return Ok(None);
    };
    let found: Option<Message> = shared
        .store
        .read(move |db| db.messages().get(message))
        .await
        .map_err(CampaignError::Store)?;
    Ok(found.map(|message| Ready::Again {
        place: recipient.place,
        session,
        message: Box::new(message),
    }))
}

/// Puts what is ready into the outbox, all of it in one transaction; the session of each message that
/// was put there, which is who pauses then.
fn put(
    shared: &Shared,
    tx: &Writer<'_>,
    id: CampaignId,
    ready: Vec<Ready>,
) -> Result<Vec<SessionId>, StoreError> {
    let now = shared.clock.now();
    let mut used = Vec::with_capacity(ready.len());
    // Somebody paused it while this was made.
    if !is_running(tx, id)? {
        return Ok(used);
    }
    for one in ready {
        match one {
            Ready::Settled { place, settled } => {
                tx.campaigns_mut().settle(id, place, &settled)?;
            }
            Ready::Message { place, message, kv } => {
                if leave_out(shared, tx, id, place, &message)? {
                    continue;
                }
                let (session, own) = (message.session, message.id);
                if !tx.campaigns_mut().queue(id, place, session, own, now)? {
                    continue;
                }
                tx.messages_mut().insert(&message)?;
                tx.outbox_mut().enqueue(&message, now, None)?;
                if let Some((extension, writes)) = &kv {
                    tx.kv_mut().apply(extension, writes, now)?;
                }
                used.push(session);
            }
            Ready::Again {
                place,
                session,
                message,
            } => {
                if leave_out(shared, tx, id, place, &message)? {
                    continue;
                }
                if !tx
                    .campaigns_mut()
                    .queue(id, place, session, message.id, now)?
                {
                    continue;
                }
                try_again(tx, &message, now)?;
                used.push(session);
            }
        }
    }
    Ok(used)
}

/// Lets a message that was given up go out again, under its id.
fn try_again(tx: &Writer<'_>, message: &Message, now: Timestamp) -> Result<(), StoreError> {
    match tx.outbox().dead_letter(message.id)? {
        Some(dead) => tx.outbox_mut().replay(&dead.row, now)?,
        // Its dead letter was discarded; the message itself still says what to send.
        None => {
            tx.outbox_mut().enqueue(message, now, None)?;
        }
    }
    tx.messages_mut().requeue(message.id)
}

/// Whether a message is for somebody who does not want to be written to.
pub(crate) fn is_unwanted(
    shared: &Shared,
    tx: &Writer<'_>,
    message: &Message,
) -> Result<bool, StoreError> {
    let session = message.session;
    let owner = shared.directory.owner(session).flatten();
    let mut covered = tx.suppressions().covers(owner, session, &message.chat)?;
    if let Some(alt) = &message.chat_alt {
        covered |= tx.suppressions().covers(owner, session, alt)?;
    }
    Ok(covered)
}

/// Leaves a recipient out who does not want to be written to; whether that is so.
fn leave_out(
    shared: &Shared,
    tx: &Writer<'_>,
    id: CampaignId,
    place: u32,
    message: &Message,
) -> Result<bool, StoreError> {
    let covered = is_unwanted(shared, tx, message)?;
    if covered {
        let settled = Settled {
            state: RecipientState::Suppressed,
            code: "suppressed".to_owned(),
            error: "the recipient does not want campaigns".to_owned(),
        };
        tx.campaigns_mut().settle(id, place, &settled)?;
    }
    Ok(covered)
}

/// What became of looking numbers up.
enum LookedUp {
    /// There was none left.
    All,
    /// Some were.
    Some,
    /// The network did not answer.
    NotNow,
}

/// Looks up the numbers of the recipients that are next.
async fn check_numbers(
    shared: &Arc<Shared>,
    id: CampaignId,
    session: SessionId,
    next: u32,
) -> Result<LookedUp, CampaignError> {
    // As many more as fit into one question.
    let ahead = next.max(LOOKED_UP);
    let open = shared
        .store
        .read(move |db| {
            let first = db.campaigns().unchecked(id, next)?;
            if first.is_empty() {
                return Ok(first);
            }
            db.campaigns().unchecked(id, ahead)
        })
        .await
        .map_err(CampaignError::Store)?;
    if open.is_empty() {
        return Ok(LookedUp::All);
    }
    let mut numbers: Vec<PhoneNumber> = Vec::new();
    for (_, jid) in &open {
        numbers.extend(jid.phone_number());
    }
    let mut found = std::collections::HashMap::new();
    if !numbers.is_empty() {
        let contacts = Contacts::new(Arc::clone(shared));
        let asked = SessionRef::Id(session);
        let checked = contacts.check(&Caller::host(), &asked, numbers).await;
        let checked = match checked {
            Ok(checked) => checked,
            Err(err) => {
                tracing::warn!(session.id = %session, %err, "Numbers of a campaign could not be looked up");
                return Ok(LookedUp::NotNow);
            }
        };
        found.extend(checked.into_iter().map(|one| (one.number, one.account)));
    }
    let noted: Vec<(u32, Option<Jid>, bool)> = open
        .into_iter()
        .map(|(place, jid)| match jid.phone_number() {
            Some(number) => match found.get(&number).cloned().flatten() {
                Some(account) => (place, Some(account.jid), true),
                None => (place, None, false),
            },
            // Only numbers can be looked up.
            None => (place, None, true),
        })
        .collect();
    shared
        .store
        .write_relaxed(move |tx| {
            for (place, jid, has_account) in noted {
                tx.campaigns_mut().note_checked(id, place, jid.as_ref())?;
                if !has_account {
                    let settled = Settled {
                        state: RecipientState::Invalid,
                        code: warbler_domain::FailureCode::NotOnWhatsapp
                            .as_str()
                            .to_owned(),
                        error: "the number has no WhatsApp account".to_owned(),
                    };
                    tx.campaigns_mut().settle(id, place, &settled)?;
                }
            }
            Ok::<_, StoreError>(())
        })
        .await
        .map_err(CampaignError::Store)?;
    Ok(LookedUp::Some)
}
