//! The stanzas that are being read, and whose keys that may have changed by now.
//!
//! The engine reads many chats at once, and the messages of one chat one after the other. So of every
//! chat only the oldest message can have changed keys without having been handed over.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use wacore_binary::NodeRef;

use super::Stanza;

/// Most stanzas noted. What is above it was read long ago and brought nothing to store: a group's
/// keys, for instance.
const NOTED: usize = 1024;

/// The stanzas by id.
#[derive(Default)]
pub(super) struct Reading {
    begun: HashMap<String, Begun>,
    /// The ids of each chat, oldest first.
    chats: HashMap<String, VecDeque<String>>,
}

/// One of them.
struct Begun {
    stanza: Stanza,
    at: Instant,
    chat: String,
    /// The users whose keys reading it changes.
    users: Vec<String>,
    /// It takes so long that nobody waits for it any more.
    late: bool,
}

impl Reading {
    /// A stanza is looked at, if it is an encrypted message. `own` are the names of the account.
    pub(super) fn begins(&mut self, stanza: &Stanza, own: impl FnOnce() -> Vec<String>) {
        let Some((id, chat)) = encrypted(stanza.get()) else {
            return;
        };
        if self.begun.len() >= NOTED {
            *self = Self::default();
        }
        let mut users = users(stanza.get());
        if stanza.get().get_attr("recipient").is_some() {
            users.extend(own());
        }
        let begun = Begun {
            stanza: Stanza::clone(stanza),
            at: Instant::now(),
            users,
            chat: chat.clone(),
            late: false,
        };
        if self.begun.insert(id.clone(), begun).is_none() {
            self.chats.entry(chat).or_default().push_back(id);
        }
    }

    /// One ends, read or not.
    pub(super) fn ends(&mut self, id: &str) -> Option<Stanza> {
        let begun = self.begun.remove(id)?;
        if let Some(ids) = self.chats.get_mut(&begun.chat) {
            ids.retain(|other| other != id);
            if ids.is_empty() {
                self.chats.remove(&begun.chat);
            }
        }
        Some(begun.stanza)
    }

    /// One is handed over, and so those before it in its chat have ended.
    pub(super) fn handed(&mut self, id: &str) {
        let Some(begun) = self.begun.get(id) else {
            return;
        };
        let before = self.chats.get(&begun.chat).into_iter().flatten();
        let before: Vec<String> = before.take_while(|other| *other != id).cloned().collect();
        for other in before.iter().map(String::as_str).chain([id]) {
            drop(self.ends(other));
        }
    }

    /// Nobody waits for these any more.
    pub(super) fn are_late(&mut self, ids: &HashSet<String>) {
        for id in ids {
            if let Some(begun) = self.begun.get_mut(id) {
                begun.late = true;
            }
        }
    }

    /// Whether somebody may wait for it.
    pub(super) fn is_under_way(&self, id: &str) -> bool {
        self.begun.get(id).is_some_and(|begun| !begun.late)
    }

    /// For the name of each key, the messages that may have changed it.
    pub(super) fn changing<'a>(
        &self,
        names: impl Iterator<Item = &'a str>,
    ) -> Vec<HashSet<String>> {
        let by_user = self.by_user();
        names
            .map(|name| {
                let ids = parts(name).filter_map(|part| by_user.get(part));
                ids.flatten().map(|id| (*id).to_owned()).collect()
            })
            .collect()
    }

    /// The messages that may have changed keys of each user.
    fn by_user(&self) -> HashMap<&str, Vec<&str>> {
        let mut by_user: HashMap<&str, Vec<&str>> = HashMap::new();
        for ids in self.chats.values() {
            let Some(id) = ids.iter().find(|id| self.is_under_way(id)) else {
                continue;
            };
            for user in self.begun.get(id).into_iter().flat_map(|one| &one.users) {
                by_user.entry(user).or_default().push(id);
            }
        }
        by_user
    }

    /// Whether one was begun within `recently`.
    pub(super) fn any_begun(&self, recently: Duration) -> bool {
        let mut begun = self.begun.values();
        begun.any(|begun| begun.at.elapsed() < recently)
    }
}

/// The id of an encrypted message and the user or group it is from, if the stanza is one. What the
/// account's own phone tells its devices is left out: nothing of it is stored.
fn encrypted(stanza: &NodeRef<'_>) -> Option<(String, String)> {
    if stanza.tag.as_ref() != "message" || stanza.get_optional_child("enc").is_none() {
        return None;
    }
    let category = stanza.get_attr("category");
    if category.is_some_and(|category| category.as_str() == "peer") {
        return None;
    }
    let id = stanza.get_attr("id")?.as_str().into_owned();
    Some((id, user(stanza, "from").unwrap_or_default()))
}

