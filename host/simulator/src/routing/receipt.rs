//! Receipts: delivered, read, played, and requests to send again.

use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::ack;
use crate::address::{Address, Form};
use crate::hub::Hub;
use crate::stanza::{Reading, copy};
use crate::state::State;
use crate::state::account::DeviceRef;

/// Relays a receipt to whoever wrote the message, and returns its ack.
pub(crate) fn route(hub: &Arc<Hub>, state: &mut State, from: DeviceRef, node: &Node) -> Node {
    let kind = node.attr("type").filter(|kind| kind != "delivery");
    settle(state, from, node, kind.as_deref());
    match node.address("to") {
        Some(Address::Group(room)) => in_group(hub, state, from, node, &room, kind.as_deref()),
        Some(Address::Status) => {
            in_group(hub, state, from, node, "status@broadcast", kind.as_deref());
        }
        Some(to @ Address::User { .. }) => {
            to_person(hub, state, from, node, &to, kind.as_deref());
        }
        _ => {}
    }
    ack(hub, node, None)
}

/// A device that says it has a message need not be sent it again: clients answer a message they
/// could read with a receipt and nothing else.
fn settle(state: &mut State, from: DeviceRef, node: &Node, kind: Option<&str>) {
    if !matches!(
        kind,
        None | Some("inactive" | "sender" | "peer_msg" | "hist_sync")
    ) {
        return;
    }
    let chat = node.attr("to");
    let items = node.child("list").map(Reading::all).unwrap_or_default();
    let more = items.iter().filter_map(|item| item.attr("id"));
    for id in node.attr("id").into_iter().chain(more) {
        state.acknowledge(from, "message", &id, chat.as_deref());
    }
}

fn to_person(
    hub: &Arc<Hub>,
    state: &mut State,
    from: DeviceRef,
    node: &Node,
    to: &Address,
    kind: Option<&str>,
) {
    let Some((account, form)) = state.resolve_account(to) else {
        return;
    };
    // What concerns one device's ciphertext goes to that device; the rest to the whole account.
    let targets = match kind {
        // A companion that lacks a body asks its own phone, whatever device it names.
        Some("server-error") => vec![DeviceRef { account, device: 0 }],
        Some("retry" | "peer_msg") => state.resolve_device(to).into_iter().collect(),
        Some("read-self" | "played-self") => Vec::new(),
        _ if state.blocks(account, from.account) => Vec::new(),
        _ => state.devices_of(account),
    };
    to_own(hub, state, from, node, kind);
    for at in targets {
        if at == from {
            continue;
        }
        let builder = NodeBuilder::new("receipt").attr("from", state.jid(from, form));
        let one = finish(hub, builder, node, kind, &["participant", "recipient"]);
        hub.deliver(state, at, one);
    }
}

fn in_group(
    hub: &Arc<Hub>,
    state: &mut State,
    from: DeviceRef,
    node: &Node,
    room: &str,
    kind: Option<&str>,
) {
    let form = state.groups.get(room).map_or(Form::Pn, |group| group.form);
    let Some(author) = node.address("participant") else {
        return;
    };
    let Some((account, _)) = state.resolve_account(&author) else {
        return;
    };
    to_own(hub, state, from, node, kind);
    let targets = match kind {
        Some("retry") => state.resolve_device(&author).into_iter().collect(),
        Some("read-self" | "played-self") => Vec::new(),
        _ => state.devices_of(account),
    };
    for at in targets {
        if at == from {
            continue;
        }
        let builder = NodeBuilder::new("receipt")
            .attr("from", room)
            .attr("participant", state.jid(from, form));
        let one = finish(hub, builder, node, kind, &[]);
        hub.deliver(state, at, one);
    }
}

/// What one device has read or played its siblings need not show as new any more.
fn to_own(hub: &Arc<Hub>, state: &mut State, from: DeviceRef, node: &Node, kind: Option<&str>) {
    let kind = match kind {
        Some("read" | "read-self") => "read-self",
        Some("played" | "played-self") => "played-self",
        _ => return,
    };
    for at in state.devices_of(from.account) {
        if at == from {
            continue;
        }
        let mut builder = NodeBuilder::new("receipt").attr("from", state.jid(from, Form::Pn));
        if let Some(chat) = node.attrs.get("to") {
            builder = builder.attr("recipient", chat.clone());
        }
        let one = finish(hub, builder, node, Some(kind), &["participant"]);
        hub.deliver(state, at, one);
    }
}

fn finish(
    hub: &Hub,
    builder: NodeBuilder,
    node: &Node,
    kind: Option<&str>,
    passed: &[&'static str],
) -> Node {
    let mut builder = copy(builder, node, &["id"]).attr("t", hub.now());
    builder = copy(builder, node, passed);
    if let Some(kind) = kind {
        builder = builder.attr("type", kind);
    }
    builder.apply_content(node.content.clone()).build()
}
