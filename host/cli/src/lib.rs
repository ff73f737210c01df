//! The binary `warbler`: a host in one process, and the commands around it.
//!
//! [`host::Host`] is the whole running host; `serve`, `demo` and the integration tests start the
//! same one. The other commands talk to a running host by its HTTP API, like any other client.

pub mod config;
pub mod failure;
pub mod host;
pub mod logging;
pub mod terminal;

mod args;
mod client;
mod command;
mod signals;
#[cfg(feature = "simulator")]
mod simulated;

pub use command::run;
