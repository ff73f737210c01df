//! The form in which webhooks of this dialect tell events.
//!
//! A webhook that was registered has the plain form; the one that a session has by its
//! `webhookUrl` a variant of it, which the registered one at the same address goes before.

use serde_json::{Value, json};
use warbler_app::webhooks::Told;
use warbler_domain::{EventBody, EventKind, KindPattern, Message, Webhook};

use super::wire::{Parties, kind, status, text};
use crate::native::media::message_url;
use crate::problem::Problem;

/// The form of registered webhooks.
pub(super) const FORM: &str = "manager";
/// The form of the one webhook that a session has by its `webhookUrl`.
pub(super) const OWN_FORM: &str = "manager/session";
/// Names the event; the payload does not.
pub(crate) const HEADER: &str = "X-Webhook-Event";

const MESSAGE: &str = "message";
const STATUS: &str = "status";
/// Every event.
pub(super) const EVENTS: [&str; 2] = [MESSAGE, STATUS];

/// Whether a form is one of this dialect.
pub(crate) fn knows(form: &str) -> bool {
    [FORM, OWN_FORM].contains(&form)
}

/// The kind of the core that an event stands for.
fn kind_of(event: &str) -> Option<EventKind> {
    match event {
        MESSAGE => Some(EventKind::MESSAGE_RECEIVED),
        STATUS => Some(EventKind::SESSION_STATUS),
        _ => None,
    }
}

/// What a webhook that wants these kinds is made with.
pub(super) fn patterns(kinds: impl IntoIterator<Item = EventKind>) -> Vec<KindPattern> {
    let kinds = kinds.into_iter();
    // A kind is a pattern of itself.
    kinds
        .filter_map(|kind| kind.as_str().parse().ok())
        .collect()
}

/// The events of these names, as the core knows them.
pub(super) fn wanted(names: &[String]) -> Result<Vec<KindPattern>, Problem> {
    let mut kinds = Vec::new();
    for name in names {
        let kind = kind_of(name).ok_or_else(|| {
            let name: String = name.chars().take(64).collect();
            let detail = format!("`{name}` is no event; there are {}", EVENTS.join(" and "));
            Problem::invalid("bad_event", detail).in_field("events")
        })?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(patterns(kinds))
}

/// The names of the events that a webhook gets.
pub(super) fn names_of(webhook: &Webhook) -> Vec<&'static str> {
    let wants = |event: &&str| {
        let kind = kind_of(event);
        kind.is_some_and(|kind| webhook.events.iter().any(|wanted| wanted.matches(&kind)))
    };
    EVENTS.into_iter().filter(wants).collect()
}

/// The name of an event and what is told of it; nothing for one that has no words here. `base` is
/// what this host is called from outside.
pub(crate) fn tell(told: &Told<'_>, base: &str) -> Option<(&'static str, Value)> {
    let event = &told.event.event;
    let marks = told.marks?;
    let (name, about) = match &event.body {
        EventBody::Message { message } => (MESSAGE, message_view(message, base)),
        EventBody::SessionStatus { to, .. } => {
            let about = json!({ "status": status(*to), "timestamp": event.at });
            (STATUS, about)
        }
        _ => return None,
    };
    let label = marks.label.as_deref();
    let mut body = json!({
        "sessionId": marks.number,
        "sessionName": label.unwrap_or(told.session_name.as_str()),
    });
    body[name] = about;
    Some((name, body))
}

fn message_view(message: &Message, base: &str) -> Value {
    let parties = Parties::of(message);
    let media_url = message_url(base, message);
    json!({
        "id": message.whatsapp_id.as_str(),
        "from": parties.from,
        "to": parties.to,
        "contactName": parties.name,
        "groupId": parties.group,
        "type": kind(&message.content),
        "content": text(&message.content),
        "timestamp": message.timestamp,
        "mediaUrl": media_url,
    })
}
