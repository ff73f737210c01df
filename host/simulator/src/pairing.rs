//! Linking a companion: references on show, the phone's signature, the client's answer.
//!
//! The server only carries: it shows references, passes the phone's signed identity to the client
//! and checks the client's signature in return. Both ways to link, QR and pair code, end in
//! [`succeed`].
//!
//! Invariant: a device exists only after its own signature over the phone's has been verified.

use std::sync::Arc;

use rand::Rng;
use tokio::sync::oneshot;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use wacore_libsignal::protocol::PublicKey;
use waproto::buffa::Message as _;
use waproto::whatsapp::DeviceProps;
use waproto::whatsapp::client_payload::DevicePairingRegistrationData;
use waproto::whatsapp::device_props::PlatformType;

use crate::address::{Address, Form};
use crate::faults::stream_error;
use crate::hub::Hub;
use crate::person::PersonError;
use crate::stanza::{Reading, child_array, child_bytes, leaf, refusal, request, result};
use crate::state::State;
use crate::state::account::{AccountId, DEVICE_LIMIT, Device, DeviceRef, Keys, Looks, SignedKey};
use crate::state::connection::ConnectionId;
use crate::state::pairing::{Answer, Bundle, CODE_SECONDS, CodeRequest, MAX_CODES, Pairing, Stage};

/// How many QR references a connection is given.
const REFS: usize = 6;
/// How long the name a client gives itself may be, in characters.
const MAX_NAME: usize = 100;
/// The key type written before every public key.
const KEY_TYPE: u8 = 5;

/// Takes what an unregistered client says about itself and shows it references.
pub(crate) fn begin(
    hub: &Arc<Hub>,
    state: &mut State,
    id: ConnectionId,
    noise: [u8; 32],
    data: &DevicePairingRegistrationData,
) {
    let (Some(keys), Some(looks)) = (registration(data), Looks::read(data)) else {
        tracing::debug!("A client's registration data does not verify");
        state.finish(id, stream_error(400, None));
        return;
    };
    let refs: Vec<String> = (0..REFS)
        .map(|_| {
            let mut bytes = [0u8; 24];
            state.rng.fill_bytes(&mut bytes);
            format!("2@{}", data_encoding::BASE64URL_NOPAD.encode(&bytes))
        })
        .collect();
    let shown = NodeBuilder::new("pair-device")
        .children(refs.iter().map(|text| leaf("ref", text.as_bytes())))
        .build();
    state.pairings.insert(
        id,
        Pairing {
            noise,
            keys,
            looks,
            refs,
            stage: Stage::Shown,
            passkey: None,
        },
    );
    let request_id = state.server_id();
    state.send(id, Arc::new(request(&request_id, "md", shown)));
    hub.touch();
}

fn registration(data: &DevicePairingRegistrationData) -> Option<Keys> {
    let identity: [u8; 32] = array(&data.e_ident)?;
    let key: [u8; 32] = array(&data.e_skey_val)?;
    let signature: [u8; 64] = array(&data.e_skey_sig)?;
    let mut signed = vec![KEY_TYPE];
    signed.extend_from_slice(&key);
    let signer = PublicKey::from_djb_public_key_bytes(&identity).ok()?;
    signer.verify_signature(&signed, &signature).then(|| Keys {
        registration: number(&data.e_regid),
        identity,
        signed: SignedKey {
            id: number(&data.e_skey_id),
            key,
            signature,
        },
        ..Keys::default()
    })
}

fn array<const N: usize>(bytes: &Option<Vec<u8>>) -> Option<[u8; N]> {
    bytes.as_deref()?.try_into().ok()
}

