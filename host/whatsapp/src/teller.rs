//! Tells the inbox, one thing after the other, what a link learns.
//!
//! One task empties the queues of [`crate::lines`]. What waits together is stored together, so
//! that a burst costs one commit. That the link is connected is told only when what the server
//! kept while the session was away has been stored: the engine says so a little too early, as
//! soon as the last of it has been read.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use wacore::runtime::Runtime as _;
use wacore::types::events::Event;
use warbler_app::driver::{Inbound, Inbox, InboxError, LinkEnd, LinkReport};
use warbler_domain::session::Account;
use warbler_domain::{Clock, SessionId};
use whatsapp_rust::Client;

use crate::address;
use crate::calls::Calls;
use crate::events::{self, Life, Told};
use crate::history::{self, Wanted};
use crate::keys::Keys;
use crate::lines::{Heard, Lines, News, panicked};
use crate::owed::{self, Owed};
use crate::retries::SessionRetries;
use crate::tasks::Tasks;

/// Most pieces stored together.
const TOGETHER: usize = 256;
/// How long the kept messages may pause before the rest counts as not coming: those that cannot
/// be read, or say nothing, never arrive here.
const PAUSE: Duration = Duration::from_millis(400);

/// The task that speaks to the inbox.
pub(crate) struct Teller {
    pub(crate) session: SessionId,
    pub(crate) client: Arc<Client>,
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) keys: Keys,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lines: Arc<Lines>,
    pub(crate) calls: Arc<Calls>,
    pub(crate) heard: Heard,
    /// What earlier links of this driver could not store.
    pub(crate) owed: Arc<Owed>,
    /// What earlier links were asked for again.
    pub(crate) retries: Arc<SessionRetries>,
    /// What the engine does beside the connection.
    pub(crate) tasks: Tasks,
    /// What is still wanted of the phone's history.
    pub(crate) wanted: Wanted,
    /// Cancelled when nothing more comes.
    pub(crate) finish: CancellationToken,
    /// Ends the link's connection.
    pub(crate) cut: CancellationToken,
    /// Whether something could not be stored.
    pub(crate) failed: bool,
}

impl Teller {
    /// Tells everything until nothing more comes, and then what was left.
    pub(crate) async fn run(mut self) {
        // Until when the news that the link is connected is held back.
        let mut held: Option<Instant> = None;
        self.make_good().await;
        loop {
            if let Some(until) = held
                && ((self.lines.has_caught_up() && self.heard.news.is_empty())
                    || until <= Instant::now())
            {
                held = None;
                self.lines.goes_live();
                self.life(Life::Connected).await;
            }
            let wake = sleep_until(held.unwrap_or_else(Instant::now));
            tokio::select! {
                biased;
                Some(life) = self.heard.life.recv() => match life {
                    Life::Connected => held = Some(Instant::now() + PAUSE),
                    life => self.life(life).await,
                },
                Some(news) = self.heard.news.recv() => {
                    self.news(news).await;
                    held = held.map(|_| Instant::now() + PAUSE);
                }
                () = self.finish.cancelled() => break,
                () = wake, if held.is_some() => {}
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
                Some(account) => {
                    let (retries, keys) = (Arc::clone(&self.retries), self.keys.clone());
                    let client = Arc::clone(&self.client);
                    self.tasks.spawn_detached(Box::pin(async move {
                        retries.answer(&client, &keys).await;
                    }));
                    LinkReport::Connected(account)
                }
                None => return tracing::error!("A link is connected without an account"),
            },
        };
        report_to(&*self.inbox, report).await;
    }

    /// Tells what an earlier link has heard and could not store.
    async fn make_good(&mut self) {
        let owed = self.owed.take(self.session);
        let mut inbound = Vec::new();
        for event in &owed {
            if let Told::Inbound(more) = self.translated(event).await {
                inbound.extend(more);
            }
        }
        if self.store(inbound).await.is_err() {
            self.owed.keep(self.session, owed);
        }
    }

    /// Tells `first` and whatever waits behind it.
    async fn news(&mut self, first: News) {
        let mut inbound = Vec::new();
        let mut waiting = Vec::new();
        let mut reports = Vec::new();
        let mut events = Vec::new();
        let mut kept = 0;
        let mut next = Some(first);
        while let Some(news) = next {
            match news {
                News::Event(event) if matches!(*event, Event::HistorySync(_)) => {
                    self.history(&event).await;
                }
                News::Messages(taken) => {
                    inbound.extend(taken.inbound);
                    waiting.push(taken.stored);
                    kept += taken.kept;
                }
                News::Event(event) => match self.translated(&event).await {
                    Told::Inbound(more) if more.is_empty() => {}
                    Told::Inbound(more) => {
                        inbound.extend(more);
                        events.push(event);
                    }
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
        let stored = self.store(inbound).await;
        if stored.is_err() {
            // Messages come again, these do not.
            events.retain(|event| owed::lasts(event));
            self.owed.keep(self.session, events);
        }
        for waiter in waiting {
            let answer = match &stored {
                Ok(()) => Ok(()),
                Err(err) => Err(InboxError(err.0.clone())),
            };
            // A hook that was given up does not listen; its messages come again.
            drop(waiter.send(answer));
        }
        self.lines.arrived(kept);
        for report in reports {
            report_to(&*self.inbox, report).await;
        }
    }
}

impl Teller {
    async fn translated(&self, event: &Event) -> Told {
        events::translate(&self.client, &self.keys, &self.calls, event).await
    }

    /// Stores what came in. Once that has failed, nothing that came later is stored on this link:
    /// what failed comes again on the next one, and everything after it comes after it.
    async fn store(&mut self, inbound: Vec<Inbound>) -> Result<(), InboxError> {
        if inbound.is_empty() {
            return Ok(());
        }
        if self.failed {
            return Err(InboxError("something before it was not stored".to_owned()));
        }
        let stored = AssertUnwindSafe(self.inbox.receive(inbound))
            .catch_unwind()
            .await;
        let stored = stored.unwrap_or_else(|_| Err(panicked("the inbox")));
        if let Err(err) = &stored {
            tracing::warn!(%err, "Inbound messages were not stored; they will be delivered again");
            self.failed = true;
            self.lines.ends(LinkEnd::Lost {
                reason: "what came in could not be stored".to_owned(),
            });
            self.cut.cancel();
        }
        stored
    }

    /// Stores a piece of the phone's history. It is not sent again when that fails.
    async fn history(&mut self, event: &Arc<Event>) {
        let now = self.clock.now();
        let reading = history::batches(&self.client, &self.keys, event, &mut self.wanted, now);
        for batch in Box::pin(reading).await {
            let inbound = vec![Inbound::History(Box::new(batch))];
            if self.store(inbound).await.is_err() {
                return;
            }
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
