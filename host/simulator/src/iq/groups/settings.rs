//! What a group is called and who may do what in it.

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::super::{Answer, NOT_FOUND, Refusal, Request};
use super::news::tell;
use super::{MAX_SUBJECT, invite_code};
use crate::address::Form;
use crate::stanza::{Reading, copy, empty, leaf};
use crate::state::group::Description;

/// How long a description may be.
const MAX_DESCRIPTION: usize = 2_048;

pub(super) fn setting(request: &mut Request<'_>, jid: &str, child: &Node) -> Answer {
    let now = request.hub.now();
    let by = request.from.account;
    let form = request.state.groups.get(jid).map(|group| group.form);
    let author = request.state.user_jid(by, form.unwrap_or(Form::Pn));
    let group = request.state.groups.get_mut(jid).ok_or(NOT_FOUND)?;
    let news = match child.tag.as_ref() {
        "subject" => {
            let subject = child.text().unwrap_or_default();
            if subject.is_empty() || subject.chars().count() > MAX_SUBJECT {
                return Err(Refusal(406, "not-acceptable"));
            }
            group.subject.clone_from(&subject);
            group.subject_since = now;
            group.subject_by = by;
            NodeBuilder::new("subject")
                .attr("subject", subject)
                .attr("s_o", author)
                .attr("s_t", now)
                .build()
        }
        "description" => {
            let id = child.attr("id").unwrap_or_default();
            let known = group.description.as_ref().map(|one| one.id.as_str());
            if known.is_some() && child.attr("prev").as_deref() != known {
                return Err(Refusal(409, "conflict"));
            }
            let body = child.child("body").and_then(Reading::text);
            if body
                .as_ref()
                .is_some_and(|body| body.chars().count() > MAX_DESCRIPTION)
            {
                return Err(Refusal(406, "not-acceptable"));
            }
            group.description = body.clone().map(|body| Description {
                id: id.clone(),
                body,
            });
            let news = NodeBuilder::new("description").attr("id", id);
            match body {
                Some(body) => news.children([leaf("body", body.into_bytes())]).build(),
                None => news.children([empty("delete")]).build(),
            }
        }
        "announcement" | "not_announcement" => {
            group.announcement = child.tag == "announcement";
            bare(child)
        }
        "locked" | "unlocked" => {
            group.locked = child.tag == "locked";
            bare(child)
        }
        "ephemeral" | "not_ephemeral" => {
            group.ephemeral = child
                .attr("expiration")
                .and_then(|seconds| seconds.parse().ok())
                .filter(|seconds| *seconds > 0);
            copy(
                NodeBuilder::new_dynamic(child.tag.to_string()),
                child,
                &["expiration"],
            )
            .build()
        }
        "member_add_mode" => {
            group.only_admins_add = child.text().as_deref() == Some("admin_add");
            child.clone()
        }
        "invite" => return new_invite(request, jid),
        _ => return Err(Refusal(501, "feature-not-implemented")),
    };
    tell(request.hub, request.state, jid, by, news, &[]);
    Ok(vec![])
}

/// Replaces the code by which people join; the old one opens nothing any more.
fn new_invite(request: &mut Request<'_>, jid: &str) -> Answer {
    let code = invite_code(request.state);
    let group = request.state.groups.get_mut(jid).ok_or(NOT_FOUND)?;
    group.invite.clone_from(&code);
    let by = request.from.account;
    let invite = NodeBuilder::new("invite").attr("code", code).build();
    tell(request.hub, request.state, jid, by, invite.clone(), &[]);
    Ok(vec![invite])
}

fn bare(child: &Node) -> Node {
    NodeBuilder::new_dynamic(child.tag.to_string()).build()
}
