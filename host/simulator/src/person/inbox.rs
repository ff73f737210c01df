//! What a phone keeps of what has come in and gone out, all of it bounded.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use waproto::whatsapp as wa;

use super::calls::CallSeen;
use super::heard::{ChatState, ChatStateSeen, Heard, PresenceSeen, ReceiptSeen};
use super::history::Remembered;
use crate::state::account::AccountId;

/// How many messages a person remembers having heard.
const HISTORY: usize = 4_096;
/// How many bytes of media a person remembers.
const HISTORY_BYTES: usize = 64 << 20;
/// How many receipts, copies and chat states a person remembers.
const SEEN: usize = 4_096;
/// How many own messages a phone can send again.
const RESENDABLE: usize = 256;
/// How many messages a person can still quote, forward or vote on.
const ORIGINALS: usize = 256;
/// How many echoes are remembered in order not to echo them.
const ECHOES: usize = 256;
/// A text that comes back within this time is an echo of an echo.
const ECHO_RETURNS_WITHIN: Duration = Duration::from_secs(2);

/// Everything that has come in.
#[derive(Default)]
pub(super) struct Inbox {
    history: VecDeque<Heard>,
    /// The number of the oldest message in the history.
    base: u64,
    /// The number of the next message to be taken.
    taken: u64,
    bytes: usize,
    known: HashMap<(AccountId, String), u64>,
    keys: VecDeque<(AccountId, String)>,
    pub(super) receipts: VecDeque<ReceiptSeen>,
    pub(super) copies: VecDeque<Heard>,
    copied: HashSet<String>,
    copied_bytes: usize,
    pub(super) typing: VecDeque<String>,
    pub(super) chat_states: VecDeque<ChatStateSeen>,
    pub(super) calls: VecDeque<CallSeen>,
    pub(super) presences: VecDeque<PresenceSeen>,
    pub(super) retries: HashMap<String, u32>,
    echoed: VecDeque<(Instant, String)>,
    pub(super) duplicates: u64,
    pub(super) originals: Originals,
    pub(super) remembered: Vec<Remembered>,
    /// The code of a passkey link under way.
    pub(super) code: Option<String>,
}

impl Inbox {
    /// Whether a message of this author and id has been heard; if so it counts as a duplicate.
    pub(super) fn again(&mut self, author: AccountId, id: &str) -> bool {
        let Some(number) = self.known.get(&(author, id.to_owned())) else {
            return false;
        };
        self.duplicates += 1;
        let index = number
            .checked_sub(self.base)
            .and_then(|index| usize::try_from(index).ok());
        if let Some(heard) = index.and_then(|index| self.history.get_mut(index)) {
            heard.duplicates += 1;
        }
        true
    }

    /// Adds a message that has not been heard before.
    pub(super) fn add(&mut self, author: AccountId, heard: Heard) {
        let number = self.base + self.history.len() as u64;
        let key = (author, heard.id.clone());
        self.known.insert(key.clone(), number);
        self.keys.push_back(key);
        self.bytes += size(&heard);
        self.history.push_back(heard);
        while self.history.len() > HISTORY || (self.bytes > HISTORY_BYTES && self.history.len() > 1)
        {
            if let Some(gone) = self.history.pop_front() {
                self.bytes -= size(&gone);
                self.base += 1;
            }
            if let Some(key) = self.keys.pop_front() {
                self.known.remove(&key);
            }
        }
    }

    /// The next message nobody has taken.
    pub(super) fn take(&mut self) -> Option<Heard> {
        self.taken = self.taken.max(self.base);
        let index = usize::try_from(self.taken - self.base).ok()?;
        let heard = self.history.get(index)?.clone();
        self.taken += 1;
        Some(heard)
    }

    pub(super) fn all(&self) -> Vec<Heard> {
        self.history.iter().cloned().collect()
    }

    pub(super) fn find(&self, id: &str) -> Option<&Heard> {
        self.history.iter().rev().find(|heard| heard.id == id)
    }

    /// The body of a message that was heard, or that a companion has sent.
    pub(super) fn body_of(&self, id: &str) -> Option<Bytes> {
        let copy = || self.copies.iter().rev().find(|one| one.id == id);
        self.find(id).or_else(copy)?.media().cloned()
    }

    pub(super) fn copy(&mut self, heard: Heard) {
        if !self.copied.insert(heard.id.clone()) {
            self.duplicates += 1;
            return;
        }
        self.copied_bytes += size(&heard);
        let mut gone = keep(&mut self.copies, heard);
        loop {
            if let Some(gone) = gone {
                self.copied.remove(&gone.id);
                self.copied_bytes -= size(&gone);
            }
            if self.copied_bytes <= HISTORY_BYTES || self.copies.len() <= 1 {
                return;
            }
            gone = self.copies.pop_front();
        }
    }

    pub(super) fn receipt(&mut self, receipt: ReceiptSeen) {
        keep(&mut self.receipts, receipt);
    }

    pub(super) fn chat_state(&mut self, seen: ChatStateSeen) {
        if seen.state == ChatState::Typing {
            keep(&mut self.typing, seen.from.clone());
        }
        keep(&mut self.chat_states, seen);
    }

