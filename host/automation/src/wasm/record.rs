//! What a hook is called with, as the contract's records, and what it answers.

use warbler_app::hook::{HookCall, RenderCall, TransformCall};
use warbler_domain::Message;
use warbler_domain::message::Direction;

use super::contract::exports::warbler::plugin::{template_renderer, webhook_transformer};
use super::contract::warbler::plugin::{history, types};
use crate::body::{self, Facts};
use crate::made::Shaped;

pub(super) fn event(call: &HookCall) -> types::Event {
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

pub(super) fn message(message: &Message) -> history::Message {
    history::Message {
        id: message.id.to_string(),
        whatsapp_id: message.whatsapp_id.to_string(),
        chat: message.chat.to_string(),
        sender: message.sender.to_string(),
        sender_name: message.sender_name.clone(),
        from_me: message.direction == Direction::Outbound,
        kind: message.content.word().to_owned(),
        text: message.content.readable().map(ToOwned::to_owned),
        timestamp: message.timestamp.as_millis(),
        body: body::of_message(message),
    }
}

/// What a message takes on its way to the guest, in bytes.
pub(super) fn size(message: &history::Message) -> usize {
    let texts = [
        &message.id,
        &message.whatsapp_id,
        &message.chat,
        &message.sender,
        &message.body,
    ];
    let texts: usize = texts.iter().map(|text| text.len()).sum();
    let more = [&message.sender_name, &message.text].into_iter().flatten();
    size_of::<history::Message>() + texts + more.map(String::len).sum::<usize>()
}

pub(super) fn rendering(call: &RenderCall) -> template_renderer::Rendering {
    template_renderer::Rendering {
        id: call.id.clone(),
        session_name: call.session_name.to_string(),
        template: call.template.clone(),
        to: call.to.to_string(),
        name: call.recipient.clone(),
        fields: call.fields.clone(),
        timestamp: call.now.as_millis(),
        body: call.body.clone(),
    }
}

pub(super) fn delivery(call: &TransformCall) -> webhook_transformer::Delivery {
    webhook_transformer::Delivery {
        id: call.id.clone(),
        kind: call.kind.as_str().to_owned(),
        session_name: call.session_name.to_string(),
        method: call.payload.method.to_string(),
        url: call.url.clone(),
        content_type: call.payload.content_type.clone(),
        payload: call.payload.bytes.to_vec(),
        timestamp: call.now.as_millis(),
        body: call.body.clone(),
    }
}

pub(super) fn shaped(made: webhook_transformer::Transformed) -> Shaped {
    Shaped {
        method: made.method,
        path: made.path,
        content_type: made.content_type,
        bytes: made.payload.into(),
        headers: made.headers,
    }
}
