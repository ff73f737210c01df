//! What a rule does, as the effects of a call.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use warbler_app::hook::{HookCall, HookOutcome};
use warbler_domain::action::ActionMedia;
use warbler_domain::extension::{CallCost, ExtensionFault};
use warbler_domain::rule::{ChatMemory, Dialogue, Full, Hole, Post, RuleAction, Template};
use warbler_domain::{Jid, Timestamp, Verdict};

use super::Entry;
use super::reading::Reading;
use crate::effects::{Denied, Effects, Request, failed};
use crate::profile::Profile;
use crate::services::Services;

/// A call in which rules are carried out.
pub(super) struct Scene<'a> {
    call: &'a HookCall,
    reading: &'a Reading<'a>,
    effects: Effects,
    pub(super) memory: ChatMemory,
    before: ChatMemory,
    stopped: bool,
}

/// Why an action was not done.
pub(super) struct Undone {
    code: &'static str,
    message: String,
}

impl Undone {
    /// As the fault of the whole call, with the rule, its line, and what it was to do.
    pub(super) fn into_fault(self, entry: &Entry, word: &str, now: Timestamp) -> ExtensionFault {
        let message = format!("rule \"{}\", `{word}`: {}", entry.name(), self.message);
        ExtensionFault {
            line: entry.line,
            ..ExtensionFault::new(self.code, message, now)
        }
    }
}

impl From<Denied> for Undone {
    fn from(denied: Denied) -> Self {
        let (code, message) = match denied {
            Denied::Refused(refusal) => (refusal.code, refusal.message),
            Denied::Halted(halt) => (halt.code, halt.message),
        };
        Self { code, message }
    }
}

