//! Answers messages that contain a keyword, and keeps quiet once a person has taken over.
//!
//! What it answers to what is in `plugin.toml`. The store is touched only for what is configured: a
//! pause after a hand-over, a time for which an answer is not repeated. A config that cannot be read is
//! an error of every call, so that the operator sees it.

mod rules;
mod words;

use crate::rules::{HandOver, Rules};
use crate::words::folded;

// Code made from the contract: the oldest version that has what is needed here, so that the component
// runs on every host that came after it.
#[allow(clippy::all, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit/published/0.1.0", world: "event-plugin" });
}

use bindings::exports::warbler::plugin::event_handler::{Event, Guest, Verdict};
use bindings::warbler::plugin::types::Refusal;
use bindings::warbler::plugin::{config, kv, log, outbox};

struct AutoReply;

impl Guest for AutoReply {
    fn handle(event: Event) -> Result<Verdict, String> {
        let (Some(text), Some(chat)) = (event.text, event.chat) else {
            return Ok(Verdict::Next);
        };
        let config = config::get();
        let rules = Rules::parse(&config)?;
        let text = folded(&text);
        if event.from_me {
            // What this host sends has no name of a sender; what the account writes elsewhere has.
            let by_a_person = event.kind == "message.sent" && event.sender_name.is_some();
            let written = rules.hand_over.filter(|_| by_a_person);
            written.map_or(Ok(()), |hand_over| taken_over(&hand_over, &chat, &text))?;
            return Ok(Verdict::Next);
        }
        if event.kind != "message.received" || (rules.not_in_groups && event.is_group) {
            return Ok(Verdict::Next);
        }
        match answered(&rules, &chat, &text).map_err(told)? {
            true if rules.stop => Ok(Verdict::Stop),
            _ => Ok(Verdict::Next),
        }
    }
}

/// The account itself wrote in a chat: it is a person's now, or the plugin's again.
fn taken_over(hand_over: &HandOver<'_>, chat: &str, text: &str) -> Result<(), String> {
    let done = if hand_over.resumes(text) {
        kv::delete(&paused(chat))
    } else if hand_over.own_messages {
        pause(hand_over, chat)
    } else {
        Ok(())
    };
    done.map_err(told)
}

/// Answers a customer; whether there was something to say.
fn answered(rules: &Rules<'_>, chat: &str, text: &str) -> Result<bool, Refusal> {
    if let Some((hand_over, texts)) = rules
        .hand_over
        .as_ref()
        .and_then(|hand_over| Some((hand_over, hand_over.asked_for(text)?)))
    {
        pause(hand_over, chat)?;
        log::log("info", "handed over to a person");
        for text in texts {
            outbox::reply(text, rules.quote)?;
        }
        return Ok(true);
    }
    let mut due = rules.answers_to(text).peekable();
    if due.peek().is_none() {
        return Ok(false);
    }
    if rules.hand_over.is_some() && kv::get(&paused(chat))?.is_some() {
        log::log("debug", "a person has this chat");
        return Ok(false);
    }
    let mut any = false;
    for answer in due {
        if answer.cooldown_seconds > 0 {
            let key = format!("answered:{:016x}:{chat}", answer.rule);
            if kv::get(&key)?.is_some() {
                log::log("debug", "answered a while ago");
                continue;
            }
            kv::set(&key, b"1", Some(answer.cooldown_seconds))?;
        }
        for text in answer.texts {
            outbox::reply(text, rules.quote)?;
            any = true;
        }
    }
    Ok(any)
}

fn pause(hand_over: &HandOver<'_>, chat: &str) -> Result<(), Refusal> {
    kv::set(&paused(chat), b"1", Some(hand_over.seconds()))
}

fn paused(chat: &str) -> String {
    format!("paused:{chat}")
}

fn told(refusal: Refusal) -> String {
    format!("{}: {}", refusal.code, refusal.message)
}

bindings::export!(AutoReply with_types_in bindings);
