//! What happened to groups.

use wacore::stanza::groups::{GroupNotificationAction as Action, GroupParticipantInfo};
use wacore::types::events::{GroupUpdate, PictureUpdate};
use wacore_binary::{Jid as EngineJid, Node};
use warbler_app::driver::Inbound;
use warbler_domain::Jid;
use warbler_domain::group::{Group, GroupChange};
use whatsapp_rust::Client;

use crate::address;
use crate::memory::Memory;

/// A change to a group.
pub(super) async fn group(client: &Client, update: &GroupUpdate) -> Option<Inbound> {
    let by = update.participant.as_ref();
    let by = by.map(|jid| (jid, update.participant_pn.as_ref()));
    changed(client, &update.group_jid, by, &update.action).await
}

/// A change to a group, by somebody in one address and perhaps the other.
pub(crate) async fn changed(
    memory: &dyn Memory,
    group: &EngineJid,
    by: Option<(&EngineJid, Option<&EngineJid>)>,
    action: &Action,
) -> Option<Inbound> {
    let by = match by {
        Some((jid, told)) => address::known(memory, jid, told).await,
        None => None,
    };
    let by = by.map(|known| known.jid);
    let mut members = Vec::new();
    for participant in participants(action).iter().take(Group::MAX_MEMBERS) {
        let told = match participant.jid.is_lid() {
            true => participant.phone_number.as_ref(),
            false => participant.lid.as_ref(),
        };
        let known = address::known(memory, &participant.jid, told).await;
        members.extend(known.map(|known| known.jid));
    }
    for jid in asking(action).iter().take(Group::MAX_MEMBERS) {
        let known = address::known(memory, jid, None).await;
        members.extend(known.map(|known| known.jid));
    }
    Some(Inbound::GroupUpdated {
        group: address::plain(group)?,
        change: GroupChange {
            what: word(action, by.as_ref(), &members).to_owned(),
            members,
            text: text(action),
        },
        by,
    })
}

/// A new picture of a group, or none any more.
pub(super) async fn picture(client: &Client, update: &PictureUpdate) -> Option<Inbound> {
    let by = match &update.author {
        Some(jid) => address::known(client, jid, None).await,
        None => None,
    };
    Some(Inbound::GroupUpdated {
        group: address::plain(&update.jid)?,
        by: by.map(|known| known.jid),
        change: GroupChange {
            what: "picture".to_owned(),
            members: Vec::new(),
            text: update.picture_id.clone().filter(|_| !update.removed),
        },
    })
}

/// The network's word, but that who removes themselves leaves.
fn word<'a>(action: &'a Action, by: Option<&Jid>, members: &[Jid]) -> &'a str {
    match (action, members) {
        (Action::Remove { .. }, [one]) if by.is_none() || by == Some(one) => "leave",
        _ => action.tag_name(),
    }
}

fn participants(action: &Action) -> &[GroupParticipantInfo] {
    match action {
        Action::Add { participants, .. }
        | Action::Remove { participants, .. }
        | Action::Promote { participants }
        | Action::Demote { participants }
        | Action::Modify { participants } => participants,
        Action::CreatedMembershipRequests { requests, .. } => requests,
        _ => &[],
    }
}

fn asking(action: &Action) -> &[EngineJid] {
    match action {
        Action::RevokedMembershipRequests { participants } => participants,
        _ => &[],
    }
}

/// The new value, where the change has one. The code of an invitation is none: who has it can
/// join.
fn text(action: &Action) -> Option<String> {
    match action {
        Action::Subject { subject, .. } => Some(subject.clone()),
        Action::Description { description, .. } => description.clone(),
        Action::Ephemeral { expiration, .. } => Some(expiration.to_string()),
        Action::MembershipApprovalMode { enabled: true } => Some("on".to_owned()),
        Action::MembershipApprovalMode { enabled: false } => Some("off".to_owned()),
        Action::MemberAddMode { mode } => Some(mode.clone()),
        Action::Create { raw } => subject(raw),
        _ => None,
    }
}

/// The subject of a new group.
fn subject(created: &Node) -> Option<String> {
    let group = created.get_optional_child("group")?;
    let subject = group.attrs.get("subject")?;
    Some(subject.as_str().into_owned())
}
