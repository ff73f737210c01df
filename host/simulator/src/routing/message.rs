//! Messages: one stanza in, one stanza out per receiving device.

use std::collections::HashMap;
use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::{ack, deliver};
use crate::address::{Address, Form};
use crate::faults::Fault;
use crate::hub::Hub;
use crate::stanza::{Reading, copy};
use crate::state::State;
use crate::state::account::DeviceRef;

/// How many devices one stanza may address.
const MAX_TARGETS: usize = 5_000;
/// Attributes that pass unchanged.
const PASSED: &[&str] = &["id", "type", "edit", "category", "verified_name"];

/// Delivers a message and returns its ack.
pub(crate) fn route(hub: &Arc<Hub>, state: &mut State, from: DeviceRef, node: &Node) -> Node {
    let refused = state.faults.take(Some(from.account), |fault| match fault {
        Fault::ErrorAcks { code, .. } => Some(*code),
        _ => None,
    });
    if let Some(code) = refused {
        return ack(hub, node, Some(code));
    }
    let outcome = match node.address("to") {
        Some(Address::Group(group)) => to_group(hub, state, from, node, &group),
        Some(Address::Status) => to_status(hub, state, from, node),
        Some(to @ Address::User { .. }) => to_person(hub, state, from, node, &to),
        // Newsletters and bots: accepted, heard by nobody.
        Some(Address::Other) => Ok(()),
        None => Err(479),
    };
    ack(hub, node, outcome.err())
}

fn to_person(
    hub: &Arc<Hub>,
    state: &mut State,
    from: DeviceRef,
    node: &Node,
    to: &Address,
) -> Result<(), u16> {
    let Some((account, form)) = state.resolve_account(to) else {
        return Err(404);
    };
    let encs = encs(node);
    if !encs.is_empty() {
        // To one device alone: a resend, or a message between own devices.
        let at = state.resolve_device(to).ok_or(404u16)?;
        if at != from && state.device(at).is_some() {
            let one = envelope(hub, state, from, node, at, form, account == from.account);
            deliver(hub, state, at, finish(one, encs, node));
        }
        return Ok(());
    }
    let blocked = state.blocks(account, from.account);
    if !blocked {
        state.acquaint(from.account, account);
    }
    for (at, encs) in targets(state, node)? {
        if at == from || state.device(at).is_none() {
            continue;
        }
        let own = at.account == from.account;
        // Who is blocked is not told so: the message is taken, and ends here.
        if !own && (at.account != account || blocked) {
            continue;
        }
        let one = envelope(hub, state, from, node, at, form, own);
        deliver(hub, state, at, finish(one, encs, node));
    }
    Ok(())
}

/// Everything of a 1:1 message but its content.
fn envelope(
    hub: &Hub,
    state: &State,
    from: DeviceRef,
    node: &Node,
    to: DeviceRef,
    form: Form,
    own: bool,
) -> NodeBuilder {
    let mut builder = NodeBuilder::new("message").attr("from", state.jid(from, form));
    builder = copy(builder, node, PASSED)
        .attr("t", hub.now())
        .attr("notify", name(state, from));
    let peer = node.is("category", "peer");
    if own
        && !peer
        && let Some(chat) = node.attrs.get("to")
    {
        // A resend to an own device is addressed to it; its chat is in `recipient`.
        let chat = node.attrs.get("recipient").unwrap_or(chat);
        builder = builder.attr("recipient", chat.clone());
    }
    if to.account != from.account {
        builder = match form {
            Form::Lid => builder
                .attr("addressing_mode", "lid")
                .attr("sender_pn", state.user_jid(from.account, Form::Pn)),
            Form::Pn if state.tells_lids => {
                builder.attr("sender_lid", state.user_jid(from.account, Form::Lid))
            }
            Form::Pn => builder,
        };
    }
    builder
}

