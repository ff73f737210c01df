//! The forms in which webhooks tell events.

use serde::Serialize;
use warbler_app::hook::Payload;
use warbler_app::webhooks::{Forms, Told};
use warbler_domain::Webhook;

use crate::dialect::{akg, gateway, suite};
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
        matches!(form, Webhook::NATIVE | gateway::FORM | akg::FORM) || suite::form::knows(form)
    }

    fn tell(&self, told: &Told<'_>) -> Option<Payload> {
        let native = || Native {
            session_name: told.session_name.as_str(),
            event: told.event.clone().into(),
        };
        match told.webhook.form.as_str() {
            Webhook::NATIVE => payload(&native()),
            gateway::FORM => payload(&gateway::tell(told)?),
            akg::FORM => payload(&akg::tell(told)?),
            form if suite::form::knows(form) => payload(&suite::form::tell(told)?),
            _ => None,
        }
    }
}

/// A body of JSON. What is shown can always be written.
fn payload(body: &impl Serialize) -> Option<Payload> {
    let bytes = serde_json::to_vec(body).ok()?;
    Some(Payload {
        content_type: "application/json".to_owned(),
        bytes: bytes.into(),
        headers: Vec::new(),
    })
}
