//! The extensions on the real engines: real components, real scripts, a real store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hostile;
mod kv;
mod plugins;
mod reload;
mod scripts;
mod stage;
