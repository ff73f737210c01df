//! Prekeys: how many, more, which, and whose.

use sha1_smol::Sha1;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::{Answer, BAD_REQUEST, Request};
use crate::stanza::{Reading, child_array, child_number, error, leaf};
use crate::state::State;
use crate::state::account::{Device, DeviceRef, FEW_PREKEYS, Keys, PhoneWork, SignedKey};

/// How many bundles one request may ask for.
const MAX_BUNDLES: usize = 2_000;
/// How many keys one upload may bring.
const MAX_UPLOAD: usize = 2_000;
/// The key type of every key here.
const KEY_TYPE: [u8; 1] = [5];

pub(super) fn answer(request: &mut Request<'_>) -> Answer {
    let node = request.node;
    if node.is("type", "get") {
        if node.child("count").is_some() {
            return count(request);
        }
        if node.child("digest").is_some() {
            return digest(request);
        }
        if let Some(wanted) = node.child("key") {
            return bundles(request, wanted);
        }
        return Err(BAD_REQUEST);
    }
    if let Some(rotate) = node.child("rotate") {
        let signed = rotate
            .child("skey")
            .and_then(signed_key)
            .ok_or(BAD_REQUEST)?;
        if let Some(device) = request.state.device_mut(request.from) {
            device.keys.signed = signed;
        }
        return Ok(vec![]);
    }
    upload(request)
}

fn count(request: &Request<'_>) -> Answer {
    let left = request
        .state
        .device(request.from)
        .map_or(0, |device| device.keys.prekeys.len());
    Ok(vec![
        NodeBuilder::new("count").attr("value", left).build(),
    ])
}

fn upload(request: &mut Request<'_>) -> Answer {
    let node = request.node;
    let list = node.child("list").ok_or(BAD_REQUEST)?;
    if list.all().len() > MAX_UPLOAD {
        return Err(BAD_REQUEST);
    }
    let identity: [u8; 32] = child_array(node, "identity").ok_or(BAD_REQUEST)?;
    let signed = node.child("skey").and_then(signed_key).ok_or(BAD_REQUEST)?;
    let registration = child_number(node, "registration").ok_or(BAD_REQUEST)?;
    let device = request.state.device_mut(request.from).ok_or(BAD_REQUEST)?;
    if device.keys.identity != identity {
        device.keys.prekeys.clear();
    }
    device.keys.identity = identity;
    device.keys.registration = registration;
    device.keys.signed = signed;
    device.asked_for_prekeys = false;
    for key in list.all() {
        let (Some(id), Some(value)) = (child_number(key, "id"), child_array(key, "value")) else {
            return Err(BAD_REQUEST);
        };
        device.keys.add(id, value);
    }
    request.hub.touch();
    Ok(vec![])
}

fn signed_key(node: &Node) -> Option<SignedKey> {
    Some(SignedKey {
        id: child_number(node, "id")?,
        key: child_array(node, "value")?,
        signature: child_array(node, "signature")?,
    })
}

fn digest(request: &Request<'_>) -> Answer {
    let keys = &request
        .state
        .device(request.from)
        .ok_or(BAD_REQUEST)?
        .keys;
    let mut hash = Sha1::new();
    hash.update(&keys.identity);
    hash.update(&keys.signed.key);
    hash.update(&keys.signed.signature);
    for (_, key) in &keys.prekeys {
        hash.update(key);
    }
    let listed = keys.prekeys.iter().map(|(id, _)| leaf("id", id24(*id)));
    Ok(vec![
        NodeBuilder::new("digest")
            .children([
                leaf("registration", keys.registration.to_be_bytes()),
                leaf("type", KEY_TYPE),
                leaf("identity", keys.identity),
                signed_node(&keys.signed),
                NodeBuilder::new("list").children(listed).build(),
                leaf("hash", hash.digest().bytes()),
            ])
            .build(),
    ])
}

fn bundles(request: &mut Request<'_>, wanted: &Node) -> Answer {
    if wanted.all().len() > MAX_BUNDLES {
        return Err(BAD_REQUEST);
    }
    let mut users = Vec::with_capacity(wanted.all().len());
    for user in wanted.all() {
        let Some(jid) = user.attrs.get("jid") else {
            continue;
        };
        let builder = NodeBuilder::new("user").attr("jid", jid.clone());
        let at = user
            .address("jid")
            .and_then(|one| request.state.resolve_device(&one));
        let bundle = at.and_then(|at| request.state.take_bundle(request.hub, at));
        users.push(match bundle {
            Some(children) => builder.attr("type", "result").children(children).build(),
            None => builder.children([error(404, "item-not-found")]).build(),
        });
    }
    Ok(vec![NodeBuilder::new("list").children(users).build()])
}

impl State {
    /// Takes one prekey off a device and returns what a peer needs to open a session.
    fn take_bundle(
        &mut self,
        hub: &std::sync::Arc<crate::hub::Hub>,
        at: DeviceRef,
    ) -> Option<Vec<Node>> {
        let (keys, prekey) = self.take_keys(hub, at)?;
        let device = self.device(at)?;
        let mut children = vec![
            leaf("registration", keys.registration.to_be_bytes()),
            leaf("type", KEY_TYPE),
            leaf("identity", keys.identity),
            signed_node(&keys.signed),
        ];
        if let Some((id, key)) = prekey {
            children.push(
                NodeBuilder::new("key")
                    .children([leaf("id", id24(id)), leaf("value", key)])
                    .build(),
            );
        }
        if !device.identity.is_empty() {
            children.push(leaf("device-identity", device.identity.clone()));
        }
        Some(children)
    }

    /// The public keys of a device and one prekey, if there is one left. A device that runs low
    /// is asked for more.
    pub(crate) fn take_keys(
        &mut self,
        hub: &std::sync::Arc<crate::hub::Hub>,
        at: DeviceRef,
    ) -> Option<(PublicKeys, Option<(u32, [u8; 32])>)> {
        let device = self.device_mut(at)?;
        let prekey = device.keys.prekeys.pop_front();
        let left = device.keys.prekeys.len();
        let ask = left < FEW_PREKEYS && !device.asked_for_prekeys;
        device.asked_for_prekeys |= ask;
        let keys = PublicKeys::of(device);
        if ask && at.device == 0 {
            self.phone_work(at.account, PhoneWork::Refill);
        } else if ask {
            let node = NodeBuilder::new("notification")
                .attr("from", crate::stanza::SERVER)
                .attr("type", "encrypt")
                .attr("id", self.server_id())
                .attr("t", hub.now())
                .children([NodeBuilder::new("count").attr("value", left).build()])
                .build();
            hub.deliver(self, at, node);
        }
        Some((keys, prekey))
    }
}

/// The keys of a device that do not run out.
pub(crate) struct PublicKeys {
    pub(crate) registration: u32,
    pub(crate) identity: [u8; 32],
    pub(crate) signed: SignedKey,
}

impl PublicKeys {
    fn of(device: &Device) -> Self {
        let Keys {
            registration,
            identity,
            signed,
            ..
        } = &device.keys;
        Self {
            registration: *registration,
            identity: *identity,
            signed: signed.clone(),
        }
    }
}

fn signed_node(signed: &SignedKey) -> Node {
    NodeBuilder::new("skey")
        .children([
            leaf("id", id24(signed.id)),
            leaf("value", signed.key),
            leaf("signature", signed.signature),
        ])
        .build()
}

/// Key ids are three bytes on the wire.
fn id24(id: u32) -> Vec<u8> {
    let [_, bytes @ ..] = id.to_be_bytes();
    bytes.to_vec()
}
