//! People: whom the engine knows, look-ups, profiles, blocking, and the account's own profile.
//!
//! The engine's own look-ups read an address where the network writes another kind, and find
//! nobody. So the questions here are the default engine's, asked over this engine's connection.

use std::sync::Arc;

use ::wa_rs::{Client, PresenceStatus};
use async_trait::async_trait;
use bytes::Bytes;
use wacore::iq::blocklist::{GetBlocklistSpec, UpdateBlocklistSpec};
use wacore::iq::contacts::{ProfilePictureSpec, SetProfilePictureSpec};
use wacore::iq::profile::SetStatusTextSpec;
use wacore::iq::usync::{IsOnWhatsAppQueryType, IsOnWhatsAppSpec, IsOnWhatsAppUser, UserInfoSpec};
use wacore::store::traits::{LidPnMappingEntry, ProtocolStore as _};
use wacore::types::lid_pn::LearningSource;
use wacore_binary::Jid as EngineJid;
use warbler_app::driver::{DriverError, Inbound, People};
use warbler_domain::contact::{Picture, PictureSize, Profile, RegisteredAccount, Registration};
use warbler_domain::group::GroupChange;
use warbler_domain::jid::Server;
use warbler_domain::session::Account;
use warbler_domain::{Clock, Jid, PhoneNumber};

use super::convert;
use super::link::WaRsLink;
use super::vault::Vault;
use crate::address;
use crate::keys::Keys;
use crate::link::people::{Registry, account, looked_up};
use crate::memory::{Memory, pair};

/// Whom one link's engine knows.
pub(super) struct Acquaintances {
    pub(super) client: Arc<Client>,
    pub(super) keys: Keys,
    pub(super) vault: Arc<Vault>,
}

#[async_trait]
impl Memory for Acquaintances {
    async fn own(&self) -> Option<Jid> {
        let own = self.client.get_pn().await?;
        address::plain(&convert::jid_in(&own)?)
    }

    async fn own_lid(&self) -> Option<Jid> {
        let own = self.client.get_lid().await?;
        address::plain(&convert::jid_in(&own)?)
    }

    async fn learned(&self, jid: &Jid) -> Option<Jid> {
        let found = match jid.server() {
            Server::Pn => self.keys.get_pn_mapping(jid.user()).await,
            Server::Lid => self.keys.get_lid_mapping(jid.user()).await,
            _ => return None,
        };
        let entry = found.unwrap_or_else(|err| {
            tracing::warn!(%err, "The other address of {} could not be looked up", jid.masked());
            None
        })?;
        pair(jid, &entry.lid, &entry.phone_number)
    }
}

impl Acquaintances {
    /// The account the engine is logged in to.
    pub(super) async fn account(&self) -> Option<Account> {
        let name = self.client.get_push_name().await;
        Some(Account {
            jid: self.own().await?,
            lid: self.own_lid().await,
            push_name: Some(name).filter(|name| !name.is_empty()),
        })
    }

    /// Stores the device record as it is now.
    pub(super) async fn save(&self) {
        if let Err(err) = self.vault.save_newest().await {
            tracing::error!(%err, "The device record of a session could not be stored");
        }
    }

    /// Heeds what the engine does not: that a group has changed.
    pub(super) async fn heed(&self, news: &[Inbound]) {
        for one in news {
            if let Inbound::GroupUpdated { group, change, .. } = one {
                self.forget_group(group, change).await;
            }
        }
    }

    async fn forget_group(&self, group: &Jid, change: &GroupChange) {
        let group = convert::jid_out(&address::engine(group));
        if let Some(known) = self.client.group_cache.get() {
            known.invalidate(&group).await;
        }
        if matches!(change.what.as_str(), "remove" | "leave") {
            // Who has left must not read on: the next message has a new key, told to who is left.
            if let Err(err) = self.renew_sender_key(&group).await {
                tracing::error!(%err, "The key of a group could not be renewed");
            }
        }
    }

    async fn renew_sender_key(&self, group: &::wa_rs::Jid) -> Result<(), String> {
        use ::wa_rs_core::store::traits::{ProtocolStore, SignalStore};
        use ::wa_rs_core::types::jid::JidExt as _;
        let name = group.to_string();
        let own = [self.client.get_pn().await, self.client.get_lid().await];
        for own in own.into_iter().flatten() {
            let key = format!("{name}:{}", own.to_protocol_address());
            let gone = self.vault.delete_sender_key(&key).await;
            gone.map_err(|err| err.to_string())?;
        }
        let cleared = self.vault.clear_skdm_recipients(&name).await;
        cleared.map_err(|err| err.to_string())
    }

    /// Notes that two addresses are one person's.
    pub(super) async fn learn(&self, number: &Jid, lid: &Jid, clock: &dyn Clock) {
        let now = clock.now().as_millis().div_euclid(1000);
        let entry = LidPnMappingEntry {
            lid: lid.user().to_owned(),
            phone_number: number.user().to_owned(),
            created_at: now,
            updated_at: now,
            learning_source: LearningSource::Usync.as_str().to_owned(),
        };
        if let Err(err) = self.keys.put_lid_mapping(&entry).await {
            tracing::warn!(%err, "That two addresses are one person's could not be noted");
        }
    }
}

