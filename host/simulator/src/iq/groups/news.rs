//! What members are told of their group.

use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::address::Form;
use crate::hub::Hub;
use crate::state::State;
use crate::state::account::AccountId;

/// Tells every device of the members, and those who are no longer members, of a change.
pub(super) fn tell(
    hub: &Arc<Hub>,
    state: &mut State,
    jid: &str,
    by: AccountId,
    change: Node,
    gone: &[AccountId],
) {
    publish(hub, state, jid, by, ("w:gp2", change), gone);
}

/// Tells the members of a group's new picture, or that it has none any more.
pub(crate) fn tell_picture(
    hub: &Arc<Hub>,
    state: &mut State,
    jid: &str,
    by: AccountId,
    picture: Option<u64>,
) {
    let form = state.groups.get(jid).map_or(Form::Pn, |group| group.form);
    let change = match picture {
        Some(id) => NodeBuilder::new("set").attr("id", id),
        None => NodeBuilder::new("delete"),
    };
    let change = change
        .attr("jid", jid)
        .attr("author", state.user_jid(by, form))
        .build();
    publish(hub, state, jid, by, ("picture", change), &[]);
}

fn publish(
    hub: &Arc<Hub>,
    state: &mut State,
    jid: &str,
    by: AccountId,
    (kind, change): (&'static str, Node),
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
        .attr("type", kind)
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
