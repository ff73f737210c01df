//! The driver: WhatsApp engines behind the seam of [`warbler_app::driver`].
//!
//! The default engine is `whatsapp-rust`. Its storage is our database ([`keys`]), its connection
//! our transport ([`transport`]), its HTTP ours ([`http`]), and its events become our words
//! ([`inbound`], [`events`]) before they leave this crate. No engine type is named above it.

pub mod driver;

mod address;
mod calls;
mod events;
mod history;
mod http;
mod inbound;
mod intake;
mod keys;
mod lines;
mod link;
mod mentions;
mod outbound;
mod owed;
mod sealing;
mod tasks;
mod teller;
mod transport;
mod votes;

pub use driver::{ConfigError, EngineConfig, WhatsappRust};
pub use history::HistoryLimits;
