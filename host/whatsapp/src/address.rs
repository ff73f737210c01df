//! Addresses: the engine's into ours and back.
//!
//! Ours have no device, and are phone numbers wherever the number is known; the engine keeps the
//! pairs of number and LID it has learned, and is asked here.

use wacore_binary::{Jid as EngineJid, Server as EngineServer};
use warbler_domain::jid::Server;
use warbler_domain::{Jid, WhatsAppId};

use crate::memory::Memory;

/// The address without device; `None` for kinds we have no word for (bots, calls).
pub(crate) fn plain(jid: &EngineJid) -> Option<Jid> {
    let server = match jid.server {
        EngineServer::Pn | EngineServer::Hosted | EngineServer::Legacy => Server::Pn,
        EngineServer::Lid | EngineServer::HostedLid => Server::Lid,
        EngineServer::Group => Server::Group,
        EngineServer::Broadcast => Server::Broadcast,
        EngineServer::Newsletter => Server::Newsletter,
        _ => return None,
    };
    format!("{}@{}", jid.user, server.as_str()).parse().ok()
}

/// The address as the engine writes it.
pub(crate) fn engine(jid: &Jid) -> EngineJid {
    let server = match jid.server() {
        Server::Pn => EngineServer::Pn,
        Server::Lid => EngineServer::Lid,
        Server::Group => EngineServer::Group,
        Server::Broadcast => EngineServer::Broadcast,
        Server::Newsletter => EngineServer::Newsletter,
    };
    EngineJid::new(jid.user(), server)
}

/// A message id of the network; `None` for one we would not send back.
pub(crate) fn id(text: &str) -> Option<WhatsAppId> {
    text.parse().ok()
}

/// Both addresses of somebody, the phone number first where it is known.
pub(crate) struct Known {
    /// The phone number, or the LID while the number is unknown.
    pub(crate) jid: Jid,
    /// The other one.
    pub(crate) alt: Option<Jid>,
}

/// What is known about `jid`, of which a stanza may have told the other address too.
pub(crate) async fn known(
    memory: &dyn Memory,
    jid: &EngineJid,
    told: Option<&EngineJid>,
) -> Option<Known> {
    let jid = plain(jid)?;
    let told = told.and_then(plain);
    let other = match jid.server() {
        Server::Pn | Server::Lid => match told {
            Some(told) if told.server() != jid.server() => Some(told),
            _ => counterpart(memory, &jid).await,
        },
        _ => None,
    };
    Some(match (jid.server(), other) {
        (Server::Lid, Some(pn)) => Known {
            jid: pn,
            alt: Some(jid),
        },
        (_, alt) => Known { jid, alt },
    })
}

/// The number of a LID, or the LID of a number, as far as the engine has learned it.
pub(crate) async fn counterpart(memory: &dyn Memory, jid: &Jid) -> Option<Jid> {
    if !matches!(jid.server(), Server::Pn | Server::Lid) {
        return None;
    }
    let (own, own_lid) = (memory.own().await, memory.own_lid().await);
    if own.as_ref() == Some(jid) {
        return own_lid;
    }
    if own_lid.as_ref() == Some(jid) {
        return own;
    }
    memory.learned(jid).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_loses_its_device_and_nothing_else() {
        for (theirs, ours) in [
            ("15550100:7@s.whatsapp.net", Some("15550100@s.whatsapp.net")),
            ("15550100@c.us", Some("15550100@s.whatsapp.net")),
            ("100000000000001:3@lid", Some("100000000000001@lid")),
            ("120363000000000000@g.us", Some("120363000000000000@g.us")),
            ("status@broadcast", Some("status@broadcast")),
            ("867051314767696@bot", None),
        ] {
            let jid: Result<EngineJid, _> = theirs.parse();
            let plain = jid.ok().and_then(|jid| plain(&jid));
            assert_eq!(
                plain.map(|jid| jid.to_string()).as_deref(),
                ours,
                "{theirs}"
            );
        }
    }

    #[test]
    fn an_address_survives_the_way_there_and_back() {
        for text in [
            "15550100@s.whatsapp.net",
            "100000000000001@lid",
            "120363000000000000@g.us",
        ] {
            let jid: Result<Jid, _> = text.parse();
            let back = jid.as_ref().ok().and_then(|jid| plain(&engine(jid)));
            assert_eq!(back, jid.ok(), "{text}");
        }
    }
}
