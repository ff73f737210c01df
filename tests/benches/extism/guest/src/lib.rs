//! The shipped auto-reply as an Extism plug-in: the same rules, the event as JSON, the answer through a
//! function of the host.

#[path = "../../../../../plugins/auto-reply/src/rules.rs"]
#[allow(dead_code, reason = "the comparison needs only the answers")]
mod rules;
#[path = "../../../../../plugins/auto-reply/src/words.rs"]
mod words;

use extism_pdk::{FnResult, config, host_fn, plugin_fn};
use serde::Deserialize;

use crate::rules::Rules;
use crate::words::folded;

#[derive(Deserialize)]
struct Event {
    kind: String,
    from_me: bool,
    is_group: bool,
    text: Option<String>,
}

#[host_fn]
extern "ExtismHost" {
    fn reply(text: String);
}

/// Answers one event; `next` or `stop`.
#[plugin_fn]
pub fn handle(event: Vec<u8>) -> FnResult<String> {
    let event: Event = serde_json::from_slice(&event)?;
    let config = config::get("config")?.unwrap_or_default();
    let rules = Rules::parse(&config).map_err(extism_pdk::Error::msg)?;
    let received = event.kind == "message.received" && !event.from_me;
    let text = event.text.filter(|_| received && !(rules.not_in_groups && event.is_group));
    if let Some(text) = text {
        for text in rules.answers_to(&folded(&text)).flat_map(|answer| answer.texts) {
            unsafe { reply(text.to_string())? };
        }
    }
    Ok("next".to_owned())
}
