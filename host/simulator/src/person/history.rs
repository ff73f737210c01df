//! What a phone remembers from before it had companions, and tells each new one.
//!
//! It comes in the parts a real phone sends: the newest messages of every chat at once, then the
//! names people go by, then the rest in pieces.

use std::collections::BTreeMap;

use bytes::Bytes;
use rand::RngExt;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use waproto::whatsapp::history_sync::HistorySyncType;

use super::sending::Chat;
use super::{Person, PersonError};
use crate::address::Form;
use crate::phone::content::compose;
use crate::phone::history::{notice, seal};
use crate::state::account::AccountId;

/// How many messages a phone remembers.
const MAX_REMEMBERED: usize = 20_000;
/// How many messages of each chat come at once.
const AT_ONCE: usize = 20;
/// How many of the other messages come in one piece.
const PIECE: usize = 1_000;

/// A message from before.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    id: String,
    chat: String,
    author: AccountId,
    text: String,
    at: u64,
}

impl Person {
    /// Has said or heard this before, in a chat with somebody or in a group, at a time in seconds
    /// since 1970; returns the id of the message. Companions linked from now on are told.
    pub fn remembers(
        &self,
        chat: &str,
        author: &Person,
        text: &str,
        at: u64,
    ) -> Result<String, PersonError> {
        let found = self.chat(chat)?;
        if found == Chat::Status {
            return Err(PersonError::UnknownRecipient(chat.to_owned()));
        }
        let chat = self.chat_jid(&found);
        let id = self.hub.lock().message_id();
        let mut inbox = self.inner.inbox();
        if inbox.remembered.len() >= MAX_REMEMBERED {
            return Err(PersonError::TooMuchToRemember);
        }
        inbox.remembered.push(Remembered {
            id: id.clone(),
            chat,
            author: author.id(),
            text: text.to_owned(),
            at,
        });
        Ok(id)
    }

    /// Tells a companion what the phone remembers; says nothing if that is nothing.
    pub(super) async fn tells_history(&self, device: u16) -> Result<(), PersonError> {
        for part in self.history() {
            let key: [u8; 32] = self.hub.lock().rng.random();
            let packed = tokio::task::spawn_blocking(move || (seal(&part, key), part));
            let (sealed, part) = packed
                .await
                .map_err(|error| PersonError::Phone(Box::new(error)))?;
            let mut sealed = sealed?;
            let body = Bytes::from(std::mem::take(&mut sealed.body));
            let path = self
                .hub
                .media
                .put(body)
                .map_err(|error| PersonError::Media(error.to_string()))?;
            let message = notice(&part, &sealed, &path);
            self.sends_peer(device, |_| message).await?;
        }
        Ok(())
    }

    /// The past, in the parts it is told in.
    fn history(&self) -> Vec<wa::HistorySync> {
        let mut remembered = self.inner.inbox().remembered.clone();
        if remembered.is_empty() {
            return Vec::new();
        }
        // Newest first, as phones send them.
        remembered.sort_by_key(|one| std::cmp::Reverse(one.at));
        let mut newest: BTreeMap<&str, Vec<&Remembered>> = BTreeMap::new();
        let mut older = Vec::new();
        for one in &remembered {
            let chat = newest.entry(&one.chat).or_default();
            if chat.len() < AT_ONCE {
                chat.push(one);
            } else {
                older.push(one);
            }
        }
        let pieces: Vec<&[&Remembered]> = older.chunks(PIECE).collect();
        let mut parts = vec![wa::HistorySync {
            conversations: self.conversations(&newest),
            phone_number_to_lid_mappings: self.mappings(&remembered),
            ..part(HistorySyncType::INITIAL_BOOTSTRAP, 0, 0)
        }];
        parts.push(wa::HistorySync {
            pushnames: self.pushnames(&remembered),
            ..part(HistorySyncType::PUSH_NAME, 0, 100)
        });
        for (order, piece) in (1u32..).zip(&pieces) {
            let mut chats: BTreeMap<&str, Vec<&Remembered>> = BTreeMap::new();
            for one in *piece {
                chats.entry(&one.chat).or_default().push(one);
            }
            let done = (order as usize * 100)
                .checked_div(pieces.len())
                .unwrap_or(100);
            let progress = u32::try_from(done).unwrap_or(100);
            parts.push(wa::HistorySync {
                conversations: self.conversations(&chats),
                ..part(HistorySyncType::RECENT, order, progress)
            });
        }
        parts
    }

    fn conversations(&self, chats: &BTreeMap<&str, Vec<&Remembered>>) -> Vec<wa::Conversation> {
        let state = self.hub.lock();
        let told = chats.iter().map(|(chat, messages)| {
            let name = state.groups.get(*chat).map(|group| group.subject.clone());
            let last = messages.iter().map(|one| one.at).max();
            wa::Conversation {
                id: (*chat).to_owned(),
                messages: messages
                    .iter()
                    .map(|one| self.message(&state, one))
                    .collect(),
                last_msg_timestamp: last,
                conversation_timestamp: last,
                unread_count: Some(0),
                name,
                ..Default::default()
            }
        });
        told.collect()
    }

    fn message(&self, state: &crate::state::State, one: &Remembered) -> wa::HistorySyncMsg {
        let own = one.author == self.id();
        let author = state.user_jid(one.author, Form::Pn);
        let room = one.chat.ends_with("@g.us");
        let name = state.account(one.author).map(|found| found.name.clone());
        let participant = (room && !own).then_some(author);
        wa::HistorySyncMsg {
            message: MessageField::some(wa::WebMessageInfo {
                key: MessageField::some(wa::MessageKey {
                    remote_jid: Some(one.chat.clone()),
                    from_me: Some(own),
                    id: Some(one.id.clone()),
                    participant: participant.clone(),
                }),
                message: MessageField::some(compose::text(&one.text)),
                message_timestamp: Some(one.at),
                participant,
                push_name: name.filter(|_| !own),
                ..Default::default()
            }),
            msg_order_id: None,
        }
    }

    fn authors(remembered: &[Remembered]) -> Vec<AccountId> {
        let mut authors: Vec<AccountId> = remembered.iter().map(|one| one.author).collect();
        authors.sort_unstable();
        authors.dedup();
        authors
    }

    fn pushnames(&self, remembered: &[Remembered]) -> Vec<wa::Pushname> {
        let state = self.hub.lock();
        let authors = Person::authors(remembered).into_iter();
        let named = authors.filter_map(|author| {
            Some(wa::Pushname {
                id: Some(state.user_jid(author, Form::Pn)),
                pushname: Some(state.account(author)?.name.clone()),
            })
        });
        named.collect()
    }

    fn mappings(&self, remembered: &[Remembered]) -> Vec<wa::PhoneNumberToLIDMapping> {
        let state = self.hub.lock();
        if !state.tells_lids {
            return Vec::new();
        }
        let authors = Person::authors(remembered).into_iter();
        let mapped = authors.map(|author| wa::PhoneNumberToLIDMapping {
            pn_jid: Some(state.user_jid(author, Form::Pn)),
            lid_jid: Some(state.user_jid(author, Form::Lid)),
        });
        mapped.collect()
    }
}

fn part(kind: HistorySyncType, order: u32, progress: u32) -> wa::HistorySync {
    wa::HistorySync {
        sync_type: kind,
        chunk_order: Some(order),
        progress: Some(progress),
        ..Default::default()
    }
}