#[async_trait]
impl Registry for WaRsLink {
    async fn registered(&self, asked: &[EngineJid]) -> Result<Vec<RegisteredAccount>, DriverError> {
        let asking = |lids: bool| {
            asked
                .iter()
                .filter(move |jid| jid.is_lid() == lids)
                .map(|jid| IsOnWhatsAppUser {
                    jid: jid.to_non_ad(),
                    known_lid: None,
                })
                .collect::<Vec<_>>()
        };
        let mut found = Vec::with_capacity(asked.len());
        for (users, kind) in [
            (asking(false), IsOnWhatsAppQueryType::Pn),
            (asking(true), IsOnWhatsAppQueryType::Lid),
        ] {
            if !users.is_empty() {
                let spec = IsOnWhatsAppSpec::new(users, self.query_id(), kind);
                found.extend(self.execute("person", spec).await?);
            }
        }
        let registered = found.iter().filter(|one| one.is_registered);
        let accounts: Vec<_> = registered.filter_map(account).collect();
        for account in &accounts {
            if let (Server::Pn, Some(lid)) = (account.jid.server(), &account.lid) {
                self.people.learn(&account.jid, lid, &*self.clock).await;
            }
        }
        Ok(accounts)
    }
}

#[async_trait]
impl People for WaRsLink {
    async fn look_up(&self, numbers: &[PhoneNumber]) -> Result<Vec<Registration>, DriverError> {
        looked_up(self, numbers).await
    }

    async fn profile(&self, person: &Jid) -> Result<Profile, DriverError> {
        let spec = UserInfoSpec::new(vec![address::engine(person)], self.query_id());
        let found = self.execute("person", spec).await?;
        let shown = found.into_values().next();
        let shown = shown.ok_or(DriverError::NotFound("person"))?;
        Ok(Profile {
            about: shown.status.filter(|about| !about.is_empty()),
            verified_name: shown.verified_name.and_then(|verified| verified.name),
            business: shown.is_business,
        })
    }

    async fn picture(&self, of: &Jid, size: PictureSize) -> Result<Option<Picture>, DriverError> {
        let of = address::engine(of);
        let spec = match size {
            PictureSize::Preview => ProfilePictureSpec::preview(&of),
            PictureSize::Full => ProfilePictureSpec::full(&of),
        };
        match self.execute("picture", spec).await {
            Ok(found) => Ok(found.map(|picture| Picture {
                id: picture.id,
                url: picture.url,
            })),
            // There is none, or it is not for us.
            Err(DriverError::NotFound(_) | DriverError::NotAllowed(_)) => Ok(None),
            Err(err) => Err(err),
        }
    }

    async fn set_online(&self, online: bool) -> Result<(), DriverError> {
        if !self.is_up() {
            return Err(DriverError::NotConnected);
        }
        if self.client.get_push_name().await.is_empty() {
            return Err(DriverError::NotAllowed(
                "it has no name to be shown with yet".to_owned(),
            ));
        }
        let status = match online {
            true => PresenceStatus::Available,
            false => PresenceStatus::Unavailable,
        };
        let shown = self.client.presence().set(status).await;
        shown.map_err(|err| DriverError::Engine(err.to_string()))
    }

    async fn blocked(&self) -> Result<Vec<Jid>, DriverError> {
        let entries = self.execute("block list", GetBlocklistSpec).await?;
        let mut people = Vec::with_capacity(entries.len());
        for entry in entries {
            let known = address::known(&self.people, &entry.jid, None).await;
            people.extend(known.map(|known| known.jid));
        }
        Ok(people)
    }

    async fn set_blocked(&self, person: &Jid, blocked: bool) -> Result<(), DriverError> {
        if !matches!(person.server(), Server::Pn | Server::Lid) {
            return Err(DriverError::NotFound("person"));
        }
        let target = address::engine(person);
        let mut other = address::counterpart(&self.people, person).await;
        if other.is_none() {
            // The network wants both addresses; asking for the one tells the other.
            let asked = std::slice::from_ref(&target);
            if self.registered(asked).await?.is_empty() {
                return Err(DriverError::NotFound("person"));
            }
            other = address::counterpart(&self.people, person).await;
        }
        let other = other.as_ref().map(address::engine);
        let (lid, number) = match &other {
            Some(other) if target.is_lid() => (&target, Some(other)),
            Some(other) => (other, Some(&target)),
            None => (&target, None),
        };
        let spec = match (blocked, number) {
            (true, Some(number)) => UpdateBlocklistSpec::block_with_pn(lid, number),
            (true, None) => UpdateBlocklistSpec::block(lid),
            (false, _) => UpdateBlocklistSpec::unblock(lid),
        };
        self.execute("person", spec).await
    }

    async fn set_about(&self, text: &str) -> Result<(), DriverError> {
        let spec = SetStatusTextSpec::new(text);
        self.execute("account", spec).await.map(drop)
    }

    async fn set_picture(&self, jpeg: Option<Bytes>) -> Result<(), DriverError> {
        let spec = match jpeg {
            Some(jpeg) => SetProfilePictureSpec::set_own(jpeg.into()),
            None => SetProfilePictureSpec::remove_own(),
        };
        self.execute("picture", spec).await.map(drop)
    }
}
