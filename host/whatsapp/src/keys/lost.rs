//! Messages that a ratchet has outlived.
//!
//! The network brings again what was not acknowledged before a crash. What the ratchet on disk has
//! read already cannot be read again; the message is waiting for the inbox, or it is stored. If it
//! is neither, the crash came between the ratchet and the message, which takes one that was being
//! read for longer than its ratchet waits; its sender is asked for another copy: once, as far as
//! the network has taken the question.

use std::sync::Arc;

use wacore::store::error::{Result, StoreError};
use wacore_binary::OwnedNodeRef;
use warbler_domain::ids::WhatsAppId;

use super::protocol::pending_key;
use super::{Keys, space};

/// What is known of a message that comes a second time.
enum Known {
    /// It waits for the inbox.
    Waiting(Vec<u8>),
    /// It is stored, says nothing, or has been asked for again.
    Done,
    /// Nobody has it.
    Lost,
}

impl Keys {
    /// The message under `key`, if it waits for the inbox. If nobody has it, its sender is asked
    /// for it, and the answer is an error: the engine does not acknowledge it then.
    pub(super) async fn pending_or_lost(&self, key: Vec<u8>, id: &str) -> Result<Option<Vec<u8>>> {
        let stanza = self.intake().ends(id);
        let session = self.session;
        // An id that cannot be one is of no message that would have been stored.
        let id: Option<WhatsAppId> = id.parse().ok();
        let pending = key.clone();
        let known = self
            .write(move |tx| {
                if let Some(message) = tx.get(space::PENDING_INBOUND, &pending)? {
                    return Ok(Known::Waiting(message));
                }
                let Some(id) = id else {
                    return Ok(Known::Done);
                };
                let done_with = tx.get(space::DONE_WITH, &pending)?.is_some();
                let stored = || tx.writer.messages().by_whatsapp_id(session, &id);
                Ok(match done_with || !stored()?.is_empty() {
                    true => Known::Done,
                    false => Known::Lost,
                })
            })
            .await?;
        match (known, stanza) {
            (Known::Waiting(message), _) => Ok(Some(message)),
            (Known::Done, _) => Ok(None),
            (Known::Lost, stanza) => {
                // Without its stanza, it is asked for the next time the network brings it.
                if let Some(stanza) = stanza {
                    self.ask_for(stanza, key);
                }
                Err(StoreError::Validation(
                    "a crash lost a message behind its ratchet; it is asked for again".to_owned(),
                ))
            }
        }
    }

    /// Notes a message that says nothing to anybody, so that nobody looks for it when it comes again.
    pub(crate) async fn says_nothing(&self, chat: &str, sender: &str, id: &str) -> Result<()> {
        let (key, now) = (pending_key(chat, sender, id), self.now_secs());
        self.write_in_order("message that says nothing", move |tx| {
            tx.put_until(space::DONE_WITH, &key, &[], Some(now))
        })
        .await
    }

    /// Asks in a task of its own: the engine holds what asking needs while it waits for us.
    fn ask_for(&self, stanza: Arc<OwnedNodeRef>, key: Vec<u8>) {
        let keys = self.clone();
        self.tasks.spawn(async move {
            match keys.intake().ask_again(&stanza).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(err) => {
                    return tracing::warn!(%err, "A lost message could not be asked for again");
                }
            }
            tracing::info!("A crash lost a message behind its ratchet: asked for it again");
            let now = keys.now_secs();
            let noted = keys
                .write(move |tx| tx.put_until(space::DONE_WITH, &key, &[], Some(now)))
                .await;
            if let Err(err) = noted {
                tracing::warn!(%err, "That a message was asked for again could not be noted");
            }
        });
    }
}
