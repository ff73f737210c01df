//! What is old goes, a little at a time.

use std::time::Duration;

use anyhow::{Context as _, Result};
use warbler_domain::call::{Call, CallState};
use warbler_domain::page::PageRequest;
use warbler_domain::{Content, Message};

use crate::bench::{ADA, Bench, NOW, about};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn calls_go_when_their_time_is_over() -> Result<()> {
    let bench = Bench::new()?;
    let session = bench.session;
    let call = |n: u64| -> Result<Call> {
        Ok(Call {
            id: format!("CALL{n}"),
            by: ADA.parse()?,
            video: false,
            group: false,
            state: CallState::Ended,
            at: NOW.plus(Duration::from_secs(n)),
        })
    };
    let calls = [call(1)?, call(2)?, call(3)?, call(4)?];
    let (gone, kept) = bench
        .writes(move |tx| {
            for call in &calls {
                tx.calls_mut().note(session, call)?;
            }
            let time = NOW.plus(Duration::from_secs(4));
            let gone = [(); 3].map(|()| tx.retention().calls(time, 2));
            let kept = tx.calls().list(session, PageRequest::new(None, None))?;
            Ok((gone.into_iter().collect::<Result<Vec<_>, _>>()?, kept.items))
        })
        .await?;
    assert_eq!(gone, [2, 1, 0], "no more at once than was asked for");
    let kept: Vec<_> = kept.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(kept, ["CALL4"]);
    Ok(())
}

#[tokio::test]
async fn counts_by_the_hour_go_and_those_of_all_time_stay() -> Result<()> {
    let bench = Bench::new()?;
    let session = bench.session;
    bench
        .stores(vec![
            bench.says(ADA, 1, Content::text("old"))?,
            bench.says(ADA, 3 * 24 * 3600, Content::text("new"))?,
        ])
        .await?;
    let now = NOW.plus(3 * DAY);
    let (gone, stats) = bench
        .writes(move |tx| {
            let gone = tx.retention().hours(NOW.plus(DAY), 24)?;
            Ok((gone, tx.stats().messages(Some(&[session]), now)?))
        })
        .await?;
    assert_eq!((gone, stats.inbound), (1, 2));
    assert_eq!(stats.hours_by_kind.get("text"), Some(&1));
    assert_eq!(stats.hours_by_status.get("received"), Some(&1));
    Ok(())
}

#[tokio::test]
async fn a_reaction_to_what_was_never_stored_leaves_nothing_behind() -> Result<()> {
    let bench = Bench::new()?;
    let reaction = |n: u64, to: u64| -> Result<Message> {
        let content = Content::Reaction {
            target: about(to)?,
            target_sender: ADA.parse()?,
            emoji: "👍".to_owned(),
        };
        bench.says(ADA, n, content)
    };
    let (known, unknown) = (reaction(2, 1)?, reaction(3, 99)?);
    let text = bench.says(ADA, 1, Content::text("hello"))?;
    let ids = [known.id, unknown.id];
    bench
        .stores(vec![text.clone(), known, unknown.clone()])
        .await?;
    let mut late = bench.says(ADA, 99, Content::text("unheard of"))?;
    late.timestamp = unknown.timestamp;
    let (kept, forgotten) = bench
        .writes(move |tx| {
            for id in ids {
                tx.messages_mut().delete(id)?;
            }
            let shown = (tx.annotations().show(text)?, tx.annotations().show(late)?);
            Ok((shown.0.reactions.len(), shown.1.reactions.len()))
        })
        .await?;
    assert_eq!(
        (kept, forgotten),
        (1, 0),
        "what is shown with a message stays with it"
    );
    Ok(())
}

#[tokio::test]
async fn chats_of_the_same_moment_are_each_on_one_page() -> Result<()> {
    let bench = Bench::new()?;
    let session = bench.session;
    let mut messages = Vec::new();
    for n in 0..10 {
        let mut message =
            bench.says(&format!("1555010{n}@s.whatsapp.net"), 1, Content::text("x"))?;
        message.whatsapp_id = about(100 + n)?;
        messages.push(message);
    }
    // What was remembered counts for its own time, to the second: all of them for the same one.
    bench
        .writes(move |tx| {
            messages
                .iter()
                .try_for_each(|message| tx.messages_mut().insert_past(message).map(drop))
        })
        .await?;
    let mut seen = Vec::new();
    let mut after = None;
    for _ in 0..4 {
        let page = PageRequest::new(after, Some(3));
        let page = bench
            .store
            .read(move |db| db.chats().list(session, &Default::default(), page))
            .await?;
        seen.extend(page.items.into_iter().map(|chat| chat.jid));
        after = page.next;
    }
    assert_eq!(after, None, "the fourth page is the last");
    assert_eq!(seen.len(), 10);
    let first = seen.first().context("a chat")?.clone();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), first.user()), (10, "15550109"));
    Ok(())
}
