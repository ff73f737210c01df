//! Trouble on demand.
//!
//! A [`Fault`] either happens at once to the connections of an account (a dropped socket, a stream
//! error, a logout) or stands until it has happened as often as was asked for (a lost ack, a doubled
//! delivery). Both kinds are injected by [`Faults::inject`], for one account or for all.
//!
//! Invariant: a standing fault counts down exactly once per stanza, request or upload it changes.

use std::sync::Arc;
use std::time::Duration;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::node::NodeContent;

use crate::address::digits;
use crate::hub::Hub;
use crate::stanza::{SERVER, empty};
use crate::state::State;
use crate::state::account::{AccountId, DeviceRef, Link};
use crate::state::connection::ConnectionId;

/// How many standing faults there are at most.
const MAX_STANDING: usize = 1_000;
/// The longest body of an unknown stanza.
const MAX_STRANGE: usize = 8 << 20;
/// The tag of what is written as a frame that cannot be opened; no stanza has it.
pub(crate) const GARBAGE: &str = "garbage";

/// Whom a fault meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    All,
    /// One account, by its number.
    Account(String),
}

impl From<&str> for Scope {
    fn from(number: &str) -> Self {
        Scope::Account(number.to_owned())
    }
}

/// Something that goes wrong.
///
/// Faults of delivery meet the companions of an account; the phone only if there are none.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// The socket of every companion is closed without a word.
    Drop,
    /// The socket stays open and nothing passes any more.
    HalfOpen,
    /// A stream error with this code, then the socket is closed.
    StreamError { code: u16 },
    /// The companion is told that somebody else took its place.
    Replaced,
    /// Every companion is unlinked.
    Logout,
    /// A frame arrives that nobody sealed.
    Garbage,
    /// A stanza arrives of a kind nobody knows, with a body of so many bytes, at most 8 MiB.
    UnknownStanza { bytes: u32 },
    /// The next logins fail for this reason (401, 403, 405, 503, …).
    LoginFailure { reason: u16, times: u32 },
    /// The next IK openings are declined in favour of XXfallback. Meets whoever connects.
    DeclineIk { times: u32 },
    /// The acks for messages from the account come late.
    DelayAcks { ms: u64, times: u32 },
    /// The acks for messages from the account are lost.
    DropAcks { times: u32 },
    /// The socket breaks under a message from the account, which is lost with it.
    BreakUnderMessage { times: u32 },
    /// Messages from the account are acked with an error and not delivered.
    ErrorAcks { code: u16, times: u32 },
    /// Messages to the account's devices arrive late.
    DelayDelivery { ms: u64, times: u32 },
    /// Messages to the account's devices arrive twice.
    DeliverTwice { times: u32 },
    /// A message to the account's devices is overtaken by the next one.
    Reorder { times: u32 },
    /// One bit of a ciphertext is flipped on its way to the account's devices.
    Corrupt { times: u32 },
    /// Requests in a namespace are refused.
    IqError {
        xmlns: String,
        code: u16,
        times: u32,
    },
    /// Requests in a namespace are never answered.
    IqTimeout { xmlns: String, times: u32 },
    /// Media requests are answered with this status. Meets everybody.
    MediaError { status: u16, times: u32 },
    /// One bit of a body is flipped when it is downloaded. Meets everybody.
    MediaCorrupt { times: u32 },
    /// A download ends half way. Meets everybody.
    MediaShort { times: u32 },
    /// The server's clock is wrong by this much. Meets everybody and stands until cleared.
    Clock { offset_seconds: i64 },
}

/// Why a fault could not be injected.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    #[error("{0:?} is not the number of an account on this network")]
    UnknownAccount(String),
    #[error("{MAX_STANDING} faults are already waiting to happen")]
    TooMany,
}

/// The handle by which trouble is made.
#[derive(Clone)]
pub struct Faults {
    pub(crate) hub: Arc<Hub>,
}

