//! Simulated people: a number, a name, and a phone that can be told what to do.
//!
//! A person is a contact somebody writes to, or the owner of an account that companions are linked
//! to, or both. Its phone has no socket; what it sends and receives takes the same way through the
//! server as a client's stanzas, with the same end-to-end encryption.
//!
//! Locks are taken in one order: the phone first, then the network's state.

mod calls;
mod error;
mod heard;
mod inbox;
mod saying;

mod actor;
mod understanding;

mod history;
mod linking;
mod passkey;
mod profile;
mod reupload;
mod rooms;
mod sending;
mod settings;
mod speaking;
mod verbs;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::RngExt;
use tokio::sync::{mpsc, watch};

pub use calls::{CallSeen, CallStep};
pub use error::PersonError;
pub use heard::{ChatState, ChatStateSeen, Heard, HeardContent, PresenceSeen, ReceiptSeen};
pub use linking::LinkedDevice;
pub use saying::{Outgoing, Saying};
pub use settings::{ChatSettings, Muted};

use crate::address::{Form, device_jid, digits};
use crate::hub::Hub;
use crate::phone::Phone;
use crate::routing::presence;
use crate::state::account::{
    Account, AccountId, COMPANIONS, Device, DeviceRef, Keys, Link, PhoneWork, SignedKey,
};
use crate::state::{MAX_ACCOUNTS, State};
use inbox::{Inbox, SentLog};

/// How long [`Person::hears`] waits.
const HEARS_WITHIN: Duration = Duration::from_secs(10);
/// The room every status is said in.
const STATUS: &str = "status@broadcast";
/// How much a phone has in hand at once.
const WORK: usize = 64;
/// How many prekeys a phone publishes at a time.
const PREKEYS: usize = 20;

/// A phone together with what it must remember to use it.
pub(crate) struct Handset {
    phone: Phone,
    /// Which devices have this phone's sender key, by group.
    shared: HashMap<String, HashSet<DeviceRef>>,
    sent: SentLog,
}

impl Handset {
    fn new(phone: Phone) -> Self {
        Self {
            phone,
            shared: HashMap::new(),
            sent: SentLog::default(),
        }
    }
}

/// What all handles to a person share.
pub(crate) struct PersonInner {
    id: AccountId,
    number: String,
    name: String,
    lid: String,
    handset: tokio::sync::Mutex<Handset>,
    work: mpsc::Sender<PhoneWork>,
    inbox: Mutex<Inbox>,
    arrived: watch::Sender<u64>,
    echo: AtomicBool,
    receipts: AtomicBool,
}

