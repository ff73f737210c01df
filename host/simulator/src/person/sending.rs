//! From a plaintext to a stanza: one ciphertext per device, or one for a group and its key.

use wacore::send::{media_type_from_message, should_hide_decrypt_fail, stanza_type_from_message};
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;

use super::inbox::Sent;
use super::{Handset, Person, PersonError, STATUS};
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
    /// Everybody who knows this person.
    Status,
    /// The one who has posted a status: what others do about it is for nobody else.
    StatusOf(AccountId),
}

impl Chat {
    /// How people are written in this chat.
    pub(super) fn form(&self, state: &State) -> Form {
        match self {
            Chat::Person(_) => Form::Pn,
            Chat::Group(jid) => state.groups.get(jid).map_or(Form::Pn, |group| group.form),
            Chat::Status | Chat::StatusOf(_) if state.tells_lids => Form::Lid,
            Chat::Status | Chat::StatusOf(_) => Form::Pn,
        }
    }
}

impl Person {
    /// Understands a number, a JID, or a group's id.
    pub(super) fn chat(&self, to: &str) -> Result<Chat, PersonError> {
        let state = self.hub.lock();
        let found = match digits(to) {
            Some(pn) => state.account_by_pn(&pn).map(Chat::Person),
            None => match Address::parse(to) {
                Address::Status => Some(Chat::Status),
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
            Chat::Status | Chat::StatusOf(_) => STATUS.to_owned(),
        }
    }

    /// Encrypts and sends a message; returns its stanza id.
    pub(super) async fn transmits(
        &self,
        chat: &Chat,
        message: wa::Message,
        edit: Option<&'static str>,
    ) -> Result<String, PersonError> {
        let mut handset = self.inner.handset.lock().await;
        let id = self.hub.lock().message_id();
        let kind = stanza_type_from_message(&message);
        let builder = NodeBuilder::new("message")
            .attr("id", id.as_str())
            .attr("to", self.chat_jid(chat))
            .attr("type", kind);
        let builder = maybe(builder, "edit", edit);
        let (builder, children) = match chat {
            Chat::Person(account) => {
                let to = self.chat_jid(chat);
                let children = self
                    .for_person(&mut handset, *account, to, &message)
                    .await?;
                (builder, children)
            }
            Chat::StatusOf(author) => {
                let mode = chat.form(&self.hub.lock()).mode();
                let children = self
                    .for_person(&mut handset, *author, STATUS.to_owned(), &message)
                    .await?;
                (builder.attr("addressing_mode", mode), children)
            }
            Chat::Group(jid) => {
                let members = {
                    let state = self.hub.lock();
                    let group = state.groups.get(jid);
                    group.map_or_else(Vec::new, |group| {
                        group.members.iter().map(|(member, _)| *member).collect()
                    })
                };
                let children = self.for_room(&mut handset, jid, &members, &message).await?;
                (builder, children)
            }
            Chat::Status => {
                let (mode, audience) = {
                    let state = self.hub.lock();
                    (chat.form(&state).mode(), state.audience_of(self.id()))
                };
                let children = self
                    .for_room(&mut handset, STATUS, &audience, &message)
                    .await?;
                (builder.attr("addressing_mode", mode), children)
            }
        };
        self.inner.inbox().originals.add(&id, self.id(), &message);
        handset.sent.add(Sent {
            id: id.clone(),
            message,
            kind,
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
        destination: String,
        message: &wa::Message,
    ) -> Result<Vec<Node>, PersonError> {
        let mut targets = self.hub.lock().devices_of(account);
        if account != self.id() {
            targets.extend(self.hub.lock().devices_of(self.id()));
        }
        targets.retain(|at| *at != self.phone_ref());
        let copy = wa::Message {
            device_sent_message: MessageField::some(wa::message::DeviceSentMessage {
                destination_jid: Some(destination),
                message: MessageField::some(message.clone()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let mut listed = Vec::with_capacity(targets.len());
        for at in targets {
            let own = at.account == self.id();
            let plain = if own { &copy } else { message };
            if let Some(to) = self.sealed_for(handset, at, plain).await? {
                listed.push(to);
            }
        }
        Ok(vec![
            NodeBuilder::new("participants").children(listed).build(),
        ])
    }

    /// For a group, or the audience of a status: the key to those devices that lack it, and one
    /// ciphertext for all.
    async fn for_room(
        &self,
        handset: &mut Handset,
        jid: &str,
        members: &[AccountId],
        message: &wa::Message,
    ) -> Result<Vec<Node>, PersonError> {
        let targets: Vec<DeviceRef> = {
            let state = self.hub.lock();
            let devices = members.iter().flat_map(|member| state.devices_of(*member));
            devices.filter(|at| *at != self.phone_ref()).collect()
        };
        let key = handset.phone.sender_key_distribution(jid).await?;
        let mut listed = Vec::new();
        for at in targets {
            let has = handset.shared.entry(jid.to_owned()).or_default();
            if has.contains(&at) {
                continue;
            }
            if let Some(to) = self.sealed_for(handset, at, &key).await? {
                listed.push(to);
                handset.shared.entry(jid.to_owned()).or_default().insert(at);
            }
        }
        if jid == STATUS {
            // Nobody but the author knows who may see a status, so everybody is named.
            let state = self.hub.lock();
            listed.extend(members.iter().map(|member| {
                NodeBuilder::new("to")
                    .attr("jid", state.user_jid(*member, Form::Pn))
                    .build()
            }));
        }
        let sealed = handset.phone.group_encrypt(jid, message).await?;
        let mut children = vec![enc(&sealed, message)];
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
                .children([enc(&sealed, message)])
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
        let to = self.sealed_for(&mut handset, at, &message).await?;
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
            Address::Status => Some(STATUS.to_owned()),
            _ => None,
        });
        let mut message = sent.message;
        if let Some(jid) = &room {
            let key = handset.phone.sender_key_distribution(jid).await?;
            message.sender_key_distribution_message = key.sender_key_distribution_message;
        }
        let to = self.sealed_for(&mut handset, at, &message).await?;
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

/// `<enc>`, with what the server and other clients may know of its content.
fn enc(sealed: &Cipher, message: &wa::Message) -> Node {
    let builder = NodeBuilder::new("enc")
        .attr("v", "2")
        .attr("type", sealed.kind.as_str());
    let hidden = should_hide_decrypt_fail(message).then_some("hide");
    let builder = maybe(builder, "mediatype", media_type_from_message(message));
    maybe(builder, "decrypt-fail", hidden)
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
