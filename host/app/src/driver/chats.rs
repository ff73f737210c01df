//! What a link does to chats.

use async_trait::async_trait;
use warbler_domain::chat::{ChatChange, ChatState};
use warbler_domain::{Jid, Timestamp, WhatsAppId};

use super::DriverError;

/// Chats: read marks, typing, how the account keeps them, and calls.
///
/// What an engine lacks answers [`DriverError::Unsupported`], which is what the methods here do
/// when an engine does not have its own.
#[async_trait]
pub trait Chats: Send + Sync {
    /// Shows that messages were read, or played (voice notes): all of one author in one chat.
    async fn mark_read(
        &self,
        chat: &Jid,
        author: &Jid,
        messages: &[WhatsAppId],
        played: bool,
    ) -> Result<(), DriverError> {
        let _unused = (chat, author, messages, played);
        Err(DriverError::Unsupported("mark messages as read"))
    }

    /// Shows that the account writes or records, or has stopped.
    async fn show_state(&self, chat: &Jid, state: ChatState) -> Result<(), DriverError> {
        let _unused = (chat, state);
        Err(DriverError::Unsupported("show that it is typing"))
    }

    /// Changes how the account keeps a chat, on all its devices. `newest` is the chat's newest
    /// message: its author, id, whether it is the account's own, and its time, as the network wants
    /// it told for archiving and reading.
    async fn change_chat(
        &self,
        chat: &Jid,
        change: &ChatChange,
        newest: Option<&Newest>,
    ) -> Result<(), DriverError> {
        let _unused = (chat, change, newest);
        Err(DriverError::Unsupported("archive, pin, mute or mark chats"))
    }

    /// Refuses a call.
    async fn reject_call(&self, call: &str, by: &Jid) -> Result<(), DriverError> {
        let _unused = (call, by);
        Err(DriverError::Unsupported("refuse calls"))
    }
}

/// The newest message of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Its id.
    pub whatsapp_id: WhatsAppId,
    /// Its author.
    pub author: Jid,
    /// Whether the account wrote it.
    pub own: bool,
    /// When.
    pub at: Timestamp,
}
