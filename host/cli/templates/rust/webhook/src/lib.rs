//! Shapes what webhook endpoints are sent: the payload inside an envelope, with its kind beside it.

wit_bindgen::generate!({ path: "wit", world: "webhook-plugin" });

use exports::warbler::plugin::webhook_transformer::{Delivery, Guest, Transformed};

struct Plugin;

impl Guest for Plugin {
    fn transform(what: Delivery) -> Result<Option<Transformed>, String> {
        // Nobody needs to be told who is typing.
        if what.kind == "presence" {
            return Ok(None);
        }
        let inner = String::from_utf8(what.payload).map_err(|_| "the payload is no text")?;
        let kind = &what.kind;
        let payload = format!(r#"{{"kind":"{kind}","data":{inner}}}"#);
        Ok(Some(Transformed {
            // As it was, and to the endpoint itself.
            method: None,
            path: None,
            content_type: "application/json".to_owned(),
            payload: payload.into_bytes(),
            headers: vec![("x-event-kind".to_owned(), what.kind)],
        }))
    }
}

export!(Plugin);
