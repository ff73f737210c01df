//! Trying a webhook out: one request, now, and what came of it.

use std::time::Instant;

use warbler_domain::webhook::Attempt;
use warbler_domain::{Caller, DeliveryId, Refusal, WebhookId};
use warbler_store::webhooks::StoredPayload;

use super::{WebhookError, Webhooks, attempt};

/// The kind a trial tells.
const KIND: &str = "webhook.test";

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
        let payload = StoredPayload {
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
            bytes: told.to_string().into_bytes(),
        };
        let began = Instant::now();
        let answer = attempt::send(shared, &webhook, delivery, KIND, &payload, now).await;
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
        Ok(Trial {
            id: delivery,
            attempt,
        })
    }
}
