//! `[webhooks]`: how deliveries are tried.

use serde::Deserialize;
use warbler_app::webhooks::WebhookSettings;

use super::Span;

/// How deliveries are tried.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    answer_within: Span,
    tried_for: Span,
    failing_for: Span,
}

impl Webhooks {
    /// What the core is told.
    pub fn settings(&self) -> WebhookSettings {
        WebhookSettings {
            answer_within: self.answer_within.duration(),
            tried_for: self.tried_for.duration(),
            failing_for: self.failing_for.duration(),
            ..WebhookSettings::default()
        }
    }
}
