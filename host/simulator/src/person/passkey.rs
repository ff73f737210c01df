//! Linking that a passkey must allow, as the account's owner goes through it.

use std::time::Duration;

use rand::RngExt;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{Person, PersonError};
use crate::pairing::Candidate;
use crate::passkey::{self, Passkey, Step};
use crate::phone::passkey::PasskeyLink;

/// How long the owner gets for everything that has to be done by hand.
const BY_HAND: Duration = Duration::from_secs(300);

/// How long the phone takes to sign a client.
const PHONE_TAKES: Duration = Duration::from_millis(250);

impl Person {
    /// Whether companions are linked with the account's passkey only, from now on.
    pub fn demands_passkey(&self, on: bool) {
        let mut state = self.hub.lock();
        let passkey = on.then(|| Passkey::new(state.rng.random()));
        if let Some(account) = state.account_mut(self.id()) {
            account.passkey = passkey;
        }
    }

    /// Signs a challenge with the account's passkey, as a browser does for a page of this origin;
    /// the credential as JSON.
    pub fn signs_with_passkey(&self, options: &str, origin: &str) -> Result<Value, PersonError> {
        let mut state = self.hub.lock();
        let seed = state.rng.random();
        let passkey = state
            .account(self.id())
            .and_then(|account| account.passkey.clone())
            .ok_or(PersonError::NoPasskey)?;
        passkey
            .sign(options, origin, seed)
            .map_err(|error| PersonError::Phone(Box::new(error)))
    }

    /// The code the phone shows, to be compared with the companion's; waits that long for it.
    pub async fn shows_code(&self, within: Duration) -> Result<String, PersonError> {
        self.waits(within, |person| person.inner.inbox().code.clone())
            .await
    }

    pub(super) fn has_passkey(&self) -> bool {
        let state = self.hub.lock();
        let account = state.account(self.id());
        account.is_some_and(|account| account.passkey.is_some())
    }

    /// Has the client prove that the owner allows it; the secret it hands over.
    pub(super) async fn allows_by_passkey(
        &self,
        candidate: &Candidate,
    ) -> Result<[u8; 32], PersonError> {
        let mut steps = {
            let mut state = self.hub.lock();
            passkey::demand(&self.hub, &mut state, candidate.connection, self.id())?
        };
        let Step::Prologue { payload, reference } = next(&mut steps).await? else {
            return Err(PersonError::Declined);
        };
        let seed = self.hub.lock().rng.random();
        let (link, answer) = PasskeyLink::answer(&payload, &reference, seed)?;
        {
            let mut state = self.hub.lock();
            passkey::goes_on(&self.hub, &mut state, candidate.connection, answer);
        }
        let Step::Nonce(nonce) = next(&mut steps).await? else {
            return Err(PersonError::Declined);
        };
        self.inner.inbox().code = Some(link.code(&nonce)?);
        self.inner.arrived.send_modify(|count| *count += 1);
        let handed = next(&mut steps).await;
        self.inner.inbox().code = None;
        let Step::Request(sealed) = handed? else {
            return Err(PersonError::Declined);
        };
        let handed = link.finish(&sealed)?;
        // The client takes its new secret into use only when the server has answered; no real phone
        // is quicker than that.
        tokio::time::sleep(PHONE_TAKES).await;
        if handed.noise != candidate.noise || handed.identity != candidate.identity {
            return Err(PersonError::WrongKeys);
        }
        Ok(handed.adv_secret)
    }
}

async fn next(steps: &mut mpsc::Receiver<Step>) -> Result<Step, PersonError> {
    tokio::time::timeout(BY_HAND, steps.recv())
        .await
        .map_err(|_| PersonError::NoAnswer)?
        .ok_or(PersonError::CodeGone)
}
