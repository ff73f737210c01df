//! Groups as they are shown.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_domain::group::{Group, Member, MemberResult};
use warbler_domain::{Jid, Timestamp};

use crate::native::words;

/// A group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Group, example = json!({
    "jid": "120363000000000000@g.us",
    "subject": "Regulars",
    "announce": false,
    "locked": false,
    "approval": false,
    "size": 2,
    "members": [{ "jid": "15550123@s.whatsapp.net", "role": "owner" }],
}))]
pub(in crate::native) struct GroupView {
    /// Its address.
    #[schema(value_type = String)]
    jid: Jid,
    /// Its name.
    subject: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Who made it, where told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    owner: Option<Jid>,
    /// When it was made, where told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    /// Only admins may write.
    announce: bool,
    /// Only admins may change subject, description and picture.
    locked: bool,
    /// New members need an admin's approval.
    approval: bool,
    /// How many are in it.
    size: u32,
    /// Who is in it, as far as the network tells.
    members: Vec<MemberView>,
}

/// Somebody in a group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GroupMember)]
pub(in crate::native) struct MemberView {
    /// Their address; the one with the phone number, where it is known.
    #[schema(value_type = String)]
    jid: Jid,
    /// Their other address, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    alt: Option<Jid>,
    /// What they may do.
    role: words::MemberRole,
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        Self {
            jid: group.jid,
            subject: group.subject,
            description: group.description,
            owner: group.owner,
            created_at: group.created_at,
            announce: group.announce,
            locked: group.locked,
            approval: group.approval,
            size: group.size,
            members: group.members.into_iter().map(MemberView::from).collect(),
        }
    }
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            jid: member.jid,
            alt: member.alt,
            role: member.role.into(),
        }
    }
}

/// How a change went for one person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MemberResult, example = json!({ "jid": "15550123@s.whatsapp.net", "done": true }))]
pub(in crate::native) struct ResultView {
    /// Who.
    #[schema(value_type = String)]
    jid: Jid,
    /// Whether it worked.
    done: bool,
    /// Why not: `must_be_invited`, `not_on_whatsapp`, `left_lately`, `already_there` or
    /// `refused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The network's own code for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
}

impl From<MemberResult> for ResultView {
    fn from(result: MemberResult) -> Self {
        let reason = result.refused.map(|code| match code {
            403 => "must_be_invited",
            404 => "not_on_whatsapp",
            408 => "left_lately",
            409 => "already_there",
            _ => "refused",
        });
        Self {
            jid: result.jid,
            done: result.refused.is_none(),
            reason,
            code: result.refused,
        }
    }
}

/// A group that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatedGroup)]
pub(in crate::native) struct CreatedView {
    /// The group.
    group: GroupView,
    /// How it went for each person who was to be in it, as far as the network tells.
    results: Vec<ResultView>,
}

impl CreatedView {
    pub(super) fn of(group: Group, results: Vec<MemberResult>) -> Self {
        Self {
            group: group.into(),
            results: results.into_iter().map(ResultView::from).collect(),
        }
    }
}