fn number(bytes: &Option<Vec<u8>>) -> u32 {
    bytes
        .iter()
        .flatten()
        .take(4)
        .fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

/// What a phone needs to know of the client behind a reference.
pub(crate) struct Candidate {
    pub(crate) connection: ConnectionId,
    pub(crate) noise: [u8; 32],
    pub(crate) identity: [u8; 32],
}

/// Finds the client that shows a reference.
pub(crate) fn by_reference(state: &State, reference: &str) -> Option<Candidate> {
    state.pairings.iter().find_map(|(id, pairing)| {
        let shown = matches!(pairing.stage, Stage::Shown)
            && pairing.refs.iter().any(|one| one == reference);
        shown.then_some(Candidate {
            connection: *id,
            noise: pairing.noise,
            identity: pairing.keys.identity,
        })
    })
}

/// The client behind a connection, if it is still to be linked.
pub(crate) fn by_connection(state: &State, id: ConnectionId) -> Option<Candidate> {
    let pairing = state.pairings.get(&id)?;
    matches!(pairing.stage, Stage::Shown).then_some(Candidate {
        connection: id,
        noise: pairing.noise,
        identity: pairing.keys.identity,
    })
}

/// Passes the phone's signature to the client. The answer comes through the channel.
pub(crate) fn succeed(
    hub: &Arc<Hub>,
    state: &mut State,
    id: ConnectionId,
    at: DeviceRef,
    identity: Vec<u8>,
) -> Result<oneshot::Receiver<Answer>, PersonError> {
    let name = state
        .account(at.account)
        .map(|account| account.name.clone())
        .unwrap_or_default();
    let success = NodeBuilder::new("pair-success")
        .children([
            leaf("device-identity", identity),
            NodeBuilder::new("biz").attr("name", name).build(),
            NodeBuilder::new("platform").attr("name", "android").build(),
            NodeBuilder::new("device")
                .attr("jid", state.jid(at, Form::Pn))
                .attr("lid", state.jid(at, Form::Lid))
                .build(),
        ])
        .build();
    let request_id = state.server_id();
    let (done, answer) = oneshot::channel();
    let pairing = state.pairings.get_mut(&id).ok_or(PersonError::CodeGone)?;
    pairing.stage = Stage::Signed {
        request: request_id.clone(),
        done,
    };
    let mut node = request(&request_id, "md", success);
    node.attrs.insert("t", hub.now());
    state.send(id, Arc::new(node));
    Ok(answer)
}

impl Looks {
    /// As a client describes itself; nothing when that cannot be read.
    fn read(data: &DevicePairingRegistrationData) -> Option<Self> {
        let props = data.device_props.as_deref().unwrap_or_default();
        let props = DeviceProps::decode_from_slice(props).ok()?;
        let name = props.os.unwrap_or_default();
        let platform = props.platform_type.unwrap_or(PlatformType::UNKNOWN);
        Some(Self {
            name: name.chars().take(MAX_NAME).collect(),
            platform: format!("{platform:?}").to_lowercase(),
        })
    }
}

/// Whether an account's phone would link another companion.
pub(crate) fn has_room(state: &State, account: AccountId) -> Result<(), PersonError> {
    let room = state.account(account).is_some_and(|account| {
        account.companions().len() < account.most_companions && account.next_device < DEVICE_LIMIT
    });
    room.then_some(()).ok_or(PersonError::TooManyDevices)
}

/// Reserves the next device id of an account.
pub(crate) fn next_device(state: &mut State, account: AccountId) -> Result<u16, PersonError> {
    has_room(state, account)?;
    let account = state
        .account_mut(account)
        .ok_or(PersonError::TooManyDevices)?;
    let device = account.next_device;
    account.next_device += 1;
    Ok(device)
}

/// An IQ answer of an unregistered client: to its references, or to the phone's signature.
pub(crate) fn answered(state: &mut State, id: ConnectionId, node: &Node) {
    let Some(pairing) = state.pairings.get_mut(&id) else {
        return;
    };
    let awaited = matches!(&pairing.stage, Stage::Signed { request, .. } if node.is("id", request));
    if !awaited {
        return;
    }
    let Stage::Signed { done, .. } = std::mem::replace(&mut pairing.stage, Stage::Done) else {
        return;
    };
    let completed = node
        .child("pair-device-sign")
        .and_then(|sign| child_bytes(sign, "device-identity"))
        .filter(|_| node.is("type", "result"));
    let answer = match completed {
        None => Answer::Declined,
        Some(completed) => Answer::Signed {
            completed: completed.to_vec(),
            keys: Box::new(pairing.keys.clone()),
            looks: pairing.looks.clone(),
            noise: pairing.noise,
        },
    };
    if done.send(answer).is_err() {
        // The person has walked away from the phone.
        state.close(id);
    }
}

/// Adds a companion whose signature the phone has verified, tells everybody, and has the client
/// come back to log in.
pub(crate) fn link(
    hub: &Arc<Hub>,
    state: &mut State,
    id: ConnectionId,
    at: DeviceRef,
    linked: Linked,
) {
    let now = hub.now();
    let Some(account) = state.account_mut(at.account) else {
        return;
    };
    let mut device = Device::new(at.device, linked.keys);
    device.noise = Some(linked.noise);
    device.identity = linked.identity;
    device.looks = linked.looks;
    account.devices.push(device);
    account.key_index = (now, linked.key_index_list.clone());
    let added = NodeBuilder::new("add").children([
        NodeBuilder::new("device")
            .attr("jid", state.jid(at, Form::Pn))
            .attr("key-index", at.device)
            .build(),
        NodeBuilder::new("key-index-list")
            .attr("ts", now)
            .bytes(linked.key_index_list)
            .build(),
    ]);
    hub.announce(state, at.account, "devices", &added.build());
    state.finish(id, stream_error(515, None));
    hub.touch();
}

/// What a verified companion leaves with the server.
pub(crate) struct Linked {
    pub(crate) keys: Keys,
    pub(crate) looks: Looks,
    pub(crate) noise: [u8; 32],
    /// The signed identity, as others are to see it.
    pub(crate) identity: Vec<u8>,
    /// The account's devices, signed again with the new one among them.
    pub(crate) key_index_list: Vec<u8>,
}

/// The IQs of linking by code. They come from unregistered clients.
pub(crate) fn code_request(
    hub: &Arc<Hub>,
    state: &mut State,
    id: ConnectionId,
    node: &Node,
) -> Node {
    let Some(body) = node.child("link_code_companion_reg") else {
        return refusal(node, 400, "bad-request");
    };
    match body.attr("stage").as_deref() {
        Some("companion_hello") => hello(hub, state, id, node, body),
        Some("companion_finish") => finish(state, id, node, body),
        _ => refusal(node, 400, "bad-request"),
    }
}

fn hello(hub: &Arc<Hub>, state: &mut State, id: ConnectionId, node: &Node, body: &Node) -> Node {
    let wrapped = child_bytes(body, "link_code_pairing_wrapped_companion_ephemeral_pub");
    let (Some(Address::User { user, .. }), Some(wrapped)) = (body.address("jid"), wrapped) else {
        return refusal(node, 400, "bad-request");
    };
    let now = hub.now();
    state
        .codes
        .retain(|_, code| code.asked + CODE_SECONDS > now);
    if state.codes.len() >= MAX_CODES {
        return refusal(node, 429, "rate-overlimit");
    }
    let mut reference = vec![0u8; 32];
    state.rng.fill_bytes(&mut reference);
    state.codes.insert(
        user,
        CodeRequest {
            connection: id,
            reference: reference.clone(),
            wrapped: wrapped.to_vec(),
            asked: now,
            typed: None,
        },
    );
    hub.touch();
    let answer = NodeBuilder::new("link_code_companion_reg")
        .attr("stage", "companion_hello")
        .children([leaf("link_code_pairing_ref", reference)])
        .build();
    result(node, vec![answer])
}

fn finish(state: &mut State, id: ConnectionId, node: &Node, body: &Node) -> Node {
    let wrapped = child_bytes(body, "link_code_pairing_wrapped_key_bundle");
    let identity = child_array::<32>(body, "companion_identity_public");
    let (Some(wrapped), Some(identity)) = (wrapped, identity) else {
        return refusal(node, 400, "bad-request");
    };
    let waiting = state
        .codes
        .values_mut()
        .find(|code| code.connection == id)
        .and_then(|code| code.typed.take());
    let Some(waiting) = waiting else {
        return refusal(node, 404, "item-not-found");
    };
    let bundle = Bundle {
        wrapped: wrapped.to_vec(),
        identity,
    };
    match waiting.send(bundle) {
        Ok(()) => result(node, vec![]),
        Err(_) => refusal(node, 404, "item-not-found"),
    }
}

/// Tells the client that its code was typed on the phone.
pub(crate) fn primary_hello(
    hub: &Arc<Hub>,
    state: &mut State,
    code: &str,
    wrapped: Vec<u8>,
    identity: [u8; 32],
) -> Option<(ConnectionId, oneshot::Receiver<Bundle>)> {
    let (typed, bundle) = oneshot::channel();
    let request = state.codes.get_mut(code)?;
    request.typed = Some(typed);
    let connection = request.connection;
    let body = NodeBuilder::new("link_code_companion_reg")
        .attr("stage", "primary_hello")
        .children([
            leaf("link_code_pairing_ref", request.reference.clone()),
            leaf("link_code_pairing_wrapped_primary_ephemeral_pub", wrapped),
            leaf("primary_identity_pub", identity),
        ])
        .build();
    let node = NodeBuilder::new("notification")
        .attr("from", crate::stanza::SERVER)
        .attr("type", "link_code_companion_reg")
        .attr("id", state.server_id())
        .attr("t", hub.now())
        .children([body])
        .build();
    state.send(connection, Arc::new(node));
    Some((connection, bundle))
}

/// The answer to any other IQ of a client that is not registered.
pub(crate) fn early(node: &Node) -> Node {
    match node.attr("xmlns").as_deref() {
        Some("w:p" | "urn:xmpp:ping") => result(node, vec![]),
        _ => refusal(node, 401, "not-authorized"),
    }
}
