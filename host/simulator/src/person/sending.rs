//! From a plaintext to a stanza: one ciphertext per device, or one for a group and its key.

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;

use super::heard::Sent;
use super::{Handset, Person, PersonError};
use crate::address::{Address, Form, digits};
use crate::phone::{Cipher, DeviceKey, PublicBundle};
use crate::routing;
use crate::stanza::{Reading, child_array, child_bytes, child_number, maybe};
use crate::state::State;
use crate::state::account::{AccountId, DeviceRef};

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chat {
    Person(AccountId),
    Group(String),
}

/// What goes on the stanza of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// The `type` attribute.
    pub(super) kind: &'static str,
    pub(super) edit: Option<&'static str>,
    pub(super) mediatype: Option<&'static str>,
}

impl Manner {
    pub(super) const TEXT: Manner = Manner {
        kind: "text",
        edit: None,
        mediatype: None,
    };
}

impl Person {
    /// Understands a number, a JID, or a group's id.
    pub(super) fn chat(&self, to: &str) -> Result<Chat, PersonError> {
        let state = self.hub.lock();
        let found = match digits(to) {
            Some(pn) => state.account_by_pn(&pn).map(Chat::Person),
            None => match Address::parse(to) {
                Address::Group(jid) => state.groups.contains_key(&jid).then_some(Chat::Group(jid)),
                address => state
                    .resolve_account(&address)
                    .map(|(account, _)| Chat::Person(account)),
            },
        };
        found.ok_or_else(|| PersonError::UnknownRecipient(to.to_owned()))
    }

    /// How a chat is written in messages.
    pub(super) fn chat_jid(&self, chat: &Chat) -> String {
        match chat {
            Chat::Person(account) => self.hub.lock().user_jid(*account, Form::Pn),
            Chat::Group(jid) => jid.clone(),
        }
    }

    /// Encrypts and sends a message; returns its stanza id.
    pub(super) async fn sends(
        &self,
        chat: &Chat,
        message: wa::Message,
        manner: Manner,
    ) -> Result<String, PersonError> {
        let mut handset = self.inner.handset.lock().await;
        let id = self.hub.lock().message_id();
        let builder = NodeBuilder::new("message")
            .attr("id", id.as_str())
            .attr("to", self.chat_jid(chat))
            .attr("type", manner.kind);
        let builder = maybe(builder, "edit", manner.edit);
        let children = match chat {
            Chat::Person(account) => {
                self.for_person(&mut handset, *account, &message, manner)
                    .await?
            }
            Chat::Group(jid) => self.for_group(&mut handset, jid, &message, manner).await?,
        };
        handset.sent.add(Sent {
            id: id.clone(),
            message,
            kind: manner.kind,
        });
        let node = builder.children(children).build();
        self.submit(&node)?;
        Ok(id)
    }

    /// Hands a stanza to the router; its ack says whether it was taken.
    pub(super) fn submit(&self, node: &Node) -> Result<(), PersonError> {
        let mut state = self.hub.lock();
        let ack = routing::submit(&self.hub, &mut state, self.phone_ref(), node);
        let error = ack.and_then(|ack| ack.attr("error"));
        match error.and_then(|code| code.parse().ok()) {
            Some(code) => Err(PersonError::Refused(code)),
            None => Ok(()),
        }
    }

