//! How events are told to webhooks of this dialect.

use serde_json::{Value, json};
use warbler_app::webhooks::Told;
use warbler_domain::EventBody;

use super::chats::message_view;
use super::sessions::status;
use crate::dialect::Standing;

/// The name of the form.
pub(crate) const FORM: &str = "akg";
/// A message came or went.
pub(super) const UPSERT: &str = "message.upsert";
/// A session stands elsewhere.
pub(super) const CONNECTION: &str = "connection.update";

/// An event in the words of this dialect; nothing for one it has none for.
pub(crate) fn tell(told: &Told<'_>) -> Option<Value> {
    let event = &told.event.event;
    let (name, data) = match &event.body {
        EventBody::Message { message } => (UPSERT, message_view(message)),
        EventBody::SessionStatus { to, .. } => {
            (CONNECTION, json!({ "status": status(Standing::from(*to)) }))
        }
        _ => return None,
    };
    Some(json!({
        "event": name,
        "sessionId": told.session_name.as_str(),
        "timestamp": event.at,
        "data": data,
    }))
}