    pub(super) fn call(&mut self, seen: CallSeen) {
        keep(&mut self.calls, seen);
    }

    pub(super) fn presence(&mut self, from: String, online: bool) {
        keep(&mut self.presences, PresenceSeen { from, online });
    }

    /// Whether a text may be echoed: not if it is what was echoed a moment ago, coming back.
    pub(super) fn may_echo(&mut self, text: &str, now: Instant) -> bool {
        self.echoed
            .retain(|(at, _)| now.saturating_duration_since(*at) < ECHO_RETURNS_WITHIN);
        if self.echoed.iter().any(|(_, echo)| echo == text) {
            return false;
        }
        if self.echoed.len() >= ECHOES {
            self.echoed.pop_front();
        }
        self.echoed.push_back((now, text.to_owned()));
        true
    }

    /// Counts a request to send a message again; none when it has been asked often enough.
    pub(super) fn retry(&mut self, id: &str) -> Option<u32> {
        const LIMIT: u32 = 5;
        if self.retries.len() >= SEEN {
            self.retries.clear();
        }
        let count = self.retries.entry(id.to_owned()).or_default();
        *count += 1;
        (*count <= LIMIT).then_some(*count)
    }

    pub(super) fn asked_again(&self) -> Vec<String> {
        self.retries.keys().cloned().collect()
    }
}

fn size(heard: &Heard) -> usize {
    heard.content.media().map_or(0, |bytes| bytes.len())
}

/// Appends to a bounded list; returns what had to make room.
fn keep<T>(list: &mut VecDeque<T>, item: T) -> Option<T> {
    let gone = if list.len() >= SEEN {
        list.pop_front()
    } else {
        None
    };
    list.push_back(item);
    gone
}

/// The last messages heard and sent, as they were encoded, for whoever points at one of them.
#[derive(Default)]
pub(super) struct Originals {
    messages: VecDeque<(String, AccountId, Vec<u8>)>,
}

impl Originals {
    pub(super) fn add(&mut self, id: &str, author: AccountId, message: &wa::Message) {
        if self.messages.len() >= ORIGINALS {
            self.messages.pop_front();
        }
        let encoded = waproto::codec::message_to_vec(message);
        self.messages.push_back((id.to_owned(), author, encoded));
    }

    pub(super) fn find(&self, id: &str) -> Option<(AccountId, wa::Message)> {
        let (_, author, encoded) = self.messages.iter().rev().find(|(known, ..)| known == id)?;
        let message = waproto::codec::message_decode(encoded).ok()?;
        Some((*author, message))
    }
}

/// The last own messages, for those who ask for them again.
#[derive(Default)]
pub(super) struct SentLog {
    messages: VecDeque<Sent>,
}

/// An own message.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) message: wa::Message,
    /// The `type` of its stanza.
    pub(super) kind: &'static str,
}

impl SentLog {
    pub(super) fn add(&mut self, sent: Sent) {
        if self.messages.len() >= RESENDABLE {
            self.messages.pop_front();
        }
        self.messages.push_back(sent);
    }

    pub(super) fn find(&self, id: &str) -> Option<Sent> {
        self.messages
            .iter()
            .rev()
            .find(|sent| sent.id == id)
            .cloned()
    }
}

/// Ids in the order they came, each once.
pub(super) fn unique(ids: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    ids.into_iter()
        .filter(|id| seen.insert(id.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{ECHO_RETURNS_WITHIN, HISTORY, Heard, Inbox};
    use crate::person::heard::HeardContent;
    use crate::phone::content::parts::Marks;
    use crate::state::account::AccountId;

    fn heard(id: &str) -> Heard {
        Heard {
            id: id.into(),
            from: "15550001@s.whatsapp.net".into(),
            device: 0,
            chat: "15550001@s.whatsapp.net".into(),
            group: None,
            push_name: String::new(),
            content: HeardContent::Text {
                body: "hi".into(),
                quoted: None,
                preview: None,
                color: None,
            },
            marks: Marks::default(),
            at: 0,
            duplicates: 0,
        }
    }

    #[test]
    fn a_second_arrival_is_counted_and_not_heard() {
        let mut inbox = Inbox::default();
        assert!(!inbox.again(AccountId(1), "a"));
        inbox.add(AccountId(1), heard("a"));
        assert!(inbox.again(AccountId(1), "a"));
        assert!(!inbox.again(AccountId(2), "a"));
        assert_eq!(inbox.take().map(|one| one.duplicates), Some(1));
        assert_eq!(inbox.take(), None);
    }

    #[test]
    fn the_history_is_bounded() {
        let mut inbox = Inbox::default();
        for number in 0..HISTORY + 10 {
            inbox.add(AccountId(1), heard(&number.to_string()));
        }
        assert_eq!(inbox.all().len(), HISTORY);
        assert_eq!(inbox.take().map(|one| one.id), Some("10".into()));
        assert!(!inbox.again(AccountId(1), "3"));
    }

    #[test]
    fn an_echo_is_not_echoed() {
        let mut inbox = Inbox::default();
        let now = Instant::now();
        assert!(inbox.may_echo("ping", now));
        assert!(!inbox.may_echo("ping", now));
        assert!(inbox.may_echo("ping", now + ECHO_RETURNS_WITHIN));
    }
}
