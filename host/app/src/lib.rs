//! The one core: every use case and every worker.
//!
//! The API, the command line and the extensions all end here. What a caller may ask for stands in
//! [`sessions`], [`messages`], [`events`], [`extensions`], [`keys`], [`login`], [`users`] and
//! [`audit`], in [`chats`], [`contacts`], [`groups`], [`calls`], [`profile`] and [`stats`], how
//! the host stands in [`figures`], how often in [`limits`]; what works by itself in
//! [`pipeline`] (an event's way) and [`outbox`] (a message's way out); the two seams in [`driver`]
//! (the network below) and [`hook`] (the extensions beside).

mod core;

pub mod access;
pub mod accounts;
pub mod audit;
pub mod calls;
pub mod campaigns;
pub mod chats;
pub mod contacts;
pub mod driver;
pub mod events;
pub mod extensions;
pub mod fetch;
pub mod figures;
pub mod groups;
pub mod health;
pub mod hook;
pub mod idempotency;
pub mod ingest;
pub mod keys;
pub mod limits;
pub mod login;
mod made_up;
pub mod media;
pub mod messages;
pub mod network;
pub mod outbox;
mod pacing;
pub mod pipeline;
pub mod profile;
pub mod quotas;
pub mod retention;
pub mod rules;
pub mod schedules;
mod search;
pub mod sessions;
pub mod stats;
mod timers;
pub mod users;
pub mod webhooks;

pub use core::{App, Parts, Settings, StartError};
