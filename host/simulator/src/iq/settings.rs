//! Everything small: keepalive, properties, privacy, block list, media hosts, unlinking.

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::{Answer, BAD_REQUEST, FORBIDDEN, Refusal, Request};
use crate::address::Form;
use crate::stanza::{Reading, empty};
use crate::state::State;
use crate::state::account::AccountId;

/// How many contacts one account may block.
const MAX_BLOCKED: usize = 10_000;
/// What each privacy setting is until somebody changes it.
const PRIVACY: &[(&str, &str)] = &[
    ("last", "all"),
    ("online", "all"),
    ("profile", "all"),
    ("status", "contacts"),
    ("groupadd", "all"),
    ("readreceipts", "all"),
    ("calladd", "all"),
];

pub(super) fn answer(request: &mut Request<'_>, xmlns: &str) -> Answer {
    match xmlns {
        "w:p" | "urn:xmpp:ping" => Ok(vec![]),
        "urn:xmpp:whatsapp:dirty"
        | "urn:xmpp:whatsapp:push"
        | "w:stats"
        | "tos"
        | "spam"
        | "urn:xmpp:whatsapp:account"
        | "newsletter"
        | "fb:thrift_iq" => Ok(vec![]),
        "abt" | "w" => Ok(vec![
            NodeBuilder::new("props")
                .attr("protocol", 1u8)
                .attr("ab_key", "sim")
                .attr("hash", "sim")
                .attr("refresh", 86_400u32)
                .attr("refresh_id", 1u8)
                .build(),
        ]),
        "w:mex" => Ok(vec![
            NodeBuilder::new("result")
                .bytes(br#"{"data":{}}"#.to_vec())
                .build(),
        ]),
        "w:m" => Ok(vec![media_hosts()]),
        "w:biz" | "w:biz:catalog" => Ok(vec![empty("business_profile")]),
        "blocklist" => blocklist(request),
        "privacy" => privacy(request),
        "disappearing_mode" => Ok(vec![
            NodeBuilder::new("disappearing_mode")
                .attr("duration", 0u8)
                .attr("t", 0u8)
                .build(),
        ]),
        "md" => linked(request),
        unknown => {
            tracing::info!(xmlns = unknown, "A request nobody answers");
            Err(Refusal(501, "feature-not-implemented"))
        }
    }
}

fn media_hosts() -> Node {
    NodeBuilder::new("media_conn")
        .attr("auth", "sim-auth")
        .attr("ttl", 3_600u16)
        .attr("auth_ttl", 21_600u16)
        .attr("max_buckets", 12u8)
        .children([NodeBuilder::new("host")
            .attr("hostname", "mmg.whatsapp.net")
            .build()])
        .build()
}

fn blocklist(request: &mut Request<'_>) -> Answer {
    let own = request.from.account;
    if let Some(item) = request.node.child("item") {
        let named = item.address("jid").or_else(|| item.address("pn_jid"));
        let named = named.and_then(|jid| request.state.resolve_account(&jid));
        let (other, _) = named.ok_or(super::NOT_FOUND)?;
        block(request.state, own, other, item.is("action", "block"))?;
    }
    let state = &*request.state;
    let form = if state.tells_lids {
        Form::Lid
    } else {
        Form::Pn
    };
    let account = state.account(own).ok_or(BAD_REQUEST)?;
    let items = account.blocked.iter().map(|blocked| {
        NodeBuilder::new("item")
            .attr("jid", state.user_jid(*blocked, form))
            .build()
    });
    Ok(vec![NodeBuilder::new("list").children(items).build()])
}

/// Puts somebody on an account's block list, or takes them off it.
pub(crate) fn block(
    state: &mut State,
    own: AccountId,
    other: AccountId,
    on: bool,
) -> Result<(), Refusal> {
    let account = state.account_mut(own).ok_or(BAD_REQUEST)?;
    account.blocked.retain(|blocked| *blocked != other);
    if on {
        if account.blocked.len() >= MAX_BLOCKED {
            return Err(Refusal(406, "not-acceptable"));
        }
        account.blocked.push(other);
    }
    Ok(())
}

fn privacy(request: &mut Request<'_>) -> Answer {
    if request.node.child("tokens").is_some() {
        return Ok(vec![]);
    }
    let account = request
        .state
        .account_mut(request.from.account)
        .ok_or(BAD_REQUEST)?;
    if request.node.is("type", "set") {
        let changes = request.node.child("privacy").map_or(&[][..], Reading::all);
        for change in changes {
            let (Some(name), Some(value)) = (change.attr("name"), change.attr("value")) else {
                return Err(BAD_REQUEST);
            };
            if PRIVACY.iter().any(|(known, _)| *known == name) && value.len() <= 64 {
                account.privacy.insert(name, value);
            }
        }
    }
    let categories = PRIVACY.iter().map(|(name, usual)| {
        let value = account.privacy.get(*name).map_or(*usual, String::as_str);
        NodeBuilder::new("category")
            .attr("name", *name)
            .attr("value", value)
            .build()
    });
    Ok(vec![
        NodeBuilder::new("privacy").children(categories).build(),
    ])
}

/// A companion takes itself, or another companion of its account, off the phone.
fn linked(request: &mut Request<'_>) -> Answer {
    let Some(remove) = request.node.child("remove-companion-device") else {
        return Err(Refusal(501, "feature-not-implemented"));
    };
    let at = match remove.address("jid") {
        Some(jid) => request.state.resolve_device(&jid).ok_or(BAD_REQUEST)?,
        None => request.from,
    };
    if at.account != request.from.account || at.device == 0 {
        return Err(FORBIDDEN);
    }
    // The answer must reach the companion before its connection ends.
    let hub = request.hub;
    hub.later(
        request.state,
        std::time::Duration::from_millis(20),
        move |hub, state| hub.unlink(state, at),
    );
    Ok(vec![])
}
