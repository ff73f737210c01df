//! A chat as the network must be told about it: its address, and how its members are named.

use wacore::types::message::AddressingMode;
use wacore_binary::Jid as EngineJid;
use warbler_domain::Jid;
use warbler_domain::jid::Server;
use whatsapp_rust::GroupError;

use super::WhatsappLink;
use crate::address;
use crate::memory::Memory;

/// A chat as the network must be told about it.
pub(crate) struct Place {
    pub(crate) to: EngineJid,
    /// Who is in it, when it is a group.
    pub(crate) members: Vec<EngineJid>,
    addresses: Addresses,
}

/// In which addresses the members of a chat are named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addresses {
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
        Ok(Place::new(to, members, addresses))
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
        place.named(&self.client, person).await
    }
}

impl Place {
    /// A chat whose members are named in `addresses`.
    pub(crate) fn new(to: EngineJid, members: Vec<EngineJid>, addresses: Addresses) -> Self {
        Self {
            to,
            members,
            addresses,
        }
    }

    /// Somebody, in the addresses the chat uses, as far as they are known.
    pub(crate) async fn named(&self, memory: &dyn Memory, person: &Jid) -> EngineJid {
        let wanted = match self.addresses {
            Addresses::Numbers => Server::Pn,
            Addresses::Lids => Server::Lid,
        };
        let other = match person.server() {
            Server::Pn | Server::Lid if person.server() != wanted => {
                address::counterpart(memory, person).await
            }
            _ => None,
        };
        address::engine(other.as_ref().unwrap_or(person))
    }
}
