//! Ratchets that wait for the messages they have read.
//!
//! The engine writes all ratchets that have moved on, also those that have just read a message which
//! is not handed over yet. On disk before its message, such a ratchet would make a crash lose it. So
//! it waits, a moment, until that message is in its turn to be written ([`crate::intake`]), and
//! follows it. A ratchet that something was sent with since it last turned must be on disk before
//! that leaves, and so the wire waits with it; a sender key, too, since it may be our own.
//!
//! Invariant: what waits of a record is newer than what is on disk of it, and whoever reads it sees
//! what waits. All that touches ratchets goes through [`Keys::held`], in the order it came.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::MutexGuard;
use wacore::store::error::Result;
use waproto::buffa::MessageView as _;
use waproto::whatsapp::RecordStructureView;
use warbler_store::device_keys::KeySpace;

use super::queued::Turn;
use super::signal::is_of_user;
use super::{Keys, space};

/// What waits, oldest first.
#[derive(Default)]
pub(super) struct Held(Vec<Waiting>);

/// One record.
struct Waiting {
    record: Record,
    /// The messages it waits for.
    until: HashSet<String>,
    /// What makes the wire wait, too.
    turn: Option<Turn>,
}

/// What is to be written under a key; nothing, if it is to go.
#[derive(Clone)]
struct Record {
    space: KeySpace,
    key: Vec<u8>,
    value: Option<Bytes>,
}

impl Held {
    /// The newest of a record, if it waits.
    pub(super) fn newest(&self, space: KeySpace, key: &[u8]) -> Option<&[u8]> {
        let mut newest_first = self.0.iter().rev().map(|waiting| &waiting.record);
        let found = newest_first.find(|record| record.space == space && record.key == key);
        found.and_then(|record| record.value.as_deref())
    }

    /// What waits of a record is overtaken, by a write that ends these turns.
    fn overtaken(&mut self, space: KeySpace, key: &[u8]) -> Vec<Turn> {
        let same =
            |waiting: &mut Waiting| waiting.record.space == space && waiting.record.key == key;
        let overtaken = self.0.extract_if(.., same);
        overtaken.filter_map(|waiting| waiting.turn).collect()
    }

    /// Everything that waits for sessions.
    fn sessions(&self) -> HashSet<String> {
        let of_sessions = |waiting: &&Waiting| waiting.record.space == space::SESSIONS;
        let waiting = self.0.iter().filter(of_sessions);
        waiting
            .flat_map(|waiting| waiting.until.iter().cloned())
            .collect()
    }
}

impl Keys {
    /// Writes ratchets in their turn, those that may have read what is not handed over after it.
    pub(super) async fn put_ratchets(
        &self,
        space: KeySpace,
        records: &[(Arc<str>, Bytes)],
    ) -> Result<()> {
        let mut held = self.held.lock().await;
        let changing = self
            .intake
            .changing(records.iter().map(|(address, _)| &**address));
        let (mut now, mut turns) = (Vec::with_capacity(records.len()), Vec::new());
        let mut awaited = HashSet::new();
        for ((address, value), until) in records.iter().zip(changing) {
            let record = Record {
                space,
                key: address.as_bytes().to_vec(),
                value: Some(value.clone()),
            };
            if until.is_empty() {
                turns.extend(held.overtaken(space, &record.key));
                now.push(record);
                continue;
            }
            awaited.extend(until.iter().cloned());
            let for_wire = space != space::SESSIONS || has_sent(value);
            let turn = for_wire.then(|| self.believed());
            held.0.push(Waiting {
                record,
                until,
                turn,
            });
        }
        if !awaited.is_empty() {
            let keys = self.clone();
            self.tasks.spawn(async move {
                tokio::select! {
                    () = keys.intake.over(&awaited) => {}
                    () = keys.closing.cancelled() => {}
                }
                keys.release().await;
            });
        }
        self.write_records(held, now, turns).await
    }

    /// The turn of something that the engine takes for stored.
    fn believed(&self) -> Turn {
        let mut turn = self.queued.begin();
        turn.believed();
        turn
    }

    /// Writes those that wait for nothing any more.
    pub(crate) async fn release(&self) {
        let mut held = self.held.lock().await;
        if held.0.is_empty() {
            return;
        }
        let (mut ready, mut turns) = (Vec::new(), vec![self.believed()]);
        for waiting in std::mem::take(&mut held.0) {
            if self.intake.are_over(&waiting.until) {
                ready.push(waiting.record);
                turns.extend(waiting.turn);
            } else {
                held.0.push(waiting);
            }
        }
        if let Err(err) = self.write_records(held, ready, turns).await {
            tracing::error!(%err, "Ratchets that had waited could not be stored");
        }
    }

    /// Gives up what waits: what it has read comes again.
    pub(super) async fn give_up_held(&self) {
        self.release().await;
        self.held.lock().await.0.clear();
    }

    /// Writes one ratchet, and answers when it is on disk.
    pub(super) async fn put_ratchet(
        &self,
        space: KeySpace,
        address: &str,
        value: &[u8],
    ) -> Result<()> {
        let mut held = self.held.lock().await;
        let turns = held.overtaken(space, address.as_bytes());
        let written = self.put(space, address.into(), value.to_vec()).await;
        for turn in turns {
            turn.end(written.is_ok());
        }
        written
    }

    pub(super) async fn delete_ratchet(&self, space: KeySpace, address: &str) -> Result<()> {
        let mut held = self.held.lock().await;
        let turns = held.overtaken(space, address.as_bytes());
        let record = Record {
            space,
            key: address.into(),
            value: None,
        };
        self.write_records(held, vec![record], turns).await
    }

    /// A one-time prekey goes after the session that was made from it.
    pub(super) async fn use_up_prekey(&self, id: [u8; 4]) -> Result<()> {
        let mut held = self.held.lock().await;
        let record = Record {
            space: space::PREKEYS,
            key: id.into(),
            value: None,
        };
        let until = held.sessions();
        if until.is_empty() {
            return self.write_records(held, vec![record], Vec::new()).await;
        }
        held.0.push(Waiting {
            record,
            until,
            turn: None,
        });
        Ok(())
    }

    /// Whether a session of `user` waits.
    pub(super) async fn holds_ratchets_of(&self, user: &str) -> bool {
        let held = self.held.lock().await;
        let user = user.as_bytes();
        held.0.iter().any(|waiting| {
            let record = &waiting.record;
            record.space == space::SESSIONS
                && record.key.starts_with(user)
                && is_of_user(&record.key, user)
        })
    }

    /// Gives records to the writer before anything else of `held` may be.
    async fn write_records(
        &self,
        held: MutexGuard<'_, Held>,
        records: Vec<Record>,
        turns: Vec<Turn>,
    ) -> Result<()> {
        if records.is_empty() {
            turns.into_iter().for_each(|turn| turn.end(true));
            return Ok(());
        }
        let written = self.write_in_turns("ratchets", turns, move |tx| {
            for record in &records {
                match &record.value {
                    Some(value) => tx.put(record.space, &record.key, value)?,
                    None => tx.delete(record.space, &record.key)?,
                }
            }
            Ok(())
        });
        let written = written.await;
        drop(held);
        written
    }
}

/// Whether something was sent with the present chain of a session.
fn has_sent(session: &[u8]) -> bool {
    let Ok(record) = RecordStructureView::decode_view(session) else {
        return true;
    };
    let state = record.current_session.as_option();
    let chain = state.and_then(|state| state.sender_chain.as_option());
    let key = chain.and_then(|chain| chain.chain_key.as_option());
    key.is_none_or(|key| key.index.is_none_or(|index| index > 0))
}
