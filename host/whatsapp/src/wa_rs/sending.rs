//! A message on its way out, under the id it was given.
//!
//! The engine chooses ids itself. So its parts are used one level below: its core composes and
//! encrypts the stanza, its client writes it. One message is encrypted at a time, because two that
//! use the same Signal session at once would use the same key.
//!
//! The engine does not tell what the server answers to a message. The server works in order: when it
//! answers a ping that was sent after a message, it has had the message ([`Confirming`]).

use std::collections::HashSet;
use std::time::Duration;

use ::wa_rs::Jid as TheirJid;
use ::wa_rs::store::signal_adapter::SignalProtocolStoreAdapter;
use ::wa_rs::types::message::{AddressingMode, EditAttribute};
use ::wa_rs_binary::jid::JidExt as _;
use ::wa_rs_binary::node::{Node, NodeContent};
use ::wa_rs_core::client::context::{GroupInfo, SendContextResolver};
use ::wa_rs_core::iq::tctoken::{build_tc_token_node, is_tc_token_expired};
use ::wa_rs_core::libsignal::protocol::SenderKeyStore as _;
use ::wa_rs_core::libsignal::store::sender_key_name::SenderKeyName;
use ::wa_rs_core::send::{SignalStores, prepare_dm_stanza, prepare_group_stanza};
use ::wa_rs_core::types::jid::JidExt as _;
use ::wa_rs_proto::whatsapp as theirs;
use tokio::sync::mpsc;
use tokio::time::timeout;
use wacore::iq::keepalive::KeepaliveSpec;
use wacore::store::traits::ProtocolStore as _;
use waproto::codec;
use warbler_app::driver::{DriverError, Outgoing, SendFailure};
use warbler_domain::jid::Server;
use warbler_domain::{Content, Jid, WhatsAppId};
use whatsapp_rust::anyhow;

use super::asking::asked;
use super::convert;
use super::line::News;
use super::link::WaRsLink;
use crate::address;
use crate::link::composing::Composer;
use crate::link::people::Registry as _;
use crate::link::place::{Addresses, Place};

/// Longest time for encrypting and handing over, look-ups of devices and keys included.
const SEND: Duration = Duration::from_secs(60);
/// Longest wait for the server's answer to a ping behind a message.
const CONFIRM: Duration = Duration::from_secs(20);
/// Messages that may wait for one; more wait for room.
pub(super) const UNCONFIRMED: usize = 1024;

impl WaRsLink {
    pub(super) async fn send_message(&self, message: &Outgoing) -> Result<(), SendFailure> {
        let refuse = |why: &str| Err(SendFailure::Permanent(why.to_owned()));
        match message.chat.server() {
            Server::Pn => self.must_exist(&message.chat).await?,
            Server::Lid | Server::Group => {}
            Server::Broadcast => return refuse("the engine wa-rs cannot post statuses"),
            Server::Newsletter => {
                let what = format!("{} is not a person or group", message.chat.masked());
                return Err(SendFailure::Permanent(what));
            }
        }
        let place = self.place(&message.chat).await.map_err(send_failure)?;
        let device = self
            .client
            .persistence_manager()
            .get_device_snapshot()
            .await;
        let composer = Composer {
            memory: &self.people,
            keys: &self.people.keys,
            inbox: &*self.inbox,
            clock: &*self.clock,
            seed: device.core.identity_key.private_key.serialize(),
            uploads: self,
        };
        let composed = composer.compose(message, &place).await?;
        let copy = codec::message_to_vec(&composed);
        let id = message.whatsapp_id.as_str();
        let chat = place.to.to_string();
        let kept = self.people.keys.store_sent_message(&chat, id, &copy);
        kept.await
            .map_err(|err| SendFailure::Temporary(err.to_string()))?;
        let composed = convert::message_out(&composed)
            .map_err(|err| SendFailure::Permanent(err.to_string()))?;
        let handing_over = self.hand_over(message, &place, composed);
        match timeout(SEND, Box::pin(handing_over)).await {
            Ok(Ok(())) => {
                // The link's other half reads it until the link is over.
                drop(self.confirm.send(message.whatsapp_id.clone()).await);
                Ok(())
            }
            Ok(Err(_)) if !self.is_up() => Err(SendFailure::NotConnected),
            Ok(Err(err)) => Err(SendFailure::Temporary(err.to_string())),
            Err(_) => Err(SendFailure::Temporary(format!(
                "not sent within {} s",
                SEND.as_secs()
            ))),
        }
    }

