//! The recipient of a campaign as a script sees it: `recipient.name`, `recipient.city`, …

use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Map, Position};
use warbler_app::hook::RenderCall;

use super::json;

/// What `render` is given.
#[derive(Clone)]
pub(super) struct ScriptRecipient(pub(super) Arc<RenderCall>);

/// The fields that every recipient has.
const FIELDS: &str = "id, session, template, to, name, fields, timestamp, body";

/// Makes the fields known.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<ScriptRecipient>("Recipient")
        .register_get("id", |of: &mut ScriptRecipient| of.0.id.clone())
        .register_get("session", |of: &mut ScriptRecipient| {
            of.0.session_name.to_string()
        })
        .register_get("template", |of: &mut ScriptRecipient| of.0.template.clone())
        .register_get("to", |of: &mut ScriptRecipient| of.0.to.to_string())
        .register_get("name", |of: &mut ScriptRecipient| {
            of.0.recipient.clone().unwrap_or_default()
        })
        .register_get("fields", |of: &mut ScriptRecipient| {
            let fields = of.0.fields.iter();
            fields
                .map(|(name, value)| (name.as_str().into(), value.clone().into()))
                .collect::<Map>()
        })
        .register_get("timestamp", |of: &mut ScriptRecipient| of.0.now.as_millis())
        .register_get("body", |of: &mut ScriptRecipient| {
            json::parse(&of.0.body).unwrap_or_else(|_| Dynamic::from(Map::new()))
        })
        .register_indexer_get(field)
        .register_fn("to_string", |of: &mut ScriptRecipient| of.0.to.to_string())
        .register_fn("to_debug", |of: &mut ScriptRecipient| of.0.to.to_string());
}

/// Any other field: what the campaign knows of the recipient, whatever the case of its name.
fn field(of: &mut ScriptRecipient, name: ImmutableString) -> Result<Dynamic, Box<EvalAltResult>> {
    let fields = &of.0.fields;
    let same = |field: &str| field.to_lowercase() == name.to_lowercase();
    if let Some((_, value)) = fields.iter().find(|(field, _)| same(field)) {
        return Ok(value.clone().into());
    }
    let own: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let own = own.join(", ");
    let message = format!(
        "this recipient has no `{name}`; there are {FIELDS}, and of the campaign: {own}. Where a field may be \
         missing, write recipient.fields.{name} ?? \"…\""
    );
    Err(EvalAltResult::ErrorRuntime(message.into(), Position::NONE).into())
}
