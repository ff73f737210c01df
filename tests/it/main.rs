//! The whole host, over the simulated network.

mod bad_input;
mod crash;
mod extensions;
mod faults;
mod messaging;
mod pairing;
mod soak;
mod streams;
mod tidy;
