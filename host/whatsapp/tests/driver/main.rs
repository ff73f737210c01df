//! The driver against the simulated network: real database file, real connection, real keys.

mod life;
mod messages;
mod pairing;
mod trouble;
mod world;
