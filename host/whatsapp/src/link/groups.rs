//! Groups.

use async_trait::async_trait;
use bytes::Bytes;
use wacore_binary::Jid as EngineJid;
use warbler_app::driver::{DriverError, Groups};
use warbler_domain::group::{
    Group, GroupSetting, InviteCode, Member, MemberChange, MemberResult, MemberRole,
};
use warbler_domain::{Jid, Timestamp};
use whatsapp_rust::{
    GroupCreateOptions, GroupDescription, GroupMetadata, GroupParticipant, GroupParticipantOptions,
    GroupSubject, JoinGroupResult, MembershipApprovalMode, ParticipantChangeResponse,
    ParticipantType, PreviousDescription,
};

use super::WhatsappLink;
use super::asking::INVITATION;
use crate::address;
use crate::memory::Memory;

/// Why somebody is not in a new group: the engine does not pass on more, and nearly always it is
/// that they want to be asked.
const MUST_BE_INVITED: u16 = 403;

#[async_trait]
impl Groups for WhatsappLink {
    async fn groups(&self) -> Result<Vec<Group>, DriverError> {
        let groups = self.client.groups();
        let found = self.ask("group", groups.get_participating()).await?;
        let mut list = Vec::with_capacity(found.len());
        for metadata in found.into_values() {
            list.extend(group(&self.client, metadata).await);
        }
        list.sort_by(|a, b| a.jid.cmp(&b.jid));
        Ok(list)
    }

    async fn group(&self, group: &Jid) -> Result<Group, DriverError> {
        self.metadata(&address::engine(group)).await
    }

    async fn create_group(
        &self,
        subject: &str,
        members: &[Jid],
    ) -> Result<(Group, Vec<MemberResult>), DriverError> {
        let participants = members
            .iter()
            .map(|member| GroupParticipantOptions::new(address::engine(member)));
        let options = GroupCreateOptions::new(subject).with_participants(participants.collect());
        let groups = self.client.groups();
        let created = self.ask("person", groups.create_group(options)).await?;
        // The answer lists those who were refused like those who were not: look again.
        let group = match self.metadata(&created.metadata.id).await {
            Ok(group) => group,
            Err(_) => group(&self.client, created.metadata)
                .await
                .ok_or(DriverError::NotFound("group"))?,
        };
        let results = taken_in(&group, members);
        Ok((group, results))
    }

    async fn set_subject(&self, group: &Jid, subject: &str) -> Result<(), DriverError> {
        let subject = GroupSubject::new_unchecked(subject);
        let groups = self.client.groups();
        let set = groups.set_subject(address::engine(group), subject);
        self.ask("group", set).await
    }

    async fn set_description(
        &self,
        group: &Jid,
        description: Option<&str>,
    ) -> Result<(), DriverError> {
        let description = description.map(GroupDescription::new_unchecked);
        let groups = self.client.groups();
        let group = address::engine(group);
        let set = groups.set_description(group, description, PreviousDescription::Resolve);
        self.ask("group", set).await
    }

    async fn set_group_picture(&self, group: &Jid, jpeg: Option<Bytes>) -> Result<(), DriverError> {
        let groups = self.client.groups();
        let group = address::engine(group);
        let set = match jpeg {
            Some(jpeg) => {
                let set = groups.set_profile_picture(group, jpeg.into());
                self.ask("group", set).await
            }
            None => {
                let removed = groups.remove_profile_picture(group);
                self.ask("group", removed).await
            }
        };
        set.map(drop)
    }

    async fn set_group(&self, group: &Jid, setting: GroupSetting) -> Result<(), DriverError> {
        let groups = self.client.groups();
        let group = address::engine(group);
        match setting {
            GroupSetting::Announce(on) => self.ask("group", groups.set_announce(group, on)).await,
            GroupSetting::Locked(on) => self.ask("group", groups.set_locked(group, on)).await,
            GroupSetting::Approval(on) => {
                let mode = match on {
                    true => MembershipApprovalMode::On,
                    false => MembershipApprovalMode::Off,
                };
                let set = groups.set_membership_approval(group, mode);
                self.ask("group", set).await
            }
        }
    }

    async fn change_members(
        &self,
        group: &Jid,
        change: MemberChange,
        people: &[Jid],
    ) -> Result<Vec<MemberResult>, DriverError> {
        let place = self.ask("group", self.place(group)).await?;
        let mut named = Vec::with_capacity(people.len());
        for person in people {
            named.push(match change {
                // Who is not in it yet is known to the server in any address.
                MemberChange::Add => address::engine(person),
                _ => self.named(person, &place).await,
            });
        }
        let groups = self.client.groups();
        let group = place.to;
        let answers = match change {
            MemberChange::Add => {
                let changed = groups.add_participants(group, &named);
                self.ask("group", changed).await
            }
            MemberChange::Remove => {
                let changed = groups.remove_participants(group, &named);
                self.ask("group", changed).await
            }
            MemberChange::Promote => {
                let changed = groups.promote_participants(group, &named);
                self.ask("group", changed).await
            }
            MemberChange::Demote => {
                let changed = groups.demote_participants(group, &named);
                self.ask("group", changed).await
            }
        }?;
        Ok(results(&self.client, &answers).await)
    }

