//! A delivery to an endpoint as a script sees it: `delivery.url`, `delivery.data.text`, …

use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Map, Position};
use warbler_app::hook::TransformCall;

use super::json;

/// What `transform` is given.
#[derive(Clone)]
pub(super) struct ScriptDelivery(pub(super) Arc<TransformCall>);

/// The fields, for the message about one that does not exist.
const FIELDS: &str = "id, kind, session, method, url, content_type, payload, data, timestamp, body";

/// Makes the fields known.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<ScriptDelivery>("Delivery")
        .register_get("id", |of: &mut ScriptDelivery| of.0.id.clone())
        .register_get("kind", |of: &mut ScriptDelivery| {
            of.0.kind.as_str().to_owned()
        })
        .register_get("session", |of: &mut ScriptDelivery| {
            of.0.session_name.to_string()
        })
        .register_get("method", |of: &mut ScriptDelivery| {
            of.0.payload.method.to_string()
        })
        .register_get("url", |of: &mut ScriptDelivery| of.0.url.clone())
        .register_get("content_type", |of: &mut ScriptDelivery| {
            of.0.payload.content_type.clone()
        })
        .register_get("payload", |of: &mut ScriptDelivery| {
            String::from_utf8_lossy(&of.0.payload.bytes).into_owned()
        })
        .register_get("data", |of: &mut ScriptDelivery| {
            let text = String::from_utf8_lossy(&of.0.payload.bytes);
            json::parse(&text).map_err(|message| failed(format!("the payload {message}")))
        })
        .register_get("timestamp", |of: &mut ScriptDelivery| of.0.now.as_millis())
        .register_get("body", |of: &mut ScriptDelivery| {
            json::parse(&of.0.body).unwrap_or_else(|_| Dynamic::from(Map::new()))
        })
        .register_indexer_get(
            |_: &mut ScriptDelivery,
             field: ImmutableString|
             -> Result<Dynamic, Box<EvalAltResult>> {
                let message = format!("`{field}` is not a field of a delivery; there are {FIELDS}");
                Err(failed(message))
            },
        )
        .register_fn("to_string", |of: &mut ScriptDelivery| of.0.url.clone())
        .register_fn("to_debug", |of: &mut ScriptDelivery| of.0.url.clone());
}

fn failed(message: String) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(message.into(), Position::NONE).into()
}
