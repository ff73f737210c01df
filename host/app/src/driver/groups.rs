//! What a link does with groups.

use async_trait::async_trait;
use bytes::Bytes;
use warbler_domain::Jid;
use warbler_domain::group::{Group, GroupSetting, InviteCode, MemberChange, MemberResult};

use super::DriverError;

/// Groups.
///
/// What an engine lacks answers [`DriverError::Unsupported`], which is what the methods here do
/// when an engine does not have its own.
#[async_trait]
pub trait Groups: Send + Sync {
    /// The groups the account is in, with their members where the network tells them.
    async fn groups(&self) -> Result<Vec<Group>, DriverError> {
        Err(DriverError::Unsupported("list groups"))
    }

    /// One group, as it is now.
    async fn group(&self, group: &Jid) -> Result<Group, DriverError> {
        let _unused = group;
        Err(DriverError::Unsupported("read groups"))
    }

    /// Makes a group of the account and `members`; also says for whom it did not work.
    async fn create_group(
        &self,
        subject: &str,
        members: &[Jid],
    ) -> Result<(Group, Vec<MemberResult>), DriverError> {
        let _unused = (subject, members);
        Err(DriverError::Unsupported("make groups"))
    }

    /// Changes the subject.
    async fn set_subject(&self, group: &Jid, subject: &str) -> Result<(), DriverError> {
        let _unused = (group, subject);
        Err(DriverError::Unsupported("change a group's subject"))
    }

    /// Changes the description, or takes it away.
    async fn set_description(
        &self,
        group: &Jid,
        description: Option<&str>,
    ) -> Result<(), DriverError> {
        let _unused = (group, description);
        Err(DriverError::Unsupported("change a group's description"))
    }

    /// Changes the picture (JPEG), or takes it away.
    async fn set_group_picture(&self, group: &Jid, jpeg: Option<Bytes>) -> Result<(), DriverError> {
        let _unused = (group, jpeg);
        Err(DriverError::Unsupported("change a group's picture"))
    }

    /// Changes a setting.
    async fn set_group(&self, group: &Jid, setting: GroupSetting) -> Result<(), DriverError> {
        let _unused = (group, setting);
        Err(DriverError::Unsupported("change a group's settings"))
    }

    /// Adds, removes, promotes or demotes people; how it went for each.
    async fn change_members(
        &self,
        group: &Jid,
        change: MemberChange,
        people: &[Jid],
    ) -> Result<Vec<MemberResult>, DriverError> {
        let _unused = (group, change, people);
        Err(DriverError::Unsupported("change a group's members"))
    }

    /// The code of the group's invitation; `anew` makes the old one worthless.
    async fn invite_code(&self, group: &Jid, anew: bool) -> Result<InviteCode, DriverError> {
        let _unused = (group, anew);
        Err(DriverError::Unsupported("read invitations"))
    }

    /// The group an invitation is for.
    async fn invited_to(&self, code: &InviteCode) -> Result<Group, DriverError> {
        let _unused = code;
        Err(DriverError::Unsupported("look at invitations"))
    }

    /// Joins by invitation; the group, or `None` when an admin has to agree first.
    async fn join(&self, code: &InviteCode) -> Result<Option<Jid>, DriverError> {
        let _unused = code;
        Err(DriverError::Unsupported("join groups"))
    }

    /// Leaves.
    async fn leave(&self, group: &Jid) -> Result<(), DriverError> {
        let _unused = group;
        Err(DriverError::Unsupported("leave groups"))
    }
}
