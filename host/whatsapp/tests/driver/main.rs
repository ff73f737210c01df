//! The driver against the simulated network: real database file, real connection, real keys.

mod calls;
mod chats;
mod crash;
mod groups;
mod history;
mod kinds;
mod life;
mod messages;
mod pairing;
mod people;
mod polls;
mod status;
mod trouble;
mod world;
