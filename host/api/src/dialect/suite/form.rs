//! The form in which webhooks of this dialect tell events.
//!
//! Two of its events are one kind of the core, a session that changes its state. Which of the two a
//! webhook wants is part of the name of its form: `suite` tells both, `suite/ready` and
//! `suite/disconnected` one.

use serde_json::{Value, json};
use warbler_app::webhooks::Told;
use warbler_domain::{EventBody, EventKind, KindPattern, SessionState, Webhook};

use super::wire::{id, message_id, message_status, message_view};
use crate::dialect::Standing;
use crate::problem::Problem;
use crate::qr;

const BOTH: &str = "suite";
const READY_ONLY: &str = "suite/ready";
const DISCONNECTED_ONLY: &str = "suite/disconnected";

const READY: &str = "ready";
const DISCONNECTED: &str = "disconnected";

/// Every event, and the kinds of the core it stands for.
pub(super) const EVENTS: [(&str, &[EventKind]); 5] = [
    ("message", &[EventKind::MESSAGE_RECEIVED]),
    (
        "status",
        &[EventKind::MESSAGE_RECEIPT, EventKind::MESSAGE_FAILED],
    ),
    ("qr", &[EventKind::SESSION_QR]),
    (READY, &[EventKind::SESSION_STATUS]),
    (DISCONNECTED, &[EventKind::SESSION_STATUS]),
];

/// Whether a form is one of this dialect.
pub(crate) fn knows(form: &str) -> bool {
    [BOTH, READY_ONLY, DISCONNECTED_ONLY].contains(&form)
}

/// The events of these names, as the core knows them: kinds and the form.
pub(super) fn wanted(names: &[String]) -> Result<(Vec<KindPattern>, &'static str), Problem> {
    let mut patterns: Vec<KindPattern> = Vec::new();
    for name in names {
        let found = EVENTS.iter().find(|(event, _)| event == name);
        let (_, kinds) = found.ok_or_else(|| {
            let known = EVENTS.map(|(event, _)| event).join(", ");
            let detail = format!("`{name}` is no event; there are {known}");
            Problem::invalid("bad_event", detail).in_field("events")
        })?;
        for pattern in kinds.iter().map(KindPattern::from) {
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
    }
    let has = |event: &str| names.iter().any(|name| name == event);
    let form = match (has(READY), has(DISCONNECTED)) {
        (true, false) => READY_ONLY,
        (false, true) => DISCONNECTED_ONLY,
        _ => BOTH,
    };
    Ok((patterns, form))
}

/// The names of the events that a webhook gets.
pub(super) fn names_of(webhook: &Webhook) -> Vec<&'static str> {
    let wants = |kinds: &[EventKind]| {
        let mut kinds = kinds.iter();
        kinds.any(|kind| webhook.events.iter().any(|wanted| wanted.matches(kind)))
    };
    let all = EVENTS.iter();
    let names = all.filter(|(name, kinds)| wants(kinds) && tells(&webhook.form, name));
    names.map(|(name, _)| *name).collect()
}

/// Whether a form tells this event.
fn tells(form: &str, name: &str) -> bool {
    match name {
        READY => form != DISCONNECTED_ONLY,
        DISCONNECTED => form != READY_ONLY,
        _ => true,
    }
}

/// An event in the words of this dialect, if it has any.
pub(crate) fn tell(told: &Told<'_>) -> Option<Value> {
    let event = &told.event.event;
    let (name, data) = match &event.body {
        EventBody::Message { message } if event.kind() == EventKind::MESSAGE_FAILED => {
            let id = message_id(&message.whatsapp_id);
            ("status", json!({ "messageId": id, "status": "failed" }))
        }
        EventBody::Message { message } => ("message", message_view(message)),
        EventBody::Receipt {
            messages, status, ..
        } => {
            let ids: Vec<String> = messages.iter().map(message_id).collect();
            let (first, status) = (ids.first()?, message_status(*status));
            let data = json!({ "messageId": first, "status": status, "messageIds": ids });
            ("status", data)
        }
        EventBody::SessionQr { .. } => ("qr", json!({ "qrCode": qr::data_url(told.qr?).ok()? })),
        EventBody::SessionStatus { from, to, reason } => {
            changed(told, *from, *to, reason.as_deref())?
        }
        _ => return None,
    };
    tells(&told.webhook.form, name).then(|| {
        json!({
            "event": name,
            "sessionId": id(event.session),
            "timestamp": event.at,
            "data": data,
        })
    })
}

/// A session that came online, or was and is not any more.
fn changed(
    told: &Told<'_>,
    from: SessionState,
    to: SessionState,
    reason: Option<&str>,
) -> Option<(&'static str, Value)> {
    let (was, is) = (Standing::from(from), Standing::from(to));
    match (was, is) {
        (_, Standing::Connected) => {
            let phone = told.account.and_then(|account| account.jid.phone_number());
            let phone = phone.map(|phone| phone.to_string());
            Some((READY, json!({ "phoneNumber": phone })))
        }
        (Standing::Connected, _) | (_, Standing::Stopped) => {
            let reason = reason.unwrap_or("the connection was lost");
            Some((DISCONNECTED, json!({ "reason": reason })))
        }
        _ => None,
    }
}
