//! An event as the contract's record.

use warbler_app::hook::HookCall;

use super::contract::warbler::plugin::types;
use crate::body::{self, Facts};

pub(super) fn of(call: &HookCall) -> types::Event {
    let event = &call.event;
    let facts = Facts::of(event);
    types::Event {
        id: event.id.to_string(),
        kind: event.kind().as_str().to_owned(),
        session: event.session.to_string(),
        session_name: call.session_name.to_string(),
        chat: facts.chat.map(ToString::to_string),
        sender: facts.sender.map(ToString::to_string),
        sender_name: facts.sender_name.map(ToOwned::to_owned),
        from_me: facts.from_me,
        is_group: facts.is_group(),
        text: facts.text.map(ToOwned::to_owned),
        timestamp: facts.timestamp,
        whatsapp_id: facts.whatsapp_id.map(ToString::to_string),
        quoted_id: facts.quoted_id.map(ToString::to_string),
        media: facts.media.map(|media| types::MediaRef {
            kind: media.kind.as_str().to_owned(),
            mime: media.mime.clone(),
            size: media.size,
            digest: body::stored_digest(media),
        }),
        body: body::json(event),
    }
}
