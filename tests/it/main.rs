//! The whole host, over the simulated network.

mod access;
mod backup;
mod bad_input;
mod campaigns;
mod changes;
mod chats;
mod contacts;
mod crash;
mod dialect_hub;
mod extensions;
mod extensions_hard;
mod faults;
mod groups;
mod kinds;
mod media;
mod messaging;
mod outbox;
mod pacing;
mod pairing;
mod plugins;
mod retention;
mod sending;
mod soak;
mod streams;
mod tidy;
mod webhooks;
