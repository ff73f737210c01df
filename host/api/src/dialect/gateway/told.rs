//! Events in the words of this dialect. Its document shows none; these follow its other names.

use serde_json::{Value, json};
use warbler_app::webhooks::Told;
use warbler_domain::{Direction, EventBody, EventKind, Message};

use super::sessions::status;
use crate::native::media::message_url;

/// The name of the form.
pub(crate) const FORM: &str = "gateway";
/// The kinds of events that have words here.
pub(super) const KINDS: [EventKind; 4] = [
    EventKind::MESSAGE_RECEIVED,
    EventKind::MESSAGE_SENT,
    EventKind::SESSION_STATUS,
    EventKind::SESSION_QR,
];

/// An event as it is sent; nothing when it has no words here. `base` is what this host is called
/// from outside.
pub(crate) fn tell(told: &Told<'_>, base: &str) -> Option<Value> {
    let event = &told.event.event;
    let (word, data) = match &event.body {
        EventBody::Message { message } => ("message", message_view(message, base)),
        EventBody::SessionStatus { to, reason, .. } => {
            ("status", json!({ "status": status(*to), "detail": reason }))
        }
        // The QR itself is a secret, which the list of sessions shows to its owner.
        EventBody::SessionQr { expires_at } => ("qr", json!({ "expiresAt": expires_at })),
        _ => return None,
    };
    Some(json!({
        "event": word,
        "sessionId": told.session_name.as_str(),
        "timestamp": event.at,
        "data": data,
    }))
}

fn message_view(message: &Message, base: &str) -> Value {
    json!({
        "id": message.whatsapp_id.as_str(),
        "remoteJid": message.chat,
        "fromMe": message.direction == Direction::Outbound,
        "pushName": message.sender_name,
        "type": message.content.word(),
        "text": message.content.readable(),
        "mediaUrl": message_url(base, message),
    })
}
