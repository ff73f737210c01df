//! What the phone remembers from before the session was linked, as far as it is wanted.
//!
//! The phone sends it in pieces of many megabytes. A piece is read conversation by conversation,
//! off the runtime; what is too old, or beyond the number of messages wanted, is passed over
//! there, and the rest is told in batches.

use std::sync::Arc;

use wacore::types::events::{Event, LazyHistorySync};
use wacore_binary::Jid as EngineJid;
use waproto::whatsapp as wa;
use warbler_app::driver::History;
use warbler_domain::contact::Contact;
use warbler_domain::jid::Server;
use warbler_domain::{Jid, Timestamp};
use whatsapp_rust::Client;

use crate::address;
use crate::inbound::{self, Envelope};
use crate::keys::Keys;

/// Largest piece that is read, in bytes.
const MAX_PIECE: usize = 256 * 1024 * 1024;
/// Most messages, and most people, of one batch.
const BATCH: usize = 100;
/// Most people and groups taken from one piece.
const MAX_NAMES: usize = 20_000;

/// How much of the phone's memory is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HistoryLimits {
    /// How many days back; 0 for nothing at all.
    pub days: u16,
    /// Most messages of one link.
    pub messages: u32,
}

impl HistoryLimits {
    /// Whether anything is wanted.
    pub fn wants_some(&self) -> bool {
        self.days > 0 && self.messages > 0
    }
}

/// What is still wanted on one link.
pub(crate) struct Wanted {
    since: u64,
    left: usize,
}

impl Wanted {
    pub(crate) fn new(limits: HistoryLimits, now: Timestamp) -> Self {
        let seconds = now.as_millis().div_euclid(1000);
        let back = i64::from(limits.days) * 24 * 3600;
        Self {
            since: u64::try_from(seconds.saturating_sub(back)).unwrap_or(0),
            left: match limits.wants_some() {
                true => usize::try_from(limits.messages).unwrap_or(usize::MAX),
                false => 0,
            },
        }
    }
}

/// What a piece holds of what is wanted.
#[derive(Default)]
struct Piece {
    messages: Vec<(String, wa::WebMessageInfo)>,
    groups: Vec<(String, String)>,
    /// Address, other address, name in the address book, name they show.
    people: Vec<Person>,
}

struct Person {
    jid: String,
    other: Option<String>,
    name: Option<String>,
    push_name: Option<String>,
}

/// What a history event says, in batches, and `wanted` lessened by it.
pub(crate) async fn batches(
    client: &Client,
    keys: &Keys,
    event: &Arc<Event>,
    wanted: &mut Wanted,
    now: Timestamp,
) -> Vec<History> {
    if wanted.left == 0 {
        return Vec::new();
    }
    let (event, since, most) = (Arc::clone(event), wanted.since, wanted.left);
    let read = tokio::task::spawn_blocking(move || match &*event {
        Event::HistorySync(piece) => open(piece, since, most),
        _ => Piece::default(),
    });
    let piece = read.await.unwrap_or_else(|_| {
        tracing::error!("A piece of the phone's history could not be read");
        Piece::default()
    });
    wanted.left = wanted.left.saturating_sub(piece.messages.len());
    let mut batches = Vec::new();
    let mut groups: Vec<_> = piece.groups.into_iter().filter_map(subject).collect();
    for people in piece.people.chunks(BATCH) {
        let mut contacts = Vec::with_capacity(people.len());
        for person in people {
            contacts.extend(contact(client, person, now).await);
        }
        batches.push(History {
            contacts,
            ..History::default()
        });
    }
    for some in piece.messages.chunks(BATCH) {
        let mut messages = Vec::with_capacity(some.len());
        for (chat, remembered) in some {
            messages.extend(message(client, keys, chat, remembered).await);
        }
        batches.push(History {
            messages,
            groups: std::mem::take(&mut groups),
            ..History::default()
        });
    }
    if !groups.is_empty() {
        batches.push(History {
            groups,
            ..History::default()
        });
    }
    batches
}

/// Reads a piece. Conversations come newest message first.
fn open(piece: &LazyHistorySync, since: u64, most: usize) -> Piece {
    let mut taken = Piece::default();
    if piece.decompressed_size() > MAX_PIECE {
        tracing::warn!("A piece of the phone's history is too large and was passed over");
        return taken;
    }
    let mut stream = piece.stream();
    loop {
        let conversation = match stream.next_conversation() {
            Ok(Some(conversation)) => conversation,
            Ok(None) => break,
            Err(err) => {
                tracing::warn!(%err, "A piece of the phone's history is damaged");
                return taken;
            }
        };
        take(&mut taken, conversation, since, most);
    }
    if let Ok(rest) = stream.remainder() {
        let room = MAX_NAMES.saturating_sub(taken.people.len());
        let names = rest.pushnames.into_iter().take(room);
        taken.people.extend(names.filter_map(|shown| {
            Some(Person {
                jid: shown.id?,
                other: None,
                name: None,
                push_name: Some(
                    shown
                        .pushname
                        .filter(|name| !name.is_empty() && name != "-")?,
                ),
            })
        }));
    }
    taken
}

