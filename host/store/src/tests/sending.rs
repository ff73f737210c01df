//! What sessions sent, and answers that are given once.

use std::time::Duration;

use anyhow::Result;
use warbler_domain::pacing::Pacing;
use warbler_domain::{FailureCode, Jid, MessageStatus};

use super::{Bench, NOW};
use crate::Error;
use crate::idempotency::Answered;
use crate::sending::SessionSending;

#[tokio::test]
async fn an_answer_and_what_it_answers_are_stored_together_or_not_at_all() -> Result<()> {
    let bench = Bench::new()?;
    let message = bench.message(bench.session(), "15550100@c.us")?;
    let id = message.id;
    let answered = Answered {
        digest: [7; 32],
        answer: "{}".to_owned(),
        created_at: NOW,
    };
    let (first, second) = (answered.clone(), answered.clone());
    let lost = message.clone();
    let failed = bench.store.write(move |tx| {
        tx.messages_mut().insert(&lost)?;
        tx.outbox_mut().enqueue(&lost, NOW, None)?;
        tx.idempotency_mut().put("key 1", "order", &first)?;
        Err::<(), Error>(Error::Sqlite("the power went".to_owned()))
    });
    assert!(failed.await.is_err());
    let find = move |db: &crate::Reader<'_>| {
        let answered = db.idempotency().get("key 1", "order", NOW)?;
        Ok::<_, Error>((answered, db.messages().get(id)?.is_some()))
    };
    assert_eq!(bench.store.read(find).await?, (None, false));
    bench
        .store
        .write(move |tx| {
            tx.messages_mut().insert(&message)?;
            tx.outbox_mut().enqueue(&message, NOW, None)?;
            tx.idempotency_mut().put("key 1", "order", &second)
        })
        .await?;
    assert_eq!(bench.store.read(find).await?, (Some(answered), true));
    let other = bench
        .store
        .read(|db| db.idempotency().get("key 2", "order", NOW));
    assert_eq!(other.await?, None, "keys are each caller's own");
    let later = NOW.plus(Duration::from_secs(1));
    let expired = bench
        .store
        .read(move |db| db.idempotency().get("key 1", "order", later));
    assert_eq!(expired.await?, None);
    Ok(())
}

