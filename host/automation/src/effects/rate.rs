//! How many messages an extension sends: the grant `rate`.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use warbler_domain::Timestamp;

/// What `rate` is counted over.
const WINDOW: Duration = Duration::from_secs(60);

/// What one extension has sent lately, in all its versions.
#[derive(Debug, Default)]
pub(crate) struct Rate(Mutex<Count>);

#[derive(Debug, Default)]
struct Count {
    since: Option<Timestamp>,
    messages: u32,
}

impl Rate {
    /// Takes one of the `most` messages of this minute; whether there was one left.
    pub(super) fn take(&self, most: u32, now: Timestamp) -> bool {
        let mut count = self.count();
        let over = count
            .since
            .is_none_or(|since| now.since(since) >= WINDOW || now < since);
        if over {
            *count = Count {
                since: Some(now),
                messages: 0,
            };
        }
        if count.messages >= most {
            return false;
        }
        count.messages = count.messages.saturating_add(1);
        true
    }

    /// Gives back what a call took that failed.
    pub(super) fn give_back(&self, messages: u32) {
        let mut count = self.count();
        count.messages = count.messages.saturating_sub(messages);
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
