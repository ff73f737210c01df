//! Groups: the default engine's questions, asked over this engine's connection.

use async_trait::async_trait;
use bytes::Bytes;
use wacore::iq::contacts::SetProfilePictureSpec;
use wacore::iq::groups::{
    AcceptGroupInviteIq, AddParticipantsIq, DemoteParticipantsIq, GetGroupInviteInfoIq,
    GetGroupInviteLinkIq, GroupCreateIq, GroupInfoOutcome, GroupInfoResponse, GroupParticipatingIq,
    GroupQueryIq, JoinGroupResult, LeaveGroupIq, PromoteParticipantsIq, RemoveParticipantsIq,
    SetGroupAnnouncementIq, SetGroupDescriptionIq, SetGroupLockedIq, SetGroupMembershipApprovalIq,
    SetGroupSubjectIq, normalize_participants,
};
use wacore_binary::Jid as EngineJid;
use warbler_app::driver::{DriverError, Groups};
use warbler_domain::Jid;
use warbler_domain::group::{Group, GroupSetting, InviteCode, MemberChange, MemberResult};
use whatsapp_rust::{
    GroupCreateOptions, GroupDescription, GroupMetadata, GroupParticipantOptions, GroupSubject,
    MembershipApprovalMode,
};

use super::link::WaRsLink;
use crate::address;
use crate::link::asking::INVITATION;
use crate::link::groups::{group, results, taken_in};

#[async_trait]
impl Groups for WaRsLink {
    async fn groups(&self) -> Result<Vec<Group>, DriverError> {
        let found = self.execute("group", GroupParticipatingIq::new()).await?;
        let mut list = Vec::with_capacity(found.groups.len());
        for one in found.groups {
            list.extend(group(&self.people, GroupMetadata::from(one)).await);
        }
        list.sort_by(|a, b| a.jid.cmp(&b.jid));
        Ok(list)
    }

    async fn group(&self, group: &Jid) -> Result<Group, DriverError> {
        let found = self.metadata(&address::engine(group)).await?;
        self.told(found).await
    }

    async fn create_group(
        &self,
        subject: &str,
        members: &[Jid],
    ) -> Result<(Group, Vec<MemberResult>), DriverError> {
        let participants: Vec<_> = members
            .iter()
            .map(|member| GroupParticipantOptions::new(address::engine(member)))
            .collect();
        let participants = normalize_participants(&participants);
        let options = GroupCreateOptions::new(subject).with_participants(participants);
        let created = self.execute("person", GroupCreateIq::new(options)).await?;
        // The answer lists those who were refused like those who were not: look again.
        let group = match self.metadata(&created.id).await {
            Ok(found) => self.told(found).await?,
            Err(_) => self.told(created).await?,
        };
        let results = taken_in(&group, members);
        Ok((group, results))
    }

    async fn set_subject(&self, group: &Jid, subject: &str) -> Result<(), DriverError> {
        let subject = GroupSubject::new_unchecked(subject);
        let spec = SetGroupSubjectIq::new(&address::engine(group), subject);
        self.execute("group", spec).await
    }

    async fn set_description(
        &self,
        group: &Jid,
        description: Option<&str>,
    ) -> Result<(), DriverError> {
        let group = address::engine(group);
        let before = self.metadata(&group).await?.description_id;
        let description = description.map(GroupDescription::new_unchecked);
        let spec = SetGroupDescriptionIq::new(&group, description, before.as_deref());
        self.execute("group", spec).await
    }

    async fn set_group_picture(&self, group: &Jid, jpeg: Option<Bytes>) -> Result<(), DriverError> {
        let group = address::engine(group);
        let spec = match jpeg {
            Some(jpeg) => SetProfilePictureSpec::for_group(&group, jpeg.into()),
            None => SetProfilePictureSpec::remove_group(&group),
        };
        self.execute("group", spec).await.map(drop)
    }

