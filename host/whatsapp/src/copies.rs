//! The engine's copies of what was sent, for edits and for whoever asks for one again.

use warbler_domain::Jid;

use crate::address;
use crate::keys::Keys;
use crate::memory::Memory;

/// A message as it was sent to `chat`, for as long as the engine keeps it: longer than it can be
/// edited. A person's chat is looked up under both of their addresses.
pub(crate) async fn sent(
    memory: &dyn Memory,
    keys: &Keys,
    chat: &Jid,
    id: &str,
) -> Option<waproto::whatsapp::Message> {
    let mut chats = vec![address::engine(chat).to_string()];
    let other = address::counterpart(memory, chat).await;
    chats.extend(other.map(|other| address::engine(&other).to_string()));
    for chat in chats {
        let kept = keys.sent_message(&chat, id).await;
        let kept = kept.unwrap_or_else(|err| {
            tracing::warn!(%err, "The copy of a sent message could not be read");
            None
        });
        if let Some(bytes) = kept {
            return waproto::codec::message_decode(&bytes).ok();
        }
    }
    None
}
