//! An event through rules.

use std::sync::Arc;
use std::time::Instant;

use warbler_app::hook::{HookCall, HookOutcome};
use warbler_domain::extension::ExtensionFault;
use warbler_domain::rule::ChatMemory;

use super::act::Scene;
use super::check::Known;
use super::dialogue::Asked;
use super::memory;
use super::reading::Reading;
use super::{Entry, Place, RuleSet};
use crate::effects::failed;
use crate::profile::Profile;
use crate::services::Services;

/// Takes an event through rules; nothing when none of them is used.
///
/// Rules that no event reached so far are compiled by now; this waits for nothing but the store, and
/// for that only where a rule that may be used wants to know something of the chat.
pub(crate) async fn run(
    sets: &[Arc<RuleSet>],
    call: &HookCall,
    profile: &Arc<Profile>,
    services: &Arc<Services>,
) -> Option<HookOutcome> {
    let began = Instant::now();
    let reading = Reading::of(call)?;
    let candidates = candidates(sets, &reading);
    let dialogues = sets.iter().any(|set| set.dialogues) && reading.is_message();
    if candidates.is_empty() && !dialogues {
        return None;
    }
    let unknown = |error: &dyn std::fmt::Display| {
        let message = format!("what is known of the chat cannot be read: {error}");
        let fault = ExtensionFault::new("unavailable", message, call.now);
        Some(failed(fault, Vec::new()))
    };
    let memory = if dialogues || candidates.iter().any(|entry| entry.needs.memory) {
        match memory::load(call).await {
            Ok(memory) => memory,
            Err(error) => return unknown(&error),
        }
    } else {
        ChatMemory::default()
    };
    if let Some(until) = memory.paused_until(call.now) {
        let scene = Scene::new(call, &reading, memory, profile, services);
        scene.note(format!("the chat is left to a human until {until}"));
        return Some(scene.ended(Ok(()), began.elapsed()));
    }
    let asked = Asked::of(sets.iter().map(Arc::as_ref), &memory, &reading);
    if let Some(asked) = asked {
        let mut scene = Scene::new(call, &reading, memory, profile, services);
        let result = asked.answer(&mut scene, &reading).await;
        return Some(scene.ended(result, began.elapsed()));
    }
    let first = match is_first(&candidates, call, &reading).await {
        Ok(first) => first,
        Err(error) => return unknown(&error),
    };
    let used = used(&candidates, &reading, &memory, first);
    if used.is_empty() {
        return None;
    }
    let mut scene = Scene::new(call, &reading, memory, profile, services);
    let mut result = Ok(());
    for entry in used {
        result = scene.use_rule(entry).await;
        if result.is_err() {
            break;
        }
    }
    Some(scene.ended(result, began.elapsed()))
}

/// The rules an event may concern, in order.
pub(super) fn candidates<'a>(sets: &'a [Arc<RuleSet>], reading: &Reading<'_>) -> Vec<&'a Entry> {
    let mut found: Vec<(Place, &Entry)> = Vec::new();
    for set in sets {
        let indices = set.matcher.candidates(reading).into_iter();
        let entries = indices.filter_map(|index| Some((index, set.entries.get(index)?)));
        found.extend(entries.map(|(index, entry)| (entry.place(index), entry)));
    }
    if sets.len() > 1 {
        found.sort_by_key(|(place, _)| *place);
    }
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// Whether the message is the first of its chat, if one of the rules wants to know.
pub(super) async fn is_first(
    entries: &[&Entry],
    call: &HookCall,
    reading: &Reading<'_>,
) -> Result<bool, warbler_store::Error> {
    match reading.message() {
        Some(message) if entries.iter().any(|entry| entry.needs.first) => {
            call.kv.is_first(message).await
        }
        _ => Ok(false),
    }
}

/// What is known when this rule is looked at.
pub(super) fn known<'a>(
    entry: &Entry,
    reading: &'a Reading<'a>,
    memory: &'a ChatMemory,
    first: bool,
) -> Known<'a> {
    Known {
        reading,
        memory,
        first,
        match_case: entry.spec.match_case,
        luck: reading.luck(&entry.key) % 100,
    }
}

/// Those of the rules that are used: the first that holds, and after one that says so the next.
pub(super) fn used<'a>(
    candidates: &[&'a Entry],
    reading: &Reading<'_>,
    memory: &ChatMemory,
    first: bool,
) -> Vec<&'a Entry> {
    let mut used = Vec::new();
    for entry in candidates {
        if entry.holds(&known(entry, reading, memory, first)) {
            used.push(*entry);
            if !entry.spec.continues {
                break;
            }
        }
    }
    used
}
