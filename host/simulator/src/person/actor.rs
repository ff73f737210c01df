//! The phone at work: it takes stanzas as they come, in order, and does errands in between.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::sync::mpsc;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::whatsapp as wa;

use super::heard::{ChatState, ChatStateSeen, Heard, HeardContent, ReceiptSeen};
use super::inbox::unique;
use super::sending::device_key;
use super::{Handset, Person, STATUS};
use crate::address::{Address, Form};
use crate::phone::content::{self, Content, compose};
use crate::phone::{Cipher, CipherKind, DeviceKey, PhoneError};
use crate::stanza::{Reading, copy, id24, leaf};
use crate::state::account::{DeviceRef, PhoneWork};

/// Serves a phone until the network stops.
pub(super) async fn run(person: Person, mut work: mpsc::Receiver<PhoneWork>) {
    loop {
        let next = tokio::select! {
            () = person.hub.stop.cancelled() => return,
            next = work.recv() => next,
        };
        match next {
            None => return,
            Some(PhoneWork::Stanza(node)) => Box::pin(person.takes(&node)).await,
            Some(PhoneWork::Refill) => person.refills().await,
            Some(PhoneWork::Relist) => person.relists().await,
            Some(PhoneWork::ShareKeys(device)) => {
                let now = person.hub.now();
                let shared = person
                    .sends_peer(device, |phone| phone.app_state_key_share(now))
                    .await;
                if let Err(error) = shared {
                    tracing::warn!(%error, "A phone could not share its app-state key");
                }
                if let Err(error) = person.tells_history(device).await {
                    tracing::warn!(%error, "A phone could not tell its companion of the past");
                }
            }
        }
    }
}

/// Who has written a message, and where.
struct Origin {
    author: DeviceRef,
    key: DeviceKey,
    from: String,
    group: Option<String>,
}

impl Person {
    async fn takes(&self, node: &Arc<Node>) {
        // What arrives in the moment the phone goes offline is delivered again later.
        if !self.is_online() {
            return;
        }
        match node.tag.as_ref() {
            "message" => self.takes_message(node).await,
            "receipt" => self.takes_receipt(node).await,
            "call" => self.takes_call(node),
            "chatstate" => {
                self.takes_chat_state(node);
                return;
            }
            "presence" => {
                if let Some(who) = node.attr("from") {
                    let online = !node.is("type", "unavailable");
                    self.inner.inbox().presence(who, online);
                    self.inner.arrived.send_modify(|count| *count += 1);
                }
                return;
            }
            "ib" => return,
            _ => {}
        }
        let (id, from) = (node.attr("id").unwrap_or_default(), node.attr("from"));
        self.hub
            .lock()
            .acknowledge(self.phone_ref(), &node.tag, &id, from.as_deref());
    }

    fn takes_chat_state(&self, node: &Node) {
        let room = match node.address("from") {
            Some(Address::Group(jid)) => Some(jid),
            _ => None,
        };
        let Some(who) = node.attr("participant").or_else(|| node.attr("from")) else {
            return;
        };
        let state = match node.child("composing") {
            Some(composing) if composing.is("media", "audio") => ChatState::Recording,
            Some(_) => ChatState::Typing,
            None => ChatState::Paused,
        };
        self.inner.inbox().chat_state(ChatStateSeen {
            from: who,
            group: room,
            state,
        });
        self.inner.arrived.send_modify(|count| *count += 1);
    }

    fn origin(&self, node: &Node) -> Option<Origin> {
        let state = self.hub.lock();
        let from = node.address("from")?;
        let room = match &from {
            Address::Group(jid) => Some(jid.clone()),
            Address::Status => Some(STATUS.to_owned()),
            _ => None,
        };
        let author = match room {
            Some(_) => node.address("participant")?,
            None => from,
        };
        let author = state.resolve_device(&author)?;
        Some(Origin {
            author,
            key: device_key(&state, author)?,
            from: state.user_jid(author.account, Form::Pn),
            group: room,
        })
    }

