//! Webhooks: where events are sent to, who may set them up, and what became of their deliveries.
//!
//! A delivery is a row from the transaction that marks its event done ([`crate::pipeline`]), so that
//! an event is neither told twice under two ids nor forgotten. [`desk`] decides when deliveries are
//! made, [`runner`] makes those of one webhook, [`attempt`] makes one.
//!
//! Invariant: a delivery arrives at least once, under one id, or is a dead letter with its reason.

mod attempt;
mod change;
mod desk;
mod error;
mod form;
mod inbound;
mod numbered;
mod runner;
mod settings;
mod sign;
mod single;
mod trial;

use std::sync::Arc;

use warbler_domain::page::{Page, PageRequest};
use warbler_domain::webhook::{Delivery, DeliveryCounts, DeliveryState};
use warbler_domain::{Caller, DeliveryId, Event, Scope, SessionId, Timestamp, Webhook, WebhookId};
use warbler_store::webhooks::Totals;

use crate::audit;
use crate::core::Shared;

pub use change::{CreateWebhook, NewWebhook, UpdateWebhook};
pub use error::WebhookError;
pub use form::{Forms, Told};
pub use inbound::Signed;
pub use numbered::NumberedWebhook;
pub use settings::WebhookSettings;
pub use single::SingleWebhook;
pub use trial::Trial;

pub(crate) use desk::{Desk, run};

/// Most dead letters replayed, or deliveries cleared, by one request.
const AT_ONCE: u32 = 10_000;

/// A webhook and how it does.
#[derive(Debug, Clone)]
pub struct WebhookStatus {
    /// The webhook.
    pub webhook: Webhook,
    /// Its deliveries.
    pub counts: DeliveryCounts,
    /// How many of those that wait are being made.
    pub under_way: u64,
    /// What it has done since it was made.
    pub totals: Totals,
}

/// Webhooks: what may be asked for.
pub struct Webhooks {
    shared: Arc<Shared>,
}

impl Webhooks {
    /// Most webhooks of a host.
    pub const MOST: u32 = 1_000;

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Those the caller may see, the oldest first.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<WebhookStatus>, WebhookError> {
        caller.require(Scope::Manage)?;
        let all = self.shared.webhooks.all();
        let mut seen = Vec::new();
        for webhook in all.iter().filter(|one| self.is_visible(caller, one)) {
            seen.push(self.with_status(Webhook::clone(webhook)).await?);
        }
        Ok(seen)
    }

    /// One of them.
    pub async fn get(&self, caller: &Caller, id: WebhookId) -> Result<WebhookStatus, WebhookError> {
        self.with_status(self.visible(caller, id)?).await
    }

    /// Takes one away, with all its deliveries.
    pub async fn delete(&self, caller: &Caller, id: WebhookId) -> Result<(), WebhookError> {
        let webhook = self.visible(caller, id)?;
        let entry = audit::done(
            &self.shared,
            caller,
            "webhook.delete",
            id,
            &origin(&webhook),
        );
        let gone = self.shared.store.write(move |tx| {
            tx.webhooks_mut().delete(id)?;
            tx.audit_mut().insert(&entry)
        });
        gone.await.map_err(WebhookError::Store)?;
        self.shared.webhooks.forget(id);
        Ok(())
    }

