//! People: look-ups, profiles, blocking, presence, and the account's own profile.

use async_trait::async_trait;
use bytes::Bytes;
use wacore::iq::blocklist::UpdateBlocklistSpec;
use wacore_binary::Jid as EngineJid;
use warbler_app::driver::{DriverError, People};
use warbler_domain::contact::{Picture, PictureSize, Profile, RegisteredAccount, Registration};
use warbler_domain::jid::Server;
use warbler_domain::{Jid, PhoneNumber};
use whatsapp_rust::{IsOnWhatsAppResult, PresenceError, PresenceStatus};

use super::WhatsappLink;
use crate::address;

/// Most numbers looked up at once.
pub(crate) const LOOKED_UP: usize = 100;

#[async_trait]
impl People for WhatsappLink {
    async fn look_up(&self, numbers: &[PhoneNumber]) -> Result<Vec<Registration>, DriverError> {
        looked_up(self, numbers).await
    }

    async fn profile(&self, person: &Jid) -> Result<Profile, DriverError> {
        let asked = [address::engine(person)];
        let contacts = self.client.contacts();
        let found = self.ask("person", contacts.get_user_info(&asked)).await?;
        let shown = found.into_values().next();
        let shown = shown.ok_or(DriverError::NotFound("person"))?;
        Ok(Profile {
            about: shown.status.filter(|about| !about.is_empty()),
            verified_name: shown.verified_name.and_then(|verified| verified.name),
            business: shown.is_business,
        })
    }

    async fn picture(&self, of: &Jid, size: PictureSize) -> Result<Option<Picture>, DriverError> {
        let preview = size == PictureSize::Preview;
        let of = address::engine(of);
        let contacts = self.client.contacts();
        let asked = contacts.get_profile_picture(&of, preview);
        match self.ask("picture", asked).await {
            Ok(found) => Ok(found.map(|picture| Picture {
                id: picture.id,
                url: picture.url,
            })),
            // It is there, and not for us.
            Err(DriverError::NotFound(_) | DriverError::NotAllowed(_)) => Ok(None),
            Err(err) => Err(err),
        }
    }

    async fn watch_presence(&self, person: &Jid) -> Result<(), DriverError> {
        let person = self.wire(person).await;
        let presence = self.client.presence();
        self.ask("person", presence.subscribe(person)).await
    }

    async fn set_online(&self, online: bool) -> Result<(), DriverError> {
        let status = match online {
            true => PresenceStatus::Available,
            false => PresenceStatus::Unavailable,
        };
        let presence = self.client.presence();
        let shown = async {
            match presence.set(status).await {
                Err(PresenceError::PushNameEmpty) => Ok(false),
                shown => shown.map(|()| true),
            }
        };
        match self.ask("account", shown).await? {
            true => Ok(()),
            false => Err(DriverError::NotAllowed(
                "it has no name to be shown with yet".to_owned(),
            )),
        }
    }

    async fn blocked(&self) -> Result<Vec<Jid>, DriverError> {
        let blocking = self.client.blocking();
        let entries = self.ask("block list", blocking.get_blocklist()).await?;
        let mut people = Vec::with_capacity(entries.len());
        for entry in entries {
            let known = address::known(&self.client, &entry.jid, None).await;
            people.extend(known.map(|known| known.jid));
        }
        Ok(people)
    }

