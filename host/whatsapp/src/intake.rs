//! The message stanzas the engine is reading.
//!
//! Reading a message moves the ratchet of its sender on, in the engine's memory; a moment later the
//! message is handed to the store. The engine writes all ratchets together, and may do so in that
//! moment. If a crash follows, the ratchet on disk has read a message that nobody has. When the
//! network brings it again ([`crate::keys`] recognises it), its stanza is what its sender can be
//! asked with for another copy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio_util::sync::CancellationToken;
use wacore_binary::{NodeRef, OwnedNodeRef};
use whatsapp_rust::Client;
use whatsapp_rust::features::{RetryRequestError, RetryRequestOptions, RetryRequestOutcome};

/// Most stanzas noted. What is above it was read long ago and brought nothing to store: a group's
/// keys, for instance.
const NOTED: usize = 1024;

type Stanza = Arc<OwnedNodeRef>;

/// What one link's engine is reading.
#[derive(Default)]
pub(crate) struct Intake {
    /// By id, from when a stanza is looked at until its message is handed over.
    reading: Mutex<HashMap<String, Stanza>>,
    client: OnceLock<Weak<Client>>,
    over: CancellationToken,
}

impl Intake {
    /// The client that reads.
    pub(crate) fn serve(&self, client: &Arc<Client>) {
        drop(self.client.set(Arc::downgrade(client)));
    }

    /// The engine looks at a stanza.
    pub(crate) fn begins(&self, stanza: &Stanza) {
        if let Some(id) = encrypted(stanza.get()) {
            let mut reading = self.reading();
            if reading.len() >= NOTED {
                reading.clear();
            }
            reading.insert(id, Arc::clone(stanza));
        }
    }

    /// The message with this id is handed over, or will never be; its stanza, if it was noted.
    pub(crate) fn ends(&self, id: &str) -> Option<Stanza> {
        self.reading().remove(id)
    }

    /// The link is over: nobody is asked any more. The engine would go on waiting for what its tasks,
    /// which have ended, were to do.
    pub(crate) fn close(&self) {
        self.over.cancel();
    }

    /// Asks the sender of a stanza for another copy. Whether the network has taken the question; it
    /// has not when the link is over, or when they were asked too often.
    pub(crate) async fn ask_again(&self, stanza: &Stanza) -> Result<bool, RetryRequestError> {
        let Some(client) = self.client.get().and_then(Weak::upgrade) else {
            return Ok(false);
        };
        let asked = client.request_message_retry(stanza.get(), RetryRequestOptions::new());
        tokio::select! {
            asked = Box::pin(asked) => Ok(!matches!(asked?, RetryRequestOutcome::LimitReached)),
            () = self.over.cancelled() => Ok(false),
        }
    }

    fn reading(&self) -> MutexGuard<'_, HashMap<String, Stanza>> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id of an encrypted message, if the stanza is one. What the account's own phone tells its
/// devices is left out: nothing of it is stored.
fn encrypted(stanza: &NodeRef<'_>) -> Option<String> {
    if stanza.tag.as_ref() != "message" || stanza.get_optional_child("enc").is_none() {
        return None;
    }
    let category = stanza.get_attr("category");
    if category.is_some_and(|category| category.as_str() == "peer") {
        return None;
    }
    Some(stanza.get_attr("id")?.as_str().into_owned())
}
