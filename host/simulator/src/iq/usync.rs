//! Who is on the network, by which devices, and what they show of themselves.

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use waproto::buffa::Message;
use waproto::whatsapp as wa;

use super::profile::shows;
use super::{Answer, BAD_REQUEST, Request};
use crate::address::{Form, digits};
use crate::stanza::{Reading, empty, leaf};
use crate::state::State;
use crate::state::account::AccountId;

/// How many users one request may name.
const MAX_USERS: usize = 5_000;

pub(super) fn answer(request: &mut Request<'_>) -> Answer {
    let usync = request.node.child("usync").ok_or(BAD_REQUEST)?;
    let protocols: Vec<&str> = usync
        .child("query")
        .ok_or(BAD_REQUEST)?
        .all()
        .iter()
        .map(|protocol| protocol.tag.as_ref())
        .collect();
    let users = usync.child("list").ok_or(BAD_REQUEST)?.all();
    if users.len() > MAX_USERS {
        return Err(BAD_REQUEST);
    }
    let listed: Vec<Node> = users
        .iter()
        .filter_map(|user| one(request, user, &protocols))
        .collect();
    let states = protocols.iter().filter_map(|tag| known(tag).map(empty));
    let answer = NodeBuilder::new("usync")
        .children([
            NodeBuilder::new("result").children(states).build(),
            NodeBuilder::new("list").children(listed).build(),
        ])
        .build();
    Ok(vec![answer])
}

fn one(request: &mut Request<'_>, user: &Node, protocols: &[&str]) -> Option<Node> {
    let state = &mut *request.state;
    let number = user.child("contact").and_then(Reading::text);
    let found = match (user.address("jid"), &number) {
        (Some(address), _) => state.resolve_account(&address),
        (None, Some(number)) => digits(number)
            .and_then(|pn| state.account_by_pn(&pn))
            .map(|account| (account, Form::Pn)),
        (None, None) => None,
    };
    let Some((account, form)) = found else {
        return stranger(user, number, protocols);
    };
    if protocols.contains(&"devices") {
        let asker = request.from.account;
        if let Some(found) = state.account_mut(account) {
            found.watchers.insert(asker);
        }
    }
    let mut builder = NodeBuilder::new("user").attr("jid", state.user_jid(account, form));
    if form == Form::Lid && state.tells_lids {
        builder = builder.attr("pn_jid", state.user_jid(account, Form::Pn));
    }
    let asker = request.from.account;
    let children: Vec<Node> = protocols
        .iter()
        .filter(|protocol| match **protocol {
            "status" => shows(state, account, "status", asker),
            "picture" => shows(state, account, "profile", asker),
            _ => true,
        })
        .filter_map(|protocol| protocol_node(state, account, protocol, number.as_deref()))
        .collect();
    Some(builder.children(children).build())
}

/// Somebody who is not on the network: only a contact query gets an answer.
fn stranger(user: &Node, number: Option<String>, protocols: &[&str]) -> Option<Node> {
    if !protocols.contains(&"contact") {
        return None;
    }
    let jid = match (user.attr("jid"), &number) {
        (Some(jid), _) => jid,
        (None, Some(number)) => format!("{}@s.whatsapp.net", digits(number)?),
        (None, None) => return None,
    };
    let mut contact = NodeBuilder::new("contact").attr("type", "out");
    if let Some(number) = number {
        contact = contact.bytes(number.into_bytes());
    }
    Some(
        NodeBuilder::new("user")
            .attr("jid", jid)
            .children([contact.build()])
            .build(),
    )
}

fn known(protocol: &str) -> Option<&'static str> {
    ["devices", "contact", "lid", "status", "picture", "business"]
        .into_iter()
        .find(|known| *known == protocol)
}

fn protocol_node(
    state: &State,
    account: AccountId,
    protocol: &str,
    number: Option<&str>,
) -> Option<Node> {
    let found = state.account(account)?;
    match protocol {
        "contact" => {
            let contact = NodeBuilder::new("contact").attr("type", "in");
            Some(match number {
                Some(number) => contact.bytes(number.as_bytes()).build(),
                None => contact.build(),
            })
        }
        "lid" if state.tells_lids => Some(
            NodeBuilder::new("lid")
                .attr("val", state.user_jid(account, Form::Lid))
                .build(),
        ),
        "status" => Some(
            NodeBuilder::new("status")
                .attr("t", found.about_since)
                .bytes(found.about.as_bytes())
                .build(),
        ),
        "picture" => found
            .picture
            .as_ref()
            .map(|picture| NodeBuilder::new("picture").attr("id", picture.id).build()),
        "devices" => Some(devices(state, account)),
        "business" => found.business.as_ref().map(|name| {
            NodeBuilder::new("business")
                .children([verified_name(account, name)])
                .build()
        }),
        _ => None,
    }
}

/// A business's name, in the certificate clients read it from. Nobody checks its signature.
fn verified_name(account: AccountId, name: &str) -> Node {
    let details = wa::verified_name_certificate::Details {
        serial: Some(account.0 as u64 + 1),
        issuer: Some("smb:wa".into()),
        verified_name: Some(name.to_owned()),
        ..Default::default()
    };
    let certificate = wa::VerifiedNameCertificate {
        details: Some(details.encode_to_vec()),
        ..Default::default()
    };
    leaf("verified_name", certificate.encode_to_vec())
}

fn devices(state: &State, account: AccountId) -> Node {
    let Some(found) = state.account(account) else {
        return empty("devices");
    };
    let (since, list) = &found.key_index;
    let listed = found.devices.iter().map(|device| {
        let one = NodeBuilder::new("device").attr("id", device.id);
        match device.id {
            0 => one.build(),
            _ => one.attr("key-index", device.key_index).build(),
        }
    });
    let mut children = vec![NodeBuilder::new("device-list").children(listed).build()];
    if found.devices.len() > 1 {
        let mut signed = leaf("key-index-list", list.clone());
        signed.attrs.insert("ts", *since);
        children.push(signed);
    }
    NodeBuilder::new("devices").children(children).build()
}
