//! What a device has yet to acknowledge.
//!
//! A stanza stays here from the moment it is accepted until the device acknowledges it, so that a
//! connection that breaks in between costs nothing: what was sent but not acknowledged is sent
//! again, marked `offline`, when the device comes back.
//!
//! Invariant: entries that were sent stand in front of those that were not.

use std::collections::VecDeque;
use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::stanza::{Reading, SERVER};

/// How many stanzas wait for one device at most.
pub(crate) const CAPACITY: usize = 20_000;

/// The device has been away for too long; the stanza is lost and its sender is told.
#[derive(Debug, thiserror::Error)]
#[error("{CAPACITY} stanzas already wait for this device")]
pub(crate) struct QueueFull;

#[derive(Debug)]
struct Entry {
    node: Arc<Node>,
    /// Sent before, or waiting since the device was away.
    offline: bool,
    /// The end of the offline queue: nothing acknowledges it.
    marker: bool,
}

/// The stanzas of one device, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    entries: VecDeque<Entry>,
    sent: usize,
}

impl Queue {
    /// Appends a stanza. When the queue is full, one the device has had and never acknowledged
    /// makes room; a queue full of unsent ones refuses.
    pub(crate) fn push(&mut self, node: Arc<Node>) -> Result<(), QueueFull> {
        if self.entries.len() >= CAPACITY {
            if self.sent == 0 {
                return Err(QueueFull);
            }
            self.entries.pop_front();
            self.sent -= 1;
        }
        self.entries.push_back(Entry {
            node,
            offline: false,
            marker: false,
        });
        Ok(())
    }

    /// The next stanza to send; it counts as sent from now on.
    pub(crate) fn next(&mut self) -> Option<Arc<Node>> {
        let entry = self.entries.get(self.sent)?;
        if entry.marker {
            return self.entries.remove(self.sent).map(|entry| entry.node);
        }
        self.sent += 1;
        if entry.offline {
            let mut again = (*entry.node).clone();
            again.attrs.insert("offline", "1");
            return Some(Arc::new(again));
        }
        Some(Arc::clone(&entry.node))
    }

    /// Forgets the stanza an acknowledgement names. Returns whether there was one.
    pub(crate) fn acknowledged(&mut self, class: &str, id: &str, from: Option<&str>) -> bool {
        let named = |entry: &Entry| entry.node.tag == class && entry.node.is("id", id);
        let exact =
            self.entries.iter().take(self.sent).position(|entry| {
                named(entry) && from.is_some_and(|from| entry.node.is("from", from))
            });
        let found = exact.or_else(|| self.entries.iter().take(self.sent).position(named));
        match found {
            Some(index) => {
                self.entries.remove(index);
                self.sent -= 1;
                true
            }
            None => false,
        }
    }

    /// The device is gone: everything that is left will be sent again.
    pub(crate) fn disconnected(&mut self) {
        self.entries.retain(|entry| !entry.marker);
        self.sent = 0;
    }

    /// The device is back: marks what waits as `offline` and puts the end mark behind it.
    pub(crate) fn returned(&mut self) -> Waiting {
        self.disconnected();
        let mut waiting = Waiting::default();
        for entry in &mut self.entries {
            entry.offline = true;
            waiting.count(&entry.node);
        }
        let end = NodeBuilder::new("ib")
            .attr("from", SERVER)
            .children([NodeBuilder::new("offline")
                .attr("count", waiting.total())
                .build()])
            .build();
        self.entries.push_back(Entry {
            node: Arc::new(end),
            offline: false,
            marker: true,
        });
        waiting
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// What waits for a device that has just come back, by kind.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    messages: usize,
    notifications: usize,
    receipts: usize,
    others: usize,
}

impl Waiting {
    fn count(&mut self, node: &Node) {
        match node.tag.as_ref() {
            "message" => self.messages += 1,
            "notification" => self.notifications += 1,
            "receipt" => self.receipts += 1,
            _ => self.others += 1,
        }
    }

    fn total(&self) -> usize {
        self.messages + self.notifications + self.receipts + self.others
    }

    /// The announcement that goes before the queue.
    pub(crate) fn preview(&self) -> Node {
        NodeBuilder::new("ib")
            .attr("from", SERVER)
            .children([NodeBuilder::new("offline_preview")
                .attr("count", self.total())
                .attr("message", self.messages)
                .attr("notification", self.notifications)
                .attr("receipt", self.receipts)
                .attr("appdata", 0u8)
                .build()])
            .build()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wacore_binary::builder::NodeBuilder;

    use super::{CAPACITY, Queue};
    use crate::stanza::Reading;

    fn message(id: &str) -> Arc<wacore_binary::Node> {
        Arc::new(
            NodeBuilder::new("message")
                .attr("id", id)
                .attr("from", "15550001@s.whatsapp.net")
                .build(),
        )
    }

    #[test]
    fn what_was_not_acknowledged_comes_again_marked_offline() {
        let mut queue = Queue::default();
        for id in ["a", "b"] {
            assert!(queue.push(message(id)).is_ok());
        }
        assert!(queue.next().is_some_and(|node| node.is("id", "a")));
        assert!(queue.next().is_some_and(|node| node.is("id", "b")));
        assert!(queue.acknowledged("message", "a", None));
        queue.returned();
        let again = queue.next();
        assert!(again.is_some_and(|node| node.is("id", "b") && node.is("offline", "1")));
        let end = queue.next();
        assert!(end.is_some_and(|node| node.tag == "ib"));
        assert!(queue.next().is_none());
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn a_full_queue_of_unsent_stanzas_refuses() {
        let mut queue = Queue::default();
        for _ in 0..CAPACITY {
            assert!(queue.push(message("x")).is_ok());
        }
        assert!(queue.push(message("y")).is_err());
        assert!(queue.next().is_some());
        assert!(queue.push(message("y")).is_ok());
        assert_eq!(queue.len(), CAPACITY);
    }
}
