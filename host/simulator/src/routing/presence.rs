//! Who is online and who is typing. None of it is queued.

use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::address::{Address, Form};
use crate::hub::Hub;
use crate::stanza::{Reading, copy};
use crate::state::State;
use crate::state::account::{AccountId, DeviceRef};

/// How long a push name may be.
const MAX_NAME: usize = 100;

/// A device comes, goes, or wants to know about somebody.
pub(crate) fn changed(hub: &Arc<Hub>, state: &mut State, from: DeviceRef, node: &Node) {
    match node.attr("type").as_deref() {
        Some("subscribe") => subscribe(hub, state, from, node),
        Some("unsubscribe") => {
            let target = node.address("to").and_then(|to| state.resolve_account(&to));
            if let Some((account, _)) = target
                && let Some(found) = state.account_mut(account)
            {
                found.subscribers.remove(&from.account);
            }
        }
        kind => {
            let available = kind != Some("unavailable");
            let name = node
                .attr("name")
                .filter(|name| !name.is_empty() && name.chars().count() <= MAX_NAME);
            if let Some(account) = state.account_mut(from.account)
                && let Some(name) = name
            {
                account.name = name;
            }
            // A name alone says nothing about coming or going.
            if kind.is_some() || node.attr("name").is_none() {
                set(hub, state, from, available);
            }
        }
    }
}

/// Notes whether a device is available, and tells those who want to know.
pub(crate) fn set(hub: &Arc<Hub>, state: &mut State, at: DeviceRef, available: bool) {
    let before = state.account(at.account).is_some_and(|one| one.available());
    if let Some(device) = state.device_mut(at) {
        device.available = available;
    }
    let after = state.account(at.account).is_some_and(|one| one.available());
    if before != after {
        tell(hub, state, at.account);
    }
}

/// A connection of the account has ended.
pub(crate) fn gone(hub: &Arc<Hub>, state: &mut State, account: AccountId) {
    if state.account(account).is_some_and(|one| !one.available()) {
        tell(hub, state, account);
    }
}

fn subscribe(hub: &Arc<Hub>, state: &mut State, from: DeviceRef, node: &Node) {
    let target = node.address("to").and_then(|to| state.resolve_account(&to));
    let Some((account, form)) = target else {
        return;
    };
    if state.blocks(account, from.account) {
        return;
    }
    if let Some(found) = state.account_mut(account) {
        found.subscribers.insert(from.account, form);
    }
    let now = presence(hub, state, account, form);
    state.hand_over(from, Arc::new(now));
}

fn tell(hub: &Arc<Hub>, state: &mut State, account: AccountId) {
    let now = hub.now();
    let Some(found) = state.account_mut(account) else {
        return;
    };
    found.last_seen = now;
    let subscribers: Vec<(AccountId, Form)> = found
        .subscribers
        .iter()
        .filter(|(who, _)| !found.blocked.contains(who))
        .map(|(who, form)| (*who, *form))
        .collect();
    for (who, form) in subscribers {
        let node = Arc::new(presence(hub, state, account, form));
        for to in state.devices_of(who) {
            let active = state.device(to).is_some_and(|device| device.active);
            if active {
                state.hand_over(to, Arc::clone(&node));
            }
        }
    }
}

fn presence(hub: &Hub, state: &State, account: AccountId, form: Form) -> Node {
    let builder = NodeBuilder::new("presence").attr("from", state.user_jid(account, form));
    match state.account(account) {
        Some(found) if !found.available() => {
            let builder = builder.attr("type", "unavailable");
            match found.privacy.get("last").map(String::as_str) {
                Some("none") => builder.attr("last", "deny").build(),
                _ => builder.attr("last", found.last_seen.min(hub.now())).build(),
            }
        }
        _ => builder.build(),
    }
}

/// Relays typing to the active devices of a person or of a group's members.
pub(crate) fn chat_state(state: &mut State, from: DeviceRef, node: &Node) {
    let mut builder = NodeBuilder::new("chatstate");
    let targets: Vec<AccountId> = match node.address("to") {
        Some(Address::Group(room)) => {
            let Some(group) = state.groups.get(&room) else {
                return;
            };
            if group.role(from.account).is_none() {
                return;
            }
            let form = group.form;
            builder = builder
                .attr("from", room.as_str())
                .attr("participant", state.user_jid(from.account, form));
            group.members.iter().map(|(member, _)| *member).collect()
        }
        Some(to) => {
            let Some((account, form)) = state.resolve_account(&to) else {
                return;
            };
            builder = builder.attr("from", state.user_jid(from.account, form));
            vec![account]
        }
        None => return,
    };
    builder = copy(builder, node, &["id"]);
    let one = Arc::new(builder.apply_content(node.content.clone()).build());
    for account in targets {
        if account == from.account || state.blocks(account, from.account) {
            continue;
        }
        for to in state.devices_of(account) {
            if state.device(to).is_some_and(|device| device.active) {
                state.hand_over(to, Arc::clone(&one));
            }
        }
    }
}