    async fn set_group(&self, group: &Jid, setting: GroupSetting) -> Result<(), DriverError> {
        let group = address::engine(group);
        match setting {
            GroupSetting::Announce(true) => {
                let spec = SetGroupAnnouncementIq::announce(&group);
                self.execute("group", spec).await
            }
            GroupSetting::Announce(false) => {
                let spec = SetGroupAnnouncementIq::unannounce(&group);
                self.execute("group", spec).await
            }
            GroupSetting::Locked(true) => {
                let spec = SetGroupLockedIq::lock(&group);
                self.execute("group", spec).await
            }
            GroupSetting::Locked(false) => {
                let spec = SetGroupLockedIq::unlock(&group);
                self.execute("group", spec).await
            }
            GroupSetting::Approval(on) => {
                let mode = match on {
                    true => MembershipApprovalMode::On,
                    false => MembershipApprovalMode::Off,
                };
                let spec = SetGroupMembershipApprovalIq::new(&group, mode);
                self.execute("group", spec).await
            }
        }
    }

    async fn change_members(
        &self,
        group: &Jid,
        change: MemberChange,
        people: &[Jid],
    ) -> Result<Vec<MemberResult>, DriverError> {
        let place = self.place(group).await?;
        let mut named = Vec::with_capacity(people.len());
        for person in people {
            named.push(match change {
                // Who is not in it yet is known to the server in any address.
                MemberChange::Add => address::engine(person),
                _ => place.named(&self.people, person).await,
            });
        }
        let to = &place.to;
        let answers = match change {
            MemberChange::Add => {
                let spec = AddParticipantsIq::new(to, &named);
                self.execute("group", spec).await
            }
            MemberChange::Remove => {
                let spec = RemoveParticipantsIq::new(to, &named);
                self.execute("group", spec).await
            }
            MemberChange::Promote => {
                let spec = PromoteParticipantsIq::new(to, &named);
                self.execute("group", spec).await
            }
            MemberChange::Demote => {
                let spec = DemoteParticipantsIq::new(to, &named);
                self.execute("group", spec).await
            }
        }?;
        Ok(results(&self.people, &answers).await)
    }

    async fn invite_code(&self, group: &Jid, anew: bool) -> Result<InviteCode, DriverError> {
        let spec = GetGroupInviteLinkIq::new(&address::engine(group), anew);
        let link = self.execute("group", spec).await?;
        let code = link.parse();
        code.map_err(|_| DriverError::Engine("the invitation has an unknown form".to_owned()))
    }

    async fn invited_to(&self, code: &InviteCode) -> Result<Group, DriverError> {
        let spec = GetGroupInviteInfoIq::new(code.as_str());
        let found = self.execute(INVITATION, spec).await?;
        let found = group(&self.people, GroupMetadata::from(found)).await;
        found.ok_or(DriverError::NotFound(INVITATION))
    }

    async fn join(&self, code: &InviteCode) -> Result<Option<Jid>, DriverError> {
        let spec = AcceptGroupInviteIq::new(code.as_str());
        Ok(match self.execute(INVITATION, spec).await? {
            JoinGroupResult::Joined(group) => address::plain(&group),
            JoinGroupResult::PendingApproval(_) => None,
        })
    }

    async fn leave(&self, group: &Jid) -> Result<(), DriverError> {
        let spec = LeaveGroupIq::new(&address::engine(group));
        self.execute("group", spec).await.map(drop)
    }
}

impl WaRsLink {
    async fn metadata(&self, of: &EngineJid) -> Result<GroupInfoResponse, DriverError> {
        match self.execute("group", GroupQueryIq::new(of)).await? {
            GroupInfoOutcome::Full(found) => Ok(*found),
            GroupInfoOutcome::NotModified => Err(DriverError::NotFound("group")),
        }
    }

    async fn told(&self, found: GroupInfoResponse) -> Result<Group, DriverError> {
        let found = group(&self.people, GroupMetadata::from(found)).await;
        found.ok_or(DriverError::NotFound("group"))
    }
}