impl PersonInner {
    /// Gives the phone something to do; refused when it has too much in hand.
    pub(crate) fn work(&self, work: PhoneWork) -> Result<(), Busy> {
        self.work.try_send(work).map_err(|_| Busy)
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The phone has too much in hand.
#[derive(Debug)]
pub(crate) struct Busy;

/// A simulated human with a phone. Clones are handles to the same one.
#[derive(Clone)]
pub struct Person {
    hub: Arc<Hub>,
    inner: Arc<PersonInner>,
}

impl Person {
    pub(crate) fn get_or_create(
        hub: &Arc<Hub>,
        number: &str,
        name: &str,
    ) -> Result<Person, PersonError> {
        let pn = digits(number).ok_or_else(|| PersonError::BadNumber(number.to_owned()))?;
        let (lid, seed) = {
            let mut state = hub.lock();
            if let Some(id) = state.account_by_pn(&pn) {
                drop(state);
                return Person::existing(hub, id)
                    .ok_or_else(|| PersonError::BadNumber(number.to_owned()));
            }
            if state.accounts.len() >= MAX_ACCOUNTS {
                return Err(PersonError::TooManyAccounts);
            }
            (state.free_lid(), state.rng.random())
        };
        // Making keys takes a while; the state is not locked meanwhile.
        let mut phone = Phone::new(seed);
        let keys = publish(&mut phone);
        let now = hub.now();
        let key_index = phone.key_index_list(&[], now)?;
        let (work, waiting) = mpsc::channel(WORK);
        let mut state = hub.lock();
        if let Some(id) = state.account_by_pn(&pn) {
            drop(state);
            return Person::existing(hub, id)
                .ok_or_else(|| PersonError::BadNumber(number.to_owned()));
        }
        let mut inner = None;
        let id = state.add_account(|id| {
            let person = Arc::new(PersonInner {
                id,
                number: pn.clone(),
                name: name.to_owned(),
                lid: lid.clone(),
                handset: tokio::sync::Mutex::new(Handset::new(phone)),
                work,
                inbox: Mutex::default(),
                arrived: watch::Sender::new(0),
                echo: AtomicBool::new(false),
                receipts: AtomicBool::new(true),
            });
            inner = Some(Arc::clone(&person));
            new_account(person, keys, (now, key_index), now)
        });
        drop(state);
        let inner = inner.ok_or(PersonError::TooManyAccounts)?;
        let person = Person {
            hub: Arc::clone(hub),
            inner,
        };
        let task = actor::run(person.clone(), waiting);
        hub.tasks.spawn_on(task, &hub.runtime);
        person.comes_online();
        debug_assert_eq!(person.inner.id, id);
        Ok(person)
    }

    pub(crate) fn existing(hub: &Arc<Hub>, id: AccountId) -> Option<Person> {
        let inner = hub.lock().account(id).map(|one| Arc::clone(&one.person))?;
        Some(Person {
            hub: Arc::clone(hub),
            inner,
        })
    }

    fn id(&self) -> AccountId {
        self.inner.id
    }

    fn phone_ref(&self) -> DeviceRef {
        DeviceRef {
            account: self.inner.id,
            device: 0,
        }
    }

    /// The digits of the phone number.
    pub fn number(&self) -> &str {
        &self.inner.number
    }

    /// The name the person was made with; [`Person::push_name`] is the one others see now.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The address by phone number.
    pub fn jid(&self) -> String {
        device_jid(&self.inner.number, Form::Pn, 0)
    }

    /// The address that hides the number.
    pub fn lid(&self) -> String {
        device_jid(&self.inner.lid, Form::Lid, 0)
    }

    /// The ids of the linked companions.
    pub fn devices(&self) -> Vec<u16> {
        self.hub
            .lock()
            .account(self.id())
            .map(Account::companions)
            .unwrap_or_default()
    }

    /// The ids of the companions that are connected and take deliveries.
    pub fn active_devices(&self) -> Vec<u16> {
        let state = self.hub.lock();
        active(&state, self.id())
    }

    /// Waits until a companion takes deliveries; its id.
    pub async fn has_active_device(&self, within: Duration) -> Result<u16, PersonError> {
        let id = self.id();
        let first = |state: &State| active(state, id).first().copied();
        self.hub
            .wait_for(within, first)
            .await
            .ok_or(PersonError::NoAnswer)
    }

    /// How many stanzas wait for a device to take or acknowledge them.
    pub fn waiting_for_device(&self, device: u16) -> usize {
        let at = DeviceRef {
            account: self.id(),
            device,
        };
        self.hub
            .lock()
            .device(at)
            .map_or(0, |device| device.queue.len())
    }

    /// The phone loses its network; what is sent to it waits.
    pub fn goes_offline(&self) {
        let at = self.phone_ref();
        let mut state = self.hub.lock();
        if let Some(device) = state.device_mut(at) {
            device.link = Link::None;
            device.active = false;
            device.queue.disconnected();
        }
        presence::set(&self.hub, &mut state, at, false);
    }

    /// The phone has network again and gets what has waited.
    pub fn comes_online(&self) {
        let at = self.phone_ref();
        let mut state = self.hub.lock();
        if let Some(device) = state.device_mut(at) {
            device.link = Link::Phone(self.inner.work.clone());
            device.active = true;
            device.queue.returned();
        }
        presence::set(&self.hub, &mut state, at, true);
        state.pump(at);
    }

    fn is_online(&self) -> bool {
        self.hub
            .lock()
            .device(self.phone_ref())
            .is_some_and(|device| device.active)
    }

    /// Whether every text is answered with the same text. An echo is never echoed.
    pub fn echoes(&self, on: bool) {
        self.inner.echo.store(on, Ordering::Relaxed);
    }

    /// Whether the phone confirms what it receives.
    pub fn confirms(&self, on: bool) {
        self.inner.receipts.store(on, Ordering::Relaxed);
    }
}

fn active(state: &State, id: AccountId) -> Vec<u16> {
    state
        .account(id)
        .map(|account| {
            account
                .devices
                .iter()
                .filter(|device| device.id != 0 && device.active)
                .map(|device| device.id)
                .collect()
        })
        .unwrap_or_default()
}

/// The public keys of a phone with a first supply of prekeys.
fn publish(phone: &mut Phone) -> Keys {
    let first = phone.bundle();
    let mut keys = Keys {
        registration: first.registration_id,
        identity: first.identity,
        signed: SignedKey {
            id: first.signed_prekey_id,
            key: first.signed_prekey,
            signature: first.signed_prekey_signature,
        },
        ..Keys::default()
    };
    if let Some((id, key)) = first.prekey {
        keys.add(id, key);
    }
    for _ in 1..PREKEYS {
        if let Some((id, key)) = phone.bundle().prekey {
            keys.add(id, key);
        }
    }
    keys
}

fn new_account(
    person: Arc<PersonInner>,
    keys: Keys,
    key_index: (u64, Vec<u8>),
    now: u64,
) -> Account {
    Account {
        pn: person.number.clone(),
        lid: person.lid.clone(),
        name: person.name.clone(),
        business: None,
        about: "Hey there! I am using WhatsApp.".into(),
        about_since: now,
        picture: None,
        created: now,
        last_seen: now,
        devices: vec![Device::new(0, keys)],
        next_device: 1,
        most_companions: COMPANIONS,
        passkey: None,
        key_index,
        watchers: HashSet::new(),
        subscribers: HashMap::new(),
        known: HashSet::new(),
        blocked: Vec::new(),
        privacy: HashMap::new(),
        collections: HashMap::new(),
        person,
    }
}
