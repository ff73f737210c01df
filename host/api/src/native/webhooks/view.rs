//! Webhooks as they are shown.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_app::webhooks::{NewWebhook, Trial, WebhookStatus};
use warbler_domain::webhook::Attempt;
use warbler_domain::{DeliveryId, SessionId, Timestamp, UserId, WebhookId};

/// A place that events are sent to, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook, example = json!({
    "id": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "url": "https://crm.example.com/hooks/whatsapp",
    "session": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "events": ["message.*", "session.status"],
    "headers": ["X-Team"],
    "enabled": true,
    "createdAt": "2026-05-04T09:29:40.003Z",
    "delivered": 4211, "failed": 3, "lastDeliveredAt": "2026-05-04T10:02:11.480Z",
    "waiting": 0, "dead": 0,
}))]
pub(crate) struct WebhookView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: WebhookId,
    /// Where events are sent to.
    url: String,
    /// The session whose events it gets; absent when it is for all of its owner, or every one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    session: Option<SessionId>,
    /// The user whose sessions it hears of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    owner: Option<UserId>,
    /// Which events.
    events: Vec<String>,
    /// The names of its headers. Their values are not shown.
    headers: Vec<String>,
    /// Whether anything is sent.
    enabled: bool,
    /// Why the host switched it off, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Since when nothing has arrived there; absent while all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since: Option<Timestamp>,
    /// Attempts that arrived, since it was made.
    delivered: u64,
    /// Attempts that did not.
    failed: u64,
    /// When the last one arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_delivered_at: Option<Timestamp>,
    /// Deliveries that wait to be made.
    waiting: u64,
    /// Deliveries that were given up, and can be replayed.
    dead: u64,
}

impl From<WebhookStatus> for WebhookView {
    fn from(status: WebhookStatus) -> Self {
        let WebhookStatus {
            webhook,
            counts,
            totals,
            under_way: _,
        } = status;
        Self {
            id: webhook.id,
            url: webhook.url,
            session: webhook.session,
            owner: webhook.owner,
            events: webhook.events.iter().map(ToString::to_string).collect(),
            headers: webhook.headers.into_iter().map(|(name, _)| name).collect(),
            enabled: webhook.enabled,
            disabled_reason: webhook.disabled_reason,
            created_at: webhook.created_at,
            failing_since: webhook.failing_since,
            delivered: totals.delivered,
            failed: totals.failed,
            last_delivered_at: totals.last_delivered_at,
            waiting: counts.waiting,
            dead: counts.dead,
        }
    }
}

/// A webhook that was just made, or has a new secret. The secret is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewWebhook)]
pub(crate) struct NewWebhookView {
    /// What its deliveries are signed with. Keep it: it is not shown again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
    /// The webhook.
    webhook: WebhookView,
}

impl From<NewWebhook> for NewWebhookView {
    fn from(new: NewWebhook) -> Self {
        Self {
            secret: new.secret.expose().to_owned(),
            webhook: new.status.into(),
        }
    }
}

/// What became of one attempt.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryAttempt)]
pub(crate) struct AttemptView {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// How long it took, in milliseconds.
    took_ms: u64,
    /// The status of the answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The beginning of the answer, up to 512 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
    /// What went wrong: `receiver_status`, `event_gone`, `no_words`, `dropped`, or one of the codes
    /// of URLs (`url_unreachable`, `url_timeout`, `url_not_allowed`, …).
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The same in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        Self {
            at: attempt.at,
            took_ms: attempt.took_ms,
            status: attempt.status,
            excerpt: attempt.excerpt,
            error: attempt.error,
            message: attempt.message,
        }
    }
}

/// What came of a trial.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookTrial)]
pub(crate) struct TrialView {
    /// Whether the receiver took it.
    arrived: bool,
    /// The id the receiver saw.
    #[schema(value_type = String, format = "uuid")]
    id: DeliveryId,
    /// What came of it.
    attempt: AttemptView,
}

impl From<Trial> for TrialView {
    fn from(trial: Trial) -> Self {
        Self {
            arrived: trial.attempt.error.is_none(),
            id: trial.id,
            attempt: trial.attempt.into(),
        }
    }
}
