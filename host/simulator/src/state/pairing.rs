//! Devices that are about to be linked.

use tokio::sync::oneshot;

use crate::passkey::Demand;
use crate::state::account::{Keys, Looks};
use crate::state::connection::ConnectionId;

/// How long a pair code holds.
pub(crate) const CODE_SECONDS: u64 = 180;
/// How many pair codes wait at once.
pub(crate) const MAX_CODES: usize = 1_000;

/// One unregistered connection and what it has told about itself.
pub(crate) struct Pairing {
    pub(crate) noise: [u8; 32],
    pub(crate) keys: Keys,
    pub(crate) looks: Looks,
    /// The references on show; the first is used up first.
    pub(crate) refs: Vec<String>,
    pub(crate) stage: Stage,
    /// What the client has been asked for, if the account demands a passkey.
    pub(crate) passkey: Option<Demand>,
}

/// How far a linking is.
pub(crate) enum Stage {
    /// QR codes are on show.
    Shown,
    /// The phone has signed; the client's own signature is awaited.
    Signed {
        request: String,
        done: oneshot::Sender<Answer>,
    },
    /// The client has answered.
    Done,
}

/// What the client says to the phone's signature.
pub(crate) enum Answer {
    Declined,
    Signed {
        /// The identity with the client's own signature, not yet verified.
        completed: Vec<u8>,
        keys: Box<Keys>,
        looks: Looks,
        noise: [u8; 32],
    },
}

/// A pair code that waits to be typed, and how far the exchange is.
pub(crate) struct CodeRequest {
    pub(crate) connection: ConnectionId,
    pub(crate) reference: Vec<u8>,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) asked: u64,
    /// Where the phone waits for the client's key bundle.
    pub(crate) typed: Option<oneshot::Sender<Bundle>>,
}

/// The client's last word in the exchange of a pair code.
#[derive(Debug)]
pub(crate) struct Bundle {
    pub(crate) wrapped: Vec<u8>,
    pub(crate) identity: [u8; 32],
}