    /// How the network is told about `chat`.
    pub(super) async fn place(&self, chat: &Jid) -> Result<Place, DriverError> {
        if !self.is_up() {
            return Err(DriverError::NotConnected);
        }
        let to = address::engine(chat);
        if !chat.is_group() {
            let addresses = match chat.server() {
                Server::Lid | Server::Broadcast => Addresses::Lids,
                _ => Addresses::Numbers,
            };
            return Ok(Place::new(to, Vec::new(), addresses));
        }
        let info = self.group_info(&convert::jid_out(&to)).await?;
        let members = info.participants.iter().filter_map(convert::jid_in);
        let addresses = match info.addressing_mode {
            AddressingMode::Lid => Addresses::Lids,
            AddressingMode::Pn => Addresses::Numbers,
        };
        Ok(Place::new(to, members.collect(), addresses))
    }

    async fn group_info(&self, group: &TheirJid) -> Result<GroupInfo, DriverError> {
        if let Some(cache) = self.client.group_cache.get()
            && let Some(known) = cache.get(group).await
        {
            return Ok(known);
        }
        let asked = timeout(CONFIRM, Box::pin(self.client.groups().query_info(group))).await;
        let asked = asked.map_err(|_| DriverError::Timeout(CONFIRM))?;
        let info = asked.map_err(|err| {
            let told = err.to_string();
            match told.contains("code=404") || told.contains("code=403") {
                true => DriverError::NotFound("group"),
                false => DriverError::Engine(told),
            }
        })?;
        for (lid, number) in info.lid_to_pn_map() {
            let number = convert::jid_in(number).as_ref().and_then(address::plain);
            let lid: Option<Jid> = format!("{lid}@lid").parse().ok();
            if let (Some(number), Some(lid)) = (number, lid)
                && address::counterpart(&self.people, &number).await.as_ref() != Some(&lid)
            {
                self.people.learn(&number, &lid, &*self.clock).await;
            }
        }
        Ok(info)
    }

    /// Refuses a number without an account. Only a number that was never written to is asked for.
    async fn must_exist(&self, to: &Jid) -> Result<(), SendFailure> {
        if address::counterpart(&self.people, to).await.is_some() {
            return Ok(());
        }
        let cached = match self.client.device_cache.get() {
            Some(cache) => cache
                .get(&convert::jid_out(&address::engine(to)))
                .await
                .is_some_and(|devices| !devices.is_empty()),
            None => false,
        };
        if cached {
            return Ok(());
        }
        match self.registered(&[address::engine(to)]).await {
            Ok(found) if found.is_empty() => Err(SendFailure::NotOnWhatsApp),
            Ok(_) => Ok(()),
            Err(err) => Err(send_failure(err)),
        }
    }

    async fn hand_over(
        &self,
        message: &Outgoing,
        place: &Place,
        composed: theirs::Message,
    ) -> anyhow::Result<()> {
        let to = convert::jid_out(&place.to);
        let id = message.whatsapp_id.as_str().to_owned();
        let turn = self.sending.lock().await;
        let mut stanza = match message.chat.is_group() {
            true => self.for_group(to, id, &composed, edit(message)).await?,
            false => self.for_person(to, id, &composed, edit(message)).await?,
        };
        stanza
            .attrs
            .insert("type".to_owned(), kind(&message.content).to_owned());
        self.client.send_node(stanza).await?;
        drop(turn);
        Ok(())
    }

