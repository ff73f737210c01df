//! How what comes in from the network becomes stored events.
//!
//! Invariant: [`receive`] answers `Ok` only when every happening is durable, once; a redelivery
//! changes nothing.

mod past;
mod settle;
mod upkeep;

use std::sync::Arc;

use warbler_domain::{
    Direction, Event, EventBody, EventId, Message, MessageId, MessageStatus, SessionId,
};
use warbler_store::{Error, Writer};

use crate::calls::Ringing;
use crate::core::Shared;
use crate::driver::{Inbound, InboundMessage};

/// Most message ids one receipt event names.
const RECEIPT_IDS: usize = 256;

/// Stores `inbound`, then lets the pipeline and the streams know.
pub(crate) async fn receive(
    shared: &Arc<Shared>,
    session: SessionId,
    inbound: Vec<Inbound>,
) -> Result<(), Error> {
    let mut events = Vec::with_capacity(inbound.len());
    for one in inbound {
        match one {
            Inbound::History(history) => past::store(shared, session, *history).await?,
            one => events.extend(event_of(shared, session, one)),
        }
    }
    if events.is_empty() {
        return Ok(());
    }
    store_all(shared, events).await
}

/// Stores what happened through this host itself, as an event like any other.
pub(crate) async fn happened(
    shared: &Arc<Shared>,
    session: SessionId,
    body: EventBody,
) -> Result<(), Error> {
    let event = new_event(shared, session, body);
    store_all(shared, vec![event]).await
}

async fn store_all(shared: &Arc<Shared>, events: Vec<Event>) -> Result<(), Error> {
    let events: Vec<(Event, bool)> = events
        .into_iter()
        .map(|event| {
            let done = !is_wanted(shared, &event);
            (event, done)
        })
        .collect();
    let worker = Arc::clone(shared);
    let (newest, ringing) = shared
        .store
        .write_together(move |tx| {
            let mut newest = None;
            let mut ringing = Vec::new();
            for (event, done) in events {
                let (event, seq) = store_event(tx, event, done)?;
                newest = seq.or(newest);
                if seq.is_some() {
                    crate::campaigns::heard(&worker, tx, &event)?;
                }
                ringing.extend(seq.and_then(|_| Ringing::of(event)));
            }
            Ok::<_, Error>((newest, ringing))
        })
        .await?;
    if let Some(seq) = newest {
        announce(shared, seq);
    }
    for call in ringing {
        crate::calls::rings(shared, call);
    }
    Ok(())
}

/// Whether any extension is to be called for an event, or any webhook is to get it; one that nobody
/// wants is done at once.
pub(crate) fn is_wanted(shared: &Shared, event: &Event) -> bool {
    crate::webhooks::is_wanted(shared, event)
        || shared
            .extensions
            .chain()
            .iter()
            .any(|hook| hook.wants(event))
}

/// Lets the pipeline and the streams know of stored events up to `seq`.
pub(crate) fn announce(shared: &Shared, seq: i64) {
    shared.bus.announce(seq);
    shared.pipeline.wake();
}

/// Stores one event and what it changes by itself; no place when it was there already.
fn store_event(
    tx: &Writer<'_>,
    mut event: Event,
    done: bool,
) -> Result<(Event, Option<i64>), Error> {
    if let EventBody::Message { message } = &mut event.body {
        settle::settle(tx, message)?;
    }
    let Some(seq) = tx.events_mut().insert(&event, done)? else {
        return Ok((event, None));
    };
    match &event.body {
        EventBody::Message { message } => {
            tx.messages_mut().insert(message)?;
        }
        EventBody::Receipt {
            messages, status, ..
        } => {
            for id in messages {
                for message in tx.messages().by_whatsapp_id(event.session, id)? {
                    if message.direction == Direction::Outbound {
                        tx.messages_mut().advance(message.id, *status, None)?;
                    }
                }
            }
        }
        _ => upkeep::note(tx, &event)?,
    }
    Ok((event, Some(seq)))
}

/// A new event of `session`, now.
pub(crate) fn new_event(shared: &Shared, session: SessionId, body: EventBody) -> Event {
    let at = shared.clock.now();
    Event {
        id: EventId::new(at, &shared.random),
        session,
        at,
        body,
    }
}

fn event_of(shared: &Shared, session: SessionId, inbound: Inbound) -> Option<Event> {
    let body = match inbound {
        Inbound::Message(message) => EventBody::Message {
            message: Box::new(message_of(shared, session, message)),
        },
        Inbound::Receipt {
            chat,
            by,
            mut messages,
            status,
        } => {
            messages.truncate(RECEIPT_IDS);
            EventBody::Receipt {
                chat,
                by,
                messages,
                status,
            }
        }
        Inbound::ChatState { chat, by, state } => EventBody::ChatState {
            chat,
            by,
            state: state.to_owned(),
        },
        Inbound::Presence {
            by,
            online,
            last_seen,
        } => EventBody::Presence {
            by,
            online,
            last_seen,
        },
        Inbound::Call {
            call,
            by,
            video,
            group,
            state,
        } => EventBody::Call {
            call,
            by,
            video,
            group,
            state,
        },
        Inbound::GroupUpdated { group, by, change } => {
            EventBody::GroupUpdated { group, by, change }
        }
        Inbound::ChatUpdated { chat, change } => EventBody::ChatUpdated { chat, change },
        Inbound::ContactUpdated {
            contact,
            alt,
            change,
        } => EventBody::ContactUpdated {
            contact,
            alt,
            change,
        },
        Inbound::History(_) => return None,
    };
    Some(new_event(shared, session, body))
}

fn message_of(shared: &Shared, session: SessionId, inbound: InboundMessage) -> Message {
    let (sender, alt) = (&inbound.sender, inbound.sender_alt.as_ref());
    let sender_saved_name = shared.book.name_of(session, sender, alt);
    let id = MessageId::new(shared.clock.now(), &shared.random);
    Message {
        id,
        session,
        whatsapp_id: inbound.whatsapp_id,
        chat: inbound.chat,
        chat_alt: inbound.chat_alt,
        sender: inbound.sender,
        sender_alt: inbound.sender_alt,
        sender_name: inbound.sender_name,
        direction: inbound.direction,
        timestamp: inbound.timestamp,
        content: shared.public_names.named(id, inbound.content),
        quoted: inbound.quoted,
        forwarded: inbound.forwarded,
        audience: Vec::new(),
        status: match inbound.direction {
            Direction::Inbound => MessageStatus::Received,
            Direction::Outbound => MessageStatus::Sent,
        },
        error: None,
        scheduled_for: None,
        error_code: None,
        sender_saved_name,
    }
}
