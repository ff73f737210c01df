//! Where it is kept what rules know of a chat: in the key-value space of their extension.
//!
//! Events of a chat are handled one after the other, and what an event writes is committed before the
//! next one begins; so a record that was read, changed and written is never somebody else's.

use warbler_app::hook::{HookCall, KvBuffer, KvError};
use warbler_domain::rule::ChatMemory;
use warbler_store::kv::KvWrite;

/// What is kept of the chat of an event.
pub(super) async fn load(call: &HookCall) -> Result<ChatMemory, KvError> {
    let Some(chat) = call.event.chat() else {
        return Ok(ChatMemory::default());
    };
    let kv = KvBuffer::new(call.kv.clone().of_session(call.event.session));
    let stored = kv.get(&ChatMemory::key_of(chat)).await?;
    Ok(stored.map_or_else(ChatMemory::default, |bytes| ChatMemory::read(&bytes)))
}

/// What is to be written so that it is kept.
pub(super) fn writes(
    memory: ChatMemory,
    call: &HookCall,
) -> Result<Vec<KvWrite>, serde_json::Error> {
    let Some(chat) = call.event.chat() else {
        return Ok(Vec::new());
    };
    let mut kv = KvBuffer::new(call.kv.clone().of_session(call.event.session));
    let (bytes, until) = memory.written(call.now)?;
    kv.keep(ChatMemory::key_of(chat), bytes, until);
    Ok(kv.into_writes())
}