    async fn takes_message(&self, node: &Node) {
        let (Some(origin), Some(id)) = (self.origin(node), node.attr("id")) else {
            return;
        };
        let opened = {
            let mut handset = self.inner.handset.lock().await;
            open(&mut handset, &origin, node).await
        };
        let message = match opened {
            Ok(message) => message,
            Err(PhoneError::Duplicate) => {
                self.inner.inbox().again(origin.author.account, &id);
                self.confirm(node, &origin);
                return;
            }
            Err(error) => {
                tracing::debug!(%error, "A simulated phone could not read a message");
                self.asks_again(node, &origin, &id).await;
                return;
            }
        };
        self.confirm(node, &origin);
        let Some(message) = message else { return };
        let said = content::read(&message);
        if matches!(said, Content::SenderKeyOnly | Content::Protocol(_)) {
            return;
        }
        let own = origin.author.account == self.id();
        if !own && self.inner.inbox().again(origin.author.account, &id) {
            return;
        }
        let chat = match (&origin.group, content::destination(&message)) {
            (Some(room), _) => room.clone(),
            (None, Some(destination)) if own => destination.to_owned(),
            (None, _) => origin.from.clone(),
        };
        let marks = self.marks(&message);
        self.inner
            .inbox()
            .originals
            .add(&id, origin.author.account, &message);
        let heard = Heard {
            id,
            from: origin.from.clone(),
            device: origin.author.device,
            chat: chat.clone(),
            group: origin.group.clone(),
            push_name: node.attr("notify").unwrap_or_default(),
            content: self.understands(&marks, said, origin.author.account).await,
            marks,
            at: node
                .attr("t")
                .and_then(|t| t.parse().ok())
                .unwrap_or_default(),
            duplicates: 0,
        };
        let echo = self.echo_of(&origin, &heard);
        {
            let mut inbox = self.inner.inbox();
            if own {
                inbox.copy(heard);
            } else {
                inbox.add(origin.author.account, heard);
            }
        }
        self.inner.arrived.send_modify(|count| *count += 1);
        if let Some(text) = echo {
            let sent = match self.chat(&chat) {
                Ok(chat) => self.transmits(&chat, compose::text(&text), None).await,
                Err(error) => Err(error),
            };
            if let Err(error) = sent {
                tracing::debug!(%error, "An echo was not sent");
            }
        }
    }

    /// What is to be echoed. Nobody echoes an echo, nor another person who echoes.
    fn echo_of(&self, origin: &Origin, heard: &Heard) -> Option<String> {
        if !self.inner.echo.load(Ordering::Relaxed) || origin.author.account == self.id() {
            return None;
        }
        let HeardContent::Text { body, .. } = &heard.content else {
            return None;
        };
        let echoing = self
            .hub
            .lock()
            .account(origin.author.account)
            .is_some_and(|author| {
                origin.author.device == 0 && author.person.echo.load(Ordering::Relaxed)
            });
        (!echoing && self.inner.inbox().may_echo(body, Instant::now())).then(|| body.clone())
    }

    /// Tells the author that a message has arrived.
    fn confirm(&self, node: &Node, origin: &Origin) {
        let own = origin.author.account == self.id();
        if own || !self.inner.receipts.load(Ordering::Relaxed) {
            return;
        }
        self.sends_receipt(receipt(node).build());
    }

    pub(super) fn sends_receipt(&self, node: Node) {
        if let Err(error) = self.submit(&node) {
            tracing::debug!(%error, "A receipt was not taken");
        }
    }

