//! The two listeners a link has at its engine, and the bounded queues they write to.
//!
//! Messages come from the engine's durability hook ([`Hook`]), which waits until they are stored;
//! everything else from its events ([`Ears`]), which cannot wait: the engine acknowledges what they
//! tell by itself, stored or not. What of it could not be stored is owed ([`crate::owed`]). A queue
//! that is full holds the hook back, and makes the ears drop: receipts and acknowledgements are
//! repeated or missed without harm, and the log says so.
//!
//! Invariant: the hook answers `Ok` only after the inbox did for all of its messages; a panic on
//! either side of it is an error, and the network delivers again.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use wacore::types::events::{Event, EventHandler, EventInterest, InboundMessage};
use warbler_app::driver::{Inbound, InboxError, LinkEnd};
use whatsapp_rust::{Client, InboundDurabilityHook, anyhow};

use crate::events::{self, Life, Sorted};
use crate::inbound;
use crate::intake::Intake;
use crate::keys::Keys;
use crate::retries::SessionRetries;

/// Pieces of news that may wait.
const NEWS: usize = 4096;
/// Reports about the link itself that may wait; there are a few in a link's whole life.
const LIFE: usize = 64;

/// Something that waits to be told.
pub(crate) enum News {
    /// What the hook has taken over.
    Messages(Taken),
    /// An event that [`events::sort`] called news.
    Event(Arc<Event>),
}

/// Messages that the engine holds until they are stored.
pub(crate) struct Taken {
    pub(crate) inbound: Vec<Inbound>,
    /// How many the server had kept for the session while it was away.
    pub(crate) kept: usize,
    /// Who waits.
    pub(crate) stored: oneshot::Sender<Result<(), InboxError>>,
}

/// What both listeners write to.
pub(crate) struct Lines {
    news: mpsc::Sender<News>,
    life: mpsc::Sender<Life>,
    end: Mutex<Option<LinkEnd>>,
    paired: AtomicBool,
    dropping: AtomicBool,
    live: AtomicBool,
    announced: AtomicUsize,
    arrived: AtomicUsize,
}

impl Lines {
    /// The lines, and what the teller reads from them.
    pub(crate) fn new() -> (Arc<Self>, Heard) {
        let (news, heard_news) = mpsc::channel(NEWS);
        let (life, heard_life) = mpsc::channel(LIFE);
        let lines = Self {
            news,
            life,
            end: Mutex::default(),
            paired: AtomicBool::new(false),
            dropping: AtomicBool::new(false),
            live: AtomicBool::new(false),
            announced: AtomicUsize::new(0),
            arrived: AtomicUsize::new(0),
        };
        let heard = Heard {
            news: heard_news,
            life: heard_life,
        };
        (Arc::new(lines), heard)
    }

    /// Why the link ends, as far as the server has said; the first word counts.
    pub(crate) fn end(&self) -> Option<LinkEnd> {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        end.clone()
    }

    /// Whether the phone linked this device while the link was open.
    pub(crate) fn was_paired(&self) -> bool {
        self.paired.load(Ordering::Acquire)
    }

    /// Whether as many kept messages have arrived as the server had announced.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.arrived.load(Ordering::Acquire) >= self.announced.load(Ordering::Acquire)
    }

    /// What the server kept is through; it is told that the session is connected, and then sends.
    pub(crate) fn goes_live(&self) {
        self.live.store(true, Ordering::Release);
    }

    /// Whether messages may be sent.
    pub(crate) fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire)
    }

    /// Notes that kept messages are through.
    pub(crate) fn arrived(&self, kept: usize) {
        self.arrived.fetch_add(kept, Ordering::AcqRel);
    }

    /// Passes on something about the link; that it was paired, once.
    pub(crate) fn life(&self, life: Life) {
        if matches!(life, Life::Paired(_)) && self.paired.swap(true, Ordering::AcqRel) {
            return;
        }
        if self.life.try_send(life).is_err() {
            tracing::error!("A report about a link was lost: its queue is full or closed");
        }
    }

    /// Notes why the link ends.
    pub(crate) fn ends(&self, end: LinkEnd) {
        let mut known = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_or_insert(end);
    }

    fn news(&self, event: Arc<Event>) {
        match self.news.try_send(News::Event(event)) {
            Ok(()) => self.dropping.store(false, Ordering::Relaxed),
            Err(TrySendError::Full(_)) => {
                if !self.dropping.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "Receipts and acknowledgements are dropped: they come faster than they are stored"
                    );
                }
            }
            // The link is over; what was not stored comes again.
            Err(TrySendError::Closed(_)) => {}
        }
    }
}