fn take(taken: &mut Piece, conversation: wa::Conversation, since: u64, most: usize) {
    let chat = conversation.id;
    let named = conversation.name.filter(|name| !name.is_empty());
    let shown = conversation.display_name.filter(|name| !name.is_empty());
    if chat.ends_with("@g.us") {
        if let (Some(subject), true) = (named, taken.groups.len() < MAX_NAMES) {
            taken.groups.push((chat.clone(), subject));
        }
    } else if (named.is_some() || shown.is_some()) && taken.people.len() < MAX_NAMES {
        taken.people.push(Person {
            jid: chat.clone(),
            other: conversation.pn_jid.or(conversation.lid_jid),
            name: named,
            push_name: shown,
        });
    }
    for remembered in conversation.messages {
        if taken.messages.len() >= most {
            break;
        }
        let Some(message) = remembered.message.into_option() else {
            continue;
        };
        let fresh = message.message_timestamp.is_some_and(|at| at >= since);
        if fresh && message.message.is_set() {
            taken.messages.push((chat.clone(), message));
        }
    }
}

fn subject((group, subject): (String, String)) -> Option<(Jid, String)> {
    Some((group.parse().ok()?, subject))
}

async fn contact(client: &Client, person: &Person, now: Timestamp) -> Option<Contact> {
    let jid: EngineJid = person.jid.parse().ok()?;
    let other = person.other.as_ref().and_then(|other| other.parse().ok());
    let known = address::known(client, &jid, other.as_ref()).await?;
    matches!(known.jid.server(), Server::Pn | Server::Lid).then_some(Contact {
        jid: known.jid,
        alt: known.alt,
        name: person.name.clone(),
        push_name: person.push_name.clone(),
        saved_name: None,
        seen_at: now,
    })
}

async fn message(
    client: &Client,
    keys: &Keys,
    chat: &str,
    remembered: &wa::WebMessageInfo,
) -> Option<warbler_app::driver::InboundMessage> {
    let key = remembered.key.as_option()?;
    let chat: EngineJid = chat.parse().ok()?;
    let own = key.from_me.unwrap_or_default();
    let author = key.participant.as_ref().or(remembered.participant.as_ref());
    let sender = match author {
        _ if own => client.pn()?.to_non_ad(),
        Some(author) => author.parse().ok()?,
        None => chat.clone(),
    };
    let seconds = i64::try_from(remembered.message_timestamp?).ok()?;
    let envelope = Envelope {
        id: key.id.clone()?,
        chat,
        chat_alt: None,
        sender,
        sender_alt: None,
        own,
        name: remembered.push_name.clone().filter(|_| !own),
        at: Timestamp::from_millis(seconds.checked_mul(1000)?),
    };
    let reading = inbound::read(remembered.message.as_option()?)?;
    inbound::delivered(client, keys, envelope, reading).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use waproto::buffa::MessageField;

    fn remembered(at: u64) -> wa::HistorySyncMsg {
        wa::HistorySyncMsg {
            message: MessageField::some(wa::WebMessageInfo {
                message: MessageField::some(wa::Message {
                    conversation: Some("before".to_owned()),
                    ..Default::default()
                }),
                message_timestamp: Some(at),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    #[test]
    fn only_what_is_new_enough_is_taken_and_not_too_much_of_it() {
        let conversation = || wa::Conversation {
            id: "15550100@s.whatsapp.net".to_owned(),
            name: Some("Ada".to_owned()),
            messages: vec![remembered(30), remembered(20), remembered(10)],
            ..Default::default()
        };
        let mut taken = Piece::default();
        take(&mut taken, conversation(), 15, 3);
        assert_eq!((taken.messages.len(), taken.people.len()), (2, 1));
        take(&mut taken, conversation(), 15, 3);
        assert_eq!(taken.messages.len(), 3);
    }

    #[test]
    fn nothing_is_wanted_unless_asked_for() {
        let now = Timestamp::from_millis(1_000_000_000);
        assert_eq!(Wanted::new(HistoryLimits::default(), now).left, 0);
        let week = HistoryLimits {
            days: 7,
            messages: 10,
        };
        assert_eq!(Wanted::new(week, now).left, 10);
    }
}
