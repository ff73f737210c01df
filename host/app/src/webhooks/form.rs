//! The seam to those who put events into words: one form per API that has webhooks.

use warbler_domain::session::Account;
use warbler_domain::{SessionName, Webhook};
use warbler_store::events::Stored;

use crate::hook::Payload;
use crate::sessions::Marks;

/// All forms in which events can be told.
pub trait Forms: Send + Sync + 'static {
    /// Whether there is a form of this name.
    fn knows(&self, form: &str) -> bool;

    /// Whether events are told in this form with what dialects call their session.
    fn counts(&self, form: &str) -> bool;

    /// An event in the form of its webhook; nothing when the form has no words for it.
    fn tell(&self, told: &Told<'_>) -> Option<Payload>;
}

/// What is to be told.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The event.
    pub event: &'a Stored,
    /// The name of its session.
    pub session_name: &'a SessionName,
    /// What dialects call its session, in forms that want it.
    pub marks: Option<&'a Marks>,
    /// The account of its session, once that is linked.
    pub account: Option<&'a Account>,
    /// The QR its session offers now: a secret while it is valid.
    pub qr: Option<&'a str>,
    /// To whom.
    pub webhook: &'a Webhook,
}