impl From<Full> for Undone {
    fn from(full: Full) -> Self {
        Self {
            code: "memory-full",
            message: full.to_string(),
        }
    }
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        call: &'a HookCall,
        reading: &'a Reading<'a>,
        memory: ChatMemory,
        profile: &Arc<Profile>,
        services: &Arc<Services>,
    ) -> Self {
        Self {
            effects: Effects::at_event(call, profile, services),
            before: memory.clone(),
            call,
            reading,
            memory,
            stopped: false,
        }
    }

    /// A line in the trace.
    pub(super) fn note(&self, line: String) {
        // A full log is no reason not to answer.
        drop(self.effects.log("info", line));
    }

    /// Uses a rule: does all it does, and lets it rest.
    pub(super) async fn use_rule(&mut self, entry: &Entry) -> Result<(), ExtensionFault> {
        self.note(format!("rule \"{}\" was used", entry.name()));
        if let Some(rest) = entry.spec.cooldown {
            self.memory
                .rest(&entry.key, self.call.now, rest.as_duration());
        }
        let text = self.reading.text().unwrap_or_default();
        let groups = entry.checks.iter().find_map(|check| check.groups(text));
        self.go_on(entry, 0, &groups.unwrap_or_default()).await
    }

    /// Does what a rule does from one of its actions on, up to its next question.
    pub(super) async fn go_on(
        &mut self,
        entry: &Entry,
        from: usize,
        groups: &[String],
    ) -> Result<(), ExtensionFault> {
        for (step, action) in entry.spec.then.iter().enumerate().skip(from) {
            let done = Box::pin(self.act(entry, step, action, groups)).await;
            done.map_err(|undone| undone.into_fault(entry, action.word(), self.call.now))?;
            if matches!(action, RuleAction::Ask(_)) {
                self.stop_with(entry);
                break;
            }
        }
        Ok(())
    }

    /// Keeps later extensions from answering, if the rule does so in the end: they are not to answer
    /// beside its questions either.
    pub(super) fn stop_with(&mut self, entry: &Entry) {
        let stops = |action: &RuleAction| matches!(action, RuleAction::Stop);
        self.stopped |= entry.spec.then.iter().any(stops);
    }

    async fn act(
        &mut self,
        entry: &Entry,
        step: usize,
        action: &RuleAction,
        groups: &[String],
    ) -> Result<(), Undone> {
        let now = self.call.now;
        match action {
            RuleAction::Reply(reply) => {
                let many = reply.texts().len().max(1) as u64;
                let chosen = self.reading.luck((&entry.key, step)) % many;
                let chosen = usize::try_from(chosen).unwrap_or(0);
                if let Some(text) = reply.texts().get(chosen) {
                    let text = self.filled(text, groups);
                    self.effects.reply(text, reply.quotes())?;
                }
            }
            RuleAction::Media(media) => {
                let caption = media.caption.as_ref().map(|text| self.filled(text, groups));
                let source = match &media.source {
                    ActionMedia::Url(url) => url.clone(),
                    ActionMedia::Upload(id) => id.to_string(),
                };
                let (form, name) = (media.kind.as_str(), media.file_name.clone());
                self.effects
                    .send_media(None, form, &source, caption, name)
                    .await?;
            }
            RuleAction::Contact(contact) => {
                let phones: Vec<String> =
                    contact.phones().iter().map(ToString::to_string).collect();
                self.effects
                    .send_contact(None, contact.name(), &phones)
                    .await?;
            }
            RuleAction::Location(place) => {
                let (north, east) = place.degrees();
                let name = place.name().map(ToOwned::to_owned);
                self.effects.send_location(None, north, east, name).await?;
            }
            RuleAction::React(emoji) => self.effects.react(None, emoji.as_str().to_owned())?,
            RuleAction::Typing => self.effects.set_typing("composing")?,
            RuleAction::MarkRead => self.effects.mark_read()?,
            RuleAction::Forward(forward) => {
                let to = forward.to.to_string();
                if let Some(note) = &forward.note {
                    let note = self.filled(note, groups);
                    self.effects.send_text(&to, note).await?;
                }
                self.effects.forward(&to).await?;
            }
            RuleAction::Send(send) => {
                let text = self.filled(&send.text, groups);
                self.effects.send_text(&send.to.to_string(), text).await?;
            }
            RuleAction::Tag(tag) => self.memory.tag(tag)?,
            RuleAction::Untag(tag) => self.memory.untag(tag),
            RuleAction::Remember(remember) => {
                let value = self.filled(&remember.value, groups);
                self.memory.remember(&remember.name, value)?;
            }
            RuleAction::Forget(name) => self.memory.forget(name),
            RuleAction::SetState(state) => {
                let until = now.plus(state.lasts.as_duration());
                self.memory.set_state(Some((state.name.clone(), until)));
            }
            RuleAction::ClearState => self.memory.set_state(None),
            RuleAction::Ask(ask) => {
                let question = self.filled(&ask.question, groups);
                self.effects.reply(question, false)?;
                self.memory.ask(self.reading.sender().map(|with| Dialogue {
                    rule: entry.key.clone(),
                    step,
                    with: with.clone(),
                    until: now.plus(ask.within.as_duration()),
                    wrong: 0,
                }));
            }
            RuleAction::HandOver(pause) => {
                self.memory.pause(now.plus(pause.lasts.as_duration()));
                if let Some(to) = &pause.to {
                    let note = match &pause.note {
                        Some(note) => self.filled(note, groups),
                        None => self.who_wrote_what(),
                    };
                    self.effects.send_text(&to.to_string(), note).await?;
                }
            }
            RuleAction::Webhook(tell) => {
                let data = self.told(entry, tell.data(), groups);
                self.effects.emit(&tell.kind(), data.to_string())?;
            }
            RuleAction::Post(post) => self.post(entry, post, groups).await?,
            RuleAction::Stop => self.stopped = true,
        }
        Ok(())
    }

    async fn post(&mut self, entry: &Entry, post: &Post, groups: &[String]) -> Result<(), Undone> {
        let body = self.told(entry, post.data(), groups);
        let request = Request {
            method: "POST".to_owned(),
            url: post.url().to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        };
        let answer = self.effects.fetch(request).await?;
        if !(200..300).contains(&answer.status) {
            return Err(Undone {
                code: "bad-answer",
                message: format!("the server answered with status {}", answer.status),
            });
        }
        Ok(())
    }

    /// What others are told: what is known of the message, and the rule's own fields.
    fn told(&self, entry: &Entry, data: &BTreeMap<String, Template>, groups: &[String]) -> Value {
        let mut told = Map::new();
        let mut put = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                told.insert(key.to_owned(), Value::String(value));
            }
        };
        put("rule", Some(entry.name().to_string()));
        put("session", Some(self.call.session_name.to_string()));
        put("chat", self.reading.chat().map(ToString::to_string));
        put("sender", self.reading.sender().map(ToString::to_string));
        put("name", self.name().map(ToOwned::to_owned));
        put("text", self.reading.text().map(ToOwned::to_owned));
        for (key, text) in data {
            put(key, Some(self.filled(text, groups)));
        }
        Value::Object(told)
    }

    fn who_wrote_what(&self) -> String {
        let text = self.reading.text().unwrap_or("(no text)");
        let phone = self.phone().unwrap_or_default();
        match self.name() {
            Some(name) => format!("{name} ({phone}): {text}"),
            None => format!("{phone}: {text}"),
        }
    }

    /// A text with its places filled in.
    pub(super) fn filled(&self, text: &Template, groups: &[String]) -> String {
        let fill = |hole: &Hole| match hole {
            Hole::Name => self.name().map(ToOwned::to_owned).or_else(|| self.phone()),
            Hole::FirstName => {
                let name = self.name();
                name.and_then(|name| name.split_whitespace().next())
                    .map(ToOwned::to_owned)
            }
            Hole::Text => self.reading.text().map(ToOwned::to_owned),
            Hole::Phone => self.phone(),
            Hole::Group(group) => {
                let index = usize::from(*group).checked_sub(1)?;
                groups.get(index).cloned()
            }
            Hole::Value(name) => self.memory.value(name).map(ToOwned::to_owned),
        };
        let turn = Cell::new(0_u32);
        text.filled(fill, |bound| {
            turn.set(turn.get() + 1);
            let chosen = self.reading.luck((text.source(), turn.get())) % bound.max(1) as u64;
            usize::try_from(chosen).unwrap_or(0)
        })
    }

    /// Answers.
    pub(super) fn say(&mut self, text: String) -> Result<(), Undone> {
        Ok(self.effects.reply(text, false)?)
    }

    fn name(&self) -> Option<&str> {
        let message = self.reading.message()?;
        let name = message.sender_display_name()?;
        Some(name).filter(|name| !name.trim().is_empty())
    }

    /// The number of the one who wrote, where it is known.
    fn phone(&self) -> Option<String> {
        let mut numbers = self.reading.senders().filter_map(Jid::phone_number);
        numbers.next().map(|number| number.to_string())
    }

    /// What came of it.
    pub(super) fn ended(self, result: Result<(), ExtensionFault>, took: Duration) -> HookOutcome {
        let cost = CallCost {
            host: took,
            ..CallCost::default()
        };
        let verdict = if self.stopped {
            Verdict::Stop
        } else {
            Verdict::Next
        };
        let worked = result.is_ok();
        let mut outcome = self.effects.into_outcome(result.map(|()| verdict), cost);
        if worked && self.memory != self.before {
            match super::memory::writes(self.memory, self.call) {
                Ok(mut writes) => outcome.kv_writes.append(&mut writes),
                Err(error) => {
                    let message =
                        format!("what is to be kept of the chat cannot be written: {error}");
                    let fault = ExtensionFault::new("memory-full", message, self.call.now);
                    return failed(fault, outcome.logs);
                }
            }
        }
        outcome
    }
}
