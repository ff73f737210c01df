//! History: order, pages, filters, what was said about messages, and counts.

use std::time::Duration;

use anyhow::{Context as _, Result};
use warbler_domain::history::{HistoryFilter, Kinds};
use warbler_domain::page::PageRequest;
use warbler_domain::poll::Poll;
use warbler_domain::{Content, Direction, Jid, Message, MessageStatus};

use crate::bench::{ADA, Bench, NOW, about};

#[tokio::test]
async fn history_is_read_page_by_page_whatever_is_added_meanwhile() -> Result<()> {
    let bench = Bench::new()?;
    let texts = (0..10).map(|n| bench.says(ADA, n, Content::text(format!("text {n}"))));
    bench.stores(texts.collect::<Result<_>>()?).await?;
    let session = bench.session;
    let filter = HistoryFilter::default();
    let mut seen = Vec::new();
    let mut after = None;
    for added in 10.. {
        let (filter, page) = (filter.clone(), PageRequest::new(after, Some(4)));
        let found = bench
            .store
            .read(move |db| db.history().page(session, &filter, page))
            .await?;
        seen.extend(found.items.iter().map(|m| m.whatsapp_id.to_string()));
        let new = bench.says(ADA, added, Content::text("meanwhile"))?;
        bench.stores(vec![new]).await?;
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..10).rev().map(|n| format!("M{n}")).collect();
    assert_eq!(seen, expected);
    Ok(())
}

#[tokio::test]
async fn what_is_older_stands_before_what_is_newer_though_it_was_stored_later() -> Result<()> {
    let bench = Bench::new()?;
    bench
        .stores(vec![bench.says(ADA, 500, Content::text("new"))?])
        .await?;
    let old = bench.says(ADA, 3, Content::text("old"))?;
    bench
        .writes(move |tx| tx.messages_mut().insert_past(&old))
        .await?;
    assert_eq!(bench.finds(HistoryFilter::default()).await?, ["M500", "M3"]);
    let session = bench.session;
    let chat: Jid = ADA.parse()?;
    let found = bench
        .store
        .read(move |db| db.chats().get(session, &chat))
        .await?;
    assert_eq!(found.context("the chat")?.unread, 1, "the past is read");
    Ok(())
}

#[tokio::test]
async fn history_is_filtered_by_kind_author_direction_and_time() -> Result<()> {
    let bench = Bench::new()?;
    let poll = Content::Poll(Poll::new("Tea?", ["yes", "no"], 1)?);
    let mut own = bench.says(ADA, 2, Content::text("ours"))?;
    own.direction = Direction::Outbound;
    own.sender = "15550001@s.whatsapp.net".parse()?;
    bench
        .stores(vec![
            bench.says(ADA, 0, Content::text("zero"))?,
            bench.says(ADA, 1, poll)?,
            own,
            bench.says("15550101@s.whatsapp.net", 3, Content::text("three"))?,
        ])
        .await?;
    let all = HistoryFilter::default;
    let ada: Jid = ADA.parse()?;
    let polls = HistoryFilter {
        kinds: Kinds::Only(vec!["poll".to_owned()]),
        ..all()
    };
    let ours = HistoryFilter {
        direction: Some(Direction::Outbound),
        ..all()
    };
    let hers = HistoryFilter {
        from: Some(ada.clone()),
        ..all()
    };
    let with_her = HistoryFilter {
        chat: Some(ada),
        ..all()
    };
    let between = HistoryFilter {
        since: Some(NOW.plus(Duration::from_secs(1))),
        until: Some(NOW.plus(Duration::from_secs(2))),
        ..all()
    };
    let media = HistoryFilter {
        with_media: true,
        ..all()
    };
    let cases: [(HistoryFilter, &[&str]); 6] = [
        (polls, &["M1"]),
        (ours, &["M2"]),
        (hers, &["M1", "M0"]),
        (with_her, &["M2", "M1", "M0"]),
        (between, &["M2", "M1"]),
        (media, &[]),
    ];
    for (filter, expected) in cases {
        let what = format!("{filter:?}");
        assert_eq!(bench.finds(filter).await?, expected, "{what}");
    }
    Ok(())
}

