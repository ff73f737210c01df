//! Calls, which are seen and can be refused, and not taken.

use wacore::types::call::{CallAction, IncomingCall, MissedCall};
use warbler_app::driver::Inbound;
use warbler_domain::call::CallState;
use whatsapp_rust::Client;

use crate::address;
use crate::calls::{Caller, Calls};

/// Why a call that was taken or refused on another device of the account ends here.
const TAKEN: &str = "accepted_elsewhere";
const REFUSED: &str = "rejected_elsewhere";

/// What happens to a call; what its two ends do to connect is their business.
pub(super) async fn call(client: &Client, calls: &Calls, call: &IncomingCall) -> Option<Inbound> {
    let id = call.action.call_id();
    let creator = call.action.call_creator();
    let caller = |video, group| Caller {
        peer: call.from.clone(),
        creator: creator.clone(),
        video,
        group,
    };
    let mut told = None;
    let state = match &call.action {
        CallAction::Offer {
            caller_pn,
            is_video,
            group_jid,
            ..
        } => {
            let group = group_jid.is_some() || call.group.is_some();
            calls.rings(id, caller(*is_video, group));
            told = caller_pn.as_ref();
            CallState::Ringing
        }
        CallAction::OfferNotice {
            is_video, is_group, ..
        } => {
            calls.rings(id, caller(*is_video, *is_group));
            CallState::Ringing
        }
        CallAction::Accept { .. } => CallState::Accepted,
        CallAction::Reject { .. } => CallState::Rejected,
        CallAction::Terminate { reason, .. } => match reason.as_deref() {
            Some(TAKEN) => CallState::Accepted,
            Some(REFUSED) => CallState::Rejected,
            _ => CallState::Ended,
        },
        _ => return None,
    };
    let by = address::known(client, creator, told).await?;
    let known = calls.caller(id);
    Some(Inbound::Call {
        call: id.to_owned(),
        by: by.jid,
        video: known.as_ref().is_some_and(|caller| caller.video),
        group: known.as_ref().is_some_and(|caller| caller.group),
        state,
    })
}

/// A call that came and went while the session was away.
pub(super) async fn missed(client: &Client, missed: &MissedCall) -> Option<Inbound> {
    let by = address::known(client, &missed.from, None).await?;
    Some(Inbound::Call {
        call: missed.call_id.clone(),
        by: by.jid,
        video: false,
        group: false,
        state: CallState::Ended,
    })
}
