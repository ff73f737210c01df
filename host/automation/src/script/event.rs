//! The event as a script sees it: `message.text`, `event.kind`, …
//!
//! Fields are read when they are asked for; a field that does not exist is an error with its
//! place, not an empty value. What an event does not have reads as an empty text.

use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Map, Position};
use warbler_app::hook::HookCall;
use warbler_domain::{Event, SessionName};

use super::{json, unknown};
use crate::body::{self, Facts};

/// What `on_message` and `on_event` are given.
#[derive(Clone)]
pub(super) struct ScriptEvent {
    event: Arc<Event>,
    session_name: SessionName,
}

/// The fields, for the message about one that does not exist.
const FIELDS: &str = "id, kind, session, chat, sender, sender_name, text, timestamp, is_group, from_me, \
                      whatsapp_id, quoted_id, media, body";

impl ScriptEvent {
    pub(super) fn new(call: &HookCall) -> Self {
        Self {
            event: Arc::clone(&call.event),
            session_name: call.session_name.clone(),
        }
    }

    fn facts(&self) -> Facts<'_> {
        Facts::of(&self.event)
    }
}

/// Makes the fields known.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<ScriptEvent>("Event")
        .register_get("id", |event: &mut ScriptEvent| event.event.id.to_string())
        .register_get("kind", |event: &mut ScriptEvent| {
            event.event.kind().as_str().to_owned()
        })
        .register_get("session", |event: &mut ScriptEvent| {
            event.session_name.to_string()
        })
        .register_get("chat", |event: &mut ScriptEvent| text(event.facts().chat))
        .register_get("sender", |event: &mut ScriptEvent| {
            text(event.facts().sender)
        })
        .register_get("sender_name", |event: &mut ScriptEvent| {
            text(event.facts().sender_name)
        })
        .register_get("text", |event: &mut ScriptEvent| text(event.facts().text))
        .register_get("timestamp", |event: &mut ScriptEvent| {
            event.facts().timestamp
        })
        .register_get("is_group", |event: &mut ScriptEvent| {
            event.facts().is_group()
        })
        .register_get("from_me", |event: &mut ScriptEvent| event.facts().from_me)
        .register_get("whatsapp_id", |event: &mut ScriptEvent| {
            text(event.facts().whatsapp_id)
        })
        .register_get("quoted_id", |event: &mut ScriptEvent| {
            text(event.facts().quoted_id)
        })
        .register_get("media", |event: &mut ScriptEvent| {
            text(event.facts().media.map(|media| media.kind.as_str()))
        })
        .register_get("body", |event: &mut ScriptEvent| {
            json::parse(&body::json(&event.event)).unwrap_or_else(|_| Dynamic::from(Map::new()))
        })
        .register_indexer_get(
            |_: &mut ScriptEvent, field: ImmutableString| -> Result<Dynamic, Box<EvalAltResult>> {
                let meant = match unknown::nearest(&field, FIELDS.split(", ")) {
                    Some(meant) => format!("; did you mean `{meant}`?"),
                    None => format!("; there are {FIELDS}"),
                };
                let message = format!("`{field}` is not a field of an event{meant}");
                Err(EvalAltResult::ErrorRuntime(message.into(), Position::NONE).into())
            },
        )
        .register_fn("to_string", |event: &mut ScriptEvent| {
            event.event.kind().as_str().to_owned()
        })
        .register_fn("to_debug", |event: &mut ScriptEvent| {
            event.event.kind().as_str().to_owned()
        });
}

fn text(value: Option<impl ToString>) -> ImmutableString {
    value
        .map(|value| value.to_string())
        .unwrap_or_default()
        .into()
}
