//! The API as its clients see it: requests to the router over a real core and a real database.
//! Only the WhatsApp engine is a stand-in, since what is tested here ends above it.

mod document;
mod events;
mod harness;
mod messages;
mod refusals;
mod server;
mod sessions;
