//! Read marks, typing, and how the account keeps its chats.

use std::time::Duration;

use anyhow::Result;
use warbler_app::driver::{Inbound, Newest};
use warbler_domain::Clock;
use warbler_domain::SystemClock;
use warbler_domain::chat::{ChatChange, ChatState};
use warbler_simulator::{ChatState as Seen, Muted, Outgoing};

use crate::world::{Lids, PATIENCE, Session, WORLDS, World, jid};

#[tokio::test(flavor = "multi_thread")]
async fn reading_and_playing_are_shown_to_the_author() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550340", "Olive")?;
        let carl = world.person("+15550341", "Carl")?;
        let session = world.connected(&owner).await?;
        let group = carl.creates_group("Friends", &[&owner]).await?;
        for to in [owner.number(), group.as_str()] {
            let said = carl.says(to, "read me").await?;
            let message = session.hears().await?;
            let ids = [message.whatsapp_id];
            let link = &session.link;
            link.mark_read(&message.chat, &message.sender, &ids, false)
                .await?;
            carl.sees_receipt(&said, "read", PATIENCE).await?;
            let voice = Outgoing::voice_note(&b"sound"[..], 1, vec![0]);
            let said = carl.sends(to, voice).await?;
            let message = session.hears().await?;
            let ids = [message.whatsapp_id];
            link.mark_read(&message.chat, &message.sender, &ids, true)
                .await?;
            carl.sees_receipt(&said, "played", PATIENCE).await?;
        }
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_is_seen_writing_and_recording() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550342", "Olive")?;
    let carl = world.person("+15550343", "Carl")?;
    let session = world.connected(&owner).await?;
    let chat = jid(&carl.jid())?;
    for state in [
        ChatState::Composing,
        ChatState::Recording,
        ChatState::Paused,
    ] {
        session.link.show_state(&chat, state).await?;
    }
    // What is said after it arrives after it.
    session
        .link
        .send(&world.text(&carl.jid(), "there")?)
        .await?;
    carl.hears().await?;
    let seen: Vec<_> = carl.chat_states().iter().map(|seen| seen.state).collect();
    assert_eq!(seen, [Seen::Typing, Seen::Recording, Seen::Paused]);
    session.link.close().await;
    Ok(())
}

crate::only_with! {
    ChatChanges:
    #[tokio::test(flavor = "multi_thread")]
    async fn chats_are_put_away_pinned_muted_and_marked_on_all_devices() -> Result<()> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550344", "Olive")?;
        let carl = world.person("+15550345", "Carl")?;
        let session = world.connected(&owner).await?;
        carl.says(owner.number(), "hello").await?;
        let message = session.hears().await?;
        let newest = Newest {
            whatsapp_id: message.whatsapp_id,
            author: message.sender,
            own: false,
            at: message.timestamp,
        };
        let chat = jid(&carl.jid())?;
        let until = SystemClock.now().plus(Duration::from_secs(3600));
        for change in [
            ChatChange::Archived { archived: true },
            ChatChange::Pinned { pinned: true },
            ChatChange::Muted { until: Some(until) },
            ChatChange::Read { read: false },
        ] {
            let changed = session.link.change_chat(&chat, &change, Some(&newest));
            changed.await?;
        }
        let muted = Some(Muted::Until(until.as_millis()));
        owner
            .sees_chat_settings(&carl.jid(), PATIENCE, |seen| {
                seen.archived && seen.pinned && seen.muted == muted && seen.marked_read == Some(false)
            })
            .await?;
        session
            .link
            .change_chat(&chat, &ChatChange::Muted { until: None }, None)
            .await?;
        owner
            .sees_chat_settings(&carl.jid(), PATIENCE, |seen| seen.muted.is_none())
            .await?;
        session.link.close().await;
        Ok(())
    }
}

async fn updated(session: &Session, wanted: ChatChange) -> Result<warbler_domain::Jid> {
    session
        .received("a change of the chat", |inbound| match inbound {
            Inbound::ChatUpdated { chat, change } if *change == wanted => Some(chat.clone()),
            _ => None,
        })
        .await
}

crate::only_with! {
    ChatChanges:
    #[tokio::test(flavor = "multi_thread")]
    async fn what_the_phone_does_to_chats_is_told() -> Result<()> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550346", "Olive")?;
        let carl = world.person("+15550347", "Carl")?;
        let session = world.connected(&owner).await?;
        carl.says(owner.number(), "hello").await?;
        session.hears().await?;
        let chat = jid(&carl.jid())?;
        owner.reads(&owner.hears().await?);
        let read = updated(&session, ChatChange::Read { read: true }).await?;
        assert_eq!(read, chat);
        // One change of each collection: the engine may miss a second one that comes while it still
        // fetches the first, until the next.
        owner.archives(&carl.jid(), true).await?;
        let changed = updated(&session, ChatChange::Archived { archived: true }).await?;
        assert_eq!(changed, chat);
        owner.mutes(&carl.jid(), Some(Muted::ForEver)).await?;
        let for_good = session
            .received("a muted chat", |inbound| match inbound {
                Inbound::ChatUpdated {
                    change: ChatChange::Muted { until },
                    ..
                } => Some(*until),
                _ => None,
            })
            .await?;
        assert!(for_good > Some(SystemClock.now().plus(Duration::from_secs(1 << 32))));
        session.link.close().await;
        Ok(())
    }
}
