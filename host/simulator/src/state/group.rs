//! Groups: who is in, who may do what, and how a group looks in an answer.

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::address::Form;
use crate::stanza::{empty, leaf, maybe};
use crate::state::State;
use crate::state::account::AccountId;

/// How many members a group has at most.
pub(crate) const MAX_MEMBERS: usize = 1_024;

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Member,
    Admin,
    Owner,
}

impl Role {
    fn wire(self) -> Option<&'static str> {
        match self {
            Role::Member => None,
            Role::Admin => Some("admin"),
            Role::Owner => Some("superadmin"),
        }
    }
}

/// One group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) jid: String,
    pub(crate) subject: String,
    pub(crate) subject_since: u64,
    pub(crate) subject_by: AccountId,
    pub(crate) description: Option<Description>,
    pub(crate) creator: AccountId,
    pub(crate) created: u64,
    pub(crate) members: Vec<(AccountId, Role)>,
    pub(crate) form: Form,
    pub(crate) announcement: bool,
    pub(crate) locked: bool,
    /// Whether only admins put people in.
    pub(crate) only_admins_add: bool,
    pub(crate) ephemeral: Option<u32>,
    pub(crate) invite: String,
    pub(crate) picture: Option<crate::state::account::Picture>,
    /// Rises with every change of the members.
    pub(crate) version: u64,
}

/// The text below a group's name.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    pub(crate) id: String,
    pub(crate) body: String,
}

impl Group {
    pub(crate) fn role(&self, account: AccountId) -> Option<Role> {
        self.members
            .iter()
            .find(|(member, _)| *member == account)
            .map(|(_, role)| *role)
    }

    pub(crate) fn is_admin(&self, account: AccountId) -> bool {
        matches!(self.role(account), Some(Role::Admin | Role::Owner))
    }
}

impl State {
    /// The `<group>` node of answers and of `create` notifications.
    pub(crate) fn group_node(&self, group: &Group) -> Node {
        let id = group.jid.trim_end_matches("@g.us");
        let mut builder = NodeBuilder::new("group")
            .attr("id", id)
            .attr("subject", group.subject.as_str())
            .attr("s_t", group.subject_since)
            .attr("s_o", self.user_jid(group.subject_by, group.form))
            .attr("creation", group.created)
            .attr("creator", self.user_jid(group.creator, group.form))
            .attr("size", group.members.len())
            .attr("a_v_id", group.version)
            .attr("p_v_id", group.version)
            .attr("addressing_mode", group.form.mode());
        if group.form == Form::Lid {
            builder = builder
                .attr("creator_pn", self.user_jid(group.creator, Form::Pn))
                .attr("s_o_pn", self.user_jid(group.subject_by, Form::Pn));
        }
        let mut children: Vec<Node> = group
            .members
            .iter()
            .map(|(member, role)| self.participant_node(*member, group.form, *role))
            .collect();
        if let Some(description) = &group.description {
            children.push(
                NodeBuilder::new("description")
                    .attr("id", description.id.as_str())
                    .children([leaf("body", description.body.as_bytes())])
                    .build(),
            );
        }
        if group.announcement {
            children.push(empty("announcement"));
        }
        if group.locked {
            children.push(empty("locked"));
        }
        let mode = if group.only_admins_add {
            "admin_add"
        } else {
            "all_member_add"
        };
        children.push(leaf("member_add_mode", mode.as_bytes()));
        if let Some(expiration) = group.ephemeral {
            children.push(
                NodeBuilder::new("ephemeral")
                    .attr("expiration", expiration)
                    .build(),
            );
        }
        builder.children(children).build()
    }

    /// `<participant>` in the form of its group, with the other form beside it.
    pub(crate) fn participant_node(&self, account: AccountId, form: Form, role: Role) -> Node {
        let other = match form {
            Form::Lid => Some(("phone_number", self.user_jid(account, Form::Pn))),
            Form::Pn if self.tells_lids => Some(("lid", self.user_jid(account, Form::Lid))),
            Form::Pn => None,
        };
        let mut builder = NodeBuilder::new("participant").attr("jid", self.user_jid(account, form));
        if let Some((key, jid)) = other {
            builder = builder.attr(key, jid);
        }
        maybe(builder, "type", role.wire()).build()
    }
}