#[tokio::test]
async fn old_answers_are_forgotten_and_too_many_too() -> Result<()> {
    let bench = Bench::new()?;
    let left = bench
        .store
        .write(|tx| {
            for index in 0..10u8 {
                let answered = Answered {
                    digest: [index; 32],
                    answer: String::new(),
                    created_at: NOW.plus(Duration::from_secs(index.into())),
                };
                tx.idempotency_mut()
                    .put("key", &index.to_string(), &answered)?;
            }
            let before = NOW.plus(Duration::from_secs(3));
            assert_eq!(tx.idempotency_mut().delete_before(before, 100)?, 3);
            tx.idempotency_mut().keep_newest(4)?;
            let found = (0..10).map(|index| tx.idempotency().get("key", &index.to_string(), NOW));
            let found = found.collect::<Result<Vec<_>, Error>>()?;
            Ok::<_, Error>(found.iter().map(Option::is_some).collect::<Vec<_>>())
        })
        .await?;
    let kept = left.iter().filter(|there| **there).count();
    assert!(
        (4..=5).contains(&kept) && left.last() == Some(&true),
        "{left:?}"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_set_and_sent_is_there_after_a_restart() -> Result<()> {
    let bench = Bench::new()?;
    let session = bench.session();
    let chat: Jid = "15550100@c.us".parse()?;
    let set = SessionSending {
        pacing: Some(Pacing {
            per_minute: 20,
            ..Pacing::default()
        }),
        paused_at: Some(NOW),
    };
    let (row, to) = (set.clone(), chat.clone());
    let found = bench
        .store
        .write(move |tx| {
            tx.sending_mut().set(session, &row)?;
            for second in 0..3 {
                let at = NOW.plus(Duration::from_secs(second));
                tx.sending_mut().note_sent(session, at, &to)?;
            }
            Ok::<_, Error>((
                tx.sending().all()?,
                tx.sending().sent_since(session, NOW, 9)?,
            ))
        })
        .await?;
    let second = |count| NOW.plus(Duration::from_secs(count));
    let sent = vec![(second(1), chat.clone()), (second(2), chat)];
    assert_eq!(found, (vec![(session, set)], sent));
    Ok(())
}

#[tokio::test]
async fn a_message_says_why_it_was_given_up_until_it_is_tried_again() -> Result<()> {
    let bench = Bench::new()?;
    let message = bench.message(bench.session(), "15550100@c.us")?;
    let id = message.id;
    let (failed, again) = bench
        .store
        .write(move |tx| {
            tx.messages_mut().insert(&message)?;
            let code = FailureCode::NotOnWhatsapp;
            let failed = tx.messages_mut().fail(id, code, "nobody there")?;
            tx.messages_mut().requeue(id)?;
            Ok::<_, Error>((failed, tx.messages().get(id)?))
        })
        .await?;
    let shown = failed.map(|message| (message.status, message.error_code, message.error));
    let code = Some(FailureCode::NotOnWhatsapp);
    let error = Some("nobody there".to_owned());
    assert_eq!(shown, Some((MessageStatus::Failed, code, error)));
    let shown = again.map(|message| (message.status, message.error_code, message.error));
    assert_eq!(shown, Some((MessageStatus::Queued, None, None)));
    Ok(())
}

#[tokio::test]
async fn the_last_messages_that_nobody_received_go_again_in_front_of_what_waits() -> Result<()> {
    let bench = Bench::new()?;
    let (session, chat) = (bench.session(), "15550100@c.us");
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    let mut written = Vec::new();
    for (seconds, status) in [
        (0, MessageStatus::Sent),
        (5, MessageStatus::Sent),
        (6, MessageStatus::Delivered),
        (12, MessageStatus::Sent),
        (13, MessageStatus::Queued),
    ] {
        let mut message = bench.message(session, chat)?;
        message.timestamp = at(seconds);
        written.push((message, status));
    }
    let mut elsewhere = bench.message(session, chat)?;
    elsewhere.timestamp = at(12);
    elsewhere.status = MessageStatus::Sent;
    let ids: Vec<_> = written.iter().map(|(message, _)| message.id).collect();
    let lease = bench.lease();
    let order = bench.store.write(move |tx| {
        for (message, status) in &written {
            tx.messages_mut().insert(message)?;
            match status {
                MessageStatus::Queued => {
                    tx.outbox_mut().enqueue(message, at(14), None).map(drop)?
                }
                status => tx
                    .messages_mut()
                    .advance(message.id, *status, None)
                    .map(drop)?,
            }
        }
        tx.messages_mut().insert(&elsewhere)?;
        assert_eq!(tx.outbox_mut().send_again(session, at(20))?, 2);
        assert_eq!(
            tx.outbox_mut().send_again(session, at(20))?,
            0,
            "they are on their way"
        );
        let mut order = Vec::new();
        let mut next = tx.outbox_mut().claim(
            session,
            &crate::outbox::Lease {
                now: at(20),
                ..lease.clone()
            },
            9,
        )?;
        while let Some(row) = next.pop() {
            assert!(next.is_empty(), "a chat has one head");
            order.push(row.message);
            tx.outbox_mut().finish(&row)?;
            next = tx.outbox_mut().claim(
                session,
                &crate::outbox::Lease {
                    now: at(20),
                    ..lease.clone()
                },
                9,
            )?;
        }
        Ok::<_, Error>(order)
    });
    assert_eq!(order.await?, [ids[1], ids[3], ids[4]]);
    Ok(())
}

#[tokio::test]
async fn a_link_that_did_not_end_is_known_to_the_next_host() -> Result<()> {
    let bench = Bench::new()?;
    let row = bench.stored_session()?;
    let session = row.id;
    let hosts = bench.store.write(move |tx| {
        tx.sessions_mut().insert(&row)?;
        let sending = tx.sending_mut();
        let first = sending.begin_link(session, "first")?;
        sending.end_link(session, "second")?;
        let second = sending.begin_link(session, "second")?;
        sending.end_link(session, "second")?;
        let third = sending.begin_link(session, "third")?;
        Ok::<_, Error>([first, second, third])
    });
    assert_eq!(hosts.await?, [None, Some("first".to_owned()), None]);
    Ok(())
}
