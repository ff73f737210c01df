//! A key-value space and stored messages that somebody wrote down, instead of those of the store.
//!
//! What an extension's fixtures are run with: the same calls are answered, from memory.

use std::collections::BTreeMap;

use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{Jid, Message, WhatsAppId};

/// What there is to read.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The key-value space.
    pub kv: BTreeMap<String, Vec<u8>>,
    /// The stored messages of the session, the oldest first.
    pub messages: Vec<Message>,
}

impl Given {
    pub(super) fn keys(&self, prefix: &str, after: &str, limit: u32) -> Vec<String> {
        self.kv
            .keys()
            .filter(|key| key.starts_with(prefix) && key.as_str() > after)
            .take(limit as usize)
            .cloned()
            .collect()
    }

    pub(super) fn used_bytes(&self) -> u64 {
        let sizes = self.kv.iter().map(|(key, value)| key.len() + value.len());
        sizes.sum::<usize>() as u64
    }

    pub(super) fn page(&self, chat: &Jid, page: PageRequest) -> Page<Message> {
        let rows: Vec<(i64, &Message)> = (1..).zip(&self.messages).collect();
        let wanted = rows
            .into_iter()
            .rev()
            .filter(|(_, message)| message.chat == *chat)
            .filter(|(seq, _)| page.after().is_none_or(|after| *seq < after.0))
            .map(|(seq, message)| (seq, message.clone()))
            .take((page.limit() as usize).saturating_add(1));
        Page::of_rows(wanted.collect(), page.limit())
    }

    pub(super) fn knows(&self, jid: &Jid) -> bool {
        self.messages.iter().any(|message| message.chat == *jid)
    }

    pub(super) fn with_id(&self, id: &WhatsAppId) -> Vec<Message> {
        let found = self.messages.iter();
        let found = found.filter(|message| message.whatsapp_id == *id);
        found.cloned().collect()
    }
}
