//! The driver: WhatsApp engines behind the seam of [`warbler_app::driver`].
//!
//! The default engine is `whatsapp-rust`. Its storage is our database ([`keys`]), its connection
//! our transport ([`transport`]), its HTTP ours ([`http`]), and its events become our words
//! ([`inbound`], [`events`]) before they leave this crate. No engine type is named above it.

pub mod driver;

mod address;
mod calls;
mod copies;
mod events;
mod history;
mod http;
mod inbound;
mod intake;
mod keys;
mod lines;
mod link;
mod looks;
mod memory;
mod mentions;
mod outbound;
mod owed;
mod retries;
mod sealing;
mod seats;
mod tasks;
mod teller;
mod transport;
mod tunnel;
mod votes;
mod wa_rs;
mod way;
mod wire;

pub use self::wa_rs::WaRs;
pub use driver::{ConfigError, EngineConfig, WhatsappRust};
pub use history::HistoryLimits;
pub use looks::Platform;

use warbler_app::driver::EngineCapability;
use warbler_domain::EngineName;

/// What an engine can do of what engines differ in.
pub fn capabilities(engine: EngineName) -> &'static [EngineCapability] {
    match engine {
        EngineName::WhatsappRust => driver::CAPABILITIES,
        EngineName::WaRs => &[EngineCapability::KeyRefill],
    }
}
