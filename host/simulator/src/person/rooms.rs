//! What a person does with groups.

use wacore_binary::builder::NodeBuilder;

use super::{Person, PersonError};
use crate::address::Form;
use crate::iq::{self, Refusal};
use crate::stanza::{Reading, empty, leaf, maybe};
use crate::state::account::AccountId;

impl Person {
    /// Makes a group with these members; returns its JID.
    pub async fn creates_group(
        &self,
        subject: &str,
        members: &[&Person],
    ) -> Result<String, PersonError> {
        let members: Vec<AccountId> = members.iter().map(|member| member.id()).collect();
        let mut state = self.hub.lock();
        iq::create_group(&self.hub, &mut state, self.id(), subject, &members)
            .map(|group| group.jid)
            .map_err(|Refusal(code, _)| PersonError::Refused(code))
    }

    /// Adds people to a group.
    pub async fn adds(&self, group: &str, members: &[&Person]) -> Result<(), PersonError> {
        self.changes_members(group, "add", members)
    }

    /// Puts people out of a group.
    pub async fn removes(&self, group: &str, members: &[&Person]) -> Result<(), PersonError> {
        self.changes_members(group, "remove", members)
    }

    /// Makes people admins of a group.
    pub async fn promotes(&self, group: &str, members: &[&Person]) -> Result<(), PersonError> {
        self.changes_members(group, "promote", members)
    }

    /// Takes the rights of admins of a group away.
    pub async fn demotes(&self, group: &str, members: &[&Person]) -> Result<(), PersonError> {
        self.changes_members(group, "demote", members)
    }

    fn changes_members(
        &self,
        group: &str,
        action: &'static str,
        members: &[&Person],
    ) -> Result<(), PersonError> {
        let listed = members.iter().map(|member| {
            NodeBuilder::new("participant")
                .attr("jid", member.jid())
                .build()
        });
        let change = NodeBuilder::new(action).children(listed).build();
        self.asks("w:g2", group, change)
    }

    /// Gives a group another name.
    pub async fn renames_group(&self, group: &str, subject: &str) -> Result<(), PersonError> {
        self.asks("w:g2", group, leaf("subject", subject.as_bytes()))
    }

    /// Gives a group another description; an empty one takes it away.
    pub async fn describes_group(&self, group: &str, text: &str) -> Result<(), PersonError> {
        let (id, prev) = {
            let mut state = self.hub.lock();
            let known = state.groups.get(group);
            let prev = known.and_then(|group| Some(group.description.as_ref()?.id.clone()));
            (state.message_id(), prev)
        };
        let description = maybe(NodeBuilder::new("description"), "prev", prev).attr("id", id);
        let description = match text {
            "" => description.attr("delete", "true").build(),
            text => description
                .children([leaf("body", text.as_bytes())])
                .build(),
        };
        self.asks("w:g2", group, description)
    }

    /// Lets only admins speak in a group, or everybody.
    pub async fn restricts_speaking(&self, group: &str, on: bool) -> Result<(), PersonError> {
        let change = if on {
            "announcement"
        } else {
            "not_announcement"
        };
        self.asks("w:g2", group, empty(change))
    }

    /// Lets only admins change a group's name, description and picture, or everybody.
    pub async fn locks_group(&self, group: &str, on: bool) -> Result<(), PersonError> {
        let change = if on { "locked" } else { "unlocked" };
        self.asks("w:g2", group, empty(change))
    }

    /// Changes the picture of a group; empty bytes take it away.
    pub async fn sets_group_picture(&self, group: &str, bytes: &[u8]) -> Result<(), PersonError> {
        let node = NodeBuilder::new("iq")
            .attr("type", "set")
            .attr("xmlns", "w:profile:picture")
            .attr("to", crate::stanza::SERVER)
            .attr("target", group)
            .children([leaf("picture", bytes)])
            .build();
        self.requests(&node).map(|_| ())
    }

    /// The code by which people join a group.
    pub async fn invite_code(&self, group: &str) -> Result<String, PersonError> {
        let node = NodeBuilder::new("iq")
            .attr("type", "get")
            .attr("xmlns", "w:g2")
            .attr("to", group)
            .children([empty("invite")])
            .build();
        let answer = self.requests(&node)?;
        let code = answer.first().and_then(|invite| invite.attr("code"));
        code.ok_or(PersonError::Refused(404))
    }

    /// Joins a group by its code.
    pub async fn joins(&self, code: &str) -> Result<(), PersonError> {
        let invite = NodeBuilder::new("invite").attr("code", code).build();
        self.asks("w:g2", "g.us", invite)
    }

    /// Who is in a group, by phone number; nothing if there is no such group.
    pub fn members_of(&self, group: &str) -> Vec<String> {
        let state = self.hub.lock();
        let members = state.groups.get(group).map(|group| group.members.clone());
        members
            .unwrap_or_default()
            .into_iter()
            .map(|(member, _)| state.user_jid(member, Form::Pn))
            .collect()
    }

    /// Leaves a group.
    pub async fn leaves(&self, group: &str) -> Result<(), PersonError> {
        let named = NodeBuilder::new("group").attr("id", group).build();
        let leave = NodeBuilder::new("leave").children([named]).build();
        self.asks("w:g2", "g.us", leave)
    }
}
