//! Extensions: WebAssembly components and Rhai scripts, loaded from folders and run in a sandbox.
//!
//! [`Registry`] is what the rest of the host knows: it loads, reloads and hands out the chain of
//! the event hook. Below it stand two engines that know nothing of folders: `wasm` (components)
//! and `script` (Rhai). What both give an extension, and take from it, is in `profile`, `body` and
//! `effects`, so that a plugin and a script can do the same under the same limits.
//!
//! Invariant: nothing an extension does reaches the outside; it ends in a [`HookOutcome`], or in
//! an `ExtensionFault` with a code listed in [`fault`].
//!
//! [`HookOutcome`]: warbler_app::hook::HookOutcome

pub mod fault;
pub mod fixture;
pub mod limits;
pub mod manifest;
pub mod registry;

mod body;
mod effects;
mod filter;
mod health;
mod made;
mod profile;
mod reload;
mod rules;
mod script;
mod secrets;
mod services;
mod usage;
mod wasm;

pub use limits::Limits;
pub use registry::{Notice, NoticeKind, OpenError, Registry, RegistryConfig};
pub use script::reference;
