//! What the engine tells, and the bounded queue it tells it to.
//!
//! The engine calls its listener in the middle of its own work, and has acknowledged what it tells
//! already: nothing may be dropped. So a queue that is full holds the engine back.
//!
//! The engine is kept when a link is over, and used for the next one: it holds what it can never let
//! go of. [`Ears`] are its listener for good; the [`Line`] they tell is that of the link that is open.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use ::wa_rs::types::events::{Event, EventHandler};
use ::wa_rs::{ChatStateEvent, Client};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;
use warbler_app::driver::LinkEnd;
use warbler_domain::WhatsAppId;
use warbler_domain::session::Account;

use super::events::{self, Sorted};

/// Pieces of news that may wait.
const NEWS: usize = 4096;

/// Something that waits to be told.
pub(super) enum News {
    /// An event that [`events::sort`] called news.
    Event(Box<Event>),
    /// Somebody writes, or has stopped.
    ChatState(ChatStateEvent),
    /// The phone has linked this device.
    Paired(Account),
    /// The link is logged in.
    Connected,
    /// A message has reached the server.
    Sent(WhatsAppId),
}

/// Where one link's engine tells its news.
pub(super) struct Line {
    news: mpsc::Sender<News>,
    end: Mutex<Option<LinkEnd>>,
    paired: AtomicBool,
    /// Cancelled when the engine has told that it is paired: the last thing it does about it.
    pairing_told: CancellationToken,
    /// Whether everything that the server had kept has been sent.
    drained: AtomicBool,
    /// Whether it has been told that the link is connected.
    ready: AtomicBool,
    offered: AtomicBool,
    announced: AtomicUsize,
    arrived: AtomicUsize,
}

impl Line {
    /// A line, and its other end.
    pub(super) fn new() -> (Arc<Self>, mpsc::Receiver<News>) {
        let (news, heard) = mpsc::channel(NEWS);
        let line = Self {
            news,
            end: Mutex::default(),
            paired: AtomicBool::new(false),
            pairing_told: CancellationToken::new(),
            drained: AtomicBool::new(false),
            ready: AtomicBool::new(false),
            offered: AtomicBool::new(false),
            announced: AtomicUsize::new(0),
            arrived: AtomicUsize::new(0),
        };
        (Arc::new(line), heard)
    }

    /// Why the link ends, as far as it is known; the first word counts.
    pub(super) fn end(&self) -> Option<LinkEnd> {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        end.clone()
    }

    /// Notes why the link ends.
    pub(super) fn ends(&self, end: LinkEnd) {
        let mut known = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_or_insert(end);
    }

    /// Whether the phone linked this device while the link was open.
    pub(super) fn was_paired(&self) -> bool {
        self.paired.load(Ordering::Acquire)
    }

    /// Tells that the phone has linked this device, once.
    pub(super) fn tell_paired(&self, account: Account) {
        if !self.paired.swap(true, Ordering::AcqRel) {
            self.put(News::Paired(account));
        }
    }

    /// Waits until the engine has told that it is paired.
    pub(super) async fn pairing_told(&self) {
        self.pairing_told.cancelled().await;
    }

    /// Whether the server has sent everything that it had kept. What is left of logging in after
    /// that takes no answer of the server.
    pub(super) fn is_drained(&self) -> bool {
        self.drained.load(Ordering::Acquire)
    }

    /// Whether it has been told that the link is connected.
    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Tells that the link is connected, once.
    pub(super) fn tell_connected(&self) {
        if !self.ready.swap(true, Ordering::AcqRel) {
            self.put(News::Connected);
        }
    }

    /// Whether a QR was shown.
    pub(super) fn was_offered(&self) -> bool {
        self.offered.load(Ordering::Acquire)
    }

    /// Whether as many messages have arrived as the server had announced.
    pub(super) fn has_caught_up(&self) -> bool {
        self.arrived.load(Ordering::Acquire) >= self.announced.load(Ordering::Acquire)
    }

    /// Notes that messages are through.
    pub(super) fn arrived(&self, messages: usize) {
        self.arrived.fetch_add(messages, Ordering::AcqRel);
    }

    /// Puts something into the queue, and waits for room if there is none.
    pub(super) fn put(&self, news: News) {
        match self.news.try_send(news) {
            // The link is over.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(news)) => self.wait_and_put(news),
        }
    }

    /// Puts something into the queue when there is room.
    pub(super) async fn put_later(&self, news: News) {
        // A link that is over does not want it.
        drop(self.news.send(news).await);
    }

    fn wait_and_put(&self, news: News) {
        let several = Handle::try_current()
            .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
        if several {
            tokio::task::block_in_place(|| drop(self.news.blocking_send(news)));
        } else {
            // Whoever empties the queue needs this very thread.
            tracing::error!("News of the engine were lost: they come faster than they are stored");
        }
    }

    fn hear(&self, event: &Event) {
        match events::sort(event) {
            Sorted::Ends(end) => self.ends(end),
            Sorted::Kept(messages) => self.announced.store(messages, Ordering::Release),
            Sorted::Drained => self.drained.store(true, Ordering::Release),
            Sorted::Connected => self.tell_connected(),
            Sorted::Unreadable => self.arrived(1),
            Sorted::Paired(account) => {
                self.tell_paired(account);
                self.pairing_told.cancel();
            }
            Sorted::News => {
                if let Event::PairingQrCode { .. } = event {
                    self.offered.store(true, Ordering::Release);
                }
                self.put(News::Event(Box::new(event.clone())));
            }
            Sorted::Nothing => {}
        }
    }
}

/// The engine's listener.
pub(super) struct Ears {
    client: Weak<Client>,
    line: Mutex<Option<Arc<Line>>>,
}

impl Ears {
    /// A listener of this client.
    pub(super) fn new(client: &Arc<Client>) -> Self {
        Self {
            client: Arc::downgrade(client),
            line: Mutex::default(),
        }
    }

    /// Tells this line from now on, or none.
    pub(super) fn set(&self, line: Option<Arc<Line>>) {
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = line;
    }

    /// Tells how somebody writes.
    pub(super) fn chat_state(&self, state: ChatStateEvent) {
        if let Some(line) = self.line() {
            line.put(News::ChatState(state));
        }
    }

    fn line(&self) -> Option<Arc<Line>> {
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.clone()
    }

    /// Whether an event is of a connection that is over. The engine goes on with a login that was
    /// interrupted, and takes the next link's connection for its own.
    fn is_of_the_past(&self, event: &Event) -> bool {
        let logged_in = || {
            let client = self.client.upgrade();
            client.is_some_and(|client| client.is_logged_in())
        };
        matches!(event, Event::Connected(_)) && !logged_in()
    }
}

impl EventHandler for Ears {
    fn handle_event(&self, event: &Event) {
        if let Some(line) = self.line().filter(|_| !self.is_of_the_past(event)) {
            line.hear(event);
        }
    }
}
