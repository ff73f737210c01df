//! Messages by number, for dialects that count them.

use warbler_domain::{Caller, Direction, EventBody, Message, MessageId, Scope};
use warbler_store::{Error as StoreError, Reader};

use super::{Messages, ReadError};
use crate::sessions::{SessionError, is_within_reach};

/// A message with its number, and whether whoever is to be told of it has been.
#[derive(Debug, Clone)]
pub struct Numbered {
    /// Its number: messages are counted as they are stored, and no number is given twice.
    pub number: i64,
    /// The message, as it stands now.
    pub message: Message,
    /// Whether nothing of it is still on its way to a webhook, nor given up.
    pub told: bool,
}

impl Messages {
    /// The message with this number; `form` is that of the webhooks whose deliveries count.
    pub async fn numbered(
        &self,
        caller: &Caller,
        number: i64,
        form: &'static str,
    ) -> Result<Numbered, ReadError> {
        caller.require(Scope::Read).map_err(SessionError::from)?;
        let reading = self.shared.store.read(move |db| {
            let found = db.messages().numbered(number)?;
            let shown = found.map(|found| db.annotations().show(found));
            let shown = shown.transpose()?;
            shown
                .map(|shown| numbered(db, shown.message, form))
                .transpose()
        });
        let found: Result<_, StoreError> = reading.await;
        found?
            .flatten()
            .filter(|found: &Numbered| is_within_reach(&self.shared, caller, found.message.session))
            .ok_or(ReadError::Unknown(MessageId::from_bytes([0; 16])))
    }

    /// Messages that the caller has been shown, with their numbers; those that are gone meanwhile
    /// are left out.
    pub async fn with_numbers(
        &self,
        messages: Vec<Message>,
        form: &'static str,
    ) -> Result<Vec<Numbered>, ReadError> {
        let reading = self.shared.store.read(move |db| {
            let each = messages.into_iter();
            let each = each.filter_map(|message| numbered(db, message, form).transpose());
            each.collect::<Result<Vec<_>, StoreError>>()
        });
        Ok(reading.await?)
    }
}

fn numbered(db: &Reader<'_>, message: Message, form: &str) -> Result<Option<Numbered>, StoreError> {
    let Some(number) = db.messages().number(message.id)? else {
        return Ok(None);
    };
    // Only what came in is told.
    let told = match message.direction {
        Direction::Outbound => true,
        Direction::Inbound => {
            let session = message.session;
            let body = EventBody::Message {
                message: Box::new(message.clone()),
            };
            match body.dedupe_key() {
                Some(dedupe) => !db.deliveries().is_outstanding(session, &dedupe, form)?,
                None => true,
            }
        }
    };
    Ok(Some(Numbered {
        number,
        message,
        told,
    }))
}
