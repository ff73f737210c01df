//! The driver against the simulated network: real database file, real connection, real keys.
//!
//! The same tests run on the second engine (`tests/wa_rs`), but for what it cannot do.

/// The engine under test.
const ENGINE: warbler_domain::EngineName = warbler_domain::EngineName::WhatsappRust;

/// Tests of what engines differ in; this one can do all of it.
macro_rules! only_with {
    ($capability:ident: $($test:item)*) => {
        const _: warbler_app::driver::EngineCapability =
            warbler_app::driver::EngineCapability::$capability;
        $($test)*
    };
}
pub(crate) use only_with;

mod calls;
mod chats;
mod crash;
mod faults;
mod groups;
mod history;
mod kinds;
mod life;
mod messages;
mod pairing;
mod people;
mod polls;
mod scene;
mod status;
mod trouble;
mod world;
