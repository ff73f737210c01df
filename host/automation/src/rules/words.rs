//! Conditions in words: what one wants, and why it does not hold.

use warbler_domain::Content;
use warbler_domain::rule::{Condition, Words};

use super::Entry;
use super::check::{Check, Known};

impl Entry {
    /// The first thing that does not hold, in words; nothing when all does.
    pub(super) fn why_not(&self, known: &Known<'_>) -> Option<String> {
        if !self.enabled {
            return Some("it is switched off".to_owned());
        }
        if !known.reading.is_message() && !self.needs.members {
            return Some("it is about messages, and nobody wrote one".to_owned());
        }
        if known.reading.is_message() && self.needs.members {
            return Some("it is about new members of groups, and this is a message".to_owned());
        }
        let parts = self.spec.when.iter().zip(&self.checks);
        let failed = parts.into_iter().find(|(_, check)| !check.holds(known));
        if let Some((condition, check)) = failed {
            return Some(failing(condition, check, known));
        }
        let until = self.rests_until(known)?;
        Some(format!("it rests in this chat until {until}"))
    }
}

/// Why a condition does not hold.
fn failing(condition: &Condition, check: &Check, known: &Known<'_>) -> String {
    let reading = known.reading;
    match (condition, check) {
        (_, Check::Text(..) | Check::Pattern(_)) if reading.text().is_none() => {
            "the message has no text".to_owned()
        }
        (Condition::ContainsAll(words), Check::Text(_, checked)) => {
            let text = reading.searched(known.match_case);
            let missing = words.iter().zip(checked);
            let missing = missing.filter(|(_, word)| !text.contains(word.as_str()));
            let missing: Vec<String> = missing.map(|(word, _)| quoted(word)).collect();
            format!("the text does not contain {}", missing.join(", "))
        }
        (Condition::Kind(kinds), _) => {
            let word = reading.content().map_or("nothing", Content::word);
            format!(
                "it is of the kind {word}, and not {}",
                kinds.words().join(" or ")
            )
        }
        (Condition::Between(hours), _) => {
            format!("it is {}, and not {hours}", hours.clock_at(reading.now()))
        }
        (Condition::OnDays(days), _) => {
            format!(
                "it is {}, and not {}",
                days.clock_at(reading.now()),
                days.days
            )
        }
        (Condition::All(list), Check::All(checks)) => {
            let mut parts = list.iter().zip(checks);
            let failed = parts.find(|(_, check)| !check.holds(known));
            failed.map_or_else(String::new, |(one, check)| failing(one, check, known))
        }
        (Condition::Any(list), _) => {
            let each: Vec<String> = list.iter().map(said).collect();
            format!("none of these holds: {}", each.join("; "))
        }
        (Condition::Not(one), _) => format!("it holds that {}", said(one)),
        (Condition::Chance(chance), _) => format!(
            "it is used {} times in a hundred, and this is not one of them",
            chance.percent()
        ),
        (other, _) => format!("it does not hold that {}", said(other)),
    }
}

/// What a condition wants.
fn said(condition: &Condition) -> String {
    match condition {
        Condition::Is(words) => format!("the text is {}", one_of(words)),
        Condition::ContainsAny(words) => format!("the text contains {}", one_of(words)),
        Condition::ContainsAll(words) => {
            let all: Vec<String> = words.iter().map(quoted).collect();
            format!("the text contains {}", all.join(" and "))
        }
        Condition::HasWord(words) => format!("the text has the word {}", one_of(words)),
        Condition::StartsWith(words) => format!("the text starts with {}", one_of(words)),
        Condition::EndsWith(words) => format!("the text ends with {}", one_of(words)),
        Condition::Matches(pattern) => format!("the text matches {}", quoted(pattern.as_str())),
        Condition::Kind(kinds) => format!("it is of the kind {}", kinds.words().join(" or ")),
        Condition::Direct => "it was written to the account alone".to_owned(),
        Condition::Group => "it was written in a group".to_owned(),
        Condition::From(_) => "one of the named people wrote it".to_owned(),
        Condition::In(_) => "it was written in one of the named chats".to_owned(),
        Condition::Between(hours) => format!("it is {hours}"),
        Condition::OnDays(days) => format!("it is {}", days.days),
        Condition::FirstContact => "it is the first message of its chat".to_owned(),
        Condition::NewMember => "somebody came into a group".to_owned(),
        Condition::Chance(chance) => format!("its chance of {} percent came", chance.percent()),
        Condition::State(state) => format!("the chat is in the state {}", quoted(state.as_str())),
        Condition::Tagged(tag) => format!("the chat has the tag {}", quoted(tag.as_str())),
        Condition::Any(list) => {
            let each: Vec<String> = list.iter().map(said).collect();
            each.join(", or ")
        }
        Condition::All(list) => {
            let each: Vec<String> = list.iter().map(said).collect();
            each.join(", and ")
        }
        Condition::Not(one) => format!("not: {}", said(one)),
    }
}

/// Most words that are shown of one condition.
const SHOWN: usize = 5;

fn one_of(words: &Words) -> String {
    let mut shown: Vec<String> = words.iter().take(SHOWN).map(quoted).collect();
    let more = words.iter().count().saturating_sub(SHOWN);
    if more > 0 {
        shown.push(format!("one of {more} more"));
    }
    shown.join(" or ")
}

fn quoted(word: &str) -> String {
    let mut shown: String = word.chars().take(60).collect();
    if shown.len() < word.len() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}
