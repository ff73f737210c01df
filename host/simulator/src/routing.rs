//! From one device to others: the way of every stanza.
//!
//! A client's stanza and a simulated phone's take the same way. [`received`] is the door for
//! sockets, [`submit`] the common path behind it. The server fans out and never decrypts.
//!
//! Invariant: from one sending device to one receiving device, order is kept unless a fault says
//! otherwise.

pub(crate) mod message;
pub(crate) mod presence;
pub(crate) mod receipt;

use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::faults::{AckFate, Fault, flip_a_bit};
use crate::hub::Hub;
use crate::stanza::{Reading, copy, maybe};
use crate::state::State;
use crate::state::account::DeviceRef;
use crate::state::connection::ConnectionId;
use crate::state::journal::Direction;
use crate::{iq, pairing};

/// Handles one stanza of a client.
pub(crate) fn received(hub: &Arc<Hub>, id: ConnectionId, node: Node) {
    let mut state = hub.lock();
    let state = &mut *state;
    let Some(connection) = state.connections.get(&id) else {
        return;
    };
    let who = connection.who;
    state
        .journal
        .push(Direction::In, who.map(|who| who.device), &node);
    if node.tag == "iq" {
        match node.attr("type").as_deref() {
            Some("get" | "set") => iq::handle(hub, state, id, who, &node),
            _ => pairing::answered(state, id, &node),
        }
        return;
    }
    let Some(who) = who else {
        return;
    };
    if node.tag == "ack" {
        let class = node.attr("class").unwrap_or_default();
        let stanza = node.attr("id").unwrap_or_default();
        let from = node.attr("to");
        state.acknowledge(who, &class, &stanza, from.as_deref());
        return;
    }
    let breaks = |fault: &Fault| matches!(fault, Fault::BreakUnderMessage { .. }).then_some(());
    if node.tag == "message" && state.faults.take(Some(who.account), breaks).is_some() {
        state.close(id);
        return;
    }
    let Some(ack) = submit(hub, state, who, &node) else {
        return;
    };
    if node.tag != "message" {
        state.send(id, Arc::new(ack));
        return;
    }
    match state.ack_fate(who.account) {
        AckFate::Normal => state.send(id, Arc::new(ack)),
        AckFate::Lost => {}
        AckFate::Late(after) => hub.later(state, after, move |_, state| {
            state.send(id, Arc::new(ack));
        }),
    }
}

/// Routes a stanza of a device. Returns the server's ack, if the stanza gets one.
pub(crate) fn submit(
    hub: &Arc<Hub>,
    state: &mut State,
    from: DeviceRef,
    node: &Node,
) -> Option<Node> {
    match node.tag.as_ref() {
        "message" => Some(message::route(hub, state, from, node)),
        "receipt" => Some(receipt::route(hub, state, from, node)),
        "call" => Some(call(hub, state, from, node)),
        "presence" => {
            presence::changed(hub, state, from, node);
            None
        }
        "chatstate" => {
            presence::chat_state(state, from, node);
            None
        }
        // Session telemetry and batch requests need no answer.
        "ib" => None,
        other => {
            tracing::debug!(tag = other, "A stanza of a kind nobody routes");
            None
        }
    }
}

/// The ack of a stanza, as the server gives it.
pub(crate) fn ack(hub: &Hub, node: &Node, error: Option<u16>) -> Node {
    let mut builder = NodeBuilder::new("ack")
        .attr("class", node.tag.to_string())
        .attr("t", hub.now());
    if let Some(to) = node.attrs.get("to") {
        builder = builder.attr("from", to.clone());
    }
    let copied: &[&'static str] = if node.tag == "receipt" {
        &["id", "participant", "type"]
    } else {
        &["id", "participant"]
    };
    builder = copy(builder, node, copied);
    if let Some(code) = error {
        builder = builder.attr("error", code);
    }
    builder.build()
}

/// Delivers a message, unless a fault of the receiving account has something to add.
pub(crate) fn deliver(hub: &Arc<Hub>, state: &mut State, to: DeviceRef, mut node: Node) {
    if !state.meets_trouble(to) {
        hub.deliver(state, to, node);
        return;
    }
    let account = Some(to.account);
    let corrupt = |fault: &Fault| matches!(fault, Fault::Corrupt { .. }).then_some(());
    if state.faults.take(account, corrupt).is_some() {
        flip_a_bit(&mut node);
    }
    let late = state.faults.take(account, |fault| match fault {
        Fault::DelayDelivery { ms, .. } => Some(std::time::Duration::from_millis(*ms)),
        _ => None,
    });
    if let Some(after) = late {
        hub.later(state, after, move |hub, state| {
            hub.deliver(state, to, node);
        });
        return;
    }
    let twice = |fault: &Fault| matches!(fault, Fault::DeliverTwice { .. }).then_some(());
    if state.faults.take(account, twice).is_some() {
        hub.deliver(state, to, node.clone());
    }
    let held = state.device_mut(to).and_then(|device| device.held.take());
    let reorder = |fault: &Fault| matches!(fault, Fault::Reorder { .. }).then_some(());
    if held.is_none() && state.faults.take(account, reorder).is_some() {
        hold(hub, state, to, node);
        return;
    }
    hub.deliver(state, to, node);
    if let Some(held) = held {
        hub.enqueue(state, to, held);
        state.pump(to);
    }
}

/// Keeps a message back until the next one has overtaken it, but not for ever.
fn hold(hub: &Arc<Hub>, state: &mut State, to: DeviceRef, node: Node) {
    if let Some(device) = state.device_mut(to) {
        device.held = Some(Arc::new(node));
    }
    hub.later(
        state,
        std::time::Duration::from_secs(2),
        move |hub, state| {
            if let Some(held) = state.device_mut(to).and_then(|device| device.held.take()) {
                hub.enqueue(state, to, held);
                state.pump(to);
            }
        },
    );
}

/// A call goes to every device of the callee, and what is done about it to the one who called.
fn call(hub: &Arc<Hub>, state: &mut State, from: DeviceRef, node: &Node) -> Node {
    let Some(to) = node.address("to") else {
        return ack(hub, node, Some(479));
    };
    let Some((callee, form)) = state.resolve_account(&to) else {
        return ack(hub, node, Some(404));
    };
    // Who is blocked is not told so: it rings, and nobody answers.
    if state.blocks(callee, from.account) {
        return ack(hub, node, None);
    }
    let name = state.account(from.account).map(|one| one.name.clone());
    for to in state.devices_of(callee) {
        if to == from {
            continue;
        }
        let builder = NodeBuilder::new("call")
            .attr("from", state.jid(from, form))
            .attr("t", hub.now());
        let builder = maybe(builder, "notify", name.clone());
        let builder = copy(builder, node, &["id"]).apply_content(node.content.clone());
        hub.deliver(state, to, builder.build());
    }
    ack(hub, node, None)
}
