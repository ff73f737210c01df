//! Groups: making one, changing one, leaving one. Members are told of every change.

use std::sync::Arc;

use rand::Rng;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::{Answer, BAD_REQUEST, FORBIDDEN, NOT_FOUND, Refusal, Request};
use crate::address::{Address, Form};
use crate::hub::Hub;
use crate::stanza::{Reading, copy, empty, leaf};
use crate::state::account::AccountId;
use crate::state::group::{Description, Group, MAX_MEMBERS, Role};
use crate::state::{MAX_GROUPS, State};

/// How long a subject may be.
const MAX_SUBJECT: usize = 100;
/// How long a description may be.
const MAX_DESCRIPTION: usize = 2_048;

pub(super) fn answer(request: &mut Request<'_>) -> Answer {
    let node = request.node;
    match node.address("to") {
        Some(Address::Group(jid)) => in_group(request, &jid),
        _ => {
            if let Some(create) = node.child("create") {
                return create_requested(request, create);
            }
            if let Some(leave) = node.child("leave") {
                return leave_requested(request, leave);
            }
            if let Some(invite) = node.child("invite") {
                return by_code(request, invite);
            }
            if node.child("participating").is_some() {
                return participating(request);
            }
            Err(Refusal(501, "feature-not-implemented"))
        }
    }
}

fn participating(request: &Request<'_>) -> Answer {
    let state = &*request.state;
    let mut own: Vec<&Group> = state
        .groups
        .values()
        .filter(|group| group.role(request.from.account).is_some())
        .collect();
    own.sort_unstable_by(|a, b| a.jid.cmp(&b.jid));
    let groups = own.into_iter().map(|group| state.group_node(group));
    Ok(vec![NodeBuilder::new("groups").children(groups).build()])
}

fn create_requested(request: &mut Request<'_>, create: &Node) -> Answer {
    let subject = create.attr("subject").ok_or(BAD_REQUEST)?;
    let members: Vec<AccountId> = create
        .all()
        .iter()
        .filter(|child| child.tag == "participant")
        .filter_map(|child| child.address("jid"))
        .filter_map(|jid| request.state.resolve_account(&jid))
        .map(|(account, _)| account)
        .collect();
    let group = create_group(
        request.hub,
        request.state,
        request.from.account,
        &subject,
        &members,
    )?;
    Ok(vec![request.state.group_node(&group)])
}

/// Makes a group and tells its members.
pub(crate) fn create_group(
    hub: &Arc<Hub>,
    state: &mut State,
    creator: AccountId,
    subject: &str,
    members: &[AccountId],
) -> Result<Group, Refusal> {
    if subject.is_empty() || subject.chars().count() > MAX_SUBJECT || members.len() >= MAX_MEMBERS {
        return Err(Refusal(406, "not-acceptable"));
    }
    if state.groups.len() >= MAX_GROUPS {
        return Err(Refusal(429, "rate-overlimit"));
    }
    let now = hub.now();
    let jid = loop {
        let number = u64::from(state.rng.next_u32());
        let jid = format!("120363{:012}@g.us", number);
        if !state.groups.contains_key(&jid) {
            break jid;
        }
    };
    let mut listed = vec![(creator, Role::Owner)];
    for member in members {
        if listed.iter().all(|(known, _)| known != member) {
            listed.push((*member, Role::Member));
        }
    }
    let group = Group {
        jid: jid.clone(),
        subject: subject.to_owned(),
        subject_since: now,
        subject_by: creator,
        description: None,
        creator,
        created: now,
        members: listed,
        form: if state.tells_lids {
            Form::Lid
        } else {
            Form::Pn
        },
        announcement: false,
        locked: false,
        ephemeral: None,
        invite: invite_code(state),
        picture: None,
        version: now,
    };
    state.groups.insert(jid.clone(), group.clone());
    let created = NodeBuilder::new("create")
        .attr("type", "new")
        .attr("key", state.server_id())
        .children([state.group_node(&group)])
        .build();
    tell(hub, state, &jid, creator, created, &[]);
    Ok(group)
}

fn invite_code(state: &mut State) -> String {
    let mut bytes = [0u8; 16];
    state.rng.fill_bytes(&mut bytes);
    data_encoding::BASE64URL_NOPAD.encode(&bytes)
}

fn leave_requested(request: &mut Request<'_>, leave: &Node) -> Answer {
    for group in leave.all() {
        let Some(jid) = group.attr("id") else {
            continue;
        };
        leave_group(request.hub, request.state, request.from.account, &jid)?;
    }
    Ok(vec![])
}

/// Takes an account out of a group at its own wish.
fn leave_group(
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
    if state
        .groups
        .get(jid)
        .is_some_and(|one| one.members.is_empty())
    {
        state.groups.remove(jid);
    }
    Ok(())
}

fn by_code(request: &mut Request<'_>, invite: &Node) -> Answer {
    let code = invite.attr("code").ok_or(BAD_REQUEST)?;
    let jid = request
        .state
        .groups
        .values()
        .find(|group| group.invite == code)
        .map(|group| group.jid.clone())
        .ok_or(NOT_FOUND)?;
    if request.node.is("type", "get") {
        let group = request.state.groups.get(&jid).ok_or(NOT_FOUND)?;
        return Ok(vec![request.state.group_node(group)]);
    }
    change_members(request, &jid, "add", &[request.from.account]);
    Ok(vec![NodeBuilder::new("group").attr("jid", jid).build()])
}

