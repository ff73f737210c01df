//! A chat as the network must be told about it: its address, and how its members are named.

use wacore::types::message::AddressingMode;
use wacore_binary::Jid as EngineJid;
use warbler_domain::Jid;
use warbler_domain::jid::Server;
use whatsapp_rust::GroupError;

use super::WhatsappLink;
use crate::address;

/// A chat as the network must be told about it.
pub(super) struct Place {
    pub(super) to: EngineJid,
    /// Who is in it, when it is a group.
    pub(super) members: Vec<EngineJid>,
    addresses: Addresses,
}

/// In which addresses the members of a chat are named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Addresses {
    Numbers,
    Lids,
}

impl WhatsappLink {
    /// How the network is told about `chat`.
    pub(super) async fn place(&self, chat: &Jid) -> Result<Place, GroupError> {
        let to = self.wire(chat).await;
        let mut members = Vec::new();
        let addresses = match chat.server() {
            Server::Pn | Server::Lid if to.is_lid() => Addresses::Lids,
            Server::Group => {
                let info = Box::pin(self.client.groups().query_info(&to)).await?;
                members.clone_from(&info.participants);
                match info.addressing_mode {
                    AddressingMode::Lid => Addresses::Lids,
                    AddressingMode::Pn => Addresses::Numbers,
                }
            }
            // Statuses name people by LID only.
            Server::Broadcast => Addresses::Lids,
            Server::Pn | Server::Lid | Server::Newsletter => Addresses::Numbers,
        };
        Ok(Place {
            to,
            members,
            addresses,
        })
    }

    /// A chat in the address the account uses for it by now: by LID, once the network has moved
    /// the account's chats there.
    pub(super) async fn wire(&self, chat: &Jid) -> EngineJid {
        let mut moved = None;
        if chat.server() == Server::Pn && self.client.is_lid_migrated().await {
            moved = address::counterpart(&self.client, chat).await;
        }
        address::engine(moved.as_ref().unwrap_or(chat))
    }

    /// Somebody, in the addresses the chat uses, as far as they are known.
    pub(super) async fn named(&self, person: &Jid, place: &Place) -> EngineJid {
        let wanted = match place.addresses {
            Addresses::Numbers => Server::Pn,
            Addresses::Lids => Server::Lid,
        };
        let other = match person.server() {
            Server::Pn | Server::Lid if person.server() != wanted => {
                address::counterpart(&self.client, person).await
            }
            _ => None,
        };
        address::engine(other.as_ref().unwrap_or(person))
    }

    /// The account's phone-number address.
    pub(super) fn own(&self) -> Option<Jid> {
        self.client.pn().as_ref().and_then(address::plain)
    }

    /// Whether an address is the account's own.
    pub(super) fn is_own(&self, person: &Jid) -> bool {
        let lid = || self.client.lid().as_ref().and_then(address::plain);
        Some(person) == self.own().as_ref() || Some(person) == lid().as_ref()
    }
}