    async fn for_person(
        &self,
        to: TheirJid,
        id: String,
        message: &theirs::Message,
        edit: Option<EditAttribute>,
    ) -> anyhow::Result<Node> {
        let manager = self.client.persistence_manager();
        let device = manager.get_device_snapshot().await;
        let own = device.core.pn.clone();
        let own = own.ok_or_else(|| anyhow::anyhow!("the session is not linked"))?;
        let extra = self.tokens(&to).await;
        let mut keys = SignalProtocolStoreAdapter::new(manager.get_device_arc().await);
        let mut stores = stores(&mut keys);
        let account = device.core.account.as_ref();
        let recipient = to.clone();
        let stanza = prepare_dm_stanza(
            &mut stores,
            &*self.client,
            &own,
            account,
            to,
            message,
            id,
            edit,
            extra,
        );
        let stanza = Box::pin(stanza).await?;
        let reached = encrypted_for(&stanza)
            .iter()
            .any(|device| device.user == recipient.user);
        if !reached && recipient.user != own.user {
            // The engine would send it to the account's own devices, and to nobody else.
            anyhow::bail!("no device of the recipient could be encrypted for");
        }
        Ok(stanza)
    }

    async fn for_group(
        &self,
        to: TheirJid,
        id: String,
        message: &theirs::Message,
        edit: Option<EditAttribute>,
    ) -> anyhow::Result<Node> {
        let manager = self.client.persistence_manager();
        let device = manager.get_device_snapshot().await;
        let unlinked = || anyhow::anyhow!("the session is not linked");
        let own = device.core.pn.clone().ok_or_else(unlinked)?;
        let own_lid = device.core.lid.clone().ok_or_else(unlinked)?;
        let mut info = self.group_info(&to).await?;
        let sender = match info.addressing_mode {
            AddressingMode::Lid => &own_lid,
            AddressingMode::Pn => &own,
        };
        let group = to.to_string();
        let shared = manager.get_device_arc().await;
        let name = SenderKeyName::new(group.clone(), sender.to_protocol_address().to_string());
        let has_key = shared.write().await.load_sender_key(&name).await?.is_some();
        let known = manager.get_skdm_recipients(&group).await?;
        let anew = !has_key || known.is_empty();
        let targets = match anew {
            true => None,
            false => Some(self.without_key(&info, sender, &known).await?),
        };
        let mut keys = SignalProtocolStoreAdapter::new(shared);
        let mut stores = stores(&mut keys);
        let stanza = prepare_group_stanza(
            &mut stores,
            &*self.client,
            &mut info,
            &own,
            &own_lid,
            device.core.account.as_ref(),
            to,
            message,
            id,
            anew,
            targets,
            edit,
            Vec::new(),
        );
        let stanza = Box::pin(stanza).await?;
        let told = encrypted_for(&stanza);
        if !told.is_empty() {
            manager.add_skdm_recipients(&group, &told).await?;
        }
        Ok(stanza)
    }

    /// The devices in a group that have not been told the key of this device.
    async fn without_key(
        &self,
        info: &GroupInfo,
        sender: &TheirJid,
        known: &[TheirJid],
    ) -> anyhow::Result<Vec<TheirJid>> {
        let asked: Vec<TheirJid> = info
            .participants
            .iter()
            .map(|member| {
                let number = info.phone_jid_for_lid_user(&member.user);
                let number = number.filter(|_| member.is_lid());
                number.unwrap_or(member).to_non_ad()
            })
            .collect();
        let devices = SendContextResolver::resolve_devices(&*self.client, &asked).await?;
        let known: HashSet<(&str, u16)> = known
            .iter()
            .map(|device| (device.user.as_str(), device.device))
            .collect();
        let mut missing: Vec<TheirJid> = devices
            .iter()
            .map(|device| match info.addressing_mode {
                AddressingMode::Lid => info.phone_device_jid_to_lid(device),
                AddressingMode::Pn => device.clone(),
            })
            .filter(|device| {
                let own = device.user == sender.user && device.device == sender.device;
                !own && !device.is_hosted()
                    && !known.contains(&(device.user.as_str(), device.device))
            })
            .collect();
        missing.dedup();
        Ok(missing)
    }

