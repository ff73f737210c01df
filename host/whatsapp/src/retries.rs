//! Retry receipts: a device that could not read a message asks for another copy.
//!
//! The engine acknowledges such a question at once, and answers it in a task of its own. When the
//! connection is lost in between, the network does not bring the question again, the device does not
//! ask again, and the message would stay unread for good. So each question is noted, until the server
//! has acknowledged the message's id once more. What is left when a link is over is answered on the
//! session's next one. Only a crash forgets the notes; the outbox sends the last messages again then.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wacore_binary::{Jid, NodeRef};
use warbler_domain::SessionId;
use whatsapp_rust::features::MessageRetransmission;
use whatsapp_rust::{Client, ErrorChainExt as _};

use crate::keys::Keys;
use crate::{address, copies};

/// Most questions noted for a session; the oldest makes room.
const NOTED: usize = 1024;
/// The engine refuses to send a message again for a question with a higher number.
const LAST: u8 = 4;

/// One device's question for one message, as it was asked last.
#[derive(Debug, Clone, PartialEq)]
struct Question {
    chat: Jid,
    requester: Jid,
    /// Whom the account had written to, when one of its own devices asks.
    recipient: Option<Jid>,
    id: String,
    /// How often it has asked.
    count: u8,
    /// Which of the questions to all sessions it is, in the order in which they came.
    number: u64,
}

/// The questions to all sessions.
#[derive(Default)]
pub(crate) struct Retries {
    asked: Mutex<HashMap<SessionId, VecDeque<Question>>>,
    next: AtomicU64,
}

/// The questions to one session, and those among them that earlier links have left.
pub(crate) struct SessionRetries {
    all: Arc<Retries>,
    session: SessionId,
    left: Vec<Question>,
}

impl Retries {
    /// The questions to `session`, for a link that begins.
    pub(crate) fn of(self: &Arc<Self>, session: SessionId) -> Arc<SessionRetries> {
        let left = self.lock().get(&session).cloned().unwrap_or_default();
        Arc::new(SessionRetries {
            all: Arc::clone(self),
            session,
            left: left.into(),
        })
    }

    /// Forgets a session's questions.
    pub(crate) fn forget(&self, session: SessionId) {
        self.lock().remove(&session);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, VecDeque<Question>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionRetries {
    /// Notes what a stanza says of questions: that one is asked, or that a message has gone out once
    /// more.
    pub(crate) fn heed(&self, stanza: &NodeRef<'_>) {
        match stanza.tag.as_ref() {
            "receipt" => {
                if let Some(question) = Question::of(stanza) {
                    self.note(question);
                }
            }
            "ack" if is(stanza, "class", "message") => {
                if let Some(id) = stanza.get_attr("id") {
                    let id = id.as_str();
                    self.forget(|question| question.id == id);
                }
            }
            _ => {}
        }
    }

    /// Sends what earlier links were asked for and may not have sent. What the network has brought
    /// again on this link is for the engine.
    pub(crate) async fn answer(&self, client: &Client, keys: &Keys) {
        for question in self.left.iter().filter(|question| self.is_open(question)) {
            let Some(again) = question.answer(client, keys).await else {
                self.forget(|other| other == question);
                continue;
            };
            // What is sent is forgotten when the server has acknowledged it.
            if let Err(err) = Box::pin(client.retransmit_message(again)).await {
                if err.is_transport_unavailable() {
                    return;
                }
                tracing::warn!(%err, "A message that somebody could not read was not sent again");
                self.forget(|other| other == question);
            }
        }
    }

    /// Whether a question was neither answered nor asked again.
    fn is_open(&self, question: &Question) -> bool {
        let asked = self.all.lock();
        let asked = asked.get(&self.session);
        asked.is_some_and(|asked| asked.contains(question))
    }

    fn note(&self, mut question: Question) {
        question.number = self.all.next.fetch_add(1, Ordering::Relaxed);
        let mut asked = self.all.lock();
        let asked = asked.entry(self.session).or_default();
        asked.retain(|other| other.id != question.id || other.requester != question.requester);
        if asked.len() >= NOTED {
            asked.pop_front();
            tracing::warn!(session.id = %self.session, "More devices ask for messages again than are noted");
        }
        asked.push_back(question);
    }

    /// Forgets the first question that fits.
    fn forget(&self, fits: impl Fn(&Question) -> bool) {
        let mut asked = self.all.lock();
        if let Some(asked) = asked.get_mut(&self.session)
            && let Some(place) = asked.iter().position(fits)
        {
            asked.remove(place);
        }
    }
}

impl Question {
    /// The question in a receipt, if it is one. As WhatsApp Web tells chat and device apart: a group's
    /// receipt names the device as its participant; a person's comes from the device itself, and one of
    /// an own device names whom the message was for.
    fn of(receipt: &NodeRef<'_>) -> Option<Self> {
        if !is(receipt, "type", "retry") {
            return None;
        }
        let retry = receipt.get_optional_child("retry")?;
        let count = retry.get_attr("count");
        let count = count.and_then(|count| count.as_str().parse().ok());
        let from = receipt.attrs().optional_jid("from")?;
        let participant = receipt.attrs().optional_jid("participant");
        let recipient = receipt.attrs().optional_jid("recipient");
        let (chat, requester) = match participant {
            Some(participant) => (from, participant),
            None => (recipient.as_ref().unwrap_or(&from).to_non_ad(), from),
        };
        Some(Self {
            recipient: recipient.filter(|_| chat.is_pn() || chat.is_lid()),
            chat,
            requester,
            id: retry.get_attr("id")?.as_str().into_owned(),
            count: count.unwrap_or(1),
            number: 0,
        })
    }

    /// What is to be sent; nothing when the message is no longer kept.
    async fn answer(&self, client: &Client, keys: &Keys) -> Option<MessageRetransmission> {
        let chat = address::plain(&self.chat)?;
        let message = copies::sent(client, keys, &chat, &self.id).await?;
        let again = MessageRetransmission::new(
            self.chat.clone(),
            self.requester.clone(),
            message,
            self.id.clone(),
            self.count.clamp(1, LAST),
        );
        Some(match &self.recipient {
            Some(recipient) => again.with_recipient(recipient.clone()),
            None => again,
        })
    }
}

fn is(stanza: &NodeRef<'_>, key: &str, value: &str) -> bool {
    stanza
        .get_attr(key)
        .is_some_and(|found| found.as_str() == value)
}