#[tokio::test]
async fn rare_messages_are_found_among_many_in_bounded_looks() -> Result<()> {
    let bench = Bench::new()?;
    let mut many = (1..6_000)
        .map(|n| bench.says(ADA, n, Content::text("x")))
        .collect::<Result<Vec<_>>>()?;
    many.push(bench.says(ADA, 0, Content::Poll(Poll::new("Tea?", ["yes", "no"], 1)?))?);
    bench
        .writes(move |tx| {
            many.iter()
                .try_for_each(|m| tx.messages_mut().insert(m).map(drop))
        })
        .await?;
    let session = bench.session;
    let filter = HistoryFilter {
        kinds: Kinds::Only(vec!["poll".to_owned()]),
        ..HistoryFilter::default()
    };
    let mut looks = 0;
    let mut after = None;
    let found = loop {
        looks += 1;
        let (filter, page) = (filter.clone(), PageRequest::new(after, Some(1)));
        let found = bench
            .store
            .read(move |db| db.history().page(session, &filter, page))
            .await?;
        match (found.items.first(), found.next) {
            (Some(message), _) => break message.whatsapp_id.to_string(),
            (None, Some(next)) => after = Some(next),
            (None, None) => anyhow::bail!("it was not found"),
        }
    };
    assert_eq!((found.as_str(), looks), ("M0", 2));
    Ok(())
}

#[tokio::test]
async fn a_message_is_shown_with_what_was_said_about_it() -> Result<()> {
    let bench = Bench::new()?;
    let bob = "15550101@s.whatsapp.net";
    let poll = bench.says(ADA, 1, Content::Poll(Poll::new("Tea?", ["yes", "no"], 1)?))?;
    let react = |emoji: &str| -> Result<Content> {
        Ok(Content::Reaction {
            target: about(1)?,
            target_sender: ADA.parse()?,
            emoji: emoji.to_owned(),
        })
    };
    let in_chat = |from: &str, n: u64, content: Content| -> Result<Message> {
        let mut message = bench.says(from, n, content)?;
        message.chat = ADA.parse()?;
        Ok(message)
    };
    let vote = Content::PollVote {
        target: about(1)?,
        target_sender: ADA.parse()?,
        chosen: Vec::new(),
        options: vec!["yes".to_owned()],
    };
    bench
        .stores(vec![
            in_chat(ADA, 2, react("👍")?)?,
            in_chat(bob, 3, react("👍")?)?,
            in_chat(ADA, 4, react("🎉")?)?,
            in_chat(bob, 5, vote)?,
            poll.clone(),
        ])
        .await?;
    let shown = bench
        .store
        .read(move |db| db.annotations().show(poll))
        .await?;
    let tally: Vec<_> = shown
        .reaction_tally()
        .into_iter()
        .map(|one| (one.what, one.by.len()))
        .collect();
    assert_eq!(tally, [("👍".to_owned(), 1), ("🎉".to_owned(), 1)]);
    let votes: Vec<_> = shown
        .vote_tally()
        .into_iter()
        .map(|one| one.by.len())
        .collect();
    assert_eq!(votes, [1, 0]);
    Ok(())
}

#[tokio::test]
async fn only_its_author_edits_a_message() -> Result<()> {
    let bench = Bench::new()?;
    let message = bench.says(ADA, 1, Content::text("mine"))?;
    let mut forged = bench.says(
        "15550101@s.whatsapp.net",
        2,
        Content::Edit {
            target: about(1)?,
            text: "not mine".to_owned(),
        },
    )?;
    forged.chat = ADA.parse()?;
    bench.stores(vec![message.clone(), forged]).await?;
    let shown = bench
        .store
        .read(move |db| db.annotations().show(message))
        .await?;
    assert_eq!(shown.message.content, Content::text("mine"));
    assert_eq!(shown.edited_at, None);
    Ok(())
}

#[tokio::test]
async fn counts_follow_every_message_and_every_change_of_its_status() -> Result<()> {
    let bench = Bench::new()?;
    let mut own = bench.says(ADA, 1, Content::text("ours"))?;
    own.direction = Direction::Outbound;
    own.status = MessageStatus::Queued;
    let id = own.id;
    let again = own.clone();
    bench
        .stores(vec![
            own,
            again,
            bench.says(ADA, 2, Content::text("theirs"))?,
        ])
        .await?;
    let session = bench.session;
    bench
        .writes(move |tx| {
            tx.messages_mut().advance(id, MessageStatus::Sent, None)?;
            tx.messages_mut().advance(id, MessageStatus::Read, None)?;
            tx.messages_mut().delete(id)
        })
        .await?;
    let stats = bench
        .store
        .read(move |db| {
            db.stats()
                .messages(Some(&[session]), NOW.plus(Duration::from_secs(60)))
        })
        .await?;
    assert_eq!((stats.inbound, stats.outbound, stats.total()), (1, 1, 2));
    assert_eq!(stats.by_kind.get("text"), Some(&2));
    let statuses: Vec<_> = stats
        .by_status
        .iter()
        .map(|(s, n)| (s.as_str(), *n))
        .collect();
    assert_eq!(statuses, [("read", 1), ("received", 1)]);
    let last = stats.hours.last().map(|hour| (hour.inbound, hour.outbound));
    assert_eq!((stats.hours.len(), last), (25, Some((1, 1))));
    let all = bench
        .store
        .read(|db| db.stats().messages(None, NOW))
        .await?;
    assert_eq!(all.total(), 2);
    Ok(())
}
