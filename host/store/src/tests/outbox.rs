//! The outbox under any order of what can happen to it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use warbler_domain::{FailureCode, Jid, Message, MessageId, Random, SessionId, Timestamp};

use super::{Bench, NOW};
use crate::outbox::{Lease, OutboxRow, Standing};
use crate::{Error, Writer};

const SEEDS: u64 = 40;
const STEPS: usize = 250;
const CHATS: usize = 4;

/// What the outbox has to be like.
struct Model {
    random: Random,
    session: SessionId,
    chats: Vec<Jid>,
    now: Timestamp,
    /// The lane of each chat, its head first.
    lanes: BTreeMap<Jid, Vec<MessageId>>,
    scheduled: Vec<(Timestamp, MessageId, Jid)>,
    leased: Vec<OutboxRow>,
    dead: Vec<OutboxRow>,
    /// What has left, by chat, in order.
    left: BTreeMap<Jid, Vec<MessageId>>,
    accepted: BTreeSet<MessageId>,
    cancelled: BTreeSet<MessageId>,
}

fn holds(condition: bool, what: impl Into<String>) -> Result<(), Error> {
    if condition {
        Ok(())
    } else {
        Err(Error::Sqlite(what.into()))
    }
}

impl Model {
    fn lease(&self) -> Lease {
        Lease {
            owner: "test".to_owned(),
            now: self.now,
            until: self.now.plus(Duration::from_secs(30)),
        }
    }

    fn chat(&self) -> Jid {
        self.chats[self.random.below(CHATS)].clone()
    }

    fn accept(&mut self, tx: &Writer<'_>, template: &Message) -> Result<(), Error> {
        let mut message = template.clone();
        message.id = MessageId::new(self.now, &self.random);
        message.whatsapp_id = warbler_domain::WhatsAppId::new(&self.random);
        message.chat = self.chat();
        if self.random.below(4) == 0 {
            let ahead = Duration::from_secs(1 + self.random.below(50) as u64);
            message.scheduled_for = Some(self.now.plus(ahead));
        }
        tx.messages_mut().insert(&message)?;
        let lease = (self.random.below(2) == 0).then(|| self.lease());
        let claimed = tx
            .outbox_mut()
            .enqueue(&message, self.now, lease.as_ref())?;
        self.accepted.insert(message.id);
        match message.scheduled_for {
            Some(at) => self.scheduled.push((at, message.id, message.chat)),
            None => self.lanes.entry(message.chat).or_default().push(message.id),
        }
        claimed.map_or(Ok(()), |row| self.is_claimed(row))
    }

    /// A row was leased: it must be the head of its lane, and nobody else's.
    fn is_claimed(&mut self, row: OutboxRow) -> Result<(), Error> {
        let head = self.lanes.get(&row.chat).and_then(|lane| lane.first());
        holds(head == Some(&row.message), "only a head is claimed")?;
        let twice = self.leased.iter().any(|held| held.seq == row.seq);
        holds(!twice, "a row is leased once")?;
        self.leased.push(row);
        Ok(())
    }

    fn leave(&mut self, row: &OutboxRow) {
        if let Some(lane) = self.lanes.get_mut(&row.chat) {
            lane.retain(|id| *id != row.message);
        }
        self.leased.retain(|held| held.seq != row.seq);
    }

    fn any_leased(&self) -> Option<OutboxRow> {
        let count = self.leased.len();
        (count > 0).then(|| self.leased[self.random.below(count)].clone())
    }

    fn enter(&mut self, tx: &Writer<'_>) -> Result<(), Error> {
        let count = tx.outbox_mut().enter_scheduled(self.now, 1000)?;
        let now = self.now;
        let mut due: Vec<_> = self
            .scheduled
            .iter()
            .filter(|(at, ..)| *at <= now)
            .cloned()
            .collect();
        // Equal times enter as they were accepted.
        due.sort_by_key(|(at, ..)| *at);
        self.scheduled.retain(|(at, ..)| *at > now);
        holds(
            count == due.len(),
            "all that is due enters, and nothing else",
        )?;
        for (_, id, chat) in due {
            self.lanes.entry(chat).or_default().push(id);
        }
        Ok(())
    }