    async fn for_person(
        &self,
        handset: &mut Handset,
        account: AccountId,
        message: &wa::Message,
        manner: Manner,
    ) -> Result<Vec<Node>, PersonError> {
        let mut targets = self.hub.lock().devices_of(account);
        if account != self.id() {
            targets.extend(self.hub.lock().devices_of(self.id()));
        }
        targets.retain(|at| *at != self.phone_ref());
        let copy = wa::Message {
            device_sent_message: MessageField::some(wa::message::DeviceSentMessage {
                destination_jid: Some(self.hub.lock().user_jid(account, Form::Pn)),
                message: MessageField::some(message.clone()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let mut listed = Vec::with_capacity(targets.len());
        for at in targets {
            let own = at.account == self.id();
            let plain = if own { &copy } else { message };
            if let Some(to) = self.sealed_for(handset, at, plain, manner).await? {
                listed.push(to);
            }
        }
        Ok(vec![
            NodeBuilder::new("participants").children(listed).build(),
        ])
    }

    async fn for_group(
        &self,
        handset: &mut Handset,
        jid: &str,
        message: &wa::Message,
        manner: Manner,
    ) -> Result<Vec<Node>, PersonError> {
        let targets: Vec<DeviceRef> = {
            let state = self.hub.lock();
            let members = state.groups.get(jid).map(|group| group.members.clone());
            members
                .unwrap_or_default()
                .into_iter()
                .flat_map(|(member, _)| state.devices_of(member))
                .filter(|at| *at != self.phone_ref())
                .collect()
        };
        let key = handset.phone.sender_key_distribution(jid).await?;
        let mut listed = Vec::new();
        for at in targets {
            let has = handset.shared.entry(jid.to_owned()).or_default();
            if has.contains(&at) {
                continue;
            }
            if let Some(to) = self.sealed_for(handset, at, &key, Manner::TEXT).await? {
                listed.push(to);
                handset.shared.entry(jid.to_owned()).or_default().insert(at);
            }
        }
        let sealed = handset.phone.group_encrypt(jid, message).await?;
        let mut children = vec![enc(&sealed, manner.mediatype)];
        if !listed.is_empty() {
            children.push(NodeBuilder::new("participants").children(listed).build());
        }
        Ok(children)
    }

    /// `<to>` with the ciphertext for one device; none if the device is gone.
    async fn sealed_for(
        &self,
        handset: &mut Handset,
        at: DeviceRef,
        message: &wa::Message,
        manner: Manner,
    ) -> Result<Option<Node>, PersonError> {
        let Some(key) = self.device_key(at) else {
            return Ok(None);
        };
        if !handset.phone.has_session(&key) {
            let Some(bundle) = self.fetch(at) else {
                return Ok(None);
            };
            handset.phone.open_session(&key, &bundle).await?;
        }
        let sealed = handset.phone.encrypt(&key, message).await?;
        let jid = self.hub.lock().jid(at, Form::Pn);
        Ok(Some(
            NodeBuilder::new("to")
                .attr("jid", jid)
                .children([enc(&sealed, manner.mediatype)])
                .build(),
        ))
    }

    /// How the phone's sessions call a device.
    pub(super) fn device_key(&self, at: DeviceRef) -> Option<DeviceKey> {
        device_key(&self.hub.lock(), at)
    }

    /// Takes a bundle off the server, as a client would.
    fn fetch(&self, at: DeviceRef) -> Option<PublicBundle> {
        self.hub.lock().take_bundle(&self.hub, at)
    }

    /// Sends a message between own devices.
    pub(super) async fn sends_peer(
        &self,
        device: u16,
        make: impl FnOnce(&mut crate::phone::Phone) -> wa::Message,
    ) -> Result<(), PersonError> {
        let at = DeviceRef {
            account: self.id(),
            device,
        };
        let mut handset = self.inner.handset.lock().await;
        let message = make(&mut handset.phone);
        let to = self
            .sealed_for(&mut handset, at, &message, Manner::TEXT)
            .await?;
        let Some(to) = to else { return Ok(()) };
        let id = self.hub.lock().message_id();
        let mut node = NodeBuilder::new("message")
            .attr("id", id)
            .attr("type", "text")
            .attr("category", "peer")
            .children(to.all().iter().cloned())
            .build();
        if let Some(jid) = to.attrs.get("jid") {
            node.attrs.insert("to", jid.clone());
        }
        self.submit(&node)
    }

    /// Sends a message again to the one device that could not read it.
    pub(super) async fn resends(&self, receipt: &Node, at: DeviceRef) -> Result<(), PersonError> {
        let Some(id) = receipt.attr("id") else {
            return Ok(());
        };
        let mut handset = self.inner.handset.lock().await;
        let sent = handset
            .sent
            .find(&id)
            .ok_or(PersonError::UnknownMessage(id))?;
        let Some(key) = self.device_key(at) else {
            return Ok(());
        };
        handset.phone.forget_session(&key);
        if let Some(bundle) = offered(receipt) {
            handset.phone.open_session(&key, &bundle).await?;
        }
        let room = receipt.address("from").and_then(|from| match from {
            Address::Group(jid) => Some(jid),
            _ => None,
        });
        let mut message = sent.message;
        if let Some(jid) = &room {
            let key = handset.phone.sender_key_distribution(jid).await?;
            message.sender_key_distribution_message = key.sender_key_distribution_message;
        }
        let to = self
            .sealed_for(&mut handset, at, &message, Manner::TEXT)
            .await?;
        let Some(to) = to else { return Ok(()) };
        let mut node = NodeBuilder::new("message")
            .attr("id", sent.id.as_str())
            .attr("type", sent.kind)
            .children(to.all().iter().cloned())
            .build();
        if let Some(jid) = to.attrs.get("jid").cloned() {
            match room {
                Some(room) => {
                    node.attrs.insert("to", room);
                    node.attrs.insert("participant", jid);
                }
                None => node.attrs.insert("to", jid),
            }
        }
        self.submit(&node)
    }

    /// Publishes more prekeys.
    pub(super) async fn refills(&self) {
        let mut handset = self.inner.handset.lock().await;
        let fresh = super::publish(&mut handset.phone);
        let mut state = self.hub.lock();
        if let Some(device) = state.device_mut(self.phone_ref()) {
            for (id, key) in fresh.prekeys {
                device.keys.add(id, key);
            }
            device.asked_for_prekeys = false;
        }
    }
}

pub(super) fn device_key(state: &State, at: DeviceRef) -> Option<DeviceKey> {
    state.account(at.account).map(|account| DeviceKey {
        user: account.pn.clone(),
        device: at.device,
    })
}

/// `<enc>`.
fn enc(sealed: &Cipher, mediatype: Option<&'static str>) -> Node {
    let builder = NodeBuilder::new("enc")
        .attr("v", "2")
        .attr("type", sealed.kind.as_str());
    maybe(builder, "mediatype", mediatype)
        .bytes(sealed.bytes.clone())
        .build()
}

/// The keys a retry receipt brings along, if it does.
fn offered(receipt: &Node) -> Option<PublicBundle> {
    let keys = receipt.child("keys")?;
    let signed = keys.child("skey")?;
    let prekey = keys
        .child("key")
        .and_then(|key| Some((child_number(key, "id")?, child_array(key, "value")?)));
    let registration = child_bytes(receipt, "registration")?;
    Some(PublicBundle {
        registration_id: registration
            .iter()
            .take(4)
            .fold(0, |sum, byte| (sum << 8) | u32::from(*byte)),
        identity: child_array(keys, "identity")?,
        signed_prekey_id: child_number(signed, "id")?,
        signed_prekey: child_array(signed, "value")?,
        signed_prekey_signature: child_array(signed, "signature")?,
        prekey,
    })
}
