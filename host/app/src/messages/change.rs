//! Messages that wait, were given up, or are to be forgotten here.

use std::sync::Arc;
use std::time::Duration;

use tracing::info;
use warbler_domain::{Caller, Message, MessageId, MessageStatus, Scope};
use warbler_store::outbox::Standing;
use warbler_store::{Error as StoreError, Writer};

use super::Messages;
use super::error::ChangeError;
use crate::audit;
use crate::sessions::SessionError;

/// How long after it was written a message may be edited (WhatsApp's own limit).
pub(super) const EDIT_WITHIN: Duration = Duration::from_secs(15 * 60);
/// How long after it was written a message may be taken back (WhatsApp's own limit).
pub(super) const REVOKE_WITHIN: Duration = Duration::from_secs(60 * 3600);

impl Messages {
    /// Takes a message out of the outbox before it is sent. One that was taken out is as it was.
    pub async fn cancel(&self, caller: &Caller, id: MessageId) -> Result<Message, ChangeError> {
        let now = self.shared.clock.now();
        let worker = Arc::clone(&self.shared);
        let cancelling = self.change(caller, id, "message.cancel", move |tx, message| {
            if message.status == MessageStatus::Cancelled {
                return Ok(None);
            }
            let waiting = tx.outbox().of_message(id, now)?;
            match waiting.map(|waiting| (waiting.standing, waiting.row)) {
                Some((Standing::Scheduled | Standing::Queued, row)) => {
                    tx.outbox_mut().finish(&row)?;
                    let cancelled = MessageStatus::Cancelled;
                    tx.messages_mut().advance(id, cancelled, None)?;
                    let message = tx.messages().get(id)?.ok_or(ChangeError::Unknown(id))?;
                    Ok(Some(crate::outbox::note_event(&worker, tx, message)?))
                }
                Some((Standing::UnderWay, _)) => Err(ChangeError::UnderWay),
                Some((Standing::Dead, _)) | None => Err(ChangeError::NotWaiting),
            }
        });
        let (message, seq) = cancelling.await?;
        if let Some(seq) = seq.flatten() {
            crate::ingest::announce(&self.shared, seq);
        }
        Ok(message)
    }

    /// Lets a message that was given up be tried again, under the id it had.
    pub async fn retry(&self, caller: &Caller, id: MessageId) -> Result<Message, ChangeError> {
        let now = self.shared.clock.now();
        let retrying = self.change(caller, id, "message.retry", move |tx, message| {
            let dead = tx.outbox().dead_letter(id)?;
            match dead {
                Some(dead) => tx.outbox_mut().replay(&dead.row, now)?,
                // Its dead letter was discarded; the message itself still says what to send.
                None if message.status == MessageStatus::Failed => {
                    tx.outbox_mut().enqueue(message, now, None)?;
                }
                None => return Err(ChangeError::NotFailed),
            }
            tx.messages_mut().requeue(id)?;
            Ok(Some(()))
        });
        let (message, _) = retrying.await?;
        crate::outbox::wake(&self.shared);
        Ok(message)
    }

    /// Forgets that a message was given up; the message stays as it is.
    pub async fn discard(&self, caller: &Caller, id: MessageId) -> Result<(), ChangeError> {
        self.change(caller, id, "message.discard", move |tx, _| {
            let dead = tx.outbox().dead_letter(id)?;
            let dead = dead.ok_or(ChangeError::NotFailed)?;
            tx.outbox_mut().discard(&dead.row)?;
            Ok(Some(()))
        })
        .await?;
        Ok(())
    }

    /// Forgets a message on this host; on phones it stays.
    pub async fn delete(&self, caller: &Caller, id: MessageId) -> Result<(), ChangeError> {
        let now = self.shared.clock.now();
        let found = self.found(caller, id).await?;
        let entry = audit::done_in(&self.shared, caller, "message.delete", id, found.session);
        let deleting = self.shared.store.write(move |tx| {
            let waiting = tx.outbox().of_message(id, now)?;
            match waiting.map(|waiting| (waiting.standing, waiting.row)) {
                Some((Standing::Dead, row)) => tx.outbox_mut().discard(&row)?,
                Some(_) => return Err(ChangeError::StillWaiting),
                None => {}
            }
            let deleted = tx.messages_mut().delete(id)?;
            if deleted {
                tx.audit_mut().insert(&entry)?;
            }
            Ok(deleted)
        });
        if !deleting.await? {
            return Err(ChangeError::Unknown(id));
        }
        info!(session.id = %found.session, message.id = %id, caller = caller.label(), "A message was deleted here");
        Ok(())
    }

    /// Changes a message in one transaction; the message as it is then, and what `change` told,
    /// which is nothing when nothing was to be changed.
    async fn change<T: Send + 'static>(
        &self,
        caller: &Caller,
        id: MessageId,
        action: &str,
        change: impl FnOnce(&Writer<'_>, &Message) -> Result<Option<T>, ChangeError> + Send + 'static,
    ) -> Result<(Message, Option<T>), ChangeError> {
        let found = self.found(caller, id).await?;
        let entry = audit::done_in(&self.shared, caller, action, id, found.session);
        self.shared
            .store
            .write(move |tx| {
                let message = tx.messages().get(id)?.ok_or(ChangeError::Unknown(id))?;
                let changed = change(tx, &message)?;
                if changed.is_some() {
                    tx.audit_mut().insert(&entry)?;
                }
                let message = tx.messages().get(id)?.ok_or(ChangeError::Unknown(id))?;
                Ok((message, changed))
            })
            .await
    }

    async fn found(&self, caller: &Caller, id: MessageId) -> Result<Message, ChangeError> {
        caller.require(Scope::Send).map_err(SessionError::from)?;
        let shared = &self.shared;
        let reading = shared.store.read(move |db| db.messages().get(id));
        let found: Result<_, StoreError> = reading.await;
        found?
            .filter(|found: &Message| {
                crate::sessions::is_within_reach(shared, caller, found.session)
            })
            .ok_or(ChangeError::Unknown(id))
    }
}
