//! Requests and their answers, by namespace.
//!
//! Every request is answered: with what it asks for, with a refusal, or, when nobody here knows
//! it, with `501 feature-not-implemented` and a line in the log. Silence only happens as a fault.

mod app_state;
mod groups;
mod keys;
mod profile;
mod settings;
mod usync;

pub(crate) use groups::create_group;
pub(crate) use settings::block;

use std::sync::Arc;

use wacore_binary::Node;

use crate::faults::Fault;
use crate::hub::Hub;
use crate::stanza::{Reading, refusal, result};
use crate::state::State;
use crate::state::account::DeviceRef;
use crate::state::connection::ConnectionId;
use crate::{login, pairing, passkey};

/// A refusal: code and text.
pub(crate) struct Refusal(pub(crate) u16, pub(crate) &'static str);

pub(crate) const BAD_REQUEST: Refusal = Refusal(400, "bad-request");
pub(crate) const FORBIDDEN: Refusal = Refusal(403, "forbidden");
pub(crate) const NOT_FOUND: Refusal = Refusal(404, "item-not-found");

/// The children of a positive answer, or a refusal.
pub(crate) type Answer = Result<Vec<Node>, Refusal>;

/// One request and everything that is needed to answer it.
pub(crate) struct Request<'a> {
    pub(crate) hub: &'a Arc<Hub>,
    pub(crate) state: &'a mut State,
    pub(crate) from: DeviceRef,
    pub(crate) node: &'a Node,
}

/// Answers a request of a client.
pub(crate) fn handle(
    hub: &Arc<Hub>,
    state: &mut State,
    id: ConnectionId,
    who: Option<DeviceRef>,
    node: &Node,
) {
    let xmlns = node.attr("xmlns").unwrap_or_default();
    let account = who.map(|who| who.account);
    let silent = state.faults.take(account, |fault| match fault {
        Fault::IqTimeout { xmlns: one, .. } if *one == xmlns => Some(()),
        _ => None,
    });
    if silent.is_some() {
        return;
    }
    let refused = state.faults.take(account, |fault| match fault {
        Fault::IqError {
            xmlns: one, code, ..
        } if *one == xmlns => Some(*code),
        _ => None,
    });
    if let Some(code) = refused {
        state.send(id, Arc::new(refusal(node, code, "simulated")));
        return;
    }
    let Some(from) = who else {
        let answer = match (xmlns.as_str(), node.child("link_code_companion_reg")) {
            ("md", Some(_)) => pairing::code_request(hub, state, id, node),
            ("md", None) => {
                passkey::answer(state, id, node).unwrap_or_else(|| pairing::early(node))
            }
            _ => pairing::early(node),
        };
        state.send(id, Arc::new(answer));
        return;
    };
    if xmlns == "passive" {
        // The answer goes out before anything that has waited.
        state.send(id, Arc::new(result(node, vec![])));
        match node.child("passive") {
            Some(_) => login::deactivate(state, from),
            None => login::activate(hub, state, from),
        }
        return;
    }
    let mut request = Request {
        hub,
        state,
        from,
        node,
    };
    let answer = match answer(&mut request, &xmlns) {
        Ok(children) => result(node, children),
        Err(Refusal(code, text)) => refusal(node, code, text),
    };
    state.send(id, Arc::new(answer));
}

/// Answers a request of a simulated phone, which has no connection.
pub(crate) fn ask(hub: &Arc<Hub>, state: &mut State, from: DeviceRef, node: &Node) -> Answer {
    let xmlns = node.attr("xmlns").unwrap_or_default();
    let mut request = Request {
        hub,
        state,
        from,
        node,
    };
    answer(&mut request, &xmlns)
}

fn answer(request: &mut Request<'_>, xmlns: &str) -> Answer {
    match xmlns {
        "encrypt" => keys::answer(request),
        "usync" => usync::answer(request),
        "w:g2" => groups::answer(request),
        "w:profile:picture" | "status" => profile::answer(request, xmlns),
        "w:sync:app:state" => app_state::answer(request),
        _ => settings::answer(request, xmlns),
    }
}
