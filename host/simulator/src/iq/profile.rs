//! What accounts and groups show: pictures and the about text.

use wacore_binary::builder::NodeBuilder;

use super::groups::news::tell_picture;
use super::{Answer, BAD_REQUEST, FORBIDDEN, NOT_FOUND, Request};
use crate::address::{Address, Form};
use crate::stanza::{Reading, error, leaf};
use crate::state::State;
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
    let asker = request.from.account;
    let found = match subject {
        Subject::Account(account) if !shows(request.state, *account, "profile", asker) => {
            return Ok(vec![
                NodeBuilder::new("picture")
                    .children([error(401, "not-authorized")])
                    .build(),
            ]);
        }
        subject => known_picture(request.state, subject),
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
            .attr("direct_path", picture.path.as_str()),
    };
    Ok(vec![node.build()])
}

fn known_picture<'a>(state: &'a State, subject: &Subject) -> Option<&'a Picture> {
    match subject {
        Subject::Account(account) => state.account(*account)?.picture.as_ref(),
        Subject::Group(jid) => state.groups.get(jid)?.picture.as_ref(),
    }
}

/// Whether an account shows something of itself to another, by its privacy settings.
pub(super) fn shows(state: &State, owner: AccountId, category: &str, asker: AccountId) -> bool {
    let Some(account) = state.account(owner) else {
        return false;
    };
    if owner == asker {
        return true;
    }
    let usual = match category {
        "status" | "profile" | "last" => "all",
        _ => "none",
    };
    match account.privacy.get(category).map_or(usual, String::as_str) {
        "none" => false,
        "contacts" | "contact_blacklist" => account.known.contains(&asker),
        _ => !account.blocked.contains(&asker),
    }
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
        Some([]) => None,
        Some(bytes) => {
            let path = request
                .hub
                .media
                .put(bytes.to_vec().into())
                .map_err(|_| super::Refusal(507, "insufficient-storage"))?;
            // Clients compare ids, so two pictures within a second must differ.
            let before = known_picture(request.state, subject).map_or(0, |known| known.id);
            let id = now.max(before + 1);
            Some(Picture { id, path })
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
                group.picture.clone_from(&picture);
            }
            let id = picture.as_ref().map(|picture| picture.id);
            let hub = request.hub;
            tell_picture(hub, request.state, jid, request.from.account, id);
        }
    }
    Ok(picture
        .map(|picture| NodeBuilder::new("picture").attr("id", picture.id).build())
        .into_iter()
        .collect())
}