    async fn set_blocked(&self, person: &Jid, blocked: bool) -> Result<(), DriverError> {
        if !matches!(person.server(), Server::Pn | Server::Lid) {
            return Err(DriverError::NotFound("person"));
        }
        let target = address::engine(person);
        let mut paired = address::counterpart(&self.client, person).await.is_some();
        if !paired {
            // The network wants both addresses; asking for the one tells the other.
            if self
                .registered(std::slice::from_ref(&target))
                .await?
                .is_empty()
            {
                return Err(DriverError::NotFound("person"));
            }
            paired = address::counterpart(&self.client, person).await.is_some();
        }
        let blocking = self.client.blocking();
        match (blocked, paired) {
            (true, true) => self.ask("person", blocking.block(&target)).await,
            (false, true) => self.ask("person", blocking.unblock(&target)).await,
            // Somebody who has no LID yet.
            (true, false) => {
                let asked = self.client.execute(UpdateBlocklistSpec::block(&target));
                self.ask("person", asked).await
            }
            (false, false) => {
                let asked = self.client.execute(UpdateBlocklistSpec::unblock(&target));
                self.ask("person", asked).await
            }
        }
    }

    async fn set_push_name(&self, name: &str) -> Result<(), DriverError> {
        let profile = self.client.profile();
        self.ask("account", profile.set_push_name(name)).await
    }

    async fn set_about(&self, text: &str) -> Result<(), DriverError> {
        let profile = self.client.profile();
        self.ask("account", profile.set_status_text(text)).await
    }

    async fn set_picture(&self, jpeg: Option<Bytes>) -> Result<(), DriverError> {
        let profile = self.client.profile();
        let set = match jpeg {
            Some(jpeg) => {
                let set = profile.set_profile_picture(jpeg.into());
                self.ask("picture", set).await
            }
            None => self.ask("picture", profile.remove_profile_picture()).await,
        };
        set.map(drop)
    }
}

#[async_trait]
impl Registry for WhatsappLink {
    async fn registered(&self, asked: &[EngineJid]) -> Result<Vec<RegisteredAccount>, DriverError> {
        let contacts = self.client.contacts();
        let found = self.ask("person", contacts.is_on_whatsapp(asked)).await?;
        let registered = found.iter().filter(|one| one.is_registered);
        Ok(registered.filter_map(account).collect())
    }
}

/// Who has an account.
#[async_trait]
pub(crate) trait Registry: Send + Sync {
    /// The accounts among these addresses.
    async fn registered(&self, asked: &[EngineJid]) -> Result<Vec<RegisteredAccount>, DriverError>;
}

/// Which of these numbers have an account, in the order asked.
pub(crate) async fn looked_up(
    registry: &dyn Registry,
    numbers: &[PhoneNumber],
) -> Result<Vec<Registration>, DriverError> {
    let numbers = numbers.get(..LOOKED_UP).unwrap_or(numbers);
    let asked: Vec<EngineJid> = numbers
        .iter()
        .map(|number| EngineJid::pn(number.as_str()))
        .collect();
    let found = registry.registered(&asked).await?;
    let has = |account: &RegisteredAccount, number: &PhoneNumber| {
        account.jid.phone_number().as_ref() == Some(number)
    };
    let mut answers: Vec<Registration> = numbers
        .iter()
        .map(|number| Registration {
            number: number.clone(),
            account: found.iter().find(|one| has(one, number)).cloned(),
        })
        .collect();
    // Some have another number than was asked for: only asking one by one tells whose it is.
    let mut others = found;
    others.retain(|one| !numbers.iter().any(|number| has(one, number)));
    for answer in &mut answers {
        if others.is_empty() {
            break;
        }
        if answer.account.is_none() {
            let one = [EngineJid::pn(answer.number.as_str())];
            answer.account = registry.registered(&one).await?.pop();
            others.retain(|other| Some(other) != answer.account.as_ref());
        }
    }
    Ok(answers)
}

pub(crate) fn account(found: &IsOnWhatsAppResult) -> Option<RegisteredAccount> {
    let told = [Some(&found.jid), found.pn_jid.as_ref(), found.lid.as_ref()];
    let plain = || told.into_iter().flatten().filter_map(address::plain);
    let lid = plain().find(|jid| jid.server() == Server::Lid);
    Some(RegisteredAccount {
        jid: plain()
            .find(|jid| jid.server() == Server::Pn)
            .or_else(|| lid.clone())?,
        lid,
        business: found.is_business,
    })
}
