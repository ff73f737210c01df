//! The one core: every use case and every worker.
//!
//! The API, the command line and the extensions all end here. What a caller may ask for stands in
//! [`sessions`], [`messages`], [`events`], [`extensions`] and [`keys`]; what works by itself in
//! [`pipeline`] (an event's way) and [`outbox`] (a message's way out); the two seams in [`driver`]
//! (the network below) and [`hook`] (the extensions beside).

mod core;

pub mod driver;
pub mod events;
pub mod extensions;
pub mod hook;
pub mod ingest;
pub mod keys;
pub mod media;
pub mod messages;
pub mod outbox;
pub mod pipeline;
pub mod sessions;

pub use core::{App, Parts, Settings, StartError};
