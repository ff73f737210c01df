//! Short dialogues: a question, its answer, and what is done with it.

use warbler_domain::extension::ExtensionFault;
use warbler_domain::rule::{Ask, ChatMemory, Dialogue, RuleAction, fold};

use super::act::Scene;
use super::check::groups_of;
use super::reading::Reading;
use super::{Entry, RuleSet};

/// A question that an event may answer.
pub(super) struct Asked<'a> {
    pub(super) entry: &'a Entry,
    ask: &'a Ask,
    dialogue: Dialogue,
}

impl<'a> Asked<'a> {
    /// The question that this message answers, if the rule still asks it.
    pub(super) fn of(
        sets: impl IntoIterator<Item = &'a RuleSet>,
        memory: &ChatMemory,
        reading: &Reading<'_>,
    ) -> Option<Self> {
        reading.message()?;
        let dialogue = memory.question(reading.sender(), reading.now())?;
        let mut sets = sets.into_iter();
        let entry = sets.find_map(|set| set.entry(&dialogue.rule))?;
        match entry.spec.then.get(dialogue.step) {
            Some(RuleAction::Ask(ask)) => Some(Self {
                entry,
                ask,
                dialogue: dialogue.clone(),
            }),
            _ => None,
        }
    }

    /// Takes the message as the answer.
    pub(super) async fn answer(
        self,
        scene: &mut Scene<'_>,
        reading: &Reading<'_>,
    ) -> Result<(), ExtensionFault> {
        let Self {
            entry,
            ask,
            mut dialogue,
        } = self;
        let failed = |undone: super::act::Undone| undone.into_fault(entry, "ask", reading.now());
        scene.stop_with(entry);
        let text = reading.text().map(str::trim).unwrap_or_default();
        let folded = fold(text);
        if ask.cancel.iter().any(|word| fold(word) == folded) {
            scene.note(format!(
                "the dialogue of rule \"{}\" was cancelled",
                entry.name()
            ));
            scene.memory.ask(None);
            if let Some(said) = &ask.cancelled {
                let said = scene.filled(said, &[]);
                scene.say(said).map_err(failed)?;
            }
            return Ok(());
        }
        let groups = match &ask.expect {
            _ if text.is_empty() => None,
            Some(pattern) => groups_of(pattern, text),
            None => Some(Vec::new()),
        };
        let Some(groups) = groups else {
            dialogue.wrong = dialogue.wrong.saturating_add(1);
            if dialogue.wrong >= Ask::PATIENCE {
                scene.note(format!(
                    "the dialogue of rule \"{}\" ended: no answer had the wanted form",
                    entry.name()
                ));
                scene.memory.ask(None);
                return Ok(());
            }
            scene.note(format!(
                "an answer to rule \"{}\" has not the wanted form",
                entry.name()
            ));
            scene.memory.ask(Some(dialogue));
            let again = ask.retry.as_ref().unwrap_or(&ask.question);
            let again = scene.filled(again, &[]);
            return scene.say(again).map_err(failed);
        };
        scene.note(format!("rule \"{}\" goes on with an answer", entry.name()));
        scene.memory.ask(None);
        let kept = scene.memory.remember(&ask.remember, text.to_owned());
        kept.map_err(|full| failed(full.into()))?;
        scene.go_on(entry, dialogue.step + 1, &groups).await
    }
}
