//! The forms in which webhooks tell events.

use serde::Serialize;
use warbler_app::hook::Payload;
use warbler_app::webhooks::{Forms, Told};
use warbler_domain::Webhook;

use crate::dialect::{akg, gateway};
use crate::native::events::EventView;

/// Every form this host knows.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllForms;

/// An event as this API tells it: what `/v1/events` shows, and the name of the session.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Native<'a> {
    session_name: &'a str,
    #[serde(flatten)]
    event: EventView,
}

impl Forms for AllForms {
    fn knows(&self, form: &str) -> bool {
        matches!(form, Webhook::NATIVE | gateway::FORM | akg::FORM)
    }

    fn tell(&self, told: &Told<'_>) -> Option<Payload> {
        let native = || Native {
            session_name: told.session_name.as_str(),
            event: told.event.clone().into(),
        };
        // What is shown can always be written.
        let bytes = match told.webhook.form.as_str() {
            Webhook::NATIVE => serde_json::to_vec(&native()).ok()?,
            gateway::FORM => serde_json::to_vec(&gateway::tell(told)?).ok()?,
            akg::FORM => serde_json::to_vec(&akg::tell(told)?).ok()?,
            _ => return None,
        };
        Some(Payload {
            content_type: "application/json".to_owned(),
            bytes: bytes.into(),
            headers: Vec::new(),
        })
    }
}