    fn step(&mut self, tx: &Writer<'_>, template: &Message) -> Result<(), Error> {
        match self.random.below(14) {
            0..=3 => self.accept(tx, template),
            4 | 5 => {
                let limit = 1 + self.random.below(6) as u32;
                for row in tx.outbox_mut().claim(self.session, &self.lease(), limit)? {
                    self.is_claimed(row)?;
                }
                Ok(())
            }
            6 => {
                self.now = self
                    .now
                    .plus(Duration::from_secs(self.random.below(20) as u64));
                // What the store leases again has run out.
                let expired = self.now;
                let mut still = Vec::new();
                for row in std::mem::take(&mut self.leased) {
                    let waiting = tx.outbox().of_message(row.message, expired)?;
                    if waiting.is_some_and(|waiting| waiting.standing == Standing::UnderWay) {
                        still.push(row);
                    }
                }
                self.leased = still;
                self.enter(tx)
            }
            7 => match self.any_leased() {
                Some(row) => {
                    tx.outbox_mut().finish(&row)?;
                    self.leave(&row);
                    self.left.entry(row.chat).or_default().push(row.message);
                    Ok(())
                }
                None => Ok(()),
            },
            8 => match self.any_leased() {
                Some(row) => {
                    self.leased.retain(|held| held.seq != row.seq);
                    match self.random.below(2) {
                        0 => tx.outbox_mut().release(row.seq),
                        _ => {
                            let later = self.now.plus(Duration::from_secs(5));
                            tx.outbox_mut().retry(row.seq, later, "later")
                        }
                    }
                }
                None => Ok(()),
            },
            9 => match self.any_leased() {
                Some(row) => {
                    let code = FailureCode::Refused;
                    tx.outbox_mut().bury(&row, code, "refused", self.now)?;
                    self.leave(&row);
                    self.dead.push(row);
                    Ok(())
                }
                None => Ok(()),
            },
            10 => self.cancel(tx),
            // Pacing holds back what is due, until its rules change.
            11 => {
                let later = self.now.plus(Duration::from_secs(3600));
                for row in tx.outbox().due(self.session, self.now, 2)? {
                    let head = self.lanes.get(&row.chat).and_then(|lane| lane.first());
                    holds(head == Some(&row.message), "only a head is due")?;
                    tx.outbox_mut().delay(row.seq, later, "per_minute")?;
                }
                Ok(())
            }
            12 => {
                tx.outbox_mut().undelay(self.session, self.now)?;
                let held = "SELECT count(*) FROM outbox WHERE head = 1 AND delayed IS NOT NULL";
                let held: i64 = tx.conn.query_row(held, [], |row| row.get(0))?;
                holds(
                    held == 0,
                    "new rules hold nothing back that waited by the old",
                )
            }
            _ => {
                let Some(row) = self.dead.pop() else {
                    tx.outbox_mut().release_all(self.session)?;
                    self.leased.clear();
                    return Ok(());
                };
                tx.outbox_mut().replay(&row, self.now)?;
                self.lanes.entry(row.chat).or_default().push(row.message);
                Ok(())
            }
        }
    }

    /// Takes a message out that is not under way.
    fn cancel(&mut self, tx: &Writer<'_>) -> Result<(), Error> {
        let waiting: Vec<MessageId> = self.lanes.values().flatten().copied().collect();
        let scheduled = self.scheduled.iter().map(|(_, id, _)| *id);
        let all: Vec<_> = waiting.into_iter().chain(scheduled).collect();
        if all.is_empty() {
            return Ok(());
        }
        let id = all[self.random.below(all.len())];
        let waiting = tx.outbox().of_message(id, self.now)?;
        let Some(waiting) = waiting else {
            return holds(false, "what waits has a row");
        };
        if matches!(waiting.standing, Standing::Queued | Standing::Scheduled) {
            tx.outbox_mut().finish(&waiting.row)?;
            self.leave(&waiting.row);
            self.scheduled.retain(|(_, scheduled, _)| *scheduled != id);
            self.cancelled.insert(id);
        }
        Ok(())
    }

    /// Every lane has one head, its oldest; nothing else is one.
    fn check_heads(&self, tx: &Writer<'_>) -> Result<(), Error> {
        let wrong: i64 = tx.conn.query_row(
            "SELECT count(*) FROM (
                 SELECT sum(head) AS heads, min(seq) AS oldest, max(CASE head WHEN 1 THEN seq END) AS head
                 FROM outbox WHERE dead = 0 AND scheduled = 0 GROUP BY session, chat
             ) WHERE heads <> 1 OR oldest <> head",
            [],
            |row| row.get(0),
        )?;
        let outside = "SELECT count(*) FROM outbox WHERE head = 1 AND (dead = 1 OR scheduled = 1)";
        let outside: i64 = tx.conn.query_row(outside, [], |row| row.get(0))?;
        holds(
            wrong == 0 && outside == 0,
            "every lane has its oldest row as head",
        )
    }

    /// Lets everything that is left go, and looks whether all of it does.
    fn drain(&mut self, tx: &Writer<'_>) -> Result<(), Error> {
        tx.outbox_mut().release_all(self.session)?;
        self.leased.clear();
        self.now = self.now.plus(Duration::from_secs(1000));
        self.enter(tx)?;
        tx.outbox_mut().undelay(self.session, self.now)?;
        loop {
            let rows = tx.outbox_mut().claim(self.session, &self.lease(), 100)?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                self.is_claimed(row.clone())?;
                tx.outbox_mut().finish(&row)?;
                self.leave(&row);
                self.left.entry(row.chat).or_default().push(row.message);
            }
        }
        let left: Vec<_> = self.left.values().flatten().copied().collect();
        let mut seen: BTreeSet<_> = left.iter().copied().collect();
        holds(seen.len() == left.len(), "nothing leaves twice")?;
        seen.extend(&self.cancelled);
        seen.extend(self.dead.iter().map(|row| row.message));
        holds(seen == self.accepted, "nothing is lost")?;
        let counts = tx.outbox().counts(self.session, self.now)?;
        let alive = counts.queued + counts.scheduled + counts.under_way;
        let dead = counts.dead == self.dead.len() as u64;
        holds(
            alive == 0 && dead,
            format!("what is left is dead: {counts:?}"),
        )
    }
}

