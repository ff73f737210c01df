//! Which webhooks there are, and when something is to be sent to each.
//!
//! The desk holds all webhooks in memory, for every event asks who wants it. Its worker starts a
//! runner for each webhook that has something due; a webhook has one runner at a time, and rests
//! after failures, so that a receiver that is down costs a request every few minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tracing::error;
use warbler_domain::{Event, Timestamp, UserId, Webhook, WebhookId};

use super::{WebhookSettings, runner};
use crate::core::Shared;

/// Longest time until the next look, whatever is due: clocks are set.
const LOOK: Duration = Duration::from_secs(30);
/// Requests to all receivers at the same time.
const AT_ONCE: usize = 512;
/// Failures one after the other before a webhook rests.
const PATIENCE: u32 = 5;
/// Pause before work that could not be read or written is tried again.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// All webhooks, and what is to be done for each.
pub(crate) struct Desk {
    webhooks: RwLock<Arc<[Arc<Webhook>]>>,
    work: Mutex<HashMap<WebhookId, Work>>,
    wake: Notify,
    /// Room for requests, shared by all webhooks.
    pub(super) room: Semaphore,
}

/// What is to be done for one webhook.
#[derive(Debug, Default)]
struct Work {
    /// When its next delivery is to be made, as far as that is known.
    next: Option<Timestamp>,
    /// Whether its runner is at work.
    running: bool,
    /// Failures one after the other.
    failures: u32,
    /// Until when it rests.
    rests_until: Option<Timestamp>,
}

impl Desk {
    /// The desk of these webhooks, each of which may have something to do.
    pub(crate) fn new(webhooks: Vec<Webhook>, now: Timestamp) -> Self {
        let work = webhooks.iter().map(|webhook| {
            let work = Work {
                next: Some(now),
                ..Work::default()
            };
            (webhook.id, work)
        });
        Self {
            work: Mutex::new(work.collect()),
            webhooks: RwLock::new(webhooks.into_iter().map(Arc::new).collect()),
            wake: Notify::new(),
            room: Semaphore::new(AT_ONCE),
        }
    }

