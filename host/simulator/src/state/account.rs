//! Accounts and their devices.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;
use wacore_binary::Node;

use crate::address::Form;
use crate::passkey::Passkey;
use crate::person::PersonInner;
use crate::queue::Queue;
use crate::state::connection::ConnectionId;

/// How many one-time prekeys are kept per device.
pub(crate) const MAX_PREKEYS: usize = 2_000;
/// Fewer prekeys than this, and the device is asked for more.
pub(crate) const FEW_PREKEYS: usize = 5;
/// How many companions a phone links, unless it is told otherwise.
pub(crate) const COMPANIONS: usize = 4;
/// Companion ids are below this; 99 means something else to clients.
pub(crate) const DEVICE_LIMIT: u16 = 99;

/// Where an account stands in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct AccountId(pub(crate) usize);

/// One device of one account; device 0 is the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DeviceRef {
    pub(crate) account: AccountId,
    pub(crate) device: u16,
}

/// A phone number, with everything that hangs on it.
pub(crate) struct Account {
    pub(crate) pn: String,
    pub(crate) lid: String,
    pub(crate) name: String,
    /// The verified name, if it is a business.
    pub(crate) business: Option<String>,
    pub(crate) about: String,
    pub(crate) about_since: u64,
    pub(crate) picture: Option<Picture>,
    pub(crate) created: u64,
    pub(crate) last_seen: u64,
    pub(crate) devices: Vec<Device>,
    pub(crate) next_device: u16,
    /// How many companions the phone links.
    pub(crate) most_companions: usize,
    /// What must allow every link, if something must.
    pub(crate) passkey: Option<Passkey>,
    /// The signed list of live devices, as handed out, and when it was made.
    pub(crate) key_index: (u64, Vec<u8>),
    /// Who is told when the devices change.
    pub(crate) watchers: HashSet<AccountId>,
    /// Who is told when this account comes and goes.
    pub(crate) subscribers: HashMap<AccountId, Form>,
    /// Who has this account among their contacts: whoever it has talked to, alone.
    pub(crate) known: HashSet<AccountId>,
    pub(crate) blocked: Vec<AccountId>,
    pub(crate) privacy: HashMap<String, String>,
    pub(crate) collections: HashMap<String, Collection>,
    pub(crate) person: Arc<PersonInner>,
}

/// A profile picture: what clients compare, and where it is.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) id: u64,
    pub(crate) path: String,
}

/// One app-state collection: a version and the patches that led to it.
#[derive(Debug, Default)]
pub(crate) struct Collection {
    pub(crate) version: u64,
    pub(crate) patches: VecDeque<(u64, Vec<u8>)>,
}

/// One device of an account.
pub(crate) struct Device {
    pub(crate) id: u16,
    pub(crate) noise: Option<[u8; 32]>,
    pub(crate) keys: Keys,
    pub(crate) key_index: u32,
    pub(crate) looks: Looks,
    /// The signed identity of a companion, as handed out; empty for the phone.
    pub(crate) identity: Vec<u8>,
    pub(crate) link: Link,
    /// Whether deliveries flow: the phone is online, or the client has said so.
    pub(crate) active: bool,
    pub(crate) available: bool,
    pub(crate) queue: Queue,
    /// A stanza that waits to be overtaken (fault: reorder).
    pub(crate) held: Option<Arc<Node>>,
    /// Whether the phone has sent its app-state key.
    pub(crate) keys_shared: bool,
    /// Whether the device has been asked for prekeys and has not answered.
    pub(crate) asked_for_prekeys: bool,
}

/// What a phone lists a companion as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Looks {
    pub(crate) name: String,
    /// `chrome`, `desktop`, `ipad`, …
    pub(crate) platform: String,
}

/// The public keys of a device.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    pub(crate) registration: u32,
    pub(crate) identity: [u8; 32],
    pub(crate) signed: SignedKey,
    pub(crate) prekeys: VecDeque<(u32, [u8; 32])>,
}

/// A signed prekey.
#[derive(Debug, Clone)]
pub(crate) struct SignedKey {
    pub(crate) id: u32,
    pub(crate) key: [u8; 32],
    pub(crate) signature: [u8; 64],
}

impl Default for SignedKey {
    fn default() -> Self {
        Self {
            id: 0,
            key: [0; 32],
            signature: [0; 64],
        }
    }
}

/// By what a device is reached.
#[derive(Debug, Default)]
pub(crate) enum Link {
    #[default]
    None,
    Socket(ConnectionId),
    Phone(mpsc::Sender<PhoneWork>),
}

impl Link {
    pub(crate) fn is_socket(&self, id: ConnectionId) -> bool {
        matches!(self, Link::Socket(own) if *own == id)
    }
}

/// What a simulated phone is given to do.
#[derive(Debug)]
pub(crate) enum PhoneWork {
    Stanza(Arc<Node>),
    /// Publish more one-time prekeys.
    Refill,
    /// Send the app-state key to a companion.
    ShareKeys(u16),
    /// Sign the list of devices again.
    Relist,
}

impl Account {
    pub(crate) fn user(&self, form: Form) -> &str {
        match form {
            Form::Pn => &self.pn,
            Form::Lid => &self.lid,
        }
    }

    pub(crate) fn device(&self, id: u16) -> Option<&Device> {
        self.devices.iter().find(|device| device.id == id)
    }

    pub(crate) fn device_mut(&mut self, id: u16) -> Option<&mut Device> {
        self.devices.iter_mut().find(|device| device.id == id)
    }

    /// The companions, by id.
    pub(crate) fn companions(&self) -> Vec<u16> {
        self.devices
            .iter()
            .map(|device| device.id)
            .filter(|id| *id != 0)
            .collect()
    }

    /// Whether somebody is there. A phone with companions is in a pocket and does not count.
    pub(crate) fn available(&self) -> bool {
        let alone = self.devices.len() == 1;
        self.devices
            .iter()
            .any(|device| device.available && (alone || device.id != 0))
    }
}

impl Device {
    pub(crate) fn new(id: u16, keys: Keys) -> Self {
        Self {
            id,
            noise: None,
            keys,
            key_index: u32::from(id),
            looks: Looks::default(),
            identity: Vec::new(),
            link: Link::None,
            active: false,
            available: false,
            queue: Queue::default(),
            held: None,
            keys_shared: false,
            asked_for_prekeys: false,
        }
    }
}

impl Keys {
    /// Appends a prekey, replacing one with the same id. Beyond the bound the oldest goes.
    pub(crate) fn add(&mut self, id: u32, key: [u8; 32]) {
        if let Some(known) = self.prekeys.iter_mut().find(|(known, _)| *known == id) {
            known.1 = key;
            return;
        }
        if self.prekeys.len() >= MAX_PREKEYS {
            self.prekeys.pop_front();
        }
        self.prekeys.push_back((id, key));
    }
}