    async fn invite_code(&self, group: &Jid, anew: bool) -> Result<InviteCode, DriverError> {
        let groups = self.client.groups();
        let asked = groups.get_invite_link(address::engine(group), anew);
        let link = self.ask("group", asked).await?;
        let code = link.parse();
        code.map_err(|_| DriverError::Engine("the invitation has an unknown form".to_owned()))
    }

    async fn invited_to(&self, code: &InviteCode) -> Result<Group, DriverError> {
        let groups = self.client.groups();
        let asked = groups.get_invite_info(code.as_str());
        let found = self.ask(INVITATION, asked).await?;
        let found = group(&self.client, found).await;
        found.ok_or(DriverError::NotFound(INVITATION))
    }

    async fn join(&self, code: &InviteCode) -> Result<Option<Jid>, DriverError> {
        let groups = self.client.groups();
        let asked = groups.join_with_invite_code(code.as_str());
        Ok(match self.ask(INVITATION, asked).await? {
            JoinGroupResult::Joined(group) => address::plain(&group),
            JoinGroupResult::PendingApproval(_) => None,
        })
    }

    async fn leave(&self, group: &Jid) -> Result<(), DriverError> {
        let groups = self.client.groups();
        let left = groups.leave(address::engine(group));
        self.ask("group", left).await
    }
}

impl WhatsappLink {
    async fn metadata(&self, of: &EngineJid) -> Result<Group, DriverError> {
        let groups = self.client.groups();
        let found = self.ask("group", groups.get_metadata(of)).await?;
        let found = group(&self.client, found).await;
        found.ok_or(DriverError::NotFound("group"))
    }
}

/// Whom of those asked for a new group has.
pub(crate) fn taken_in(group: &Group, asked: &[Jid]) -> Vec<MemberResult> {
    let is =
        |member: &Member, asked: &Jid| member.jid == *asked || member.alt.as_ref() == Some(asked);
    let result = |asked: &Jid| MemberResult {
        jid: asked.clone(),
        refused: match group.members.iter().any(|member| is(member, asked)) {
            true => None,
            false => Some(MUST_BE_INVITED),
        },
    };
    asked.iter().map(result).collect()
}

/// How a change of members went for each, in our words.
pub(crate) async fn results(
    memory: &dyn Memory,
    answers: &[ParticipantChangeResponse],
) -> Vec<MemberResult> {
    let mut results = Vec::with_capacity(answers.len());
    for answer in answers {
        let known = address::known(memory, &answer.jid, answer.phone_number.as_ref());
        results.extend(known.await.map(|known| MemberResult {
            jid: known.jid,
            refused: refused(answer),
        }));
    }
    results
}

/// Why a change did not work for somebody.
fn refused(answer: &ParticipantChangeResponse) -> Option<u16> {
    let code = answer.error.as_deref().or(answer.status.as_deref())?;
    code.parse().ok().filter(|code| *code != 200)
}

/// A group in our words.
pub(crate) async fn group(memory: &dyn Memory, from: GroupMetadata) -> Option<Group> {
    let owner = match (&from.creator, &from.creator_pn) {
        (Some(jid), told) => address::known(memory, jid, told.as_ref()).await,
        (None, _) => None,
    };
    let mut members = Vec::with_capacity(from.participants.len());
    for participant in from.participants.iter().take(Group::MAX_MEMBERS) {
        members.extend(member(memory, participant).await);
    }
    let counted = u32::try_from(from.participants.len()).unwrap_or(u32::MAX);
    Some(Group {
        jid: address::plain(&from.id)?,
        subject: from.subject,
        description: from.description.filter(|text| !text.is_empty()),
        owner: owner.map(|known| known.jid),
        created_at: from.creation_time.and_then(seconds),
        announce: from.is_announcement,
        locked: from.is_locked,
        approval: from.membership_approval,
        members,
        size: from.size.unwrap_or(counted),
    })
}

async fn member(memory: &dyn Memory, from: &GroupParticipant) -> Option<Member> {
    let told = match from.jid.is_lid() {
        true => from.phone_number.as_ref(),
        false => from.lid.as_ref(),
    };
    let known = address::known(memory, &from.jid, told).await?;
    Some(Member {
        jid: known.jid,
        alt: known.alt,
        role: match from.participant_type {
            ParticipantType::Member => MemberRole::Member,
            ParticipantType::Admin => MemberRole::Admin,
            ParticipantType::SuperAdmin => MemberRole::Owner,
        },
    })
}

fn seconds(since_1970: u64) -> Option<Timestamp> {
    let millis = i64::try_from(since_1970).ok()?.checked_mul(1000)?;
    Some(Timestamp::from_millis(millis))
}
