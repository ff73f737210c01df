//! What people show, and what the account calls them.

use wacore::types::events::{
    ContactNumberChanged, ContactUpdate, PictureUpdate, PresenceUpdate, PushNameUpdate,
    SelfPushNameUpdated, UserAboutUpdate,
};
use wacore_binary::Jid as EngineJid;
use warbler_app::driver::{History, Inbound};
use warbler_domain::contact::Contact;
use warbler_domain::event::ContactChange;
use warbler_domain::jid::Server;
use warbler_domain::{Jid, Timestamp};
use whatsapp_rust::Client;

use crate::address::{self, Known};

/// Somebody came or went.
pub(super) async fn presence(client: &Client, update: &PresenceUpdate) -> Option<Inbound> {
    let by = person(client, &update.from, None).await?;
    let last_seen = update.last_seen.map(|at| at.timestamp_millis());
    Some(Inbound::Presence {
        by: by.jid,
        online: !update.unavailable,
        last_seen: last_seen.map(Timestamp::from_millis),
    })
}

/// Somebody shows another name.
pub(super) async fn push_name(client: &Client, update: &PushNameUpdate) -> Option<Inbound> {
    let name = update.new_push_name.clone();
    shows(client, &update.jid, ContactChange::PushName { name }).await
}

/// The account shows another name, changed on another of its devices.
pub(super) fn own_push_name(client: &Client, update: &SelfPushNameUpdated) -> Option<Inbound> {
    Some(Inbound::ContactUpdated {
        contact: address::plain(&client.pn()?)?,
        alt: client.lid().as_ref().and_then(address::plain),
        change: ContactChange::PushName {
            name: update.new_name.clone(),
        },
    })
}

/// Somebody shows another picture.
pub(super) async fn picture(client: &Client, update: &PictureUpdate) -> Option<Inbound> {
    let id = update.picture_id.clone().filter(|_| !update.removed);
    shows(client, &update.jid, ContactChange::Picture { id }).await
}

/// Somebody has another text about themselves.
pub(super) async fn about(client: &Client, update: &UserAboutUpdate) -> Option<Inbound> {
    let text = update.status.clone();
    shows(client, &update.jid, ContactChange::About { text }).await
}

/// Somebody has another number.
pub(super) async fn number(client: &Client, update: &ContactNumberChanged) -> Option<Inbound> {
    let contact = person(client, &update.old_jid, update.old_lid.as_ref()).await?;
    let new = person(client, &update.new_jid, update.new_lid.as_ref()).await?;
    Some(Inbound::ContactUpdated {
        contact: contact.jid,
        alt: contact.alt,
        change: ContactChange::Number { jid: new.jid },
    })
}

/// The account's address book says something new. Its first copy is what it is, and no news.
pub(super) async fn address_book(client: &Client, update: &ContactUpdate) -> Option<Inbound> {
    let action = &update.action;
    let told = [&action.pn_jid, &action.lid_jid];
    let mut told = told.into_iter().flatten();
    let told = told.find_map(|jid| jid.parse().ok().filter(|told| *told != update.jid));
    let contact = person(client, &update.jid, told.as_ref()).await?;
    let name = [&action.full_name, &action.first_name];
    let mut name = name.into_iter().flatten().filter(|name| !name.is_empty());
    let name = name.next().cloned();
    if update.from_full_sync {
        let contact = Contact {
            jid: contact.jid,
            alt: contact.alt,
            name,
            push_name: None,
            saved_name: None,
            seen_at: Timestamp::from_millis(update.timestamp.timestamp_millis()),
        };
        return Some(Inbound::History(Box::new(History {
            contacts: vec![contact],
            ..History::default()
        })));
    }
    Some(Inbound::ContactUpdated {
        contact: contact.jid,
        alt: contact.alt,
        change: ContactChange::Name { name },
    })
}

async fn shows(client: &Client, jid: &EngineJid, change: ContactChange) -> Option<Inbound> {
    let contact = person(client, jid, None).await?;
    Some(Inbound::ContactUpdated {
        contact: contact.jid,
        alt: contact.alt,
        change,
    })
}

async fn person(client: &Client, jid: &EngineJid, told: Option<&EngineJid>) -> Option<Known> {
    let is_person = |known: &Known| is_person(&known.jid);
    address::known(client, jid, told).await.filter(is_person)
}

fn is_person(jid: &Jid) -> bool {
    matches!(jid.server(), Server::Pn | Server::Lid)
}
