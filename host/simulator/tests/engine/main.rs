//! The simulated network, examined by the real engine.

mod away;
mod control;
mod groups;
mod linking;
mod media;
mod profile;
mod strangers;
mod support;
mod talking;
mod trouble;
mod wiring;
