//! The message stanzas the engine is reading, and the keys that reading them changes.
//!
//! Reading a message moves the ratchet of its sender on, in the engine's memory; a moment later the
//! message is handed to the store, and the engine is told to write its keys, which follow it to the
//! disk at once. It writes all ratchets together, and may do so in that moment, for another message.
//! So the keys of its sender wait until then ([`crate::keys`]): a ratchet on disk that has read a
//! message that nobody has would have to be made good by asking the sender for another copy, which
//! comes late. A message that takes longer than [`HELD`] is not waited for. Should a crash follow,
//! and the network bring it again, its stanza is what its sender is asked with.

mod reading;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use wacore_binary::OwnedNodeRef;
use whatsapp_rust::Client;
use whatsapp_rust::features::{RetryRequestError, RetryRequestOptions, RetryRequestOutcome};

use self::reading::Reading;

/// How long a stanza that was begun may have changed keys without having been handed over.
const READING: Duration = Duration::from_secs(2);
/// Longest wait for the engine to hand its keys to the store. It waits itself while it takes over
/// what the server had kept.
const WRITING: Duration = Duration::from_secs(1);
/// Longest wait for the acknowledgements of what was taken over when the link is to end.
const ACKNOWLEDGING: Duration = Duration::from_secs(1);
/// When nothing has left for so long, the engine has no acknowledgement to send. Some follow the
/// others when it is done with a stanza.
const QUIET: Duration = Duration::from_millis(5);
/// Longest wait of keys for a message that is being read: it may never be handed over.
const HELD: Duration = Duration::from_millis(500);

type Stanza = Arc<OwnedNodeRef>;

/// Messages that are being taken over; given up when this is dropped before they are stored.
pub(crate) struct Taking<'a> {
    intake: &'a Intake,
    ids: Vec<String>,
}

impl Taking<'_> {
    /// They are stored, and the engine will acknowledge them.
    pub(crate) fn stored(mut self) {
        self.ids.clear();
    }
}

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        self.intake.answered(&self.ids);
    }
}

/// A frame that waits for its keys or is being written.
pub(crate) struct Leaving<'a>(&'a Intake);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.left.fetch_add(1, Ordering::AcqRel);
    }
}