impl Faults {
    /// Makes a fault happen, now or the next times it can. Returns how many connections an
    /// immediate one met.
    pub fn inject(&self, scope: impl Into<Scope>, fault: Fault) -> Result<usize, FaultError> {
        let mut state = self.hub.lock();
        let account = match scope.into() {
            Scope::All => None,
            Scope::Account(number) => Some(
                digits(&number)
                    .and_then(|pn| state.account_by_pn(&pn))
                    .ok_or(FaultError::UnknownAccount(number))?,
            ),
        };
        match fault {
            Fault::Drop => Ok(state.for_sockets(account, |state, id| state.close(id))),
            Fault::HalfOpen => Ok(state.for_sockets(account, |state, id| {
                if let Some(connection) = state.connections.get(&id) {
                    connection.frozen.cancel();
                }
            })),
            Fault::StreamError { code } => Ok(state.for_sockets(account, |state, id| {
                state.finish(id, stream_error(code, None));
            })),
            Fault::Replaced => Ok(state.for_sockets(account, |state, id| {
                state.finish(id, replaced());
            })),
            Fault::Logout => {
                let companions = state.companions_in(account);
                for device in &companions {
                    self.hub.unlink(&mut state, *device);
                }
                Ok(companions.len())
            }
            Fault::Clock { offset_seconds } => {
                self.hub.set_clock_offset(offset_seconds);
                Ok(0)
            }
            Fault::Garbage => Ok(state.for_sockets(account, |state, id| {
                state.send(id, Arc::new(empty(GARBAGE)));
            })),
            Fault::UnknownStanza { bytes } => Ok(state.for_sockets(account, |state, id| {
                state.send(id, Arc::new(unheard_of(bytes)));
            })),
            // Who connects is not known before the handshake is over.
            decline @ Fault::DeclineIk { .. } => {
                state.faults.add(None, decline)?;
                Ok(0)
            }
            standing => {
                state.faults.add(account, standing)?;
                Ok(0)
            }
        }
    }

    /// Everything is well again: standing faults are forgotten and the clock is right.
    pub fn clear(&self) {
        self.hub.lock().faults.standing.clear();
        self.hub.set_clock_offset(0);
    }

    /// Closes the sockets of an account without a word.
    pub fn drop_connection(&self, number: &str) -> Result<usize, FaultError> {
        self.inject(number, Fault::Drop)
    }

    /// Unlinks every companion of an account.
    pub fn logout(&self, number: &str) -> Result<usize, FaultError> {
        self.inject(number, Fault::Logout)
    }
}

struct Standing {
    account: Option<AccountId>,
    fault: Fault,
    left: u32,
}

/// The faults that wait for their occasion.
#[derive(Default)]
pub(crate) struct FaultBook {
    standing: Vec<Standing>,
}

impl FaultBook {
    fn add(&mut self, account: Option<AccountId>, fault: Fault) -> Result<(), FaultError> {
        if self.standing.len() >= MAX_STANDING {
            return Err(FaultError::TooMany);
        }
        let left = match &fault {
            Fault::LoginFailure { times, .. }
            | Fault::DeclineIk { times }
            | Fault::DelayAcks { times, .. }
            | Fault::DropAcks { times }
            | Fault::BreakUnderMessage { times }
            | Fault::ErrorAcks { times, .. }
            | Fault::DelayDelivery { times, .. }
            | Fault::DeliverTwice { times }
            | Fault::Reorder { times }
            | Fault::Corrupt { times }
            | Fault::IqError { times, .. }
            | Fault::IqTimeout { times, .. }
            | Fault::MediaError { times, .. }
            | Fault::MediaCorrupt { times }
            | Fault::MediaShort { times } => *times,
            Fault::Drop
            | Fault::HalfOpen
            | Fault::StreamError { .. }
            | Fault::Replaced
            | Fault::Logout
            | Fault::Garbage
            | Fault::UnknownStanza { .. }
            | Fault::Clock { .. } => 0,
        };
        if left > 0 {
            self.standing.push(Standing {
                account,
                fault,
                left,
            });
        }
        Ok(())
    }

    /// The first standing fault that meets this account and is of the wanted kind; it counts down.
    pub(crate) fn take<T>(
        &mut self,
        account: Option<AccountId>,
        wanted: impl Fn(&Fault) -> Option<T>,
    ) -> Option<T> {
        if self.standing.is_empty() {
            return None;
        }
        let (index, found) = self.standing.iter().enumerate().find_map(|(index, one)| {
            let meets = one.account.is_none() || one.account == account;
            meets
                .then(|| wanted(&one.fault))
                .flatten()
                .map(|found| (index, found))
        })?;
        let spent = self.standing.get_mut(index).is_some_and(|one| {
            one.left -= 1;
            one.left == 0
        });
        if spent {
            self.standing.remove(index);
        }
        Some(found)
    }
}

