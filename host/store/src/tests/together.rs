//! Jobs that are committed together, and what one that fails halfway does to the others.

use anyhow::{Result, bail};
use warbler_domain::{ExtensionName, MessageStatus};

use super::{Bench, NOW};
use crate::kv::KvWrite;
use crate::{Error, Store, Writer};

fn set(tx: &Writer<'_>, key: &str) -> Result<(), Error> {
    let write = [KvWrite::Set {
        key: key.to_owned(),
        value: b"1".to_vec(),
        expires_at: None,
    }];
    tx.kv_mut().apply(&name()?, &write, NOW)
}

fn name() -> Result<ExtensionName, Error> {
    "greeter"
        .parse()
        .map_err(|err| Error::Sqlite(format!("{err}")))
}

fn on_purpose() -> Error {
    Error::Sqlite("on purpose".to_owned())
}

async fn is_set(store: &Store, key: &'static str) -> Result<bool, Error> {
    store
        .read(move |db| Ok(db.kv().get(&name()?, key, NOW)?.is_some()))
        .await
}

/// What became of a good job that a failing one ran directly behind, if they met.
async fn meet(
    store: &Store,
    bad: impl FnOnce(&Writer<'_>) -> Result<(), Error> + Send + 'static,
) -> (Result<(), Error>, Result<(), Error>) {
    let (queued, is_queued) = std::sync::mpsc::channel();
    let good = store.write_together(move |tx| {
        set(tx, "good")?;
        // The other one is in the queue before this one ends.
        is_queued.recv().map_err(|_| Error::Closed)
    });
    let bad = async {
        let bad = store.write_relaxed_together(bad);
        let told = async { assert!(queued.send(()).is_ok()) };
        tokio::join!(bad, told).0
    };
    tokio::join!(good, bad)
}

#[tokio::test]
async fn a_job_that_fails_before_it_changed_anything_fails_alone() -> Result<()> {
    let bench = Bench::new()?;
    let (good, bad) = meet(&bench.store, |_| Err(on_purpose())).await;
    good?;
    assert!(matches!(bad, Err(Error::Sqlite(_))), "{bad:?}");
    assert!(is_set(&bench.store, "good").await?);
    Ok(())
}

#[tokio::test]
async fn a_job_that_fails_halfway_undoes_its_group_and_then_only_itself() -> Result<()> {
    // Whether the two meet in one group is a matter of milliseconds.
    for _ in 0..50 {
        let bench = Bench::new()?;
        let halfway = |tx: &Writer<'_>| {
            set(tx, "bad")?;
            Err(on_purpose())
        };
        let (good, bad) = meet(&bench.store, halfway).await;
        assert!(matches!(bad, Err(Error::Sqlite(_))), "{bad:?}");
        assert!(!is_set(&bench.store, "bad").await?);
        let met = matches!(good, Err(Error::Undone));
        assert_eq!(is_set(&bench.store, "good").await?, !met, "{good:?}");
        if !met {
            continue;
        }
        let (good, bad) = meet(&bench.store, halfway).await;
        good?;
        assert!(bad.is_err());
        assert!(is_set(&bench.store, "good").await?);
        assert!(!is_set(&bench.store, "bad").await?);
        return Ok(());
    }
    bail!("the two never met in one group")
}

#[tokio::test]
async fn what_is_undone_is_not_counted() -> Result<()> {
    let bench = Bench::new()?;
    let session = bench.session();
    let (kept, lost) = (
        bench.message(session, "15550100@s.whatsapp.net")?,
        bench.message(session, "15550101@s.whatsapp.net")?,
    );
    let id = kept.id;
    let kept = bench
        .store
        .write(move |tx| tx.messages_mut().insert(&kept).map(drop));
    let lost = bench.store.write(move |tx| {
        tx.messages_mut().insert(&lost)?;
        Err::<(), Error>(on_purpose())
    });
    let moved = bench.store.write(move |tx| {
        tx.messages_mut().advance(id, MessageStatus::Sent, None)?;
        tx.messages_mut()
            .advance(id, MessageStatus::Delivered, None)
    });
    let (kept, lost, moved) = tokio::join!(kept, lost, moved);
    kept?;
    assert!(lost.is_err());
    assert!(moved?);
    let stats = bench
        .store
        .read(move |db| db.stats().messages(Some(&[session]), NOW))
        .await?;
    assert_eq!((stats.outbound, stats.inbound), (1, 0));
    let by_status: Vec<_> = stats
        .by_status
        .into_iter()
        .filter(|(_, n)| *n > 0)
        .collect();
    assert_eq!(by_status, [("delivered".to_owned(), 1)]);
    Ok(())
}
