//! Everything the simulated network remembers, behind one lock.
//!
//! Handlers take the lock, change the state, put answers into bounded queues and let go; nothing
//! waits while it is held. Accounts and devices are found by short copyable ids, never by text.
//!
//! Invariant: a device that has a connection is known to that connection, and the other way round.

pub(crate) mod account;
pub(crate) mod connection;
pub(crate) mod group;
pub(crate) mod journal;
pub(crate) mod pairing;

use std::collections::HashMap;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use wacore_binary::Node;

use crate::address::{Address, Form, device_jid};
use crate::faults::FaultBook;
use crate::state::account::{Account, AccountId, Device, DeviceRef, Link};
use crate::state::connection::{Connection, ConnectionId};
use crate::state::group::Group;
use crate::state::journal::{Direction, Journal};
use crate::state::pairing::{CodeRequest, Pairing};

/// How many accounts one network holds.
pub(crate) const MAX_ACCOUNTS: usize = 20_000;
/// How many groups one network holds.
pub(crate) const MAX_GROUPS: usize = 10_000;

pub(crate) struct State {
    pub(crate) accounts: Vec<Account>,
    by_pn: HashMap<String, AccountId>,
    by_lid: HashMap<String, AccountId>,
    pub(crate) groups: HashMap<String, Group>,
    pub(crate) connections: HashMap<ConnectionId, Connection>,
    pub(crate) pairings: HashMap<ConnectionId, Pairing>,
    /// Pair codes asked for, by the digits of the phone that is to type them.
    pub(crate) codes: HashMap<String, CodeRequest>,
    pub(crate) journal: Journal,
    pub(crate) faults: FaultBook,
    pub(crate) rng: StdRng,
    /// Whether accounts let others see their LID.
    pub(crate) tells_lids: bool,
    /// Counts the app-state patches of all accounts.
    pub(crate) patches_taken: u64,
    next_connection: u64,
    next_id: u64,
}

impl State {
    pub(crate) fn new(seed: u64, tells_lids: bool) -> Self {
        Self {
            accounts: Vec::new(),
            by_pn: HashMap::new(),
            by_lid: HashMap::new(),
            groups: HashMap::new(),
            connections: HashMap::new(),
            pairings: HashMap::new(),
            codes: HashMap::new(),
            journal: Journal::default(),
            faults: FaultBook::default(),
            rng: StdRng::seed_from_u64(seed),
            tells_lids,
            patches_taken: 0,
            next_connection: 1,
            next_id: 1,
        }
    }

    // --- accounts and devices ---

    /// A LID nobody has yet.
    pub(crate) fn free_lid(&mut self) -> String {
        loop {
            let lid = format!(
                "{}",
                self.rng
                    .random_range(100_000_000_000_000u64..999_999_999_999_999)
            );
            if !self.by_lid.contains_key(&lid) {
                return lid;
            }
        }
    }

    /// Adds an account; its id follows from its place.
    pub(crate) fn add_account(&mut self, make: impl FnOnce(AccountId) -> Account) -> AccountId {
        let id = AccountId(self.accounts.len());
        let account = make(id);
        self.by_pn.insert(account.pn.clone(), id);
        self.by_lid.insert(account.lid.clone(), id);
        self.accounts.push(account);
        id
    }