fn in_group(request: &mut Request<'_>, jid: &str) -> Answer {
    let node = request.node;
    let from = request.from.account;
    let group = request.state.groups.get(jid).ok_or(NOT_FOUND)?;
    group.role(from).ok_or(FORBIDDEN)?;
    let admin = group.is_admin(from);
    if node.is("type", "get") {
        if node.child("invite").is_some() {
            let code = group.invite.as_str();
            let invite = NodeBuilder::new("invite").attr("code", code).build();
            return Ok(vec![invite]);
        }
        return Ok(vec![request.state.group_node(group)]);
    }
    let child = node.all().first().ok_or(BAD_REQUEST)?;
    match child.tag.as_ref() {
        "add" | "remove" | "promote" | "demote" => {
            let open = child.tag == "add" && !group.locked;
            if !(admin || open) {
                return Err(FORBIDDEN);
            }
            members_requested(request, jid, child)
        }
        "invite" => {
            let code = invite_code(request.state);
            let invite = NodeBuilder::new("invite")
                .attr("code", code.as_str())
                .build();
            if let Some(group) = request.state.groups.get_mut(jid) {
                group.invite = code;
            }
            Ok(vec![invite])
        }
        _ if group.locked && !admin => Err(FORBIDDEN),
        _ => setting(request, jid, child),
    }
}

fn members_requested(request: &mut Request<'_>, jid: &str, child: &Node) -> Answer {
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
        let builder = copy(NodeBuilder::new("participant"), participant, &["jid"]);
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
    change_members(request, jid, action, &changed);
    Ok(vec![NodeBuilder::new(action).children(listed).build()])
}

/// Changes who is in a group or what they may do, and tells those concerned.
fn change_members(
    request: &mut Request<'_>,
    jid: &str,
    action: &'static str,
    accounts: &[AccountId],
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
    let change = NodeBuilder::new(action)
        .attr("v_id", version)
        .children(listed)
        .build();
    let gone: &[AccountId] = if action == "remove" { accounts } else { &[] };
    let by = request.from.account;
    tell(request.hub, request.state, jid, by, change, gone);
}

fn setting(request: &mut Request<'_>, jid: &str, child: &Node) -> Answer {
    let now = request.hub.now();
    let by = request.from.account;
    let author = request.state.user_jid(by, Form::Pn);
    let group = request.state.groups.get_mut(jid).ok_or(NOT_FOUND)?;
    let news = match child.tag.as_ref() {
        "subject" => {
            let subject = child.text().unwrap_or_default();
            if subject.is_empty() || subject.chars().count() > MAX_SUBJECT {
                return Err(Refusal(406, "not-acceptable"));
            }
            group.subject.clone_from(&subject);
            group.subject_since = now;
            group.subject_by = by;
            NodeBuilder::new("subject")
                .attr("subject", subject)
                .attr("s_o", author)
                .attr("s_t", now)
                .build()
        }
        "description" => {
            let id = child.attr("id").unwrap_or_default();
            let body = child.child("body").and_then(Reading::text);
            if body
                .as_ref()
                .is_some_and(|body| body.chars().count() > MAX_DESCRIPTION)
            {
                return Err(Refusal(406, "not-acceptable"));
            }
            group.description = body.clone().map(|body| Description {
                id: id.clone(),
                body,
            });
            let news = NodeBuilder::new("description").attr("id", id);
            match body {
                Some(body) => news.children([leaf("body", body.into_bytes())]).build(),
                None => news.children([empty("delete")]).build(),
            }
        }
        "announcement" | "not_announcement" => {
            group.announcement = child.tag == "announcement";
            bare(child)
        }
        "locked" | "unlocked" => {
            group.locked = child.tag == "locked";
            bare(child)
        }
        "ephemeral" | "not_ephemeral" => {
            group.ephemeral = child
                .attr("expiration")
                .and_then(|seconds| seconds.parse().ok())
                .filter(|seconds| *seconds > 0);
            copy(
                NodeBuilder::new_dynamic(child.tag.to_string()),
                child,
                &["expiration"],
            )
            .build()
        }
        _ => return Err(Refusal(501, "feature-not-implemented")),
    };
    tell(request.hub, request.state, jid, by, news, &[]);
    Ok(vec![])
}

fn bare(child: &Node) -> Node {
    NodeBuilder::new_dynamic(child.tag.to_string()).build()
}

/// Tells every device of the members, and those who are no longer members, of a change.
fn tell(
    hub: &Arc<Hub>,
    state: &mut State,
    jid: &str,
    by: AccountId,
    change: Node,
    gone: &[AccountId],
) {
    let Some(group) = state.groups.get(jid) else {
        return;
    };
    let form = group.form;
    let told: Vec<AccountId> = group
        .members
        .iter()
        .map(|(member, _)| *member)
        .chain(gone.iter().copied())
        .collect();
    let id = state.server_id();
    let mut builder = NodeBuilder::new("notification")
        .attr("from", jid)
        .attr("type", "w:gp2")
        .attr("id", id)
        .attr("t", hub.now())
        .attr("participant", state.user_jid(by, form))
        .attr("addressing_mode", form.mode())
        .attr(
            "notify",
            state
                .account(by)
                .map(|found| found.name.clone())
                .unwrap_or_default(),
        );
    if form == Form::Lid {
        builder = builder.attr("participant_pn", state.user_jid(by, Form::Pn));
    }
    let node = Arc::new(builder.children([change]).build());
    for account in told {
        for to in state.devices_of(account) {
            hub.enqueue(state, to, Arc::clone(&node));
            state.pump(to);
        }
    }
}
