//! Answers whoever says hello.

wit_bindgen::generate!({ path: "wit", world: "event-plugin" });

use exports::warbler::plugin::event_handler::{Event, Guest, Verdict};
use warbler::plugin::{log, outbox};

struct Plugin;

impl Guest for Plugin {
    fn handle(event: Event) -> Result<Verdict, String> {
        let name = event.sender_name.as_deref().unwrap_or("you");
        log::log("debug", "somebody says hello");
        outbox::reply(&format!("Hello {name}!"), false).map_err(|refusal| refusal.message)?;
        Ok(Verdict::Next)
    }
}

export!(Plugin);
