//! What the state knows of a socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wacore_binary::Node;

use crate::state::account::DeviceRef;

/// How many stanzas wait for one socket to take them.
pub(crate) const OUTBOX: usize = 8_192;
/// Deliveries leave this much room for answers; what they do not get waits in the device's queue.
const RESERVE: usize = OUTBOX - 512;
/// With less room than this nothing more is read from the client: it has to take its answers first.
pub(crate) const READING_ROOM: usize = 64;

/// A socket, for as long as it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// The handles by which a socket is written to and ended.
pub(crate) struct Connection {
    pub(crate) outbox: mpsc::Sender<Arc<Node>>,
    /// Cancelled: the socket is closed as it is.
    pub(crate) close: CancellationToken,
    /// Cancelled: what waits is written, then the socket is closed.
    pub(crate) finish: CancellationToken,
    /// Set: nothing is read or written any more, and the socket stays open.
    pub(crate) frozen: CancellationToken,
    /// Set when deliveries wait for room in the outbox.
    pub(crate) stalled: Arc<AtomicBool>,
    pub(crate) who: Option<DeviceRef>,
}

impl Connection {
    /// Puts a stanza into the outbox; false if it is full.
    pub(crate) fn send(&self, node: Arc<Node>) -> bool {
        !matches!(
            self.outbox.try_send(node),
            Err(mpsc::error::TrySendError::Full(_))
        )
    }

    /// Whether there is room for deliveries; if not, the writer will ask for them.
    pub(crate) fn takes_deliveries(&self) -> bool {
        let room = self.outbox.capacity() > RESERVE;
        if !room {
            self.stalled.store(true, Ordering::Release);
        }
        room
    }
}
