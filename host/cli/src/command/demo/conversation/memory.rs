//! Who answered what: messages that were written, matched with what was heard.

use std::collections::VecDeque;

use warbler_app::App;
use warbler_domain::extension::TraceStep;
use warbler_domain::{Action, Caller, Event, EventId, Timestamp};
use warbler_simulator::Person;

/// Messages whose answers are still matched to them.
const REMEMBERED: usize = 64;

/// What customers wrote lately.
#[derive(Default)]
pub(super) struct Memory {
    said: VecDeque<Said>,
}

/// Something a customer wrote.
struct Said {
    event: Event,
    /// Answers the extensions asked for, once that is known.
    answers: Option<usize>,
    heard: usize,
}

impl Memory {
    /// Keeps what was written, and forgets the oldest.
    pub(super) fn remember(&mut self, event: Event) {
        if self.said.len() >= REMEMBERED {
            self.said.pop_front();
        }
        self.said.push_back(Said {
            event,
            answers: None,
            heard: 0,
        });
    }

    /// Notes how many answers an event will have.
    pub(super) fn expect(&mut self, event: EventId, steps: &[TraceStep]) {
        let actions = steps.iter().flat_map(|step| &step.actions);
        let answers = actions.filter(|action| text_of(action).is_some()).count();
        if let Some(said) = self.said.iter_mut().find(|said| said.event.id == event) {
            said.answers = Some(answers);
        }
    }

    /// Whether all answers to the newest message with this text were heard.
    pub(super) fn is_answered(&self, text: &str) -> bool {
        let written = |said: &&Said| {
            let message = said.event.message();
            message.and_then(|message| message.content.readable()) == Some(text)
        };
        let said = self.said.iter().rev().find(written);
        said.is_some_and(|said| said.answers.is_some_and(|answers| said.heard >= answers))
    }

    /// The extension that asked for `text` to be sent to `person`, and when it was asked.
    pub(super) async fn answerer(
        &mut self,
        app: &App,
        person: &Person,
        text: &str,
    ) -> Option<(TraceStep, Timestamp)> {
        let theirs = [person.jid(), person.lid()];
        for said in self.said.iter_mut().rev() {
            let chat = said.event.chat();
            if chat.is_none_or(|chat| !theirs.contains(&chat.to_string())) {
                continue;
            }
            // An event that cannot be read any more has no story to tell.
            let explained = app.events().trace(&Caller::host(), said.event.id).await;
            let (_, trace) = explained.ok()?;
            let steps = trace.map(|trace| trace.steps).unwrap_or_default();
            let asked = |step: &TraceStep| {
                let mut texts = step.actions.iter().filter_map(text_of);
                texts.any(|asked| asked == text)
            };
            if let Some(step) = steps.into_iter().find(asked) {
                said.heard += 1;
                return Some((step, said.event.at));
            }
        }
        None
    }
}

/// The text an action sends.
fn text_of(action: &Action) -> Option<&str> {
    match action {
        Action::Reply { text, .. } | Action::SendText { text, .. } | Action::Edit { text, .. } => {
            Some(text)
        }
        Action::SendMedia { caption, .. } => caption.as_deref(),
        _ => None,
    }
}
