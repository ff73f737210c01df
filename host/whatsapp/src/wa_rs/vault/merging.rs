//! Two changes of one Signal session, put together.
//!
//! Reading a message and writing one each take the session, change a part of it, and store the
//! whole. The engine does both at the same time, and lets whoever stores last undo the other. An
//! undone step of the sending chain is the worst of it: the next message would be encrypted with a
//! key that was used, and its reader would throw it away as a repeat.
//!
//! Invariant: a chain that is in both records never goes back.

use ::wa_rs_proto::whatsapp::session_structure::Chain;
use ::wa_rs_proto::whatsapp::{RecordStructure, SessionStructure};
use prost::Message as _;

/// What is to be kept of the record that is `stored` and a `new` one.
pub(super) fn merged(stored: &[u8], new: Vec<u8>) -> Vec<u8> {
    let (Ok(old), Ok(record)) = (
        RecordStructure::decode(stored),
        RecordStructure::decode(new.as_slice()),
    ) else {
        // What nobody can read is replaced.
        return new;
    };
    match together(&old, record) {
        Some(record) => record.encode_to_vec(),
        None => stored.to_vec(),
    }
}

/// `None` when the stored record knows all that the new one does.
fn together(old: &RecordStructure, mut new: RecordStructure) -> Option<RecordStructure> {
    let (Some(before), Some(after)) = (&old.current_session, &mut new.current_session) else {
        return Some(new);
    };
    if before.alice_base_key != after.alice_base_key {
        let archived = |session: &SessionStructure| session.alice_base_key == after.alice_base_key;
        // The other side has begun a new session while this one was at work on the one before.
        return (!old.previous_sessions.iter().any(archived)).then_some(new);
    }
    let same_sender = ratchet(before.sender_chain.as_ref()) == ratchet(after.sender_chain.as_ref());
    if !same_sender && knows_more(before, after) {
        return None;
    }
    if same_sender
        && let (Some(old), Some(new)) = (&before.sender_chain, &mut after.sender_chain)
        && at(old) > at(new)
    {
        *new = old.clone();
    }
    for chain in &mut after.receiver_chains {
        let old = before
            .receiver_chains
            .iter()
            .find(|old| old.sender_ratchet_key == chain.sender_ratchet_key);
        if let Some(old) = old
            && (at(old) > at(chain)
                || at(old) == at(chain) && old.message_keys.len() < chain.message_keys.len())
        {
            *chain = old.clone();
        }
    }
    // What the other side was told of the one-time key it used need not be told again.
    if before.pending_pre_key.is_none() {
        after.pending_pre_key = None;
    }
    Some(new)
}

/// Whether a session has heard of a step of the other side that another has not.
fn knows_more(one: &SessionStructure, other: &SessionStructure) -> bool {
    one.receiver_chains.iter().any(|chain| {
        let known = |other: &Chain| other.sender_ratchet_key == chain.sender_ratchet_key;
        !other.receiver_chains.iter().any(known)
    })
}

fn ratchet(chain: Option<&Chain>) -> Option<&Vec<u8>> {
    chain.and_then(|chain| chain.sender_ratchet_key.as_ref())
}

/// How far a chain has gone.
fn at(chain: &Chain) -> u32 {
    let key = chain.chain_key.as_ref();
    key.and_then(|key| key.index).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::wa_rs_proto::whatsapp::session_structure::chain::ChainKey;

    fn chain(ratchet: u8, index: u32) -> Chain {
        Chain {
            sender_ratchet_key: Some(vec![ratchet]),
            chain_key: Some(ChainKey {
                index: Some(index),
                key: None,
            }),
            ..Chain::default()
        }
    }

    fn session(base: u8, sender: Chain, receivers: Vec<Chain>) -> SessionStructure {
        SessionStructure {
            alice_base_key: Some(vec![base]),
            sender_chain: Some(sender),
            receiver_chains: receivers,
            ..SessionStructure::default()
        }
    }

    fn record(current: SessionStructure, previous: Vec<SessionStructure>) -> RecordStructure {
        RecordStructure {
            current_session: Some(current),
            previous_sessions: previous,
        }
    }

    fn kept(stored: &RecordStructure, new: &RecordStructure) -> RecordStructure {
        let kept = merged(&stored.encode_to_vec(), new.encode_to_vec());
        RecordStructure::decode(kept.as_slice()).unwrap_or_default()
    }

    #[test]
    fn a_reader_does_not_undo_what_a_writer_has_sent() {
        let sent = record(session(1, chain(10, 5), vec![chain(20, 3)]), Vec::new());
        let read = record(session(1, chain(10, 4), vec![chain(20, 4)]), Vec::new());
        let both = record(session(1, chain(10, 5), vec![chain(20, 4)]), Vec::new());
        assert_eq!(kept(&sent, &read), both);
        assert_eq!(kept(&read, &sent), both);
    }

    #[test]
    fn a_step_of_the_other_side_is_not_taken_back() {
        let sent = record(session(1, chain(10, 5), vec![chain(20, 3)]), Vec::new());
        let stepped = session(1, chain(11, 0), vec![chain(20, 3), chain(21, 1)]);
        let stepped = record(stepped, Vec::new());
        assert_eq!(kept(&stepped, &sent), stepped);
        assert_eq!(kept(&sent, &stepped), stepped);
    }

    #[test]
    fn a_session_that_was_replaced_does_not_come_back() {
        let old = session(1, chain(10, 5), vec![chain(20, 3)]);
        let new = record(session(2, chain(30, 0), Vec::new()), vec![old.clone()]);
        assert_eq!(kept(&new, &record(old, Vec::new())), new);
    }

    #[test]
    fn a_new_session_replaces_the_one_before() {
        let old = record(session(1, chain(10, 5), Vec::new()), Vec::new());
        let new = record(session(2, chain(30, 0), Vec::new()), Vec::new());
        assert_eq!(kept(&old, &new), new);
    }
}
