//! What the phone remembers from before the session was linked: stored without events, once.

use std::sync::Arc;

use tracing::warn;
use warbler_domain::contact::Contact;
use warbler_domain::{Jid, Message, SessionId};
use warbler_store::{Error, Writer};

use crate::core::Shared;
use crate::driver::History;

/// Most messages, people and groups of one delivery that are kept; the rest is passed over.
const MOST: usize = 50_000;
/// Rows of one transaction, so that nobody else waits long.
const BATCH: usize = 250;

/// Stores a delivery of history. All of it is durable when this answers.
pub(super) async fn store(
    shared: &Arc<Shared>,
    session: SessionId,
    mut history: History,
) -> Result<(), Error> {
    let sizes = [
        history.messages.len(),
        history.contacts.len(),
        history.groups.len(),
    ];
    if sizes.iter().any(|size| *size > MOST) {
        warn!(session.id = %session, "A delivery of history is larger than {MOST}; the rest of it is passed over");
    }
    history.messages.truncate(MOST);
    history.contacts.truncate(MOST);
    history.groups.truncate(MOST);
    write_all(shared, history.contacts, move |tx, contact: &Contact| {
        tx.contacts_mut().note(session, contact)
    })
    .await?;
    write_all(
        shared,
        history.groups,
        move |tx, (group, subject): &(Jid, String)| {
            tx.groups_mut().set_subject(session, group, subject)
        },
    )
    .await?;
    let messages: Vec<Message> = history
        .messages
        .into_iter()
        .map(|inbound| super::message_of(shared, session, inbound))
        .collect();
    write_all(shared, messages, |tx, message: &Message| {
        let mut message = message.clone();
        super::settle::settle(tx, &mut message)?;
        tx.messages_mut().insert_past(&message).map(drop)
    })
    .await
}

async fn write_all<T: Send + 'static>(
    shared: &Arc<Shared>,
    rows: Vec<T>,
    write: impl Fn(&Writer<'_>, &T) -> Result<(), Error> + Copy + Send + 'static,
) -> Result<(), Error> {
    let mut rows = rows.into_iter();
    loop {
        let batch: Vec<T> = rows.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(());
        }
        shared
            .store
            .write(move |tx| batch.iter().try_for_each(|row| write(tx, row)))
            .await?;
    }
}
