//! A local server that speaks the WhatsApp-web protocol, and people with phones to talk to.
//!
//! Clients connect to it as to WhatsApp: the same handshake, the same binary stanzas, the same
//! end-to-end encryption. It keeps everything in memory, binds the loopback interface only, and can
//! make every kind of trouble on demand. [`Network`] runs it, [`Person`] acts in it, [`Faults`]
//! disturbs it; [`control`] offers the same by HTTP.

mod address;
mod stanza;

mod handshake;
mod hub;
mod queue;
mod state;

mod connection;
pub mod control;
mod login;
mod pairing;
mod passkey;
mod server;

mod iq;
mod media;
mod routing;

mod faults;
mod person;
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "its tests compare the account's number with what was signed"
    )
)]
mod phone;

pub use faults::{Fault, FaultError, Faults, Scope};
pub use person::{
    CallSeen, CallStep, ChatSettings, ChatState, ChatStateSeen, Heard, HeardContent, LinkedDevice,
    Muted, Outgoing, Person, PersonError, PresenceSeen, ReceiptSeen, Saying,
};
pub use phone::content::parts::{ContactCard, LinkPreview, Look, Marks, Place, Poll, Quote};
pub use phone::media::MediaKind;
pub use server::{JournalLine, Network, NetworkOptions, StartError};
pub use state::journal::Direction;
