//! The store's promises, on real files.

mod lists;
mod outbox;
mod sending;
mod together;
mod trouble;
mod turns;
mod upgrade;

use anyhow::{Context, Result};
use tempfile::TempDir;
use warbler_domain::session::Wanted;
use warbler_domain::{
    Content, Direction, EngineName, Event, EventBody, EventId, ExtensionName, FailureCode, Jid,
    Message, MessageId, MessageStatus, Random, Session, SessionId, SessionState, Timestamp,
    WhatsAppId,
};

use crate::events::Trace;
use crate::kv::KvWrite;
use crate::outbox::Lease;
use crate::{Error, Store, StoreOptions};

struct Bench {
    store: Store,
    random: Random,
    dir: TempDir,
}

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

impl Bench {
    fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let store = Store::open(&StoreOptions::new(dir.path().join("warbler.db")))?;
        Ok(Self {
            store,
            random: Random::seeded(7),
            dir,
        })
    }

    fn session(&self) -> SessionId {
        SessionId::new(NOW, &self.random)
    }

    fn stored_session(&self) -> Result<Session> {
        Ok(Session {
            id: self.session(),
            name: "shop".parse()?,
            state: SessionState::Created,
            reason: None,
            changed_at: NOW,
            wanted: Wanted::Running,
            account: None,
            owner: None,
            created_at: NOW,
            engine: EngineName::default(),
        })
    }

    fn message(&self, session: SessionId, chat: &str) -> Result<Message> {
        let chat: Jid = chat.parse()?;
        Ok(Message {
            id: MessageId::new(NOW, &self.random),
            session,
            whatsapp_id: WhatsAppId::new(&self.random),
            sender: chat.clone(),
            chat,
            sender_alt: None,
            sender_name: None,
            direction: Direction::Outbound,
            timestamp: NOW,
            content: Content::text("hello"),
            quoted: None,
            status: MessageStatus::Queued,
            error: None,
            chat_alt: None,
            forwarded: 0,
            audience: Vec::new(),
            scheduled_for: None,
            error_code: None,
            sender_saved_name: None,
        })
    }

    fn lease(&self) -> Lease {
        Lease {
            owner: "test".to_owned(),
            now: NOW,
            until: NOW.plus(std::time::Duration::from_secs(10)),
        }
    }
}

#[tokio::test]
async fn a_job_that_fails_undoes_itself_and_nobody_else() -> Result<()> {
    let bench = Bench::new()?;
    let name: ExtensionName = "greeter".parse()?;
    let write = |key: &str| {
        vec![KvWrite::Set {
            key: key.to_owned(),
            value: b"1".to_vec(),
            expires_at: None,
        }]
    };
    let (kept, lost) = (name.clone(), name.clone());
    let (keep, lose) = (write("kept"), write("lost"));
    let good = bench
        .store
        .write(move |tx| tx.kv_mut().apply(&kept, &keep, NOW));
    let bad = bench.store.write(move |tx| {
        tx.kv_mut().apply(&lost, &lose, NOW)?;
        Err::<(), Error>(Error::Sqlite("on purpose".to_owned()))
    });
    let (good, bad) = tokio::join!(good, bad);
    good?;
    assert!(bad.is_err());
    let found = bench
        .store
        .read(move |db| {
            Ok::<_, Error>((
                db.kv().get(&name, "kept", NOW)?.is_some(),
                db.kv().get(&name, "lost", NOW)?.is_some(),
            ))
        })
        .await?;
    assert_eq!(found, (true, false));
    Ok(())
}

#[tokio::test]
async fn a_job_that_panics_is_rolled_back_and_the_writer_goes_on() -> Result<()> {
    let bench = Bench::new()?;
    let session = bench.session();
    let panicked = bench
        .store
        .write::<(), Error, _>(move |tx| {
            tx.device_keys_mut()
                .put(session, crate::device_keys::KeySpace(1), b"k", b"v", None)?;
            std::panic::resume_unwind(Box::new("on purpose"))
        })
        .await;
    assert!(matches!(panicked, Err(Error::Panicked)), "{panicked:?}");
    let key = bench
        .store
        .write(move |tx| {
            tx.device_keys()
                .get(session, crate::device_keys::KeySpace(1), b"k")
        })
        .await?;
    assert_eq!(key, None);
    Ok(())
}

#[tokio::test]
async fn everything_is_there_after_the_file_is_opened_again() -> Result<()> {
    let bench = Bench::new()?;
    let session = bench.stored_session()?;
    let row = session.clone();
    bench
        .store
        .write_relaxed(move |tx| tx.sessions_mut().insert(&row))
        .await?;
    bench.store.close().await;
    let again = Store::open(&StoreOptions::new(bench.dir.path().join("warbler.db")))?;
    assert_eq!(again.read(|db| db.sessions().list()).await?, vec![session]);
    Ok(())
}