    /// What a message to somebody carries to show that they have been in touch.
    async fn tokens(&self, to: &TheirJid) -> Vec<Node> {
        let Some(jid) = convert::jid_in(to).as_ref().and_then(address::plain) else {
            return Vec::new();
        };
        let lid = match jid.server() {
            Server::Lid => Some(jid.clone()),
            _ => address::counterpart(&self.people, &jid).await,
        };
        let user = lid.as_ref().unwrap_or(&jid).user().to_owned();
        match self.client.tc_token().get(&user).await {
            Ok(Some(entry)) if !is_tc_token_expired(entry.token_timestamp) => {
                vec![build_tc_token_node(&entry.token)]
            }
            _ => Vec::new(),
        }
    }
}

type Stores<'a> = SignalStores<
    'a,
    ::wa_rs::store::signal_adapter::SessionAdapter,
    ::wa_rs::store::signal_adapter::IdentityAdapter,
    ::wa_rs::store::signal_adapter::PreKeyAdapter,
    ::wa_rs::store::signal_adapter::SignedPreKeyAdapter,
>;

fn stores(keys: &mut SignalProtocolStoreAdapter) -> Stores<'_> {
    SignalStores {
        sender_key_store: &mut keys.sender_key_store,
        session_store: &mut keys.session_store,
        identity_store: &mut keys.identity_store,
        prekey_store: &mut keys.pre_key_store,
        signed_prekey_store: &keys.signed_pre_key_store,
    }
}

/// The devices a stanza holds a ciphertext for.
fn encrypted_for(stanza: &Node) -> Vec<TheirJid> {
    let Some(participants) = stanza.get_optional_child("participants") else {
        return Vec::new();
    };
    let Some(NodeContent::Nodes(nodes)) = &participants.content else {
        return Vec::new();
    };
    nodes
        .iter()
        .filter_map(|node| node.attrs().optional_jid("jid"))
        .collect()
}

fn edit(message: &Outgoing) -> Option<EditAttribute> {
    match &message.content {
        Content::Edit { .. } => Some(EditAttribute::MessageEdit),
        Content::Revoke {
            target_sender: Some(_),
            ..
        } => Some(EditAttribute::AdminRevoke),
        Content::Revoke { .. } => Some(EditAttribute::SenderRevoke),
        _ => None,
    }
}

/// The network's word for what a message is.
fn kind(content: &Content) -> &'static str {
    match content {
        Content::Media(_) | Content::Location(_) | Content::Contacts { .. } => "media",
        Content::Reaction { .. } => "reaction",
        Content::Poll(_) | Content::PollVote { .. } => "poll",
        _ => "text",
    }
}

fn send_failure(error: DriverError) -> SendFailure {
    match error {
        DriverError::NotConnected => SendFailure::NotConnected,
        DriverError::NotFound(what) => SendFailure::Permanent(format!("there is no such {what}")),
        DriverError::NotAllowed(why) => SendFailure::Permanent(why),
        other => SendFailure::Temporary(other.to_string()),
    }
}

/// Finds out that messages have reached the server.
pub(super) struct Confirming {
    pub(super) link: std::sync::Weak<WaRsLink>,
    pub(super) sent: mpsc::Receiver<WhatsAppId>,
}

impl Confirming {
    /// Asks behind every message, or behind several at once, until the link is over.
    pub(super) async fn run(mut self) {
        while let Some(first) = self.sent.recv().await {
            let Some(link) = self.link.upgrade() else {
                return;
            };
            let mut sent = vec![first];
            while let Ok(more) = self.sent.try_recv() {
                sent.push(more);
            }
            let ping = KeepaliveSpec::with_timeout(CONFIRM);
            if asked(&link.client, &ping, CONFIRM).await.is_err() {
                // Whether they have arrived is not known: they are sent again, as they are.
                continue;
            }
            for id in sent {
                link.line.put_later(News::Sent(id)).await;
            }
        }
    }
}
