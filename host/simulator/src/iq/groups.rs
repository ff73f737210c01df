//! Groups: making one, changing one, leaving one. Members are told of every change.

mod members;
pub(crate) mod news;
mod settings;

use std::sync::Arc;

use rand::Rng;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::{Answer, BAD_REQUEST, FORBIDDEN, NOT_FOUND, Refusal, Request};
use crate::address::{Address, Form};
use crate::hub::Hub;
use crate::stanza::Reading;
use crate::state::account::AccountId;
use crate::state::group::{Group, MAX_MEMBERS, Role};
use crate::state::{MAX_GROUPS, State};
use members::{change_members, leave_group, members_requested};
use news::tell;
use settings::setting;

/// How long a subject may be.
const MAX_SUBJECT: usize = 100;
/// How many groups one request may ask about.
const MAX_ASKED: usize = 1_000;

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
            if let Some(query) = node.child("query") {
                return several(request, query);
            }
            if let Some(pictures) = node.child("pictures") {
                return pictures_of(request, pictures);
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

/// What is to be known of several groups at once.
fn several(request: &Request<'_>, query: &Node) -> Answer {
    if query.all().len() > MAX_ASKED {
        return Err(BAD_REQUEST);
    }
    let state = &*request.state;
    let listed = query.all().iter().filter_map(|asked| {
        let jid = asked.attr("jid")?;
        let refused = |code: u16| {
            NodeBuilder::new("group")
                .attr("id", jid.trim_end_matches("@g.us"))
                .attr("error", code)
                .build()
        };
        Some(match state.groups.get(&jid) {
            None => refused(404),
            Some(group) if group.role(request.from.account).is_none() => refused(403),
            Some(group) => state.group_node(group),
        })
    });
    Ok(vec![NodeBuilder::new("groups").children(listed).build()])
}

/// The pictures of several groups at once; a group without one is left out.
fn pictures_of(request: &Request<'_>, asked: &Node) -> Answer {
    if asked.all().len() > MAX_ASKED {
        return Err(BAD_REQUEST);
    }
    let listed = asked.all().iter().filter_map(|one| {
        let jid = one.attr("jid")?;
        let group = request.state.groups.get(&jid)?;
        group.role(request.from.account)?;
        let picture = group.picture.as_ref()?;
        let node = NodeBuilder::new("picture")
            .attr("jid", jid.as_str())
            .attr("id", picture.id)
            .attr("url", format!("https://pps.whatsapp.net{}", picture.path))
            .attr("direct_path", picture.path.as_str());
        Some(node.build())
    });
    Ok(vec![NodeBuilder::new("pictures").children(listed).build()])
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
    let by = request.from.account;
    let mut group = create_group(request.hub, request.state, by, &subject, &members)?;
    let ephemeral = create.child("ephemeral");
    let seconds = ephemeral.and_then(|one| one.attr("expiration")?.parse().ok());
    if let Some(made) = request.state.groups.get_mut(&group.jid)
        && seconds.is_some()
    {
        made.ephemeral = seconds;
        group = made.clone();
    }
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
        only_admins_add: false,
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
    let group = request.state.groups.get(&jid).ok_or(NOT_FOUND)?;
    if group.role(request.from.account).is_some() {
        return Err(Refusal(409, "conflict"));
    }
    if group.members.len() >= MAX_MEMBERS {
        return Err(Refusal(419, "resource-limit"));
    }
    change_members(
        request,
        &jid,
        "add",
        &[request.from.account],
        Some("invite"),
    );
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
            if !admin {
                return Err(FORBIDDEN);
            }
            let code = group.invite.as_str();
            let invite = NodeBuilder::new("invite").attr("code", code).build();
            return Ok(vec![invite]);
        }
        return Ok(vec![request.state.group_node(group)]);
    }
    let child = node.all().first().ok_or(BAD_REQUEST)?;
    let open = match child.tag.as_ref() {
        "add" => !group.only_admins_add,
        "subject" | "description" | "ephemeral" | "not_ephemeral" => !group.locked,
        _ => false,
    };
    if !(admin || open) {
        return Err(FORBIDDEN);
    }
    match child.tag.as_ref() {
        "add" | "remove" | "promote" | "demote" => members_requested(request, jid, child),
        _ => setting(request, jid, child),
    }
}
