//! Calls that ring, as far as refusing them needs to know them.
//!
//! A refusal goes to the device that calls, in the address it calls from; the host knows the
//! caller only by the plain address. So the link remembers the newest calls.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use wacore_binary::Jid as EngineJid;

/// Calls that are remembered; of more, the oldest are forgotten and refused by plain address.
const REMEMBERED: usize = 64;

/// Who makes a call, as the network names them, and what kind of call it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Where the refusal goes.
    pub(crate) peer: EngineJid,
    /// Who made the call.
    pub(crate) creator: EngineJid,
    /// Whether with pictures.
    pub(crate) video: bool,
    /// Whether several people are called.
    pub(crate) group: bool,
}

/// The newest calls.
#[derive(Default)]
pub(crate) struct Calls(Mutex<VecDeque<(String, Caller)>>);

impl Calls {
    /// Remembers who makes a call.
    pub(crate) fn rings(&self, call: &str, caller: Caller) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(id, _)| id != call);
        if known.len() >= REMEMBERED {
            known.pop_front();
        }
        known.push_back((call.to_owned(), caller));
    }

    /// Who makes a call, if it is remembered.
    pub(crate) fn caller(&self, call: &str) -> Option<Caller> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(id, _)| id == call);
        found.map(|(_, caller)| caller.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_calls_are_remembered() {
        let calls = Calls::default();
        let caller = Caller {
            peer: EngineJid::lid("1"),
            creator: EngineJid::lid("1"),
            video: true,
            group: false,
        };
        for call in 0..=REMEMBERED {
            calls.rings(&call.to_string(), caller.clone());
        }
        assert_eq!(calls.caller("0"), None);
        assert_eq!(calls.caller("1"), Some(caller));
    }
}
