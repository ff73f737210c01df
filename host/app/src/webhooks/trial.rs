//! Trying a webhook out: one request, now, and what came of it.

use std::time::Instant;

use warbler_domain::webhook::Attempt;
use warbler_domain::{Caller, DeliveryId, Refusal, Scope, Timestamp, Webhook, WebhookId};
use warbler_store::webhooks::StoredPayload;

use super::change::check_url;
use super::{WebhookError, Webhooks, attempt, sign};
use crate::core::Shared;

/// The kind a trial tells.
const KIND: &str = "webhook.test";

/// Most that is posted to an address that is only tried, in bytes.
pub(super) const MAX_PAYLOAD: usize = 64 * 1024;

/// What came of a trial.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The id the receiver saw.
    pub id: DeliveryId,
    /// What came of it.
    pub attempt: Attempt,
}

impl Webhooks {
    /// Sends a `webhook.test` to a webhook, enabled or not, and waits for the answer, 10 s at most.
    /// It is no delivery: it is not kept and not tried again.
    pub async fn test(&self, caller: &Caller, id: WebhookId) -> Result<Trial, WebhookError> {
        let webhook = self.visible(caller, id)?;
        let shared = &self.shared;
        let now = shared.clock.now();
        let delivery = DeliveryId::new(now, &shared.random);
        let told = serde_json::json!({ "kind": KIND, "at": now, "webhook": id });
        let payload = StoredPayload::json(told.to_string().into_bytes());
        Ok(try_once(shared, &webhook, delivery, &payload, now).await)
    }

    /// Posts any JSON to any address, under the rules for all receivers, and waits for the answer,
    /// 10 s at most. It is signed as the caller's webhook with that address, if there is one, signs.
    ///
    /// # Errors
    /// When the address cannot be sent to, or there is more than [`MAX_PAYLOAD`] bytes.
    pub async fn test_at(
        &self,
        caller: &Caller,
        url: &str,
        payload: Vec<u8>,
    ) -> Result<Trial, WebhookError> {
        caller.require(Scope::Manage)?;
        check_url(url)?;
        if payload.len() > MAX_PAYLOAD {
            return Err(WebhookError::PayloadTooLarge);
        }
        let shared = &self.shared;
        let now = shared.clock.now();
        let all = shared.webhooks.all();
        let mut own = all.iter().filter(|one| self.is_visible(caller, one));
        let known = own.find(|webhook| webhook.url == url);
        let webhook = known.map_or_else(
            || Webhook {
                id: WebhookId::new(now, &shared.random),
                owner: caller.user_id(),
                session: None,
                url: url.to_owned(),
                events: Vec::new(),
                headers: Vec::new(),
                form: Webhook::NATIVE.to_owned(),
                secret: sign::new_secret(&shared.random),
                enabled: true,
                disabled_reason: None,
                created_at: now,
                failing_since: None,
            },
            |known| Webhook::clone(known),
        );
        let payload = StoredPayload::json(payload);
        let delivery = DeliveryId::new(now, &shared.random);
        Ok(try_once(shared, &webhook, delivery, &payload, now).await)
    }
}

async fn try_once(
    shared: &Shared,
    webhook: &Webhook,
    delivery: DeliveryId,
    payload: &StoredPayload,
    now: Timestamp,
) -> Trial {
    let began = Instant::now();
    let answer = attempt::send(shared, webhook, delivery, KIND, payload, now).await;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let attempt = match answer {
        Ok(answer) => answer.into_attempt(now, took_ms),
        Err(err) => Attempt {
            at: now,
            took_ms,
            status: None,
            excerpt: None,
            error: Some(err.code().to_owned()),
            message: Some(err.to_string()),
        },
    };
    Trial {
        id: delivery,
        attempt,
    }
}
