//! Answers messages that contain a keyword; keywords and answers come from `plugin.toml`.
//!
//! Every rule whose keyword stands in the message as a whole word answers, in the order of the
//! manifest. A config that cannot be read is an error of every call, so that the operator sees it.

mod rules;

use crate::rules::Rules;

// Code made from the contract: the oldest version that has what is needed here, so that the component
// runs on every host that came after it.
#[allow(clippy::all, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit/published/0.1.0", world: "event-plugin" });
}

use bindings::exports::warbler::plugin::event_handler::{Event, Guest, Verdict};
use bindings::warbler::plugin::{config, log, outbox};

struct AutoReply;

impl Guest for AutoReply {
    fn handle(event: Event) -> Result<Verdict, String> {
        let Some(text) = event.text else {
            return Ok(Verdict::Next);
        };
        let rules = Rules::parse(&config::get())?;
        let mut answered = 0;
        for answer in rules.answers_to(&text) {
            outbox::reply(answer, rules.quote)
                .map_err(|refusal| format!("{}: {}", refusal.code, refusal.message))?;
            answered += 1;
        }
        if answered == 0 {
            return Ok(Verdict::Next);
        }
        log::log("debug", &format!("answered with {answered} text(s)"));
        Ok(if rules.stop {
            Verdict::Stop
        } else {
            Verdict::Next
        })
    }
}

bindings::export!(AutoReply with_types_in bindings);
