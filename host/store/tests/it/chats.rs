//! Chats as they are listed, set and merged.

use anyhow::Result;
use warbler_domain::chat::ChatChange;
use warbler_domain::history::HistoryFilter;
use warbler_domain::page::PageRequest;
use warbler_domain::{Content, Direction, Jid, MessageStatus};
use warbler_store::Error;
use warbler_store::chats::ChatFilter;

use crate::bench::{ADA, ADA_HIDDEN, Bench, NOW};

#[tokio::test]
async fn chats_are_listed_by_their_newest_message_with_names_and_unread_counts() -> Result<()> {
    let bench = Bench::new()?;
    let mut named = bench.says(ADA, 1, Content::text("one"))?;
    named.sender_name = Some("Ada Lovelace".to_owned());
    let mut own = bench.says("15550101@s.whatsapp.net", 3, Content::text("ours"))?;
    own.direction = Direction::Outbound;
    own.status = MessageStatus::Sent;
    bench
        .stores(vec![
            named,
            bench.says("15550101@s.whatsapp.net", 2, Content::text("two"))?,
            own,
            bench.says(ADA, 4, Content::text("four"))?,
        ])
        .await?;
    let session = bench.session;
    let list = |filter: ChatFilter| {
        let page = PageRequest::new(None, None);
        bench
            .store
            .read(move |db| db.chats().list(session, &filter, page))
    };
    let all = list(ChatFilter::default()).await?.items;
    let seen: Vec<_> = all
        .iter()
        .map(|c| (c.jid.user(), c.name.as_deref(), c.unread))
        .collect();
    assert_eq!(
        seen,
        [("15550100", Some("Ada Lovelace"), 2), ("15550101", None, 0)]
    );
    let unread = ChatFilter {
        unread: Some(true),
        name: Some("love".parse()?),
        groups: Some(false),
        archived: Some(false),
    };
    assert_eq!(list(unread).await?.items.len(), 1);
    let odd = ChatFilter {
        name: Some("%_\\'".parse()?),
        ..ChatFilter::default()
    };
    assert!(list(odd).await?.items.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_the_account_sets_for_a_chat_is_kept() -> Result<()> {
    let bench = Bench::new()?;
    bench
        .stores(vec![bench.says(ADA, 1, Content::text("one"))?])
        .await?;
    let (session, chat): (_, Jid) = (bench.session, ADA.parse()?);
    let unseen: Jid = "15550199@s.whatsapp.net".parse()?;
    let found = bench
        .writes(move |tx| {
            let mut chats = Vec::new();
            for chat in [&chat, &unseen] {
                for change in [
                    ChatChange::Archived { archived: true },
                    ChatChange::Pinned { pinned: true },
                    ChatChange::Muted { until: Some(NOW) },
                    ChatChange::Read { read: true },
                    ChatChange::Read { read: false },
                ] {
                    tx.chats_mut().change(session, chat, &change)?;
                }
                chats.extend(tx.chats().get(session, chat)?);
            }
            Ok(chats)
        })
        .await?;
    assert_eq!(found.len(), 2);
    for chat in &found {
        assert!(chat.settings.archived && chat.settings.pinned, "{chat:?}");
        assert_eq!((chat.settings.muted_until, chat.unread), (Some(NOW), 1));
    }
    Ok(())
}

#[tokio::test]
async fn a_chat_that_becomes_known_by_its_number_takes_its_history_along() -> Result<()> {
    let bench = Bench::new()?;
    let hidden = bench.says(ADA_HIDDEN, 1, Content::text("who am I"))?;
    let twice = {
        let mut message = bench.says(ADA, 1, Content::text("who am I"))?;
        message.whatsapp_id = hidden.whatsapp_id.clone();
        message
    };
    bench.stores(vec![hidden, twice]).await?;
    let mut known = bench.says(ADA, 2, Content::text("it is me"))?;
    known.chat_alt = Some(ADA_HIDDEN.parse()?);
    known.sender_alt = known.chat_alt.clone();
    known.sender_name = Some("Ada".to_owned());
    bench.stores(vec![known]).await?;
    let session = bench.session;
    let (chats, contact, canonical) = bench
        .store
        .read(move |db| {
            let hidden: Jid = ADA_HIDDEN.parse().map_err(|_| Error::Closed)?;
            Ok::<_, Error>((
                db.chats()
                    .list(
                        session,
                        &ChatFilter::default(),
                        PageRequest::new(None, None),
                    )?
                    .items,
                db.contacts().get(session, &hidden)?,
                db.contacts().canonical(session, &hidden)?,
            ))
        })
        .await?;
    assert_eq!(chats.len(), 1);
    assert_eq!(
        chats.first().map(|chat| chat.jid.to_string()).as_deref(),
        Some(ADA)
    );
    assert_eq!(contact.and_then(|c| c.push_name).as_deref(), Some("Ada"));
    assert_eq!(canonical.map(|jid| jid.to_string()).as_deref(), Some(ADA));
    let filter = HistoryFilter {
        chat: Some(ADA.parse()?),
        from: Some(ADA.parse()?),
        ..HistoryFilter::default()
    };
    assert_eq!(bench.finds(filter).await?, ["M2", "M1"]);
    let filter = HistoryFilter {
        chat: Some(ADA.parse()?),
        text: Some("who".parse()?),
        ..HistoryFilter::default()
    };
    assert_eq!(bench.finds(filter).await?, ["M1"]);
    Ok(())
}