#[tokio::test]
async fn whatever_happens_a_chat_stays_in_order_and_nothing_is_lost_or_doubled() -> Result<()> {
    let bench = Bench::new()?;
    for seed in 0..SEEDS {
        let session = bench.session();
        let template = bench.message(session, "15550100@c.us")?;
        let chats = (0..CHATS).map(|index| format!("1555010{index}@c.us").parse());
        let chats = chats.collect::<Result<Vec<Jid>, _>>()?;
        let ran = bench.store.write_relaxed(move |tx| {
            let mut model = Model {
                random: Random::seeded(seed),
                session,
                chats,
                now: NOW,
                lanes: BTreeMap::new(),
                scheduled: Vec::new(),
                leased: Vec::new(),
                dead: Vec::new(),
                left: BTreeMap::new(),
                accepted: BTreeSet::new(),
                cancelled: BTreeSet::new(),
            };
            for _ in 0..STEPS {
                model.step(tx, &template)?;
                model.check_heads(tx)?;
            }
            model.drain(tx)
        });
        let ran = ran.await;
        assert!(ran.is_ok(), "seed {seed}: {ran:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_scheduled_message_keeps_nobody_waiting_and_enters_behind_what_is_there() -> Result<()> {
    let bench = Bench::new()?;
    let session = bench.session();
    let chat = "15550100@c.us";
    let mut later = bench.message(session, chat)?;
    later.scheduled_for = Some(NOW.plus(Duration::from_secs(60)));
    let (now, next) = (bench.message(session, chat)?, bench.message(session, chat)?);
    let ids = [now.id, later.id, next.id];
    let mut lease = bench.lease();
    let order = bench
        .store
        .write(move |tx| {
            tx.outbox_mut().enqueue(&later, NOW, Some(&lease))?;
            tx.outbox_mut().enqueue(&now, NOW, None)?;
            let mut order = Vec::new();
            for row in tx.outbox_mut().claim(session, &lease, 9)? {
                order.push(row.message);
                tx.outbox_mut().finish(&row)?;
            }
            lease.now = NOW.plus(Duration::from_secs(60));
            lease.until = lease.now.plus(Duration::from_secs(10));
            assert!(tx.outbox().is_scheduled_due(lease.now)?);
            tx.outbox_mut().enter_scheduled(lease.now, 9)?;
            tx.outbox_mut().enqueue(&next, lease.now, None)?;
            for _ in 0..2 {
                for row in tx.outbox_mut().claim(session, &lease, 9)? {
                    order.push(row.message);
                    tx.outbox_mut().finish(&row)?;
                }
            }
            Ok::<_, Error>(order)
        })
        .await?;
    assert_eq!(order, ids);
    Ok(())
}

#[tokio::test]
async fn a_message_behind_a_free_one_is_not_handed_out_in_its_place() -> Result<()> {
    let bench = Bench::new()?;
    let session = bench.session();
    let chat = "15550100@c.us";
    let (first, second) = (bench.message(session, chat)?, bench.message(session, chat)?);
    let lease = bench.lease();
    let ids = [first.id, second.id];
    let order = bench
        .store
        .write(move |tx| {
            // The session was away when the first was accepted, and is back at the second.
            tx.outbox_mut().enqueue(&first, NOW, None)?;
            let claimed = tx.outbox_mut().enqueue(&second, NOW, Some(&lease))?;
            assert_eq!(claimed, None);
            let mut order = Vec::new();
            while let [row] = tx.outbox_mut().claim(session, &lease, 9)?.as_slice() {
                order.push(row.message);
                tx.outbox_mut().finish(row)?;
            }
            Ok::<_, Error>(order)
        })
        .await?;
    assert_eq!(order, ids);
    Ok(())
}
