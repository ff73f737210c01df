//! What rules keep of a chat: one small record in the key-value space of their extension.
//!
//! Events of a chat are handled one after the other, and what an event writes is committed before the
//! next one begins; so a record that was read, changed and written is never somebody else's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use warbler_app::hook::{HookCall, KvBuffer, KvError};
use warbler_domain::rule::{StateName, Tag, ValueName};
use warbler_domain::{Jid, Timestamp};

/// Most tags and values of one chat, and bytes of one value.
const MAX_TAGS: usize = 32;
const MAX_VALUES: usize = 32;
pub(super) const MAX_VALUE: usize = 1024;
/// Most rules that rest in one chat; beyond that the one that rests shortest is forgotten.
const MAX_RESTING: usize = 256;

/// What rules keep of a chat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ChatMemory {
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
pub(super) struct Dialogue {
    /// The rule that asks.
    pub(super) rule: String,
    /// Which of its actions does.
    pub(super) step: usize,
    /// Who is asked.
    pub(super) with: Jid,
    /// Until when an answer counts.
    pub(super) until: Timestamp,
    /// Answers of the wrong form.
    #[serde(default)]
    pub(super) wrong: u8,
}

/// Why something more cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    #[error("a chat has at most {MAX_TAGS} tags")]
    Tags,
    #[error("at most {MAX_VALUES} values are remembered of a chat")]
    Values,
}

/// Where the record of a chat is.
fn key_of(chat: &Jid) -> String {
    format!("\u{2}chat/{chat}")
}

impl ChatMemory {
    /// What is kept of the chat of an event.
    pub(super) async fn load(call: &HookCall) -> Result<Self, KvError> {
        let Some(chat) = call.event.chat() else {
            return Ok(Self::default());
        };
        let kv = KvBuffer::new(call.kv.clone().of_session(call.event.session));
        let stored = kv.get(&key_of(chat)).await?;
        // What an older version wrote in another form is forgotten.
        let read = stored.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(read.unwrap_or_default())
    }

    /// What is to be written so that it is kept.
    pub(super) fn writes(
        mut self,
        call: &HookCall,
    ) -> Result<Vec<warbler_store::kv::KvWrite>, serde_json::Error> {
        let Some(chat) = call.event.chat() else {
            return Ok(Vec::new());
        };
        self.tidy(call.now);
        let mut kv = KvBuffer::new(call.kv.clone().of_session(call.event.session));
        let lasts = self.lasts_until();
        // An empty record is one that has just expired.
        let expires_at = if self == Self::default() {
            Some(call.now)
        } else {
            lasts
        };
        kv.keep(key_of(chat), serde_json::to_vec(&self)?, expires_at);
        Ok(kv.into_writes())
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

    pub(super) fn is_in(&self, wanted: &StateName, now: Timestamp) -> bool {
        let state = self.state.as_ref();
        state.is_some_and(|(state, until)| state == wanted && *until > now)
    }

    pub(super) fn set_state(&mut self, state: Option<(StateName, Timestamp)>) {
        self.state = state;
    }

    pub(super) fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.paused_until.filter(|until| *until > now)
    }

    pub(super) fn pause(&mut self, until: Timestamp) {
        self.paused_until = Some(until);
        self.dialogue = None;
    }

    pub(super) fn has_tag(&self, tag: &Tag) -> bool {
        self.tags.contains(tag)
    }

    pub(super) fn tag(&mut self, tag: &Tag) -> Result<(), Full> {
        if self.tags.len() >= MAX_TAGS && !self.tags.contains(tag) {
            return Err(Full::Tags);
        }
        self.tags.insert(tag.clone());
        Ok(())
    }

    pub(super) fn untag(&mut self, tag: &Tag) {
        self.tags.remove(tag);
    }

    pub(super) fn value(&self, name: &ValueName) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Keeps a value, cut at its longest.
    pub(super) fn remember(&mut self, name: &ValueName, mut value: String) -> Result<(), Full> {
        if self.values.len() >= MAX_VALUES && !self.values.contains_key(name) {
            return Err(Full::Values);
        }
        value.truncate(value.floor_char_boundary(MAX_VALUE));
        self.values.insert(name.clone(), value);
        Ok(())
    }

    pub(super) fn forget(&mut self, name: &ValueName) {
        self.values.remove(name);
    }

    pub(super) fn rests_until(&self, rule: &str, now: Timestamp) -> Option<Timestamp> {
        self.rests.get(rule).copied().filter(|until| *until > now)
    }

    pub(super) fn rest(&mut self, rule: &str, now: Timestamp, span: Duration) {
        self.rests.insert(rule.to_owned(), now.plus(span));
    }

    /// The question that `who` is to answer.
    pub(super) fn question(&self, who: Option<&Jid>, now: Timestamp) -> Option<&Dialogue> {
        let asked = self.dialogue.as_ref();
        asked.filter(|dialogue| dialogue.until > now && Some(&dialogue.with) == who)
    }

    pub(super) fn ask(&mut self, dialogue: Option<Dialogue>) {
        self.dialogue = dialogue;
    }
}
