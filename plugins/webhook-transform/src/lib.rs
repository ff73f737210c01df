//! Shapes what webhook endpoints are sent: fields under other names, in other places, with other headers.
//!
//! Which deliveries become what is in `plugin.toml`. What cannot be shaped is an error, and goes out as
//! it was.

mod mapping;
mod path;
mod source;

use crate::mapping::{About, Becomes, Config};

// Code made from the contract.
#[allow(clippy::all, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "webhook-plugin" });
}

use bindings::exports::warbler::plugin::webhook_transformer::{Delivery, Guest, Transformed};
use bindings::warbler::plugin::{config, secrets};

struct WebhookTransform;

impl Guest for WebhookTransform {
    fn transform(what: Delivery) -> Result<Option<Transformed>, String> {
        let config = Config::parse(&config::get())?;
        let about = About {
            id: &what.id,
            kind: &what.kind,
            session: &what.session_name,
            url: &what.url,
            timestamp: what.timestamp,
        };
        let map = match config.becomes(&about) {
            Becomes::Nothing => return Ok(None),
            Becomes::Itself => {
                return Ok(Some(Transformed {
                    method: None,
                    path: None,
                    content_type: what.content_type,
                    payload: what.payload,
                    headers: Vec::new(),
                }));
            }
            Becomes::Shaped(map) => map,
        };
        let made = map.shape(&about, &what.payload)?;
        let headers = map.headers.iter();
        let headers = headers.map(|(name, value)| Ok((name.clone(), with_secrets(value)?)));
        Ok(Some(Transformed {
            method: map.method.clone(),
            path: made.path,
            content_type: made.content_type.to_owned(),
            payload: made.payload,
            headers: headers.collect::<Result<_, String>>()?,
        }))
    }
}

/// `value` with each `${name}` replaced by the secret of that name.
fn with_secrets(value: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, behind)) = rest.split_once("${") {
        let (name, behind) = behind
            .split_once('}')
            .ok_or_else(|| "a header has ${ without } behind it".to_owned())?;
        let secret = secrets::get(name.trim())
            .map_err(|refusal| format!("{}: {}", refusal.code, refusal.message))?;
        out.push_str(before);
        out.push_str(&secret);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

bindings::export!(WebhookTransform with_types_in bindings);
