//! What a person does besides talking: reads, plays, types, and sees what others do.

use std::time::Duration;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::heard::{ChatStateSeen, Heard, ReceiptSeen};
use super::{HEARS_WITHIN, Person, PersonError};
use crate::stanza::empty;

impl Person {
    /// Shows the author that a message was read, unless this person keeps that to itself
    /// (privacy `readreceipts`). Own companions learn it in any case.
    pub fn reads(&self, message: &Heard) {
        self.reads_together(message, &[]);
    }

    /// The same for a message and others of its author and chat, with one receipt.
    pub fn reads_together(&self, message: &Heard, others: &[&Heard]) {
        let kept = {
            let state = self.hub.lock();
            let account = state.account(self.id());
            account.is_some_and(|one| {
                one.privacy.get("readreceipts").map(String::as_str) == Some("none")
            })
        };
        self.confirms_with(message, others, if kept { "read-self" } else { "read" });
    }

    /// Shows the author that a voice message was played.
    pub fn plays(&self, message: &Heard) {
        self.confirms_with(message, &[], "played");
    }

    fn confirms_with(&self, message: &Heard, others: &[&Heard], kind: &'static str) {
        let mut builder = NodeBuilder::new("receipt")
            .attr("id", message.id.as_str())
            .attr("type", kind)
            .attr("t", self.hub.now());
        builder = match &message.group {
            Some(room) => builder
                .attr("to", room.as_str())
                .attr("participant", message.from.as_str()),
            None => builder.attr("to", message.from.as_str()),
        };
        if !others.is_empty() {
            let item = |one: &&Heard| NodeBuilder::new("item").attr("id", one.id.as_str()).build();
            let list = NodeBuilder::new("list").children(others.iter().map(item));
            builder = builder.children([list.build()]);
        }
        self.sends_receipt(builder.build());
    }

    /// Is seen typing.
    pub fn types(&self, to: &str) -> Result<(), PersonError> {
        self.is_seen(to, empty("composing"))
    }

    /// Is seen speaking into the phone.
    pub fn records(&self, to: &str) -> Result<(), PersonError> {
        let recording = NodeBuilder::new("composing").attr("media", "audio");
        self.is_seen(to, recording.build())
    }

    /// Is seen to have stopped typing or recording.
    pub fn pauses(&self, to: &str) -> Result<(), PersonError> {
        self.is_seen(to, empty("paused"))
    }

    fn is_seen(&self, to: &str, state: Node) -> Result<(), PersonError> {
        let chat = self.chat(to)?;
        self.submit(
            &NodeBuilder::new("chatstate")
                .attr("to", self.chat_jid(&chat))
                .children([state])
                .build(),
        )
    }

    /// The next message nobody has taken yet; waits up to ten seconds for it.
    pub async fn hears(&self) -> Result<Heard, PersonError> {
        self.hears_within(HEARS_WITHIN).await
    }

    /// The next message nobody has taken yet; waits that long for it.
    pub async fn hears_within(&self, within: Duration) -> Result<Heard, PersonError> {
        self.waits(within, |person| person.inner.inbox().take())
            .await
    }

    /// Everything heard so far, as far as it is remembered.
    pub fn heard(&self) -> Vec<Heard> {
        self.inner.inbox().all()
    }

    /// How many messages have arrived once more than needed.
    pub fn duplicates(&self) -> u64 {
        self.inner.inbox().duplicates
    }

    /// The ids of messages the person could not read and has asked for again.
    pub fn asked_again(&self) -> Vec<String> {
        self.inner.inbox().asked_again()
    }

    /// Copies of what the person's own companions have sent.
    pub fn sent_copies(&self) -> Vec<Heard> {
        self.inner.inbox().copies.iter().cloned().collect()
    }

    /// Waits until the phone has a copy with this id.
    pub async fn has_copy(&self, id: &str, within: Duration) -> Result<Heard, PersonError> {
        self.waits(within, |person| {
            let inbox = person.inner.inbox();
            inbox.copies.iter().find(|copy| copy.id == id).cloned()
        })
        .await
    }

    /// Receipts for what this person has sent.
    pub fn receipts(&self) -> Vec<ReceiptSeen> {
        self.inner.inbox().receipts.iter().cloned().collect()
    }

    /// Waits for a receipt of this kind (`delivered`, `read`, …) for a message.
    pub async fn sees_receipt(
        &self,
        id: &str,
        kind: &str,
        within: Duration,
    ) -> Result<ReceiptSeen, PersonError> {
        self.waits(within, |person| {
            let inbox = person.inner.inbox();
            let about = |one: &&ReceiptSeen| one.kind == kind && one.ids.iter().any(|i| i == id);
            inbox.receipts.iter().find(about).cloned()
        })
        .await
    }

    /// Who has been seen typing, by address.
    pub fn sees_typing(&self) -> Vec<String> {
        self.inner.inbox().typing.iter().cloned().collect()
    }

    /// What others have been seen doing in chats with this person.
    pub fn chat_states(&self) -> Vec<ChatStateSeen> {
        self.inner.inbox().chat_states.iter().cloned().collect()
    }

    /// Asks to be told when somebody comes and goes.
    pub fn watches(&self, who: &str) -> Result<(), PersonError> {
        let chat = self.chat(who)?;
        self.submit(
            &NodeBuilder::new("presence")
                .attr("type", "subscribe")
                .attr("to", self.chat_jid(&chat))
                .build(),
        )
    }

    /// Waits until somebody this person watches was last seen online, or offline.
    pub async fn sees_presence(
        &self,
        who: &str,
        online: bool,
        within: Duration,
    ) -> Result<(), PersonError> {
        let jid = self.chat_jid(&self.chat(who)?);
        self.waits(within, |person| {
            let inbox = person.inner.inbox();
            let last = inbox.presences.iter().rev().find(|one| one.from == jid);
            last.filter(|one| one.online == online).map(|_| ())
        })
        .await
    }

    pub(super) async fn waits<T>(
        &self,
        within: Duration,
        mut ask: impl FnMut(&Person) -> Option<T>,
    ) -> Result<T, PersonError> {
        let mut arrivals = self.inner.arrived.subscribe();
        let deadline = tokio::time::Instant::now() + within;
        loop {
            if let Some(found) = ask(self) {
                return Ok(found);
            }
            match tokio::time::timeout_at(deadline, arrivals.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(PersonError::Silence(within)),
            }
        }
    }
}
