//! What a script is called with: an event, a message to write, a delivery to shape.

use std::sync::Arc;

use rhai::Dynamic;
use warbler_app::hook::{HookCall, RenderCall, TransformCall};
use warbler_domain::Timestamp;

use super::delivery::ScriptDelivery;
use super::event::ScriptEvent;
use super::recipient::ScriptRecipient;
use crate::effects::Effects;
use crate::profile::Profile;
use crate::services::Services;

/// Why a script is called. Clones share what is large.
#[derive(Clone)]
pub(super) enum Occasion {
    Event(HookCall),
    Render(Arc<RenderCall>),
    Transform(Arc<TransformCall>),
}

impl Occasion {
    pub(super) fn now(&self) -> Timestamp {
        match self {
            Self::Event(call) => call.now,
            Self::Render(call) => call.now,
            Self::Transform(call) => call.now,
        }
    }

    /// What the handler is given.
    pub(super) fn argument(&self) -> Dynamic {
        match self {
            Self::Event(call) => Dynamic::from(ScriptEvent::new(call)),
            Self::Render(call) => Dynamic::from(ScriptRecipient(Arc::clone(call))),
            Self::Transform(call) => Dynamic::from(ScriptDelivery(Arc::clone(call))),
        }
    }

    /// What it may ask for.
    pub(super) fn effects(&self, profile: &Arc<Profile>, services: &Arc<Services>) -> Effects {
        let of_text = |session, kv| Effects::of_text(self.now(), session, kv, profile, services);
        match self {
            Self::Event(call) => Effects::at_event(call, profile, services),
            Self::Render(call) => of_text(call.session, &call.kv),
            Self::Transform(call) => of_text(call.session, &call.kv),
        }
    }
}