/// What the teller reads.
pub(crate) struct Heard {
    pub(crate) news: mpsc::Receiver<News>,
    pub(crate) life: mpsc::Receiver<Life>,
}

/// Listens to the engine's events.
pub(crate) struct Ears {
    lines: Arc<Lines>,
    intake: Arc<Intake>,
    retries: Arc<SessionRetries>,
}

impl Ears {
    pub(crate) fn new(
        lines: Arc<Lines>,
        intake: Arc<Intake>,
        retries: Arc<SessionRetries>,
    ) -> Self {
        Self {
            lines,
            intake,
            retries,
        }
    }
}

impl EventHandler for Ears {
    fn handle_event(&self, event: Arc<Event>) {
        match &*event {
            Event::RawNode(stanza) => {
                self.intake.begins(stanza);
                self.retries.heed(stanza.get());
            }
            Event::UndecryptableMessage(missed) => drop(self.intake.ends(&missed.info.id)),
            _ => {}
        }
        match events::sort(&event) {
            Sorted::Ends(end) => self.lines.ends(end),
            Sorted::Life(life) => self.lines.life(life),
            Sorted::Kept(messages) => {
                self.lines.announced.store(messages, Ordering::Release);
            }
            Sorted::Passed => self.lines.arrived(1),
            Sorted::News => self.lines.news(event),
            Sorted::Nothing => {}
        }
    }

    fn interest(&self) -> EventInterest {
        events::interest()
    }
}

/// Takes decrypted messages over from the engine, before it acknowledges them.
///
/// The engine hands over the messages of a chat one after the other, and those kept while the
/// session was away in batches. Translating one takes longer than another, so they queue up before
/// it, and arrive in the order in which they were handed over.
pub(crate) struct Hook {
    lines: Arc<Lines>,
    keys: Keys,
    turn: tokio::sync::Mutex<()>,
}

impl Hook {
    pub(crate) fn new(lines: Arc<Lines>, keys: Keys) -> Self {
        let turn = tokio::sync::Mutex::new(());
        Self { lines, keys, turn }
    }
}

#[async_trait]
impl InboundDurabilityHook for Hook {
    async fn on_messages(
        &self,
        client: Arc<Client>,
        batch: &[InboundMessage],
    ) -> anyhow::Result<()> {
        let ids = batch.iter().map(|message| message.info.id.to_string());
        let taking = self.keys.intake().takes_over(ids.collect());
        let turn = self.turn.lock().await;
        let translate = async {
            let mut messages = Vec::with_capacity(batch.len());
            for message in batch {
                let said = inbound::message(&client, &self.keys, message).await;
                if said.is_none() {
                    let (source, id) = (&message.info.source, &message.info.id);
                    let (chat, sender) = (source.chat.to_string(), source.sender.to_string());
                    if let Err(err) = self.keys.says_nothing(&chat, &sender, id).await {
                        tracing::warn!(%err, "A message that says nothing could not be noted");
                    }
                }
                messages.extend(said);
            }
            messages
        };
        let translated = AssertUnwindSafe(translate).catch_unwind().await;
        let inbound = translated.map_err(|_| panicked("a message"))?;
        let kept = batch.iter().filter(|one| one.info.is_offline).count();
        if inbound.is_empty() {
            self.lines.arrived(kept);
            taking.stored();
            return Ok(());
        }
        let (stored, answer) = oneshot::channel();
        let closed = || InboxError("the link is closing".to_owned());
        let taken = Taken {
            inbound,
            kept,
            stored,
        };
        let sent = self.lines.news.send(News::Messages(taken)).await;
        sent.map_err(|_| closed())?;
        drop(turn);
        answer.await.map_err(|_| closed())??;
        taking.stored();
        Ok(())
    }
}

pub(crate) fn panicked(who: &str) -> InboxError {
    InboxError(format!("{who} made the host panic"))
}
