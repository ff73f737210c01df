//! Who comes into a group and who goes, and what they may do there.

use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::super::{Answer, BAD_REQUEST, NOT_FOUND, Refusal, Request};
use super::news::tell;
use crate::hub::Hub;
use crate::stanza::{Reading, copy, maybe};
use crate::state::State;
use crate::state::account::AccountId;
use crate::state::group::{MAX_MEMBERS, Role};

/// How long an invitation that replaces a refused addition holds, in seconds.
const INVITATION_SECONDS: u64 = 3 * 24 * 3_600;

/// Takes an account out of a group at its own wish.
pub(super) fn leave_group(
    hub: &Arc<Hub>,
    state: &mut State,
    account: AccountId,
    jid: &str,
) -> Result<(), Refusal> {
    let group = state.groups.get(jid).ok_or(NOT_FOUND)?;
    group.role(account).ok_or(NOT_FOUND)?;
    let form = group.form;
    let listed = state.participant_node(account, form, Role::Member);
    let removed = NodeBuilder::new("remove").children([listed]).build();
    if let Some(group) = state.groups.get_mut(jid) {
        group.members.retain(|(member, _)| *member != account);
        group.version += 1;
    }
    tell(hub, state, jid, account, removed, &[account]);
    // A group is never without an admin: whoever has been in it longest takes over.
    let heir = state.groups.get_mut(jid).and_then(|group| {
        let led = group.members.iter().any(|(_, role)| *role != Role::Member);
        let first = group.members.first_mut().filter(|_| !led)?;
        first.1 = Role::Admin;
        Some(first.0)
    });
    if let Some(heir) = heir {
        let listed = state.participant_node(heir, form, Role::Admin);
        let promoted = NodeBuilder::new("promote").children([listed]).build();
        tell(hub, state, jid, heir, promoted, &[]);
    }
    if state
        .groups
        .get(jid)
        .is_some_and(|one| one.members.is_empty())
    {
        state.groups.remove(jid);
    }
    Ok(())
}

pub(super) fn members_requested(request: &mut Request<'_>, jid: &str, child: &Node) -> Answer {
    let action = match child.tag.as_ref() {
        "add" => "add",
        "remove" => "remove",
        "promote" => "promote",
        _ => "demote",
    };
    if child.all().len() > MAX_MEMBERS {
        return Err(BAD_REQUEST);
    }
    let mut listed = Vec::new();
    let mut changed = Vec::new();
    for participant in child.all() {
        let mut builder = copy(NodeBuilder::new("participant"), participant, &["jid"]);
        let account = participant
            .address("jid")
            .and_then(|one| request.state.resolve_account(&one))
            .map(|(account, _)| account);
        let group = request.state.groups.get(jid).ok_or(NOT_FOUND)?;
        let error = match account {
            None => Some(404u16),
            Some(account) => match (action, group.role(account)) {
                ("add", Some(_)) => Some(409),
                ("add", None) if group.members.len() + changed.len() >= MAX_MEMBERS => Some(419),
                ("add", None) if !may_add(request.state, request.from.account, account) => {
                    builder = builder.children([invitation(request, jid)?]);
                    Some(403)
                }
                ("add", None) => None,
                (_, None) => Some(404),
                ("remove" | "demote", Some(Role::Owner)) => Some(406),
                _ => None,
            },
        };
        listed.push(match (error, account) {
            (None, Some(account)) => {
                changed.push(account);
                builder.attr("type", "200").build()
            }
            (Some(code), _) => builder.attr("error", code).build(),
            (None, None) => builder.attr("error", 404u16).build(),
        });
    }
    change_members(request, jid, action, &changed, None);
    Ok(vec![NodeBuilder::new(action).children(listed).build()])
}

/// Whether somebody lets another put them into groups.
fn may_add(state: &State, by: AccountId, whom: AccountId) -> bool {
    let Some(account) = state.account(whom) else {
        return false;
    };
    match account.privacy.get("groupadd").map(String::as_str) {
        Some("none") => false,
        Some("contacts" | "contact_blacklist") => account.known.contains(&by),
        _ => !account.blocked.contains(&by),
    }
}

/// What is to be sent to somebody who may not be added.
fn invitation(request: &Request<'_>, jid: &str) -> Result<Node, Refusal> {
    let group = request.state.groups.get(jid).ok_or(NOT_FOUND)?;
    Ok(NodeBuilder::new("add_request")
        .attr("code", group.invite.as_str())
        .attr("expiration", request.hub.now() + INVITATION_SECONDS)
        .build())
}

/// Changes who is in a group or what they may do, and tells those concerned.
pub(super) fn change_members(
    request: &mut Request<'_>,
    jid: &str,
    action: &'static str,
    accounts: &[AccountId],
    reason: Option<&'static str>,
) {
    let Some(group) = request.state.groups.get_mut(jid) else {
        return;
    };
    if accounts.is_empty() {
        return;
    }
    for account in accounts {
        let known = group.members.iter_mut().find(|(one, _)| one == account);
        match (action, known) {
            ("add", None) => group.members.push((*account, Role::Member)),
            ("promote", Some(member)) => member.1 = Role::Admin,
            ("demote", Some(member)) => member.1 = Role::Member,
            _ => {}
        }
    }
    if action == "remove" {
        group.members.retain(|(one, _)| !accounts.contains(one));
    }
    group.version += 1;
    let form = group.form;
    let version = group.version;
    let listed = accounts
        .iter()
        .map(|account| request.state.participant_node(*account, form, Role::Member));
    let change = NodeBuilder::new(action).attr("v_id", version);
    let change = maybe(change, "reason", reason).children(listed).build();
    let gone: &[AccountId] = if action == "remove" { accounts } else { &[] };
    let by = request.from.account;
    tell(request.hub, request.state, jid, by, change, gone);
}
