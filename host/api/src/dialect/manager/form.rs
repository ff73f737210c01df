//! The form in which webhooks of this dialect tell events.
//!
//! A webhook that was registered has the plain form; the one that a session has by its
//! `webhookUrl` a variant of it, which the registered one at the same address goes before.

use serde_json::{Value, json};
use warbler_app::webhooks::Told;
use warbler_domain::{EventBody, EventKind, KindPattern, Message, Webhook};

use super::messages::{address, addressee, contact, kind};
use super::sessions::status;
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
/// Every event, and the kind of the core that it stands for.
const EVENTS: [(&str, EventKind); 2] = [
    (MESSAGE, EventKind::MESSAGE_RECEIVED),
    (STATUS, EventKind::SESSION_STATUS),
];

/// Whether a form is one of this dialect.
pub(crate) fn knows(form: &str) -> bool {
    [FORM, OWN_FORM].contains(&form)
}

/// The events of these names, as the core knows them; all of them where nothing is said.
pub(super) fn wanted(names: Option<Vec<String>>) -> Result<Vec<KindPattern>, Problem> {
    let names = names.unwrap_or_else(|| EVENTS.map(|(name, _)| name.to_owned()).to_vec());
    let mut patterns = Vec::new();
    for name in names {
        let known = EVENTS.into_iter().find(|(known, _)| *known == name);
        let (_, kind) = known.ok_or_else(|| {
            let name: String = name.chars().take(64).collect();
            let detail = format!("`{name}` is no event; there are {MESSAGE} and {STATUS}");
            Problem::invalid("bad_event", detail).in_field("events")
        })?;
        let pattern = KindPattern::from(&kind);
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    Ok(patterns)
}

/// The names of the events that a webhook gets.
pub(super) fn names_of(webhook: &Webhook) -> Vec<&'static str> {
    let wants = |kind: &EventKind| webhook.events.iter().any(|wanted| wanted.matches(kind));
    let got = EVENTS.into_iter().filter(|(_, kind)| wants(kind));
    got.map(|(name, _)| name).collect()
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
    let body = json!({
        "sessionId": marks.number,
        "sessionName": marks.label.as_deref().unwrap_or(told.session_name.as_str()),
        (name): about,
    });
    Some((name, body))
}

fn message_view(message: &Message, base: &str) -> Value {
    json!({
        "id": message.whatsapp_id.as_str(),
        "from": address(message.author()),
        "to": addressee(message),
        "contactName": contact(message),
        "groupId": message.chat.is_group().then_some(&message.chat),
        "type": kind(&message.content),
        "content": message.content.readable().unwrap_or_default(),
        "timestamp": message.timestamp,
        "mediaUrl": message_url(base, message),
    })
}
