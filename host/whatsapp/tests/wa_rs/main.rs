//! The driver's tests on the second engine, and what that engine cannot do, as it is.
#![expect(
    dead_code,
    unused_imports,
    reason = "what only tests need that this engine cannot run"
)]

/// The engine under test.
const ENGINE: warbler_domain::EngineName = warbler_domain::EngineName::WaRs;

/// Tests of what engines differ in; this one can do none of it, so they are no tests here, and what it
/// does instead is in `gaps`.
macro_rules! only_with {
    ($capability:ident: $($test:item)*) => {};
}
pub(crate) use only_with;

#[path = "../driver/calls.rs"]
mod calls;
#[path = "../driver/chats.rs"]
mod chats;
#[path = "../driver/crash.rs"]
mod crash;
#[path = "../driver/faults.rs"]
mod faults;
#[path = "../driver/groups.rs"]
mod groups;
#[path = "../driver/history.rs"]
mod history;
#[path = "../driver/kinds.rs"]
mod kinds;
#[path = "../driver/life.rs"]
mod life;
#[path = "../driver/messages.rs"]
mod messages;
#[path = "../driver/pairing.rs"]
mod pairing;
#[path = "../driver/people.rs"]
mod people;
#[path = "../driver/polls.rs"]
mod polls;
#[path = "../driver/scene.rs"]
mod scene;
#[path = "../driver/status.rs"]
mod status;
#[path = "../driver/trouble.rs"]
mod trouble;
#[path = "../driver/world.rs"]
mod world;

mod gaps;