    /// Asks the author's device for a message again, with new keys for it.
    async fn asks_again(&self, node: &Node, origin: &Origin, id: &str) {
        let Some(count) = self.inner.inbox().retry(id) else {
            return;
        };
        let (registration, bundle) = {
            let mut handset = self.inner.handset.lock().await;
            handset.phone.forget_session(&origin.key);
            (handset.phone.registration_id(), handset.phone.bundle())
        };
        let asked = NodeBuilder::new("retry")
            .attr("v", "1")
            .attr("count", count)
            .attr("id", id);
        let asked = copy(asked, node, &["t"]).build();
        let mut keys = vec![leaf("type", [5u8]), leaf("identity", bundle.identity)];
        if let Some((id, key)) = bundle.prekey {
            keys.push(
                NodeBuilder::new("key")
                    .children([leaf("id", id24(id)), leaf("value", key)])
                    .build(),
            );
        }
        keys.push(
            NodeBuilder::new("skey")
                .children([
                    leaf("id", id24(bundle.signed_prekey_id)),
                    leaf("value", bundle.signed_prekey),
                    leaf("signature", bundle.signed_prekey_signature),
                ])
                .build(),
        );
        let children = [
            asked,
            leaf("registration", registration.to_be_bytes()),
            NodeBuilder::new("keys").children(keys).build(),
        ];
        self.sends_receipt(
            receipt(node)
                .attr("type", "retry")
                .children(children)
                .build(),
        );
    }

    async fn takes_receipt(&self, node: &Node) {
        let Some(origin) = self.origin(node) else {
            return;
        };
        let kind = node.attr("type").unwrap_or_else(|| "delivered".into());
        if kind == "server-error" {
            if origin.author.account == self.id() {
                self.uploads_again(node, origin.author).await;
            }
            return;
        }
        let listed = node.child("list").map_or(&[][..], Reading::all);
        let ids = node
            .attr("id")
            .into_iter()
            .chain(listed.iter().filter_map(|item| item.attr("id")));
        let seen = ReceiptSeen {
            ids: unique(ids),
            from: origin.from.clone(),
            device: origin.author.device,
            kind: kind.clone(),
            group: origin.group.clone(),
            at: self.hub.now(),
        };
        self.inner.inbox().receipt(seen);
        self.inner.arrived.send_modify(|count| *count += 1);
        if kind == "retry"
            && let Err(error) = self.resends(node, origin.author).await
        {
            tracing::debug!(%error, "A message could not be sent again");
        }
    }
}

/// A receipt for a stanza, going where the stanza came from.
pub(super) fn receipt(node: &Node) -> NodeBuilder {
    let mut builder = NodeBuilder::new("receipt");
    if let Some(from) = node.attrs.get("from") {
        builder = builder.attr("to", from.clone());
    }
    copy(builder, node, &["id", "participant"])
}

/// Opens every ciphertext of a message, keys first. The message is what is left to read.
async fn open(
    handset: &mut Handset,
    origin: &Origin,
    node: &Node,
) -> Result<Option<wa::Message>, PhoneError> {
    let mut sealed: Vec<Cipher> = node
        .all()
        .iter()
        .filter(|child| child.tag == "enc")
        .filter_map(|enc| {
            Some(Cipher {
                kind: CipherKind::parse(&enc.attr("type")?)?,
                bytes: enc.bytes()?.to_vec(),
            })
        })
        .collect();
    sealed.sort_by_key(|cipher| cipher.kind == CipherKind::SenderKey);
    let room = origin.group.as_deref();
    let mut read = None;
    for cipher in sealed {
        let message = match (cipher.kind, room) {
            (CipherKind::SenderKey, Some(room)) => {
                handset
                    .phone
                    .group_decrypt(room, &origin.key, &cipher)
                    .await?
            }
            (CipherKind::SenderKey, None) => return Err(PhoneError::NoSenderKey),
            _ => handset.phone.decrypt(&origin.key, &cipher).await?,
        };
        if let Some(room) = room
            && message.sender_key_distribution_message.is_set()
        {
            handset
                .phone
                .accept_sender_key(room, &origin.key, &message)
                .await?;
        }
        if read.is_none() || !matches!(content::read(&message), Content::SenderKeyOnly) {
            read = Some(message);
        }
    }
    Ok(read)
}
