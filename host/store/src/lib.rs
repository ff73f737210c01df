//! The database: the only place with SQL.
//!
//! One SQLite file holds everything. One thread writes and commits in groups ([`Store::write`]),
//! a few threads read ([`Store::read`]). There is one module per aggregate; a module's reading
//! half hangs on [`Reader`], its writing half on [`Writer`].

pub mod access_keys;
pub mod device_keys;
pub mod error;
pub mod events;
pub mod kv;
pub mod messages;
pub mod outbox;
pub mod sessions;

mod connection;
mod rows;
mod store;
mod writer;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use store::{Reader, Store, StoreOptions, Writer};

/// What a store call answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;
