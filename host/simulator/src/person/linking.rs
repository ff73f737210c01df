//! Linking companions: the phone reads a QR, or its owner types a code.

use std::time::Duration;

use rand::RngExt;

use super::{Handset, Person, PersonError, publish};
use crate::pairing::{self, Candidate, Linked};
use crate::phone::Phone;
use crate::phone::linking::{CodeLink, parse_qr};
use crate::stanza::empty;
use crate::state::account::DeviceRef;
use crate::state::pairing::{Answer, CODE_SECONDS};

/// How long the client gets for its part.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// A companion, as the phone's owner sees it in the list of linked devices.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LinkedDevice {
    pub id: u16,
    /// What it calls itself.
    pub name: String,
    /// What kind of client it says it is: `chrome`, `desktop`, `ipad`, …
    pub platform: String,
}

impl Person {
    /// Links the client that shows this QR.
    pub async fn scans(&self, qr: &str) -> Result<(), PersonError> {
        let link = parse_qr(qr)?;
        let candidate = {
            let state = self.hub.lock();
            pairing::has_room(&state, self.id())?;
            pairing::by_reference(&state, &link.reference).ok_or(PersonError::CodeGone)?
        };
        if candidate.noise != link.noise || candidate.identity != link.identity {
            return Err(PersonError::WrongKeys);
        }
        self.links(&candidate, &link.adv_secret).await
    }

    /// Links the client that has asked for this pairing code with this person's number.
    pub async fn types_code(&self, code: &str) -> Result<(), PersonError> {
        let (wrapped, seed) = {
            let mut state = self.hub.lock();
            pairing::has_room(&state, self.id())?;
            let seed: u64 = state.rng.random();
            let now = self.hub.now();
            let request = state
                .codes
                .get(self.number())
                .filter(|request| request.asked + CODE_SECONDS > now)
                .ok_or(PersonError::CodeGone)?;
            (request.wrapped.clone(), seed)
        };
        let typed = code.to_owned();
        // Two key derivations of 131,072 rounds do not belong on the runtime's threads.
        let derived =
            tokio::task::spawn_blocking(move || CodeLink::answer_hello(&typed, &wrapped, seed));
        let (exchange, wrapped) = derived
            .await
            .map_err(|error| PersonError::Phone(Box::new(error)))??;
        let identity = self.inner.handset.lock().await.phone.identity_public();
        let (connection, bundle) = {
            let mut state = self.hub.lock();
            pairing::primary_hello(&self.hub, &mut state, self.number(), wrapped, identity)
                .ok_or(PersonError::CodeGone)?
        };
        let bundle = tokio::time::timeout(ANSWER_WITHIN, bundle)
            .await
            .map_err(|_| PersonError::NoAnswer)?
            .map_err(|_| PersonError::CodeGone)?;
        let secret = {
            let handset = self.inner.handset.lock().await;
            exchange.finish(&handset.phone, &bundle.wrapped, &bundle.identity)?
        };
        let candidate = {
            let mut state = self.hub.lock();
            state.codes.remove(self.number());
            pairing::by_connection(&state, connection).ok_or(PersonError::CodeGone)?
        };
        if candidate.identity != bundle.identity {
            return Err(PersonError::WrongKeys);
        }
        self.links(&candidate, &secret).await
    }

    /// Waits until a client has asked for a pairing code with this person's number.
    pub async fn is_asked_for_code(&self, within: Duration) -> Result<(), PersonError> {
        let number = self.number().to_owned();
        self.hub
            .wait_for(within, |state| {
                state.codes.contains_key(&number).then_some(())
            })
            .await
            .ok_or(PersonError::NoAnswer)
    }

