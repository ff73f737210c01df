//! The simulated network, examined by the real engine.

mod support;

mod linking;
mod talking;
