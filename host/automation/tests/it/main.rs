//! The extensions on the real engines: real components, real scripts, a real store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod contract;
mod fixtures;
mod grants;
mod hooks;
mod hostile;
mod kv;
mod plugins;
mod quarantine;
mod reference;
mod reload;
mod rights;
mod script_faults;
mod script_hooks;
mod script_input;
mod scripts;
mod stage;
mod trial;
mod warm;
