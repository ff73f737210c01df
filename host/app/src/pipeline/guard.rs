//! The guard against conversations of machines: two auto-repliers in one chat would write to each
//! other for ever.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use warbler_domain::extension::ExtensionFault;
use warbler_domain::{Event, Jid, SessionId, Timestamp};

/// How long actions count.
const WINDOW: Duration = Duration::from_secs(60);
/// Chats that are remembered; beyond that, those at rest are forgotten first.
const CHATS: usize = 10_000;

/// Counts the actions of extensions per chat.
pub(crate) struct LoopGuard {
    per_window: u32,
    chats: Mutex<HashMap<(SessionId, Jid), Count>>,
}

struct Count {
    since: Timestamp,
    actions: u32,
}

impl LoopGuard {
    /// At most `per_window` actions per chat and minute; 0 means no guard.
    pub(crate) fn new(per_window: u32) -> Self {
        Self {
            per_window,
            chats: Mutex::default(),
        }
    }

    /// Counts `actions` of one call; a fault when they are too many.
    pub(crate) fn check(
        &self,
        event: &Event,
        actions: usize,
        now: Timestamp,
    ) -> Option<ExtensionFault> {
        if self.per_window == 0 || actions == 0 {
            return None;
        }
        let key = (event.session, event.chat()?.clone());
        let mut chats = self
            .chats
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if chats.len() >= CHATS && !chats.contains_key(&key) {
            chats.retain(|_, count| now.since(count.since) < WINDOW);
        }
        let count = chats.entry(key).or_insert(Count {
            since: now,
            actions: 0,
        });
        if now.since(count.since) >= WINDOW {
            *count = Count {
                since: now,
                actions: 0,
            };
        }
        count.actions = count
            .actions
            .saturating_add(u32::try_from(actions).unwrap_or(u32::MAX));
        if count.actions <= self.per_window {
            return None;
        }
        let message = format!(
            "more than {} automatic messages in this chat within a minute; \
                 raise `loop_guard` in the configuration if that is intended",
            self.per_window
        );
        Some(ExtensionFault::new("loop-guard", message, now))
    }
}
