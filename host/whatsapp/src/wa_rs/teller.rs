//! Tells the inbox, one thing after the other, what a link learns.
//!
//! The engine has acknowledged everything that comes here, so the network will not bring it again.
//! What the inbox cannot take now is kept for the session's next link, in memory and in bounds;
//! only a crash in between loses it.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::wa_rs::types::events::Event;
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use warbler_app::driver::{Inbound, Inbox, InboxError, LinkEnd, LinkReport};

use super::events;
use super::line::{Line, News};
use super::people::Acquaintances;
use crate::keys::Keys;
use crate::lines::panicked;
use crate::teller::report_to;

/// Most pieces stored together.
const TOGETHER: usize = 256;
/// How long kept messages may pause before the rest counts as not coming.
const PAUSE: Duration = Duration::from_millis(400);
/// Most pieces kept for the next link. A link ends when it cannot store, so that few gather.
const OWED: usize = 4096;

/// What earlier links of a session have heard and could not store.
#[derive(Default)]
pub(super) struct Owed(Mutex<Vec<Inbound>>);

impl Owed {
    fn take(&self) -> Vec<Inbound> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, inbound: Vec<Inbound>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = OWED.saturating_sub(kept.len());
        if inbound.len() > room {
            tracing::error!(
                "Messages were lost: too many of them could not be stored, and this engine has acknowledged them"
            );
        }
        kept.extend(inbound.into_iter().take(room));
    }
}

/// The task that speaks to the inbox.
pub(super) struct Teller {
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) keys: Keys,
    pub(super) people: Arc<Acquaintances>,
    pub(super) line: Arc<Line>,
    pub(super) heard: mpsc::Receiver<News>,
    pub(super) owed: Arc<Owed>,
    /// Cancelled when nothing more comes.
    pub(super) finish: CancellationToken,
    /// Ends the link's connection.
    pub(super) cut: CancellationToken,
    /// Whether something could not be stored.
    pub(super) failed: bool,
}

impl Teller {
    /// Tells everything until nothing more comes, and then what was left.
    pub(super) async fn run(mut self) {
        let owed = self.owed.take();
        self.store(owed).await;
        // Until when the news that the link is connected is held back.
        let mut held: Option<Instant> = None;
        loop {
            if let Some(until) = held
                && ((self.line.has_caught_up() && self.heard.is_empty()) || until <= Instant::now())
            {
                held = None;
                self.connected().await;
            }
            let wake = sleep_until(held.unwrap_or_else(Instant::now));
            tokio::select! {
                biased;
                Some(news) = self.heard.recv() => {
                    let connected = self.news(news).await;
                    if connected || held.is_some() {
                        held = Some(Instant::now() + PAUSE);
                    }
                }
                () = self.finish.cancelled() => break,
                () = wake, if held.is_some() => {}
            }
        }
        self.heard.close();
        while let Some(news) = self.heard.recv().await {
            self.news(news).await;
        }
    }

    /// Tells `first` and whatever waits behind it; whether the engine said that it is connected.
    async fn news(&mut self, first: News) -> bool {
        let mut inbound = Vec::new();
        let mut connected = false;
        let mut messages = 0;
        let mut next = Some(first);
        while let Some(news) = next {
            match news {
                News::Event(event) => {
                    messages += usize::from(matches!(*event, Event::Message(..)));
                    if let Some(report) = report(&event) {
                        self.store(std::mem::take(&mut inbound)).await;
                        self.report(report).await;
                    } else if let Some(more) =
                        events::translate(&*self.people, &self.keys, &event).await
                    {
                        self.people.heed(&more).await;
                        inbound.extend(more);
                    }
                }
                News::ChatState(state) => {
                    inbound.extend(events::chat_state(&*self.people, &state).await);
                }
                News::Connected => connected = true,
                News::Paired(account) => self.report(LinkReport::Paired(account)).await,
                News::Sent(whatsapp_id) => {
                    self.report(LinkReport::Ack {
                        whatsapp_id,
                        refused: None,
                    })
                    .await;
                }
            }
            next = match inbound.len() < TOGETHER {
                true => self.heard.try_recv().ok(),
                false => None,
            };
        }
        self.store(inbound).await;
        self.line.arrived(messages);
        connected
    }

    async fn connected(&self) {
        match self.people.account().await {
            Some(account) => self.report(LinkReport::Connected(account)).await,
            None => tracing::error!("A link is connected without an account"),
        }
    }

    async fn report(&self, report: LinkReport) {
        if matches!(report, LinkReport::Paired(_) | LinkReport::Connected(_)) {
            self.people.save().await;
        }
        report_to(&*self.inbox, report).await;
    }

    /// Stores what came in. Once that has failed, nothing is stored on this link: what failed comes
    /// first on the next one, and everything after it comes after it.
    async fn store(&mut self, inbound: Vec<Inbound>) {
        if inbound.is_empty() {
            return;
        }
        if self.failed {
            return self.owed.keep(lasting(inbound));
        }
        let kept = inbound.clone();
        let stored = AssertUnwindSafe(self.inbox.receive(inbound))
            .catch_unwind()
            .await;
        let stored: Result<(), InboxError> = stored.unwrap_or_else(|_| Err(panicked("the inbox")));
        if let Err(err) = stored {
            tracing::warn!(%err, "What came in was not stored; it is kept for the next link");
            self.owed.keep(lasting(kept));
            self.failed = true;
            self.line.ends(LinkEnd::Lost {
                reason: "what came in could not be stored".to_owned(),
            });
            self.cut.cancel();
        }
    }
}

/// What still means something when it is told late.
fn lasting(mut inbound: Vec<Inbound>) -> Vec<Inbound> {
    inbound.retain(|one| !matches!(one, Inbound::ChatState { .. } | Inbound::Presence { .. }));
    inbound
}

/// What an event says about the link itself.
fn report(event: &Event) -> Option<LinkReport> {
    let failed = |reason: String| Some(LinkReport::PairingFailed { reason });
    match event {
        Event::PairingQrCode { code, timeout } => Some(LinkReport::PairingQr {
            text: code.clone(),
            valid_for: *timeout,
        }),
        Event::PairError(error) => failed(error.error.clone()),
        Event::QrScannedWithoutMultidevice(_) => {
            failed("the phone's WhatsApp is too old to link devices".to_owned())
        }
        _ => None,
    }
}
