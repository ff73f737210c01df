//! Tells the inbox, one thing after the other, what a link learns.
//!
//! Messages come from the engine's durability hook ([`Hook`]), which waits until they are stored;
//! everything else from its events ([`Ears`]), which cannot wait. Both end in two bounded queues
//! that one task empties ([`Teller`]); what waits together is stored together, so that a burst
//! costs one commit. A queue that is full holds the hook back, and makes the ears drop: receipts
//! and acknowledgements are repeated or missed without harm, and the log says so.
//!
//! Invariant: the hook answers `Ok` only after [`Inbox::receive`] did for all of its messages; a
//! panic on either side of it is an error, and the network delivers again.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use wacore::types::events::{Event, EventHandler, EventInterest, InboundMessage};
use warbler_app::driver::{Inbound, Inbox, InboxError, LinkEnd, LinkReport};
use warbler_domain::session::Account;
use whatsapp_rust::{Client, InboundDurabilityHook, anyhow};

use crate::events::{self, Life, Sorted, Told};
use crate::{address, inbound};

/// Pieces of news that may wait.
const NEWS: usize = 4096;
/// Reports about the link itself that may wait; there are a few in a link's whole life.
const LIFE: usize = 64;
/// Most pieces stored together.
const TOGETHER: usize = 256;

/// Something that waits to be told.
pub(crate) enum News {
    /// Messages; who waits for them to be stored.
    Messages(Vec<Inbound>, oneshot::Sender<Result<(), InboxError>>),
    /// An event that [`events::sort`] called news.
    Event(Arc<Event>),
}

/// What both listeners write to.
pub(crate) struct Lines {
    news: mpsc::Sender<News>,
    life: mpsc::Sender<Life>,
    end: Mutex<Option<LinkEnd>>,
    paired: AtomicBool,
    dropping: AtomicBool,
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
        };
        (
            Arc::new(lines),
            Heard {
                news: heard_news,
                life: heard_life,
            },
        )
    }

    /// Why the link ends, as far as the server has said; the first word counts.
    pub(crate) fn end(&self) -> Option<LinkEnd> {
        self.end
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone()
    }

    /// Whether the phone linked this device while the link was open.
    pub(crate) fn was_paired(&self) -> bool {
        self.paired.load(Ordering::Acquire)
    }

    fn ends(&self, end: LinkEnd) {
        let mut known = self
            .end
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        known.get_or_insert(end);
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
    news: mpsc::Receiver<News>,
    life: mpsc::Receiver<Life>,
}

/// Listens to the engine's events.
pub(crate) struct Ears(pub(crate) Arc<Lines>);

impl EventHandler for Ears {
    fn handle_event(&self, event: Arc<Event>) {
        match events::sort(&event) {
            Sorted::Ends(end) => self.0.ends(end),
            Sorted::Life(life) => self.0.life(life),
            Sorted::News => self.0.news(event),
            Sorted::Nothing => {}
        }
    }

    fn interest(&self) -> EventInterest {
        events::interest()
    }
}

/// Takes decrypted messages over from the engine, before it acknowledges them.
pub(crate) struct Hook(pub(crate) Arc<Lines>);

#[async_trait]
impl InboundDurabilityHook for Hook {
    async fn on_messages(
        &self,
        client: Arc<Client>,
        batch: &[InboundMessage],
    ) -> anyhow::Result<()> {
        let translate = async {
            let mut messages = Vec::with_capacity(batch.len());
            for message in batch {
                messages.extend(inbound::message(&client, message).await);
            }
            messages
        };
        let translated = AssertUnwindSafe(translate).catch_unwind().await;
        let messages = translated.map_err(|_| panicked("a message"))?;
        if messages.is_empty() {
            return Ok(());
        }
        let (stored, answer) = oneshot::channel();
        let closed = || InboxError("the link is closing".to_owned());
        let sent = self.0.news.send(News::Messages(messages, stored)).await;
        sent.map_err(|_| closed())?;
        Ok(answer.await.map_err(|_| closed())??)
    }
}

/// The task that speaks to the inbox.
pub(crate) struct Teller {
    pub(crate) client: Arc<Client>,
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) heard: Heard,
    /// Cancelled when nothing more comes.
    pub(crate) finish: CancellationToken,
}

impl Teller {
    /// Tells everything until nothing more comes, and then what was left.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                Some(life) = self.heard.life.recv() => self.life(life).await,
                Some(news) = self.heard.news.recv() => self.news(news).await,
                () = self.finish.cancelled() => break,
            }
        }
        self.heard.life.close();
        self.heard.news.close();
        while let Some(life) = self.heard.life.recv().await {
            self.life(life).await;
        }
        while let Some(news) = self.heard.news.recv().await {
            self.news(news).await;
        }
    }

    async fn life(&self, life: Life) {
        let report = match life {
            Life::Report(report) => report,
            Life::Paired(account) => {
                // The phone counts on this device from now on: its keys must not be lost.
                if let Err(err) = self.client.persistence_manager().flush().await {
                    tracing::error!(%err, "The keys of a newly linked device could not be stored");
                }
                LinkReport::Paired(account)
            }
            Life::Connected => match account(&self.client) {
                Some(account) => LinkReport::Connected(account),
                None => return tracing::error!("A link is connected without an account"),
            },
        };
        report_to(&*self.inbox, report).await;
    }

    /// Tells `first` and whatever waits behind it.
    async fn news(&mut self, first: News) {
        let mut inbound = Vec::new();
        let mut waiting = Vec::new();
        let mut reports = Vec::new();
        let mut next = Some(first);
        while let Some(news) = next {
            match news {
                News::Messages(messages, stored) => {
                    inbound.extend(messages);
                    waiting.push(stored);
                }
                News::Event(event) => match events::translate(&self.client, &event).await {
                    Told::Inbound(more) => inbound.extend(more),
                    Told::Report(report) => reports.push(report),
                },
            }
            let room = inbound.len() < TOGETHER && reports.len() < TOGETHER;
            next = if room {
                self.heard.news.try_recv().ok()
            } else {
                None
            };
        }
        if !inbound.is_empty() {
            let stored = AssertUnwindSafe(self.inbox.receive(inbound))
                .catch_unwind()
                .await;
            let stored = stored.unwrap_or_else(|_| Err(panicked("the inbox")));
            if let Err(err) = &stored {
                tracing::warn!(%err, "Inbound messages were not stored; they will be delivered again");
            }
            for waiter in waiting {
                let answer = stored
                    .as_ref()
                    .map(|()| ())
                    .map_err(|err| InboxError(err.0.clone()));
                // A hook that was given up does not listen; its messages come again.
                drop(waiter.send(answer));
            }
        }
        for report in reports {
            report_to(&*self.inbox, report).await;
        }
    }
}

/// Tells the inbox something about the link; a panic there is logged and goes no further.
pub(crate) async fn report_to(inbox: &dyn Inbox, report: LinkReport) {
    let told = AssertUnwindSafe(inbox.report(report)).catch_unwind().await;
    if told.is_err() {
        tracing::error!("The inbox panicked over a report");
    }
}

/// The account the engine is logged in to.
pub(crate) fn account(client: &Client) -> Option<Account> {
    Some(Account {
        jid: address::plain(&client.pn()?)?,
        lid: client.lid().as_ref().and_then(address::plain),
        push_name: Some(client.push_name()).filter(|name| !name.is_empty()),
    })
}

fn panicked(who: &str) -> InboxError {
    InboxError(format!("{who} made the host panic"))
}