#[tokio::test]
async fn the_same_happening_is_stored_once() -> Result<()> {
    let bench = Bench::new()?;
    let message = bench.message(bench.session(), "15550100@s.whatsapp.net")?;
    let event = |id| Event {
        id,
        session: message.session,
        at: NOW,
        body: EventBody::Message {
            message: Box::new(message.clone()),
        },
    };
    let first = event(EventId::new(NOW, &bench.random));
    let second = event(EventId::new(NOW, &bench.random));
    let id = first.id;
    let inserted = bench
        .store
        .write(move |tx| {
            let first = tx.events_mut().insert(&first, false)?;
            let second = tx.events_mut().insert(&second, false)?;
            Ok::<_, Error>((first.is_some(), second.is_some()))
        })
        .await?;
    assert_eq!(inserted, (true, false));
    let trace = Trace {
        done_at: NOW,
        steps: Vec::new(),
    };
    let finished = bench
        .store
        .write(move |tx| {
            let once = tx.events_mut().finish(id, &trace)?;
            Ok::<_, Error>((once, tx.events_mut().finish(id, &trace)?))
        })
        .await?;
    assert_eq!(finished, (true, false));
    Ok(())
}

#[tokio::test]
async fn a_chat_sends_one_message_after_the_other_and_chats_do_not_wait_for_each_other()
-> Result<()> {
    let bench = Bench::new()?;
    let session = bench.session();
    let (ada, bob) = ("15550100@s.whatsapp.net", "15550101@s.whatsapp.net");
    let messages = [
        bench.message(session, ada)?,
        bench.message(session, ada)?,
        bench.message(session, bob)?,
    ];
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let lease = bench.lease();
    let claimed = bench
        .store
        .write(move |tx| {
            for message in &messages {
                tx.messages_mut().insert(message)?;
                tx.outbox_mut().enqueue(message, NOW, None)?;
            }
            let first = tx.outbox_mut().claim(session, &lease, 10)?;
            let again = tx.outbox_mut().claim(session, &lease, 10)?;
            Ok::<_, Error>((first, again))
        })
        .await?;
    let (first, again) = claimed;
    assert_eq!(
        first.iter().map(|row| row.message).collect::<Vec<_>>(),
        [ids[0], ids[2]]
    );
    assert!(again.is_empty(), "a lease keeps others away");
    let lease = bench.lease();
    let done = first.first().context("a row")?.clone();
    let next = bench
        .store
        .write(move |tx| {
            tx.outbox_mut().finish(&done)?;
            tx.outbox_mut().claim_head(session, &done.chat, &lease)
        })
        .await?;
    assert_eq!(next.map(|row| row.message), Some(ids[1]));
    Ok(())
}

#[tokio::test]
async fn a_dead_letter_makes_way_and_is_kept() -> Result<()> {
    let bench = Bench::new()?;
    let session = bench.session();
    let messages = [
        bench.message(session, "15550100@c.us")?,
        bench.message(session, "15550100@c.us")?,
    ];
    let second = messages[1].id;
    let lease = bench.lease();
    let (next, counts) = bench
        .store
        .write(move |tx| {
            for message in &messages {
                tx.messages_mut().insert(message)?;
                tx.outbox_mut().enqueue(message, NOW, None)?;
            }
            for row in tx.outbox_mut().claim(session, &lease, 1)? {
                tx.outbox_mut()
                    .bury(&row, FailureCode::Refused, "refused", NOW)?;
            }
            let next = tx.outbox_mut().claim(session, &lease, 1)?;
            Ok::<_, Error>((next, tx.outbox().counts(session, NOW)?))
        })
        .await?;
    assert_eq!(next.first().map(|row| row.message), Some(second));
    assert_eq!((counts.under_way, counts.dead), (1, 1));
    Ok(())
}

#[tokio::test]
async fn increments_of_calls_at_the_same_time_all_count() -> Result<()> {
    let bench = Bench::new()?;
    let name: ExtensionName = "counter".parse()?;
    let mut calls = Vec::new();
    for _ in 0..50 {
        let (store, name) = (bench.store.clone(), name.clone());
        calls.push(tokio::spawn(async move {
            let writes = [KvWrite::Increment {
                key: "seen".to_owned(),
                by: 2,
            }];
            store
                .write_relaxed(move |tx| tx.kv_mut().apply(&name, &writes, NOW))
                .await
        }));
    }
    for call in calls {
        call.await??;
    }
    let seen = bench
        .store
        .read(move |db| db.kv().get(&name, "seen", NOW))
        .await?;
    assert_eq!(seen.as_deref(), Some(b"100".as_slice()));
    Ok(())
}

#[test]
fn a_file_of_a_newer_version_is_refused() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("warbler.db");
    let conn = rusqlite::Connection::open(&path)?;
    conn.pragma_update(None, "user_version", 9999)?;
    drop(conn);
    let refused = Store::open(&StoreOptions::new(&path));
    assert!(
        matches!(refused, Err(Error::TooNew { found: 9999, .. })),
        "{refused:?}"
    );
    Ok(())
}
