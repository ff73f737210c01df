//! Chats, history and search, on real files.

mod bench;
mod chats;
mod history;
mod retention;
mod search;