/// What one link's engine is reading.
#[derive(Default)]
pub(crate) struct Intake {
    /// From when a stanza is looked at until its message is handed over.
    reading: Mutex<Reading>,
    /// Told when one of them ends.
    ended: watch::Sender<()>,
    /// How many messages were handed over, and how many of them before keys were last written.
    handed: AtomicU64,
    written: AtomicU64,
    due: Notify,
    /// The ids of what is being taken over and is not acknowledged.
    taken: watch::Sender<HashSet<String>>,
    /// How many frames were to leave, and how many of them have left or will not.
    leaving: AtomicU64,
    left: AtomicU64,
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
        let own = || {
            let client = self.client();
            let own = client.iter().flat_map(|client| [client.pn(), client.lid()]);
            own.flatten().map(|jid| jid.user.to_string()).collect()
        };
        self.reading().begins(stanza, own);
    }

    /// The message with this id will never be handed over; its stanza, if it was noted.
    pub(crate) fn ends(&self, id: &str) -> Option<Stanza> {
        let stanza = self.reading().ends(id);
        self.ended.send_replace(());
        stanza
    }

    /// The message with this id is handed over; the keys that reading it changed are to follow.
    pub(crate) fn handed(&self, id: &str) {
        self.handed.fetch_add(1, Ordering::AcqRel);
        self.reading().handed(id);
        self.ended.send_replace(());
        self.due.notify_one();
    }

    /// For the name of each key, the messages that may have changed it and are not handed over.
    pub(crate) fn changing<'a>(
        &self,
        names: impl Iterator<Item = &'a str>,
    ) -> Vec<HashSet<String>> {
        self.reading().changing(names)
    }

    /// Whether none of these has to be waited for.
    pub(crate) fn are_over(&self, ids: &HashSet<String>) -> bool {
        let reading = self.reading();
        !ids.iter().any(|id| reading.is_under_way(id))
    }

    /// Waits until none of these has to be waited for, which is soon.
    pub(crate) async fn over(&self, ids: &HashSet<String>) {
        let mut ended = self.ended.subscribe();
        let over = ended.wait_for(|()| self.are_over(ids));
        if timeout(HELD, over).await.is_err() {
            self.reading().are_late(ids);
        }
    }

    /// Has the engine hand the keys that reading has changed to the store, if any may be left.
    pub(crate) async fn write_keys(&self) {
        let handed = self.handed.load(Ordering::Acquire);
        let left = handed > self.written.load(Ordering::Acquire) || self.may_have_read();
        let Some(client) = self.client().filter(|_| left) else {
            return;
        };
        match timeout(WRITING, Box::pin(client.flush_pending_signal_state())).await {
            Ok(Ok(())) => drop(self.written.fetch_max(handed, Ordering::AcqRel)),
            Ok(Err(err)) => tracing::warn!(%err, "The engine could not hand over its keys"),
            Err(_) => tracing::debug!("The engine does not hand over its keys at the moment"),
        }
    }

    /// Writes keys each time something was handed over, while `wanted`, until the link is over.
    pub(crate) async fn keep_writing(&self, wanted: impl Fn() -> bool) {
        loop {
            self.due.notified().await;
            if wanted() {
                self.write_keys().await;
            }
        }
    }

    /// Messages are about to be taken over.
    pub(crate) fn takes_over(&self, ids: Vec<String>) -> Taking<'_> {
        self.taken
            .send_modify(|taken| taken.extend(ids.iter().cloned()));
        Taking { intake: self, ids }
    }

    /// Messages are acknowledged, or given up.
    pub(crate) fn answered(&self, ids: &[impl AsRef<str>]) {
        self.taken.send_modify(|taken| {
            for id in ids {
                taken.remove(id.as_ref());
            }
        });
    }

    /// A frame is about to leave.
    pub(crate) fn leaves(&self) -> Leaving<'_> {
        self.leaving.fetch_add(1, Ordering::AcqRel);
        Leaving(self)
    }

    /// Waits until what is being taken over now is acknowledged. What is not comes again.
    pub(crate) async fn all_acknowledged(&self) {
        let now = self.taken.borrow().clone();
        let acknowledged = async {
            let mut taken = self.taken.subscribe();
            drop(taken.wait_for(|taken| taken.is_disjoint(&now)).await);
            loop {
                let leaving = self.leaving.load(Ordering::Acquire);
                sleep(QUIET).await;
                let left = self.left.load(Ordering::Acquire);
                if left == leaving && self.leaving.load(Ordering::Acquire) == leaving {
                    return;
                }
            }
        };
        drop(timeout(ACKNOWLEDGING, acknowledged).await);
    }

    fn may_have_read(&self) -> bool {
        self.reading().any_begun(READING)
    }

    fn client(&self) -> Option<Arc<Client>> {
        self.client.get().and_then(Weak::upgrade)
    }

    /// The link is over: nobody is asked any more. The engine would go on waiting for what its tasks,
    /// which have ended, were to do.
    pub(crate) fn close(&self) {
        self.over.cancel();
    }

    /// Asks the sender of a stanza for another copy. Whether the network has taken the question; it
    /// has not when the link is over, or when they were asked too often.
    pub(crate) async fn ask_again(&self, stanza: &Stanza) -> Result<bool, RetryRequestError> {
        let Some(client) = self.client() else {
            return Ok(false);
        };
        let asked = client.request_message_retry(stanza.get(), RetryRequestOptions::new());
        tokio::select! {
            asked = Box::pin(asked) => Ok(!matches!(asked?, RetryRequestOutcome::LimitReached)),
            () = self.over.cancelled() => Ok(false),
        }
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use bytes::Bytes;
    use wacore_binary::Node;
    use wacore_binary::builder::NodeBuilder;
    use wacore_binary::marshal::marshal;
    use wacore_binary::util::unpack;
    use whatsapp_rust::anyhow;

    use super::*;

    /// A message with ciphertexts of these kinds, as the network brings it.
    pub(crate) fn stanza(
        attributes: &[(&'static str, &str)],
        kinds: &[&str],
    ) -> anyhow::Result<Stanza> {
        let mut message = NodeBuilder::new("message");
        for (name, value) in attributes {
            message = message.attr(name, (*value).to_owned());
        }
        let enc = |kind: &&str| NodeBuilder::new("enc").attr("type", (*kind).to_owned());
        let encs: Vec<Node> = kinds.iter().map(|kind| enc(kind).build()).collect();
        let frame = marshal(&message.children(encs).build())?;
        let stanza = OwnedNodeRef::new(Bytes::from(unpack(&frame)?.into_owned()))?;
        Ok(Arc::new(stanza))
    }
}
