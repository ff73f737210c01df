//! Keys that their owner may read again, as some dialects show them after every login.
//!
//! A user has one in each such dialect. Its secret is kept encrypted beside its digest; it is shown
//! to whoever has logged in, never to whoever holds the key itself.

use tracing::info;
use warbler_domain::caller::{Identity, Reach};
use warbler_domain::{Caller, KeyId, Realm, Scope, Scopes, Secret, UserId};
use warbler_store::access_keys::AccessKey;

use super::{KeyError, Keys, new_secret, prefix_of, shown};
use crate::access::{Ended, digest_of};
use crate::audit;

impl Keys {
    /// The caller's key in a realm; it is made if there is none that can be read.
    pub async fn readable(&self, caller: &Caller, realm: Realm) -> Result<Secret, KeyError> {
        let owner = logged_in(caller)?;
        let found = self
            .shared
            .store
            .read(move |db| db.access_keys().sealed(owner, realm));
        let found = found.await?;
        let opened = found.and_then(|(id, sealed)| {
            let seal = self.shared.access.seal.as_ref()?;
            seal.open(id, &sealed)
        });
        match opened {
            Some(secret) => Ok(secret),
            None => self.add_readable(caller, owner, realm).await,
        }
    }

    /// Makes another key in a realm for the caller; the one before is refused from now on.
    pub async fn renew_readable(&self, caller: &Caller, realm: Realm) -> Result<Secret, KeyError> {
        let owner = logged_in(caller)?;
        self.renew_for(caller, owner, realm).await
    }

    /// Makes another key in a realm for a user, as an admin; the one before is refused from now on.
    pub async fn renew_readable_of(
        &self,
        caller: &Caller,
        owner: UserId,
        realm: Realm,
    ) -> Result<Secret, KeyError> {
        caller.require(Scope::Admin)?;
        self.renew_for(caller, owner, realm).await
    }

    async fn renew_for(
        &self,
        caller: &Caller,
        owner: UserId,
        realm: Realm,
    ) -> Result<Secret, KeyError> {
        let now = self.shared.clock.now();
        let revoked = self
            .shared
            .store
            .write(move |tx| tx.access_keys_mut().revoke_sealed(owner, realm, now));
        revoked.await.map_err(KeyError::Store)?;
        self.shared.access.end(Ended::User(owner));
        self.add_readable(caller, owner, realm).await
    }

    async fn add_readable(
        &self,
        caller: &Caller,
        owner: UserId,
        realm: Realm,
    ) -> Result<Secret, KeyError> {
        let name = format!("{realm} of {}", caller.name().unwrap_or_default());
        let only = Reach {
            owner: Some(owner),
            only: None,
        };
        self.add_sealed(caller, realm, name, only).await
    }

    /// Makes a key that manages what `reach` says, and keeps its secret encrypted.
    pub(super) async fn add_sealed(
        &self,
        caller: &Caller,
        realm: Realm,
        name: String,
        reach: Reach,
    ) -> Result<Secret, KeyError> {
        let now = self.shared.clock.now();
        let secret = new_secret(prefix_of(realm), &self.shared.random);
        let id = KeyId::new(now, &self.shared.random);
        let sealed = match &self.shared.access.seal {
            Some(seal) => {
                let sealed = seal.close(id, &secret, &self.shared.random);
                Some(sealed.ok_or(KeyError::Seal)?)
            }
            None => None,
        };
        let key = AccessKey {
            id,
            name,
            prefix: shown(&secret),
            scopes: Scopes::up_to(Scope::Manage),
            sessions: reach.only,
            owner: reach.owner,
            realm,
            created_at: now,
            expires_at: None,
            last_used_at: None,
        };
        let entry = audit::done(&self.shared, caller, "key.create", id, &key.name);
        let digest = digest_of(&secret);
        let added = self.shared.store.write(move |tx| {
            if tx.access_keys().count()? >= Self::MOST {
                return Err(KeyError::TooMany);
            }
            tx.access_keys_mut().insert(&key, &digest)?;
            if let Some(sealed) = &sealed {
                tx.access_keys_mut().seal(id, sealed)?;
            }
            Ok(tx.audit_mut().insert(&entry)?)
        });
        added.await?;
        info!(key.id = %id, caller = caller.label(), "A key of {realm} was made");
        Ok(secret)
    }
}

fn logged_in(caller: &Caller) -> Result<UserId, KeyError> {
    match caller.identity() {
        Identity::User(user, _) => Ok(user),
        _ => Err(KeyError::LoginNeeded),
    }
}
