//! Files that an earlier version has written.

use anyhow::{Context as _, Result};
use rusqlite::{Connection, params};
use warbler_domain::page::PageRequest;
use warbler_domain::{Clock as _, SystemClock};

use super::Bench;
use crate::chats::ChatFilter;
use crate::{Store, StoreOptions};

/// What the first five versions of the schema were.
const EARLIER: [&str; 5] = [
    include_str!("../../migrations/0001_spine.sql"),
    include_str!("../../migrations/0002_access.sql"),
    include_str!("../../migrations/0003_media.sql"),
    include_str!("../../migrations/0004_sending.sql"),
    include_str!("../../migrations/0005_chats.sql"),
];

#[tokio::test]
async fn an_earlier_file_keeps_its_messages_chats_and_counts() -> Result<()> {
    let bench = Bench::new()?;
    let path = bench.dir.path().join("earlier.db");
    let now = SystemClock.now();
    let session = bench.session();
    let mut message = bench.message(session, "15550100@s.whatsapp.net")?;
    message.timestamp = now;
    {
        let conn = Connection::open(&path)?;
        for sql in EARLIER {
            conn.execute_batch(sql)?;
        }
        conn.pragma_update(None, "user_version", EARLIER.len() as i64)?;
        conn.execute(
            "INSERT INTO messages (id, session, chat, sender, whatsapp_id, status, body, place,
                                   written_at, kind, own)
             VALUES (?1, ?2, ?3, ?3, ?4, 'queued', ?5, ?6, ?7, 'text', 1)",
            params![
                message.id.as_bytes(),
                session.as_bytes(),
                message.chat.to_string(),
                message.whatsapp_id.as_str(),
                serde_json::to_string(&message)?,
                now.as_millis() << 21,
                now.as_millis(),
            ],
        )?;
        conn.execute(
            "INSERT INTO sessions (id, name, state, changed_at, wanted, created_at)
             VALUES (?1, 'shop', 'stopped', 7, 'stopped', 7)",
            params![session.as_bytes()],
        )?;
        conn.execute(
            "INSERT INTO chats (session, jid, place) VALUES (?1, ?2, 1)",
            params![session.as_bytes(), message.chat.to_string()],
        )?;
    }
    let store = Store::open(&StoreOptions::new(&path))?;
    let id = message.id;
    let advanced = store.write(move |tx| {
        let sent = warbler_domain::MessageStatus::Sent;
        tx.messages_mut().advance(id, sent, None)
    });
    assert!(advanced.await?);
    let (stats, chats) = store
        .read(move |db| {
            let page = PageRequest::new(None, None);
            let chats = db.chats().list(session, &ChatFilter::default(), page)?;
            Ok::<_, crate::Error>((db.stats().messages(Some(&[session]), now)?, chats.items))
        })
        .await?;
    assert_eq!((stats.outbound, chats.len()), (1, 1));
    assert_eq!(stats.hours.iter().map(|hour| hour.outbound).sum::<u64>(), 1);
    let by_status: Vec<_> = stats.hours_by_status.into_iter().collect();
    assert_eq!(by_status, [("sent".to_owned(), 1)]);
    let (kept, number) = store
        .read(move |db| {
            let number = db.session_marks().of(session)?.map(|marks| marks.number);
            Ok::<_, crate::Error>((db.sessions().get(session)?, number))
        })
        .await?;
    let kept = kept.context("the session")?;
    assert_eq!(
        (kept.name.as_str(), kept.owner, number),
        ("shop", None, Some(1))
    );
    assert_eq!(kept.created_at.as_millis(), 7);
    Ok(())
}