    pub(crate) fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(id.0)
    }

    pub(crate) fn account_mut(&mut self, id: AccountId) -> Option<&mut Account> {
        self.accounts.get_mut(id.0)
    }

    pub(crate) fn account_by_pn(&self, digits: &str) -> Option<AccountId> {
        self.by_pn.get(digits).copied()
    }

    pub(crate) fn device(&self, at: DeviceRef) -> Option<&Device> {
        self.account(at.account)?.device(at.device)
    }

    pub(crate) fn device_mut(&mut self, at: DeviceRef) -> Option<&mut Device> {
        self.account_mut(at.account)?.device_mut(at.device)
    }

    /// The account a user address names, and the form it was named in.
    pub(crate) fn resolve_account(&self, address: &Address) -> Option<(AccountId, Form)> {
        match address {
            Address::User { user, form, .. } => {
                let index = match form {
                    Form::Pn => &self.by_pn,
                    Form::Lid => &self.by_lid,
                };
                index.get(user).map(|id| (*id, *form))
            }
            _ => None,
        }
    }

    /// The device an address names. The device need not exist.
    pub(crate) fn resolve_device(&self, address: &Address) -> Option<DeviceRef> {
        let Address::User { device, .. } = address else {
            return None;
        };
        self.resolve_account(address).map(|(account, _)| DeviceRef {
            account,
            device: *device,
        })
    }

    /// How a device is written in a stanza.
    pub(crate) fn jid(&self, at: DeviceRef, form: Form) -> String {
        match self.account(at.account) {
            Some(account) => device_jid(account.user(form), form, at.device),
            None => String::new(),
        }
    }

    /// How an account is written in a stanza.
    pub(crate) fn user_jid(&self, account: AccountId, form: Form) -> String {
        self.jid(DeviceRef { account, device: 0 }, form)
    }

    /// Every device of an account, the phone first.
    pub(crate) fn devices_of(&self, account: AccountId) -> Vec<DeviceRef> {
        self.account(account)
            .map(|found| {
                found
                    .devices
                    .iter()
                    .map(|device| DeviceRef {
                        account,
                        device: device.id,
                    })
                    .collect()
            })
            .unwrap_or_default()
    }

    // --- who knows whom ---

    /// Two accounts have talked to each other.
    pub(crate) fn acquaint(&mut self, one: AccountId, other: AccountId) {
        for (who, whom) in [(one, other), (other, one)] {
            if let Some(account) = self.account_mut(who)
                && who != whom
            {
                account.known.insert(whom);
            }
        }
    }

    /// Whether an account does not want to hear from another.
    pub(crate) fn blocks(&self, account: AccountId, other: AccountId) -> bool {
        self.account(account)
            .is_some_and(|found| found.blocked.contains(&other))
    }

    /// Who sees an account's status: those who know it, and its own devices.
    pub(crate) fn audience_of(&self, account: AccountId) -> Vec<AccountId> {
        let Some(found) = self.account(account) else {
            return Vec::new();
        };
        let mut audience: Vec<AccountId> = found
            .known
            .iter()
            .copied()
            .filter(|other| !self.blocks(account, *other))
            .collect();
        audience.sort_unstable();
        audience.push(account);
        audience
    }

    // --- connections ---

    pub(crate) fn add_connection(&mut self, connection: Connection) -> ConnectionId {
        let id = ConnectionId(self.next_connection);
        self.next_connection += 1;
        self.connections.insert(id, connection);
        id
    }

    /// Sends a stanza that nothing acknowledges. A connection that does not read is closed.
    pub(crate) fn send(&mut self, to: ConnectionId, node: Arc<Node>) {
        let Some(connection) = self.connections.get(&to) else {
            return;
        };
        self.journal
            .push(Direction::Out, connection.who.map(|who| who.device), &node);
        if !connection.send(node) {
            tracing::debug!(
                connection = to.0,
                "A connection that does not read is closed"
            );
            connection.close.cancel();
        }
    }

    /// Sends what waits for a device, as far as its connection takes it.
    pub(crate) fn pump(&mut self, to: DeviceRef) {
        loop {
            let Some(device) = self.device(to) else {
                return;
            };
            if !device.active {
                return;
            }
            let ready = match &device.link {
                Link::None => false,
                Link::Phone(phone) => phone.capacity() > 0,
                Link::Socket(id) => self
                    .connections
                    .get(id)
                    .is_some_and(Connection::takes_deliveries),
            };
            if !ready {
                return;
            }
            let Some(node) = self.device_mut(to).and_then(|device| device.queue.next()) else {
                return;
            };
            self.hand_over(to, node);
        }
    }

    /// Gives one stanza to whatever a device is connected by.
    pub(crate) fn hand_over(&mut self, to: DeviceRef, node: Arc<Node>) {
        let Some(device) = self.device(to) else {
            return;
        };
        match &device.link {
            Link::None => {}
            Link::Phone(phone) => {
                if phone.try_send(account::PhoneWork::Stanza(node)).is_err() {
                    tracing::debug!("A simulated phone does not keep up; it will hear this again");
                }
            }
            Link::Socket(id) => {
                let id = *id;
                self.send(id, node);
            }
        }
    }

    /// Takes the acknowledgement of a delivered stanza.
    pub(crate) fn acknowledge(&mut self, by: DeviceRef, class: &str, id: &str, from: Option<&str>) {
        if let Some(device) = self.device_mut(by) {
            device.queue.acknowledged(class, id, from);
        }
        self.pump(by);
    }

    /// A connection is gone: its device keeps what it has not acknowledged.
    pub(crate) fn disconnected(&mut self, id: ConnectionId) -> Option<DeviceRef> {
        let connection = self.connections.remove(&id)?;
        self.pairings.remove(&id);
        self.codes.retain(|_, request| request.connection != id);
        let who = connection.who?;
        let device = self.device_mut(who)?;
        if device.link.is_socket(id) {
            device.link = Link::None;
            device.active = false;
            device.available = false;
            device.queue.disconnected();
            return Some(who);
        }
        None
    }

    // --- ids ---

    /// An id for a stanza of the server. It cannot collide with a client's.
    pub(crate) fn server_id(&mut self) -> String {
        self.next_id += 1;
        format!("srv-{}", self.next_id)
    }

    /// A message id as phones make them.
    pub(crate) fn message_id(&mut self) -> String {
        let mut bytes = [0u8; 9];
        self.rng.fill_bytes(&mut bytes);
        format!("3EB0{}", data_encoding::HEXUPPER.encode(&bytes))
    }
}
