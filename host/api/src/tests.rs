//! The API as its clients see it: requests to the router over a real core and a real database.
//! Only the WhatsApp engine is a stand-in, since what is tested here ends above it.

mod access;
mod chats;
mod document;
mod events;
mod harness;
mod media;
mod messages;
mod names;
mod problems;
mod refusals;
mod sending;
mod server;
mod sessions;
mod standing;
