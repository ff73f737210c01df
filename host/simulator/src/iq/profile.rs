//! What accounts and groups show: pictures and the about text.

use wacore_binary::builder::NodeBuilder;

use super::{Answer, BAD_REQUEST, FORBIDDEN, NOT_FOUND, Request};
use crate::address::{Address, Form};
use crate::stanza::{Reading, error, leaf};
use crate::state::account::{AccountId, Picture};

/// How long an about text may be.
const MAX_ABOUT: usize = 700;
/// How large a picture may be.
const MAX_PICTURE: usize = 1 << 20;

/// Whose picture.
enum Subject {
    Account(AccountId),
    Group(String),
}

pub(super) fn answer(request: &mut Request<'_>, xmlns: &str) -> Answer {
    if xmlns == "status" {
        return about(request);
    }
    let address = request
        .node
        .address("target")
        .or_else(|| request.node.address("to"));
    let subject = match address {
        Some(Address::Group(group)) => Subject::Group(group),
        Some(one @ Address::User { .. }) => {
            let (account, _) = request.state.resolve_account(&one).ok_or(NOT_FOUND)?;
            Subject::Account(account)
        }
        _ => Subject::Account(request.from.account),
    };
    if request.node.is("type", "get") {
        picture(request, &subject)
    } else {
        set_picture(request, &subject)
    }
}

fn about(request: &mut Request<'_>) -> Answer {
    let text = request
        .node
        .child("status")
        .and_then(Reading::text)
        .unwrap_or_default();
    if text.chars().count() > MAX_ABOUT {
        return Err(BAD_REQUEST);
    }
    let now = request.hub.now();
    let account = request.from.account;
    if let Some(account) = request.state.account_mut(account) {
        account.about.clone_from(&text);
        account.about_since = now;
    }
    let news = leaf("set", text.into_bytes());
    request
        .hub
        .announce(request.state, account, "status", &news);
    Ok(vec![])
}

fn picture(request: &Request<'_>, subject: &Subject) -> Answer {
    let found = match subject {
        Subject::Account(account) => request
            .state
            .account(*account)
            .and_then(|found| found.picture.clone()),
        Subject::Group(jid) => request
            .state
            .groups
            .get(jid)
            .and_then(|group| group.picture.clone()),
    };
    let kind = request
        .node
        .child("picture")
        .and_then(|asked| asked.attr("type"))
        .unwrap_or_else(|| "image".into());
    let node = match found {
        None => NodeBuilder::new("picture").children([error(404, "item-not-found")]),
        Some(picture) => NodeBuilder::new("picture")
            .attr("id", picture.id)
            .attr("type", kind)
            .attr("url", format!("https://pps.whatsapp.net{}", picture.path))
            .attr("direct_path", picture.path),
    };
    Ok(vec![node.build()])
}

fn set_picture(request: &mut Request<'_>, subject: &Subject) -> Answer {
    let allowed = match subject {
        Subject::Account(account) => *account == request.from.account,
        Subject::Group(jid) => request.state.groups.get(jid).is_some_and(|group| {
            group.is_admin(request.from.account)
                || (!group.locked && group.role(request.from.account).is_some())
        }),
    };
    if !allowed {
        return Err(FORBIDDEN);
    }
    let bytes = request.node.child("picture").and_then(Reading::bytes);
    let now = request.hub.now();
    let picture = match bytes {
        None => None,
        Some(bytes) if bytes.len() > MAX_PICTURE => return Err(BAD_REQUEST),
        Some(bytes) => {
            let path = request
                .hub
                .media
                .put(bytes.to_vec().into())
                .map_err(|_| super::Refusal(507, "insufficient-storage"))?;
            Some(Picture { id: now, path })
        }
    };
    match subject {
        Subject::Account(account) => {
            if let Some(found) = request.state.account_mut(*account) {
                found.picture = picture.clone();
            }
            let jid = request.state.user_jid(*account, Form::Pn);
            let news = match &picture {
                Some(picture) => NodeBuilder::new("set").attr("id", picture.id),
                None => NodeBuilder::new("delete"),
            };
            let news = news.attr("jid", jid.as_str()).attr("author", jid).build();
            let hub = request.hub;
            hub.announce(request.state, *account, "picture", &news);
        }
        Subject::Group(jid) => {
            if let Some(group) = request.state.groups.get_mut(jid) {
                group.picture = picture.clone();
            }
        }
    }
    Ok(picture
        .map(|picture| NodeBuilder::new("picture").attr("id", picture.id).build())
        .into_iter()
        .collect())
}
