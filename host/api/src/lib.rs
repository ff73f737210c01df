//! HTTP, translation only: bytes → caller → wire types → one use case → wire types → bytes.
//!
//! [`mount`] says what is served where, [`caller`] who calls, [`extract`] how requests are read,
//! [`problem`] how this API says no, [`native`] holds the API itself, [`dialect`] the documented
//! APIs of other gateways, [`server`] the connections.
//!
//! Invariant: no rule of the host lives here. What a caller may do is decided by the use case.

mod caller;
mod dialect;
mod extract;
mod idempotent;
mod mount;
mod native;
mod problem;
mod qr;
pub mod server;

pub use dialect::{BadMounts, DialectOptions, MountOptions, Prefix, Registration, Switch};
pub use mount::{ApiOptions, Routers, router, routers};
pub use native::webhooks::AllForms;
pub use problem::Problem;
pub use server::{STALLED, serve};

#[cfg(test)]
mod tests;