    /// All of them, the oldest first.
    pub(super) fn all(&self) -> Arc<[Arc<Webhook>]> {
        let all = self.webhooks.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&all)
    }

    pub(super) fn get(&self, id: WebhookId) -> Option<Arc<Webhook>> {
        self.all().iter().find(|webhook| webhook.id == id).cloned()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    /// Those that are to get an event of a session of `owner`, each receiver once.
    pub(super) fn wanting(&self, event: &Event, owner: Option<UserId>) -> Vec<WebhookId> {
        let all = self.all();
        let wanting = all.iter().filter(|webhook| webhook.wants(event, owner));
        let wanting: Vec<_> = wanting.collect();
        let mut each = Vec::with_capacity(wanting.len());
        for webhook in &wanting {
            let alone = webhook.form == Webhook::NATIVE || webhook.session.is_none();
            if alone || !wanting.iter().any(|other| other.tells_instead_of(webhook)) {
                each.push(webhook.id);
            }
        }
        each
    }

    /// Takes a new or changed one over.
    pub(super) fn put(&self, webhook: Webhook) {
        let mut all = self
            .webhooks
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let others = all.iter().filter(|other| other.id != webhook.id).cloned();
        let mut new: Vec<_> = others.collect();
        new.push(Arc::new(webhook));
        new.sort_by_key(|webhook| webhook.id);
        *all = new.into();
    }

    /// Takes over how one does, and nothing else about it.
    pub(super) fn note(&self, changed: &Webhook) {
        if let Some(known) = self.get(changed.id) {
            let mut known = Webhook::clone(&known);
            known.failing_since = changed.failing_since;
            if !changed.enabled {
                known.enabled = false;
                known.disabled_reason.clone_from(&changed.disabled_reason);
            }
            self.put(known);
        }
    }

    pub(super) fn forget(&self, id: WebhookId) {
        self.keep(|webhook| webhook.id != id);
    }

    /// Forgets those of a session, or of a user, that is gone.
    pub(crate) fn keep(&self, kept: impl Fn(&Webhook) -> bool) {
        let mut all = self
            .webhooks
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *all = all
            .iter()
            .filter(|webhook| kept(webhook))
            .cloned()
            .collect();
        let known: Vec<WebhookId> = all.iter().map(|webhook| webhook.id).collect();
        drop(all);
        self.work().retain(|id, _| known.contains(id));
    }

    /// There is something to send from `at` on; a webhook that rests sends it when it has rested.
    pub(super) fn has_work(&self, id: WebhookId, at: Timestamp) {
        let mut work = self.work();
        let work = work.entry(id).or_default();
        work.next = Some(work.next.map_or(at, |next| next.min(at)));
        self.wake.notify_one();
    }

    /// Those to begin with now, marked as begun; and when the next one is.
    fn begin(&self, now: Timestamp) -> (Vec<WebhookId>, Option<Timestamp>) {
        let mut begun = Vec::new();
        let mut later: Option<Timestamp> = None;
        for (id, work) in self.work().iter_mut() {
            let Some(next) = work.next.filter(|_| !work.running) else {
                continue;
            };
            let from = work.rests_until.map_or(next, |rests| rests.max(next));
            if from <= now {
                (work.running, work.next) = (true, None);
                begun.push(*id);
            } else {
                later = Some(later.map_or(from, |later| later.min(from)));
            }
        }
        (begun, later)
    }

    /// A runner has ended; something more is due at `next`.
    fn end(&self, id: WebhookId, next: Option<Timestamp>) {
        if let Some(work) = self.work().get_mut(&id) {
            work.running = false;
            work.next = match (work.next, next) {
                (Some(told), Some(found)) => Some(told.min(found)),
                (told, found) => told.or(found),
            };
        }
        self.wake.notify_one();
    }

    /// Whether the last attempts have all failed.
    pub(super) fn is_in_trouble(&self, id: WebhookId) -> bool {
        let work = self.work();
        work.get(&id).is_some_and(|work| work.failures >= PATIENCE)
    }

    /// An attempt arrived.
    pub(super) fn succeeded(&self, id: WebhookId) {
        let mut work = self.work();
        let work = work.entry(id).or_default();
        (work.rests_until, work.failures) = (None, 0);
    }

    /// An attempt did not arrive; whether the webhook rests from now on. `after` is when the
    /// receiver wants to be asked again.
    pub(super) fn failed(
        &self,
        settings: &WebhookSettings,
        id: WebhookId,
        now: Timestamp,
        after: Option<Duration>,
    ) -> bool {
        let mut work = self.work();
        let work = work.entry(id).or_default();
        work.failures = work.failures.saturating_add(1);
        let rest = settings.rest_after(work.failures, PATIENCE).max(after);
        if let Some(rest) = rest {
            work.rests_until = Some(now.plus(rest));
        }
        rest.is_some()
    }

    fn work(&self) -> MutexGuard<'_, HashMap<WebhookId, Work>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The worker: until the host stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let now = shared.clock.now();
        let (begun, later) = shared.webhooks.begin(now);
        for id in begun {
            let shared = Arc::clone(&shared);
            shared.tasks.clone().spawn(async move {
                let next = match runner::run(&shared, id).await {
                    Ok(next) => next,
                    Err(err) => {
                        error!(%err, webhook.id = %id, "Deliveries could not be read or written");
                        Some(shared.clock.now().plus(STORE_RETRY))
                    }
                };
                shared.webhooks.end(id, next);
            });
        }
        // A millisecond more, since times are whole ones.
        let pause = later.map(|later| later.since(now) + Duration::from_millis(1));
        tokio::select! {
            () = tokio::time::sleep(pause.unwrap_or(LOOK).min(LOOK)) => {}
            () = shared.webhooks.wake.notified() => {}
            () = shared.stop.cancelled() => return,
        }
    }
}
