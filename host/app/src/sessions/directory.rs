//! What is known in memory of every session: enough for the hot paths to ask no database.

use std::collections::HashMap;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::{Mutex, Semaphore, mpsc, watch};
use warbler_domain::session::{Account, Called};
use warbler_domain::{Session, SessionId, SessionName, UserId};

use super::supervisor::Command;
use super::{PairingQr, PasskeyStep};
use crate::driver::Link;

/// All sessions of this host.
pub(crate) struct Directory {
    entries: RwLock<HashMap<SessionId, Entry>>,
    /// Sessions that may be connecting at the same time.
    pub(crate) connecting: Arc<Semaphore>,
}

struct Entry {
    name: SessionName,
    owner: Option<UserId>,
    account: Option<Account>,
    supervised: Option<Supervised>,
    turn: Arc<Mutex<()>>,
}

/// Which session it is.
#[derive(Clone)]
pub(crate) struct Known {
    id: SessionId,
    pub(crate) name: SessionName,
    pub(crate) owner: Option<UserId>,
}

impl Known {
    /// What the operator calls it.
    pub(crate) fn called(&self) -> Called<'_> {
        Called {
            id: self.id,
            name: &self.name,
            owner: self.owner,
        }
    }
}

/// What belongs to a running supervisor.
#[derive(Clone)]
pub(crate) struct Supervised {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) offers: watch::Sender<Option<PairingQr>>,
    passkey: Option<PasskeyStep>,
    link: Option<Arc<dyn Link>>,
    ready: bool,
}

impl Supervised {
    pub(crate) fn new(commands: mpsc::Sender<Command>) -> Self {
        Self {
            commands,
            offers: watch::Sender::new(None),
            passkey: None,
            link: None,
            ready: false,
        }
    }
}

impl Directory {
    pub(crate) fn new(sessions: &[Session], connecting_at_once: usize) -> Self {
        let directory = Self {
            entries: RwLock::default(),
            connecting: Arc::new(Semaphore::new(connecting_at_once.max(1))),
        };
        for session in sessions {
            directory.add(session);
        }
        directory
    }

    pub(crate) fn add(&self, session: &Session) {
        let entry = Entry {
            name: session.name.clone(),
            owner: session.owner,
            account: session.account.clone(),
            supervised: None,
            turn: Arc::default(),
        };
        self.write().insert(session.id, entry);
    }

    pub(crate) fn remove(&self, session: SessionId) {
        self.write().remove(&session);
    }

    pub(crate) fn set_account(&self, session: SessionId, account: Option<Account>) {
        if let Some(entry) = self.write().get_mut(&session) {
            entry.account = account;
        }
    }

    pub(crate) fn set_name(&self, session: SessionId, name: SessionName) {
        if let Some(entry) = self.write().get_mut(&session) {
            entry.name = name;
        }
    }

    pub(crate) fn set_owner(&self, session: SessionId, owner: Option<UserId>) {
        if let Some(entry) = self.write().get_mut(&session) {
            entry.owner = owner;
        }
    }

    /// The session's owner, if it has one; nothing when there is no such session.
    pub(crate) fn owner(&self, session: SessionId) -> Option<Option<UserId>> {
        self.read().get(&session).map(|entry| entry.owner)
    }

    /// Every session with its owner.
    pub(crate) fn owners(&self) -> Vec<(SessionId, Option<UserId>)> {
        let entries = self.read();
        let owners = entries.iter();
        owners.map(|(id, entry)| (*id, entry.owner)).collect()
    }

    /// The session's name and whose it is.
    pub(crate) fn known(&self, session: SessionId) -> Option<Known> {
        self.read().get(&session).map(|entry| Known {
            id: session,
            name: entry.name.clone(),
            owner: entry.owner,
        })
    }

    /// The session's name and account.
    pub(crate) fn identity(&self, session: SessionId) -> Option<(SessionName, Option<Account>)> {
        self.read()
            .get(&session)
            .map(|entry| (entry.name.clone(), entry.account.clone()))
    }

    /// Enters a supervisor; `false` when the session has one or does not exist.
    pub(crate) fn enter(&self, session: SessionId, supervised: Supervised) -> bool {
        match self.write().get_mut(&session) {
            Some(entry) if entry.supervised.is_none() => {
                entry.supervised = Some(supervised);
                true
            }
            _ => false,
        }
    }

    pub(crate) fn leave(&self, session: SessionId) {
        if let Some(entry) = self.write().get_mut(&session) {
            entry.supervised = None;
        }
    }

    /// Held by whoever starts, stops or ends the session.
    pub(crate) fn turn(&self, session: SessionId) -> Option<Arc<Mutex<()>>> {
        self.read()
            .get(&session)
            .map(|entry| Arc::clone(&entry.turn))
    }

    pub(crate) fn commands(&self, session: SessionId) -> Option<mpsc::Sender<Command>> {
        self.supervised(session, |supervised| Some(supervised.commands.clone()))
    }

    pub(crate) fn offers(&self, session: SessionId) -> Option<watch::Receiver<Option<PairingQr>>> {
        self.supervised(session, |supervised| Some(supervised.offers.subscribe()))
    }

    /// The session's open link, connected or not.
    pub(crate) fn link(&self, session: SessionId) -> Option<Arc<dyn Link>> {
        self.supervised(session, |supervised| supervised.link.clone())
    }

    /// The session's link, if messages can go out over it.
    pub(crate) fn ready_link(&self, session: SessionId) -> Option<Arc<dyn Link>> {
        self.supervised(session, |supervised| {
            supervised.link.clone().filter(|_| supervised.ready)
        })
    }

    pub(crate) fn set_link(&self, session: SessionId, link: Option<Arc<dyn Link>>) {
        self.change(session, |supervised| {
            supervised.link = link;
            supervised.ready = false;
            supervised.passkey = None;
        });
    }

    pub(crate) fn set_ready(&self, session: SessionId, ready: bool) {
        self.change(session, |supervised| supervised.ready = ready);
    }

    pub(crate) fn set_offer(&self, session: SessionId, offer: Option<PairingQr>) {
        self.change(session, |supervised| {
            supervised.offers.send_replace(offer);
        });
    }

    /// What a passkey link of the session waits for.
    pub(crate) fn passkey(&self, session: SessionId) -> Option<PasskeyStep> {
        self.supervised(session, |supervised| supervised.passkey.clone())
    }

    pub(crate) fn set_passkey(&self, session: SessionId, step: Option<PasskeyStep>) {
        self.change(session, |supervised| supervised.passkey = step);
    }

    fn supervised<T>(
        &self,
        session: SessionId,
        f: impl FnOnce(&Supervised) -> Option<T>,
    ) -> Option<T> {
        self.read()
            .get(&session)
            .and_then(|entry| entry.supervised.as_ref())
            .and_then(f)
    }

    fn change(&self, session: SessionId, f: impl FnOnce(&mut Supervised)) {
        if let Some(supervised) = self
            .write()
            .get_mut(&session)
            .and_then(|entry| entry.supervised.as_mut())
        {
            f(supervised);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<SessionId, Entry>> {
        self.entries
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<SessionId, Entry>> {
        self.entries
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
