//! What rules keep of a chat: one small record.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{StateName, Tag, ValueName};
use crate::clock::Timestamp;
use crate::jid::Jid;

/// Most tags and values of one chat, and bytes of one value.
const MAX_TAGS: usize = 32;
const MAX_VALUES: usize = 32;
const MAX_VALUE: usize = 1024;
/// Most rules that rest in one chat; beyond that the one that rests shortest is forgotten.
const MAX_RESTING: usize = 256;

/// What rules keep of a chat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatMemory {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<(StateName, Timestamp)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dialogue: Option<Dialogue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    tags: BTreeSet<Tag>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    values: BTreeMap<ValueName, String>,
    /// Rules that rest, and until when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    rests: BTreeMap<String, Timestamp>,
}

/// A question that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialogue {
    /// The rule that asks.
    pub rule: String,
    /// Which of its actions does.
    pub step: usize,
    /// Who is asked.
    pub with: Jid,
    /// Until when an answer counts.
    pub until: Timestamp,
    /// Answers of the wrong form.
    #[serde(default)]
    pub wrong: u8,
}

/// Why something more cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// Too many tags.
    #[error("a chat has at most {MAX_TAGS} tags")]
    Tags,
    /// Too many values.
    #[error("at most {MAX_VALUES} values are remembered of a chat")]
    Values,
}

impl ChatMemory {
    /// What the keys of all such records begin with.
    pub const PLACE: &'static str = "\u{2}chat/";

    /// The key of the record of a chat.
    pub fn key_of(chat: &Jid) -> String {
        format!("{}{chat}", Self::PLACE)
    }

    /// A record as it is kept. What an older version wrote in another form is forgotten.
    pub fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// The record as it is to be kept, and until when; for ever when absent.
    ///
    /// # Errors
    ///
    /// Only when there is no memory left to write it.
    pub fn written(
        mut self,
        now: Timestamp,
    ) -> Result<(Vec<u8>, Option<Timestamp>), serde_json::Error> {
        self.tidy(now);
        // An empty record is one that has just expired.
        let until = match self == Self::default() {
            true => Some(now),
            false => self.lasts_until(),
        };
        Ok((serde_json::to_vec(&self)?, until))
    }

    /// Forgets what is over.
    fn tidy(&mut self, now: Timestamp) {
        self.state.take_if(|(_, until)| *until <= now);
        self.dialogue.take_if(|dialogue| dialogue.until <= now);
        self.paused_until.take_if(|until| *until <= now);
        self.rests.retain(|_, until| *until > now);
        while self.rests.len() > MAX_RESTING {
            let soonest = self.rests.iter().min_by_key(|(_, until)| **until);
            let Some(key) = soonest.map(|(key, _)| key.clone()) else {
                break;
            };
            self.rests.remove(&key);
        }
    }

    /// Until when there is something to keep; for ever when absent.
    fn lasts_until(&self) -> Option<Timestamp> {
        if !self.tags.is_empty() || !self.values.is_empty() {
            return None;
        }
        let state = self.state.iter().map(|(_, until)| *until);
        let dialogue = self.dialogue.iter().map(|dialogue| dialogue.until);
        let rests = self.rests.values().copied();
        state
            .chain(dialogue)
            .chain(self.paused_until)
            .chain(rests)
            .max()
    }

    /// Whether the chat is in this state.
    pub fn is_in(&self, wanted: &StateName, now: Timestamp) -> bool {
        let state = self.state.as_ref();
        state.is_some_and(|(state, until)| state == wanted && *until > now)
    }

    /// Puts the chat into a state until a time, or ends the one it is in.
    pub fn set_state(&mut self, state: Option<(StateName, Timestamp)>) {
        self.state = state;
    }

    /// Until when the chat is left to a human, if it is.
    pub fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.paused_until.filter(|until| *until > now)
    }

    /// Leaves the chat to rules again.
    pub fn go_on(&mut self) {
        self.paused_until = None;
    }

    /// Leaves the chat to a human; an open question is forgotten.
    pub fn pause(&mut self, until: Timestamp) {
        self.paused_until = Some(until);
        self.dialogue = None;
    }

    /// Whether the chat has this tag.
    pub fn has_tag(&self, tag: &Tag) -> bool {
        self.tags.contains(tag)
    }

    /// Tags the chat.
    ///
    /// # Errors
    ///
    /// When it has too many tags.
    pub fn tag(&mut self, tag: &Tag) -> Result<(), Full> {
        if self.tags.len() >= MAX_TAGS && !self.tags.contains(tag) {
            return Err(Full::Tags);
        }
        self.tags.insert(tag.clone());
        Ok(())
    }

    /// Takes a tag off.
    pub fn untag(&mut self, tag: &Tag) {
        self.tags.remove(tag);
    }

    /// A value that is remembered.
    pub fn value(&self, name: &ValueName) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Keeps a value, cut at its longest.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub fn remember(&mut self, name: &ValueName, mut value: String) -> Result<(), Full> {
        if self.values.len() >= MAX_VALUES && !self.values.contains_key(name) {
            return Err(Full::Values);
        }
        value.truncate(value.floor_char_boundary(MAX_VALUE));
        self.values.insert(name.clone(), value);
        Ok(())
    }

    /// Forgets a value.
    pub fn forget(&mut self, name: &ValueName) {
        self.values.remove(name);
    }

    /// Until when a rule rests in the chat, if it does.
    pub fn rests_until(&self, rule: &str, now: Timestamp) -> Option<Timestamp> {
        self.rests.get(rule).copied().filter(|until| *until > now)
    }

    /// Lets a rule rest.
    pub fn rest(&mut self, rule: &str, now: Timestamp, span: Duration) {
        self.rests.insert(rule.to_owned(), now.plus(span));
    }

    /// The question that `who` is to answer.
    pub fn question(&self, who: Option<&Jid>, now: Timestamp) -> Option<&Dialogue> {
        let asked = self.dialogue.as_ref();
        asked.filter(|dialogue| dialogue.until > now && Some(&dialogue.with) == who)
    }

    /// Waits for an answer, or does not any more.
    pub fn ask(&mut self, dialogue: Option<Dialogue>) {
        self.dialogue = dialogue;
    }
}
