//! The database: the only place with SQL.
//!
//! One SQLite file holds everything. One thread writes and commits in groups ([`Store::write`]),
//! a few threads read ([`Store::read`]). There is one module per aggregate; a module's reading
//! half hangs on [`Reader`], its writing half on [`Writer`].

pub mod access_keys;
pub mod annotations;
pub mod audit;
pub mod backup;
pub mod calls;
pub mod campaigns;
pub mod chats;
pub mod contacts;
pub mod depths;
pub mod device_keys;
pub mod error;
pub mod events;
pub mod extension_grants;
pub mod groups;
pub mod history;
pub mod idempotency;
pub mod integrity;
pub mod kv;
pub mod logins;
pub mod media;
pub mod messages;
pub mod outbox;
pub mod retention;
pub mod room;
pub mod rules;
pub mod schedules;
pub mod search;
pub mod sending;
pub mod session_marks;
pub mod session_tokens;
pub mod sessions;
pub mod shelf;
pub mod stats;
pub mod suppressions;
pub mod timers;
pub mod users;
pub mod webhooks;

mod arrival;
mod checkpoint;
mod connection;
mod durable;
mod rows;
mod store;
mod tally;
mod writer;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use store::{Reader, Store, StoreOptions, Writer};

/// What a store call answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;