fn user(stanza: &NodeRef<'_>, attribute: &str) -> Option<String> {
    let jid = stanza.get_attr(attribute)?.as_str();
    parts(&jid).next().map(str::to_owned)
}

/// The users under whose names the sender's keys may be kept. None, if the message may bring only
/// the key of a group: then nothing is handed over.
fn users(stanza: &NodeRef<'_>) -> Vec<String> {
    let kind = |enc: &NodeRef<'_>| enc.get_attr("type").map(|kind| kind.as_str().into_owned());
    let mut encs = stanza.get_children_by_tag("enc").filter_map(kind);
    let names = match stanza.get_attr("participant") {
        Some(_) if !encs.any(|kind| kind == "skmsg") => return Vec::new(),
        Some(_) => ["participant", "participant_lid", "participant_pn"],
        None => ["from", "sender_lid", "sender_pn"],
    };
    names.iter().filter_map(|name| user(stanza, name)).collect()
}

/// The parts of a JID, or of the name of a key: the user comes first in the one, and somewhere in
/// the other.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(|at: char| !at.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use whatsapp_rust::anyhow;

    use super::*;
    use crate::intake::tests::stanza;

    fn begin(
        reading: &mut Reading,
        attributes: &[(&'static str, &str)],
        kinds: &[&str],
    ) -> anyhow::Result<()> {
        let own = || vec!["1999".to_owned(), "777".to_owned()];
        reading.begins(&stanza(attributes, kinds)?, own);
        Ok(())
    }

    fn of(reading: &Reading, user: &str) -> Vec<String> {
        let address = format!("{user}:2@lid.0");
        let ids = reading.changing(std::iter::once(&*address));
        let mut ids: Vec<String> = ids.into_iter().flatten().collect();
        ids.sort();
        ids
    }

    #[test]
    fn of_each_chat_the_oldest_is_the_one_to_wait_for() -> anyhow::Result<()> {
        let mut reading = Reading::default();
        let ada = ("from", "100:3@lid");
        for id in ["one", "two"] {
            let attributes = [("id", id), ada, ("sender_pn", "1555@s.whatsapp.net")];
            begin(&mut reading, &attributes, &["msg"])?;
        }
        let room = ("from", "120363@g.us");
        let in_room = [("id", "three"), room, ("participant", "100@lid")];
        begin(&mut reading, &in_room, &["pkmsg", "skmsg"])?;
        assert_eq!(of(&reading, "100"), ["one", "three"]);
        assert_eq!(of(&reading, "1555"), ["one"]);
        assert!(of(&reading, "120363").is_empty());
        reading.handed("one");
        assert_eq!(of(&reading, "1555"), ["two"]);
        reading.are_late(&HashSet::from(["two".to_owned()]));
        assert!(of(&reading, "1555").is_empty());
        assert!(reading.ends("two").is_some(), "it can still be asked for");
        assert_eq!(of(&reading, "100"), ["three"]);
        Ok(())
    }

    #[test]
    fn one_that_is_handed_over_ends_those_before_it_in_its_chat() -> anyhow::Result<()> {
        let mut reading = Reading::default();
        for (id, from) in [("one", "100@lid"), ("other", "200@lid"), ("two", "100@lid")] {
            begin(&mut reading, &[("id", id), ("from", from)], &["msg"])?;
        }
        reading.handed("two");
        assert!(!reading.is_under_way("one"));
        assert_eq!(of(&reading, "200"), ["other"]);
        Ok(())
    }

    #[test]
    fn keys_of_a_group_alone_hold_nothing_up_and_own_words_hold_all_own_names() -> anyhow::Result<()>
    {
        let mut reading = Reading::default();
        let key = [
            ("id", "key"),
            ("from", "120363@g.us"),
            ("participant", "100@lid"),
        ];
        begin(&mut reading, &key, &["pkmsg"])?;
        assert!(of(&reading, "100").is_empty());
        let own = [
            ("id", "own"),
            ("from", "1999@s.whatsapp.net"),
            ("recipient", "100@lid"),
        ];
        begin(&mut reading, &own, &["msg"])?;
        assert_eq!(of(&reading, "777"), ["own"]);
        Ok(())
    }
}
