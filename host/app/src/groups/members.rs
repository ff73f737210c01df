//! Who is in a group.

use warbler_domain::group::{Group, MemberChange, MemberResult};
use warbler_domain::jid::Server;
use warbler_domain::{Caller, Jid, Recipient, Scope, Session, SessionRef};

use super::{GroupError, Groups};
use crate::chats::canonical;
use crate::network;

/// A group to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// Its subject.
    pub subject: String,
    /// Who is in it besides the account; at least one.
    pub members: Vec<Recipient>,
}

impl Groups {
    /// Adds, removes, promotes or demotes people; how it went for each.
    pub async fn change_members(
        &self,
        caller: &Caller,
        session: &SessionRef,
        group: Recipient,
        change: MemberChange,
        people: Vec<Recipient>,
    ) -> Result<Vec<MemberResult>, GroupError> {
        let (session, group) = self.group(caller, session, group, Scope::Manage).await?;
        let people = self.people(&session, people).await?;
        let link = network::link(&self.shared, &session)?;
        let results = network::answer(link.change_members(&group, change, &people)).await?;
        let action = match change {
            MemberChange::Add => "group.add",
            MemberChange::Remove => "group.remove",
            MemberChange::Promote => "group.promote",
            MemberChange::Demote => "group.demote",
        };
        self.note(caller, action, &group, &session).await?;
        self.forget(&session, &group).await?;
        Ok(results)
    }

    /// The addresses of people who are named for a group, each once.
    pub(super) async fn people(
        &self,
        session: &Session,
        people: Vec<Recipient>,
    ) -> Result<Vec<Jid>, GroupError> {
        if people.is_empty() || people.len() > Group::MAX_MEMBERS {
            return Err(GroupError::BadMembers);
        }
        let mut found = Vec::with_capacity(people.len());
        for person in people {
            let jid = canonical(&self.shared, session.id, person).await?;
            if !matches!(jid.server(), Server::Pn | Server::Lid) {
                return Err(GroupError::NotAPerson(jid));
            }
            if !found.contains(&jid) {
                found.push(jid);
            }
        }
        Ok(found)
    }
}
