//! How what comes in from the network becomes stored events.
//!
//! Invariant: [`receive`] answers `Ok` only when every happening is durable, once; a redelivery
//! changes nothing.

use std::sync::Arc;

use warbler_domain::{
    Direction, Event, EventBody, EventId, Message, MessageId, MessageStatus, SessionId,
};
use warbler_store::{Error, Writer};

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
    let events: Vec<(Event, bool)> = inbound
        .into_iter()
        .map(|one| {
            let event = event_of(shared, session, one);
            let done = !is_wanted(shared, &event);
            (event, done)
        })
        .collect();
    let newest = shared
        .store
        .write(move |tx| {
            let mut newest = None;
            for (event, done) in &events {
                newest = store_event(tx, event, *done)?.or(newest);
            }
            Ok::<_, Error>(newest)
        })
        .await?;
    if let Some(seq) = newest {
        announce(shared, seq);
    }
    Ok(())
}

/// Whether any extension is to be called for an event; one that nobody wants is done at once.
pub(crate) fn is_wanted(shared: &Shared, event: &Event) -> bool {
    shared
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

/// Stores one event and what it changes by itself; `None` when it was there already.
fn store_event(tx: &Writer<'_>, event: &Event, done: bool) -> Result<Option<i64>, Error> {
    let Some(seq) = tx.events_mut().insert(event, done)? else {
        return Ok(None);
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
        EventBody::ChatState { .. }
        | EventBody::GroupUpdated { .. }
        | EventBody::SessionStatus { .. }
        | EventBody::SessionQr { .. } => {}
    }
    Ok(Some(seq))
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

fn event_of(shared: &Shared, session: SessionId, inbound: Inbound) -> Event {
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
        Inbound::GroupUpdated { group, by, change } => {
            EventBody::GroupUpdated { group, by, change }
        }
    };
    new_event(shared, session, body)
}

fn message_of(shared: &Shared, session: SessionId, inbound: InboundMessage) -> Message {
    Message {
        id: MessageId::new(shared.clock.now(), &shared.random),
        session,
        whatsapp_id: inbound.whatsapp_id,
        chat: inbound.chat,
        sender: inbound.sender,
        sender_alt: inbound.sender_alt,
        sender_name: inbound.sender_name,
        direction: inbound.direction,
        timestamp: inbound.timestamp,
        content: inbound.content,
        quoted: inbound.quoted,
        status: match inbound.direction {
            Direction::Inbound => MessageStatus::Received,
            Direction::Outbound => MessageStatus::Sent,
        },
        error: None,
    }
}
