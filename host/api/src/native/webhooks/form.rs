//! The forms in which webhooks tell events.

use std::sync::Arc;

use serde::Serialize;
use warbler_app::hook::Payload;
use warbler_app::webhooks::{Forms, Told};
use warbler_domain::Webhook;

use crate::dialect::{akg, gateway, manager, suite};
use crate::native::events::EventView;

/// Every form this host knows.
#[derive(Debug, Clone, Default)]
pub struct AllForms {
    /// What stands before the paths of this host; nothing where only paths are told.
    base: Arc<str>,
}

impl AllForms {
    /// All forms, told by a host that is called `base` from outside, such as
    /// `https://wa.example.com`; an empty one tells paths only.
    pub fn at(base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').into(),
        }
    }
}

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
            || suite::form::knows(form)
            || manager::form::knows(form)
    }

    fn counts(&self, form: &str) -> bool {
        manager::form::knows(form)
    }

    fn tell(&self, told: &Told<'_>) -> Option<Payload> {
        let native = || Native {
            session_name: told.session_name.as_str(),
            event: EventView::from(told.event.clone()).told_by(&self.base),
        };
        match told.webhook.form.as_str() {
            Webhook::NATIVE => payload(&native()),
            gateway::FORM => payload(&gateway::tell(told, &self.base)?),
            akg::FORM => payload(&akg::tell(told)?),
            form if manager::form::knows(form) => {
                let (event, told) = manager::form::tell(told, &self.base)?;
                let mut payload = payload(&told)?;
                let named = (manager::form::HEADER.to_owned(), event.to_owned());
                payload.headers.push(named);
                Some(payload)
            }
            form if suite::form::knows(form) => payload(&suite::form::tell(told)?),
            _ => None,
        }
    }
}

/// A body of JSON. What is shown can always be written.
fn payload(body: &impl Serialize) -> Option<Payload> {
    let bytes = serde_json::to_vec(body).ok()?;
    Some(Payload::posted("application/json", bytes))
}
