//! Prekeys: how many, more, which, and whose.

use std::sync::Arc;

use sha1_smol::Sha1;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::{Answer, BAD_REQUEST, Request};
use crate::hub::Hub;
use crate::phone::PublicBundle;
use crate::stanza::{Reading, SERVER, child_array, child_number, error, id24, leaf};
use crate::state::State;
use crate::state::account::{DeviceRef, FEW_PREKEYS, PhoneWork, SignedKey};

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
    Ok(vec![NodeBuilder::new("count").attr("value", left).build()])
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
    let keys = &request.state.device(request.from).ok_or(BAD_REQUEST)?.keys;
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
        let bundle = at.and_then(|at| {
            let bundle = request.state.take_bundle(request.hub, at)?;
            let device = request.state.device(at)?;
            Some(bundle_node(&bundle, &device.identity))
        });
        users.push(match bundle {
            Some(children) => builder.attr("type", "result").children(children).build(),
            None => builder.children([error(404, "item-not-found")]).build(),
        });
    }
    Ok(vec![NodeBuilder::new("list").children(users).build()])
}

/// A bundle as it stands in an answer.
fn bundle_node(bundle: &PublicBundle, identity: &[u8]) -> Vec<Node> {
    let signed = SignedKey {
        id: bundle.signed_prekey_id,
        key: bundle.signed_prekey,
        signature: bundle.signed_prekey_signature,
    };
    let mut children = vec![
        leaf("registration", bundle.registration_id.to_be_bytes()),
        leaf("type", KEY_TYPE),
        leaf("identity", bundle.identity),
        signed_node(&signed),
    ];
    if let Some((id, key)) = bundle.prekey {
        children.push(
            NodeBuilder::new("key")
                .children([leaf("id", id24(id)), leaf("value", key)])
                .build(),
        );
    }
    if !identity.is_empty() {
        children.push(leaf("device-identity", identity));
    }
    children
}

impl State {
    /// Takes one prekey off a device, with the keys that go with it. A device that runs low is
    /// asked for more.
    pub(crate) fn take_bundle(&mut self, hub: &Arc<Hub>, at: DeviceRef) -> Option<PublicBundle> {
        let device = self.device_mut(at)?;
        let prekey = device.keys.prekeys.pop_front();
        let left = device.keys.prekeys.len();
        let ask = left < FEW_PREKEYS && !device.asked_for_prekeys;
        device.asked_for_prekeys |= ask;
        let bundle = PublicBundle {
            registration_id: device.keys.registration,
            identity: device.keys.identity,
            signed_prekey_id: device.keys.signed.id,
            signed_prekey: device.keys.signed.key,
            signed_prekey_signature: device.keys.signed.signature,
            prekey,
        };
        if ask && at.device == 0 {
            self.phone_work(at.account, PhoneWork::Refill);
        } else if ask {
            let node = NodeBuilder::new("notification")
                .attr("from", SERVER)
                .attr("type", "encrypt")
                .attr("id", self.server_id())
                .attr("t", hub.now())
                .children([NodeBuilder::new("count").attr("value", left).build()])
                .build();
            hub.deliver(self, at, node);
        }
        Some(bundle)
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