fn to_group(
    hub: &Arc<Hub>,
    state: &mut State,
    from: DeviceRef,
    node: &Node,
    jid: &str,
) -> Result<(), u16> {
    let Some(group) = state.groups.get(jid) else {
        return Err(404);
    };
    if group.role(from.account).is_none() {
        return Err(403);
    }
    // Speaking where only admins speak, and taking back what somebody else has said.
    let reserved = group.announcement || node.is("edit", "8");
    if reserved && !group.is_admin(from.account) {
        return Err(403);
    }
    let form = group.form;
    let members: Vec<_> = group.members.iter().map(|(member, _)| *member).collect();
    let mut own = targets(state, node)?;
    let shared = encs(node);
    let retry = node.address("participant");
    let only = retry.and_then(|one| state.resolve_device(&one));
    let devices: Vec<DeviceRef> = members
        .into_iter()
        .flat_map(|member| state.devices_of(member))
        .collect();
    for at in devices {
        if at == from || only.is_some_and(|only| only != at) {
            continue;
        }
        let mut encs = own.remove(&at).unwrap_or_default();
        encs.extend(shared.iter().cloned());
        if encs.is_empty() {
            continue;
        }
        let one = in_room(hub, state, from, node, jid, form);
        deliver(hub, state, at, finish(one, encs, node));
    }
    Ok(())
}

/// A status goes to every device of everybody it names, each with its own ciphertext if there is
/// one, and with the one for all.
fn to_status(hub: &Arc<Hub>, state: &mut State, from: DeviceRef, node: &Node) -> Result<(), u16> {
    let form = match state.tells_lids && node.is("addressing_mode", "lid") {
        true => Form::Lid,
        false => Form::Pn,
    };
    let shared = encs(node);
    let mut own = targets(state, node)?;
    let retry = node.address("participant");
    let mut audience: Vec<DeviceRef> = match retry.and_then(|one| state.resolve_device(&one)) {
        Some(only) => vec![only],
        None => {
            let mut named: Vec<_> = own.keys().map(|at| at.account).collect();
            named.sort_unstable();
            named.dedup();
            let devices = named.into_iter().flat_map(|who| state.devices_of(who));
            devices.collect()
        }
    };
    audience.retain(|at| *at != from && !state.blocks(at.account, from.account));
    for at in audience {
        let mut encs = own.remove(&at).unwrap_or_default();
        encs.extend(shared.iter().cloned());
        if encs.is_empty() {
            continue;
        }
        let one = in_room(hub, state, from, node, "status@broadcast", form);
        deliver(hub, state, at, finish(one, encs, node));
    }
    Ok(())
}

/// Everything of a group message but its content.
fn in_room(
    hub: &Hub,
    state: &State,
    from: DeviceRef,
    node: &Node,
    room: &str,
    form: Form,
) -> NodeBuilder {
    let builder = NodeBuilder::new("message")
        .attr("from", room)
        .attr("participant", state.jid(from, form));
    let builder = copy(builder, node, PASSED)
        .attr("t", hub.now())
        .attr("addressing_mode", form.mode())
        .attr("notify", name(state, from));
    match form {
        Form::Lid => builder.attr("participant_pn", state.user_jid(from.account, Form::Pn)),
        Form::Pn if state.tells_lids => {
            builder.attr("participant_lid", state.user_jid(from.account, Form::Lid))
        }
        Form::Pn => builder,
    }
}

fn name(state: &State, from: DeviceRef) -> String {
    state
        .account(from.account)
        .map(|account| account.name.clone())
        .unwrap_or_default()
}

/// Adds the ciphertexts, and the sender's identity where one opens a session.
fn finish(builder: NodeBuilder, mut encs: Vec<Node>, node: &Node) -> Node {
    let opens = encs.iter().any(|enc| enc.is("type", "pkmsg"));
    for extra in node.all() {
        let passes = match extra.tag.as_ref() {
            "device-identity" => opens,
            "reporting" | "biz" | "bot" | "meta" | "multicast" => true,
            _ => false,
        };
        if passes {
            encs.push(extra.clone());
        }
    }
    builder.children(encs).build()
}

fn encs(node: &Node) -> Vec<Node> {
    node.all()
        .iter()
        .filter(|child| child.tag == "enc")
        .cloned()
        .collect()
}

/// The ciphertexts per addressed device; an error code if there are too many.
fn targets(state: &State, node: &Node) -> Result<HashMap<DeviceRef, Vec<Node>>, u16> {
    let listed = node.child("participants").map_or(&[][..], Reading::all);
    let mut targets = HashMap::with_capacity(listed.len());
    if listed.len() > MAX_TARGETS {
        return Err(479);
    }
    for to in listed {
        let at = to.address("jid").and_then(|jid| state.resolve_device(&jid));
        if let Some(at) = at {
            let own: &mut Vec<Node> = targets.entry(at).or_default();
            own.extend(encs(to));
        }
    }
    Ok(targets)
}
