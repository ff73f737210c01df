//! The driver against the simulated network: real database file, real connection, real keys.

mod crash;
mod life;
mod messages;
mod pairing;
mod trouble;
mod world;
