//! From a finished handshake to steady state.
//!
//! A client that brings registration data is shown QR references. One that names a device must
//! own its Noise key; it is let in, but nothing is delivered to it before it says `active`, and
//! then its offline queue comes first.

use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::whatsapp::ClientPayload;

use crate::address::Form;
use crate::faults::{Fault, replaced};
use crate::hub::Hub;
use crate::pairing;
use crate::state::State;
use crate::state::account::{DeviceRef, Link, PhoneWork};
use crate::state::connection::ConnectionId;

/// Decides what a connection that has shaken hands may become.
pub(crate) fn greet(hub: &Arc<Hub>, id: ConnectionId, noise: [u8; 32], payload: &ClientPayload) {
    let mut state = hub.lock();
    let state = &mut *state;
    if let Some(data) = payload.device_pairing_data.as_option() {
        pairing::begin(hub, state, id, noise, data);
        return;
    }
    let known = find(state, noise, payload);
    let fault = state
        .faults
        .take(known.map(|at| at.account), |fault| match fault {
            Fault::LoginFailure { reason, .. } => Some(*reason),
            _ => None,
        });
    let at = match (fault, known) {
        (Some(reason), _) => return refuse(state, id, reason),
        (None, None) => return refuse(state, id, 401),
        (None, Some(at)) => at,
    };
    let before = match state.device(at).map(|device| &device.link) {
        Some(Link::Socket(before)) => Some(*before),
        _ => None,
    };
    if let Some(before) = before {
        if let Some(connection) = state.connections.get_mut(&before) {
            connection.who = None;
        }
        state.finish(before, replaced());
    }
    if let Some(connection) = state.connections.get_mut(&id) {
        connection.who = Some(at);
    }
    let now = hub.now();
    if let Some(account) = state.account_mut(at.account) {
        account.last_seen = now;
    }
    if let Some(device) = state.device_mut(at) {
        device.link = Link::Socket(id);
        device.active = false;
        device.queue.disconnected();
    }
    let success = success(state, at, now);
    state.send(id, Arc::new(success));
    hub.touch();
}

fn find(state: &State, noise: [u8; 32], payload: &ClientPayload) -> Option<DeviceRef> {
    let account = state.account_by_pn(&payload.username?.to_string())?;
    let device = u16::try_from(payload.device?).ok()?;
    let at = DeviceRef { account, device };
    (state.device(at)?.noise == Some(noise)).then_some(at)
}

fn success(state: &State, at: DeviceRef, now: u64) -> Node {
    let created = state.account(at.account).map_or(now, |found| found.created);
    NodeBuilder::new("success")
        .attr("t", now)
        .attr("lid", state.jid(at, Form::Lid))
        .attr("creation", created)
        .attr("location", "sim")
        .attr("props", 1u8)
        .attr("abprops", 1u8)
        .build()
}

fn refuse(state: &mut State, id: ConnectionId, reason: u16) {
    let failure = NodeBuilder::new("failure")
        .attr("reason", reason)
        .attr("location", "sim")
        .build();
    state.finish(id, failure);
}

/// The client is ready: first what waited, then everything as it comes. May happen twice.
pub(crate) fn activate(hub: &Arc<Hub>, state: &mut State, at: DeviceRef) {
    let Some(device) = state.device_mut(at) else {
        return;
    };
    let Link::Socket(id) = device.link else {
        return;
    };
    if device.active {
        return;
    }
    device.active = true;
    let share = !device.keys_shared;
    device.keys_shared = true;
    let waiting = device.queue.returned();
    state.send(id, Arc::new(waiting.preview()));
    state.pump(at);
    if share {
        state.phone_work(at.account, PhoneWork::ShareKeys(at.device));
    }
    hub.touch();
}

/// The client wants nothing delivered for now.
pub(crate) fn deactivate(state: &mut State, at: DeviceRef) {
    if let Some(device) = state.device_mut(at) {
        device.active = false;
        device.queue.disconnected();
    }
}