    /// A webhook's deliveries, newest first.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        id: WebhookId,
        state: Option<DeliveryState>,
        page: PageRequest,
    ) -> Result<Page<Delivery>, WebhookError> {
        self.visible(caller, id)?;
        let store = &self.shared.store;
        let page = store.read(move |db| db.deliveries().list(id, state, page));
        Ok(page.await?)
    }

    /// Makes a delivery again, whatever became of it.
    pub async fn replay(
        &self,
        caller: &Caller,
        id: WebhookId,
        delivery: DeliveryId,
    ) -> Result<(), WebhookError> {
        self.visible(caller, id)?;
        let now = self.shared.clock.now();
        let store = &self.shared.store;
        let replayed = store.write(move |tx| {
            match tx.deliveries().get(delivery)? {
                Some(found) if found.webhook == id => {}
                _ => return Err(WebhookError::UnknownDelivery(delivery)),
            }
            Ok(tx.deliveries_mut().replay(delivery, now)?)
        });
        if !replayed.await? {
            return Err(WebhookError::IsWaiting);
        }
        self.shared.webhooks.has_work(id, now);
        Ok(())
    }

    /// Makes all dead letters of a webhook again; how many. At most 10,000 at once.
    pub async fn replay_dead(&self, caller: &Caller, id: WebhookId) -> Result<u64, WebhookError> {
        let webhook = self.visible(caller, id)?;
        let now = self.shared.clock.now();
        let entry = audit::done(
            &self.shared,
            caller,
            "webhook.replay",
            id,
            &origin(&webhook),
        );
        let replayed = self.shared.store.write(move |tx| {
            let replayed = tx.deliveries_mut().replay_dead(id, now, AT_ONCE)?;
            tx.audit_mut().insert(&entry)?;
            Ok(replayed)
        });
        let replayed = replayed.await.map_err(WebhookError::Store)?;
        self.shared.webhooks.has_work(id, now);
        Ok(replayed)
    }

    /// Takes away a webhook's deliveries in this state; how many. At most 10,000 at once.
    pub async fn clear(
        &self,
        caller: &Caller,
        id: WebhookId,
        state: DeliveryState,
    ) -> Result<u64, WebhookError> {
        let webhook = self.visible(caller, id)?;
        let entry = audit::done(&self.shared, caller, "webhook.clear", id, &origin(&webhook));
        let cleared = self.shared.store.write(move |tx| {
            let cleared = tx.deliveries_mut().clear(id, state, AT_ONCE)?;
            tx.audit_mut().insert(&entry)?;
            Ok(cleared)
        });
        cleared.await.map_err(WebhookError::Store)
    }

    async fn with_status(&self, webhook: Webhook) -> Result<WebhookStatus, WebhookError> {
        let (id, now) = (webhook.id, self.shared.clock.now());
        let status = self.shared.store.read(move |db| {
            let under_way = db.deliveries().under_way(id, now)?;
            Ok((
                db.deliveries().counts(id)?,
                under_way,
                db.webhooks().totals(id)?,
            ))
        });
        let (counts, under_way, totals) = status.await.map_err(WebhookError::Store)?;
        Ok(WebhookStatus {
            webhook,
            counts,
            under_way,
            totals,
        })
    }

    /// The webhook, if it is there for the caller.
    fn visible(&self, caller: &Caller, id: WebhookId) -> Result<Webhook, WebhookError> {
        caller.require(Scope::Manage)?;
        let found = self.shared.webhooks.get(id);
        found
            .filter(|webhook| self.is_visible(caller, webhook))
            .map(|webhook| Webhook::clone(&webhook))
            .ok_or(WebhookError::Unknown(id))
    }

    fn is_visible(&self, caller: &Caller, webhook: &Webhook) -> bool {
        if caller.reaches_all() {
            return true;
        }
        match webhook.session {
            Some(session) => {
                let owner = self.shared.directory.owner(session);
                owner.is_some_and(|owner| caller.may_use(session, owner) && owner == webhook.owner)
            }
            // It hears of sessions a key may not have.
            None => caller.reach().only.is_none() && webhook.owner == caller.reach().owner,
        }
    }
}

/// Where a webhook is, without what may be a secret in its address.
fn origin(webhook: &Webhook) -> String {
    let end = webhook.url.find("://").map_or(0, |at| at + 3);
    let rest = webhook.url.get(end..).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{}{host}", webhook.url.get(..end).unwrap_or_default())
}

/// The deliveries an event is to become, and what each keeps its order with.
pub(crate) fn deliveries_of(shared: &Shared, event: &Event) -> Vec<(Delivery, String)> {
    let wanting = shared
        .webhooks
        .wanting(event, owner_of(shared, event.session));
    let now = shared.clock.now();
    let deliver = |webhook: WebhookId| {
        let delivery = Delivery {
            id: DeliveryId::new(now, &shared.random),
            webhook,
            session: event.session,
            event: event.id,
            kind: event.kind().as_str().to_owned(),
            created_at: now,
            state: DeliveryState::Waiting,
            due_at: now,
            attempts: 0,
            tries: Vec::new(),
        };
        let lane = event.chat().map(ToString::to_string).unwrap_or_default();
        (delivery, lane)
    };
    wanting.into_iter().map(deliver).collect()
}

/// Whether any webhook is to get an event.
pub(crate) fn is_wanted(shared: &Shared, event: &Event) -> bool {
    let owner = || owner_of(shared, event.session);
    !shared.webhooks.is_empty() && !shared.webhooks.wanting(event, owner()).is_empty()
}

/// Lets the workers know of stored deliveries.
pub(crate) fn announce(shared: &Shared, webhooks: &[WebhookId], now: Timestamp) {
    for webhook in webhooks {
        shared.webhooks.has_work(*webhook, now);
    }
}

fn owner_of(shared: &Shared, session: SessionId) -> Option<warbler_domain::UserId> {
    shared.directory.owner(session).flatten()
}