/// What happens to the ack of a message.
pub(crate) enum AckFate {
    Normal,
    Lost,
    Late(Duration),
}

impl State {
    pub(crate) fn ack_fate(&mut self, account: AccountId) -> AckFate {
        let fate = self.faults.take(Some(account), |fault| match fault {
            Fault::DropAcks { .. } => Some(AckFate::Lost),
            Fault::DelayAcks { ms, .. } => Some(AckFate::Late(Duration::from_millis(*ms))),
            _ => None,
        });
        fate.unwrap_or(AckFate::Normal)
    }

    /// Whether delivery faults of its account meet this device: a companion, or the phone of an
    /// account without companions.
    pub(crate) fn meets_trouble(&self, at: DeviceRef) -> bool {
        at.device != 0
            || self
                .account(at.account)
                .is_some_and(|account| account.devices.len() == 1)
    }

    fn for_sockets(
        &mut self,
        account: Option<AccountId>,
        mut hit: impl FnMut(&mut State, ConnectionId),
    ) -> usize {
        let ids: Vec<ConnectionId> = self
            .companions_in(account)
            .into_iter()
            .filter_map(|at| match self.device(at)?.link {
                Link::Socket(id) => Some(id),
                _ => None,
            })
            .collect();
        for id in &ids {
            hit(self, *id);
        }
        ids.len()
    }

    fn companions_in(&self, account: Option<AccountId>) -> Vec<DeviceRef> {
        let accounts: Vec<AccountId> = match account {
            Some(account) => vec![account],
            None => (0..self.accounts.len()).map(AccountId).collect(),
        };
        accounts
            .into_iter()
            .flat_map(|account| self.devices_of(account))
            .filter(|at| at.device != 0)
            .collect()
    }

    /// Closes a socket as it is.
    pub(crate) fn close(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get(&id) {
            connection.close.cancel();
        }
    }

    /// Sends a last stanza and closes the socket behind it.
    pub(crate) fn finish(&mut self, id: ConnectionId, last: Node) {
        self.send(id, Arc::new(last));
        if let Some(connection) = self.connections.get(&id) {
            if connection.frozen.is_cancelled() {
                connection.close.cancel();
            }
            connection.finish.cancel();
        }
    }
}

/// `<stream:error code>` with what it is about.
pub(crate) fn stream_error(code: u16, child: Option<Node>) -> Node {
    let builder = NodeBuilder::new("stream:error").attr("code", code);
    match child {
        Some(child) => builder.children([child]).build(),
        None => builder.build(),
    }
}

/// A stanza that no client knows.
fn unheard_of(bytes: u32) -> Node {
    let length = usize::try_from(bytes).map_or(MAX_STRANGE, |bytes| bytes.min(MAX_STRANGE));
    let body = NodeBuilder::new("body").bytes(vec![b'?'; length]).build();
    NodeBuilder::new("weather")
        .attr("from", SERVER)
        .attr("id", "1")
        .children([body])
        .build()
}

/// Another login took this device's place.
pub(crate) fn replaced() -> Node {
    NodeBuilder::new("stream:error")
        .children([NodeBuilder::new("conflict")
            .attr("type", "replaced")
            .build()])
        .build()
}

/// The phone has unlinked this device.
pub(crate) fn unlinked() -> Node {
    let mut conflict = empty("conflict");
    conflict.attrs.insert("type", "device_removed");
    stream_error(401, Some(conflict))
}

/// Flips one bit in the first ciphertext of a message.
pub(crate) fn flip_a_bit(node: &mut Node) {
    let Some(NodeContent::Nodes(children)) = &mut node.content else {
        return;
    };
    for child in children.iter_mut().filter(|child| child.tag == "enc") {
        if let Some(NodeContent::Bytes(bytes)) = &mut child.content
            && let Some(byte) = bytes.last_mut()
        {
            *byte ^= 1;
            return;
        }
    }
}