    /// Signs the companion, waits for its signature, checks that and lets it in.
    async fn links(&self, candidate: &Candidate, secret: &[u8; 32]) -> Result<(), PersonError> {
        let secret = &match self.has_passkey() {
            true => self.allows_by_passkey(candidate).await?,
            false => *secret,
        };
        let now = self.hub.now();
        let device = pairing::next_device(&mut self.hub.lock(), self.id())?;
        let at = DeviceRef {
            account: self.id(),
            device,
        };
        let signed = {
            let handset = self.inner.handset.lock().await;
            handset
                .phone
                .sign_companion(&candidate.identity, device, secret, now)?
        };
        let answer = {
            let mut state = self.hub.lock();
            pairing::succeed(&self.hub, &mut state, candidate.connection, at, signed)?
        };
        let answer = tokio::time::timeout(ANSWER_WITHIN, answer)
            .await
            .map_err(|_| PersonError::NoAnswer)?
            .map_err(|_| PersonError::CodeGone)?;
        let Answer::Signed {
            completed,
            keys,
            looks,
            noise,
        } = answer
        else {
            return Err(PersonError::Declined);
        };
        let mut live = self.devices();
        live.push(device);
        let (identity, key_index_list) = {
            let handset = self.inner.handset.lock().await;
            (
                handset.phone.verify_companion(&keys.identity, &completed)?,
                handset.phone.key_index_list(&live, now)?,
            )
        };
        let linked = Linked {
            keys: *keys,
            looks,
            noise,
            identity,
            key_index_list,
        };
        let mut state = self.hub.lock();
        pairing::link(&self.hub, &mut state, candidate.connection, at, linked);
        Ok(())
    }

    /// How many companions the phone links from now on; four at first, as real ones.
    pub fn links_at_most(&self, companions: usize) {
        if let Some(account) = self.hub.lock().account_mut(self.id()) {
            account.most_companions = companions;
        }
    }

    /// The companions as the phone lists them.
    pub fn linked_devices(&self) -> Vec<LinkedDevice> {
        let state = self.hub.lock();
        let account = state.account(self.id()).into_iter();
        let companions = account
            .flat_map(|account| &account.devices)
            .filter(|device| device.id != 0);
        companions
            .map(|device| LinkedDevice {
                id: device.id,
                name: device.looks.name.clone(),
                platform: device.looks.platform.clone(),
            })
            .collect()
    }

    /// Unlinks every companion, as the phone's owner would.
    pub async fn unlinks_all(&self) {
        for device in self.devices() {
            let at = DeviceRef {
                account: self.id(),
                device,
            };
            self.hub.unlink(&mut self.hub.lock(), at);
        }
        self.relists().await;
    }

    /// Moves to a new phone: new keys, no sessions, no companions. Contacts are told.
    pub async fn reinstalls(&self) -> Result<(), PersonError> {
        self.unlinks_all().await;
        let mut handset = self.inner.handset.lock().await;
        let seed = self.hub.lock().rng.random();
        let mut phone = Phone::new(seed);
        let keys = publish(&mut phone);
        let now = self.hub.now();
        let list = phone.key_index_list(&[], now)?;
        *handset = Handset::new(phone);
        let mut state = self.hub.lock();
        if let Some(account) = state.account_mut(self.id()) {
            account.key_index = (now, list);
            // The app state was sealed with the old phone's key, and goes with it.
            account.collections.clear();
            if let Some(device) = account.device_mut(0) {
                device.keys = keys;
            }
        }
        let news = empty("identity");
        self.hub.announce(&mut state, self.id(), "encrypt", &news);
        Ok(())
    }

    /// Signs the list of devices as they are now.
    pub(super) async fn relists(&self) {
        let live = self.devices();
        let now = self.hub.now();
        let list = self
            .inner
            .handset
            .lock()
            .await
            .phone
            .key_index_list(&live, now);
        match list {
            Ok(list) => {
                if let Some(account) = self.hub.lock().account_mut(self.id()) {
                    account.key_index = (now, list);
                }
            }
            Err(error) => tracing::warn!(%error, "A list of devices could not be signed"),
        }
    }
}
