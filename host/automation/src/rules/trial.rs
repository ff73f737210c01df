//! What rules would do with an event, and why the others would not.

use std::sync::Arc;

use warbler_app::hook::{HookCall, RuleTrial, RuleVerdict};

use super::dialogue::Asked;
use super::memory;
use super::reading::Reading;
use super::run::{is_first, known, run};
use super::{Entry, Place, RuleSet};
use crate::profile::Profile;
use crate::services::Services;

/// Takes an event through rules for nothing, and says what became of each.
pub(crate) async fn trial(
    sets: &[Arc<RuleSet>],
    call: &HookCall,
    profile: &Arc<Profile>,
    services: &Arc<Services>,
) -> RuleTrial {
    RuleTrial {
        outcome: run(sets, call, profile, services).await,
        ..verdicts(sets, call).await
    }
}

/// Says what would become of each rule, and not what those that are used ask for.
pub(crate) async fn verdicts(sets: &[Arc<RuleSet>], call: &HookCall) -> RuleTrial {
    let (Some(reading), Ok(memory)) = (Reading::of(call), memory::load(call).await) else {
        return RuleTrial::default();
    };
    let paused_until = memory.paused_until(call.now);
    let asked = Asked::of(sets.iter().map(Arc::as_ref), &memory, &reading);
    let mut entries: Vec<(Place, &Entry)> = Vec::new();
    for set in sets {
        let places = set.entries.iter().enumerate();
        entries.extend(places.map(|(index, entry)| (entry.place(index), entry)));
    }
    entries.sort_by_key(|(place, _)| *place);
    let entries: Vec<&Entry> = entries.into_iter().map(|(_, entry)| entry).collect();
    // A database that does not answer has been told of by `run`.
    let first = is_first(&entries, call, &reading).await.unwrap_or(false);
    let mut ended_by: Option<&Entry> = None;
    let mut verdicts = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut why_not = entry.why_not(&known(entry, &reading, &memory, first));
        if why_not.is_none() {
            why_not = match (paused_until, &asked, ended_by) {
                (Some(until), _, _) => Some(format!("the chat is left to a human until {until}")),
                (None, Some(asked), _) => Some(format!(
                    "the message answers the question of rule \"{}\"",
                    asked.entry.name()
                )),
                (None, None, Some(before)) => Some(format!(
                    "rule \"{}\" comes before it and was used",
                    before.name()
                )),
                (None, None, None) => None,
            };
            if why_not.is_none() && !entry.spec.continues {
                ended_by = Some(entry);
            }
        }
        verdicts.push(RuleVerdict {
            id: entry.id,
            name: entry.name().clone(),
            why_not,
        });
    }
    RuleTrial {
        verdicts,
        outcome: None,
        paused_until,
        answers: asked.map(|asked| asked.entry.name().clone()),
    }
}
