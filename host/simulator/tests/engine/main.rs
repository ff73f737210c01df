//! The simulated network, examined by the real engine.

mod away;
mod calls;
mod content;
mod control;
mod group_settings;
mod groups;
mod history;
mod linking;
mod media;
mod privacy;
mod profile;
mod settings;
mod status;
mod strangers;
mod support;
mod talking;
mod trouble;
mod wiring;
