//! Steps that move many recipients of a campaign on, a part at a time.

use anyhow::Result;
use warbler_domain::CampaignId;
use warbler_domain::campaign::{CampaignCounts, RecipientState};
use warbler_domain::page::PageRequest;

use super::Bench;
use super::lists::made;
use crate::campaigns::{Settled, Turn};
use crate::{Error, Store, StoreOptions};

async fn counts(store: &Store, id: CampaignId) -> Result<CampaignCounts> {
    Ok(store.read(move |db| db.campaigns().counts(id)).await?)
}

/// The places of those in a state, as readers see them.
async fn places(store: &Store, id: CampaignId, state: RecipientState) -> Result<Vec<u32>> {
    let page = PageRequest::new(None, Some(100));
    let page = store
        .read(move |db| db.campaigns().recipients(id, Some(state), page))
        .await?;
    assert!(page.items.iter().all(|one| one.state == state));
    Ok(page.items.iter().map(|one| one.place).collect())
}

async fn fails(store: &Store, id: CampaignId, places: std::ops::RangeInclusive<u32>) -> Result<()> {
    let failing = store.write(move |tx| {
        let settled = Settled {
            state: RecipientState::Failed,
            code: "x".to_owned(),
            error: "x".to_owned(),
        };
        for place in places {
            tx.campaigns_mut().settle(id, place, &settled)?;
        }
        Ok::<_, Error>(())
    });
    Ok(failing.await?)
}

async fn takes(store: &Store, id: CampaignId, turn: Turn) -> Result<()> {
    let taking = store.write(move |tx| tx.campaigns_mut().take_turn(id, turn));
    Ok(taking.await?)
}

async fn carries_out(store: &Store, id: CampaignId, limit: u32) -> Result<bool> {
    let moving = store.write(move |tx| tx.campaigns_mut().carry_out(id, limit));
    Ok(moving.await?)
}

#[tokio::test]
async fn whoever_is_left_out_is_so_before_it_is_written_and_after_a_crash_in_between() -> Result<()>
{
    let bench = Bench::new()?;
    let id = made(&bench, 25).await?;
    fails(&bench.store, id, 1..=5).await?;
    takes(&bench.store, id, Turn::Cancel).await?;
    let all = CampaignCounts {
        failed: 5,
        cancelled: 20,
        ..CampaignCounts::default()
    };
    let whole: Vec<u32> = (6..=25).collect();
    for more in [true, true, false] {
        let store = &bench.store;
        assert_eq!(counts(store, id).await?, all);
        assert_eq!(places(store, id, RecipientState::Cancelled).await?, whole);
        assert!(places(store, id, RecipientState::Planned).await?.is_empty());
        assert!(!store.read(move |db| db.campaigns().is_open(id)).await?);
        let working = store.read(move |db| db.campaigns().at_work(super::NOW));
        assert_eq!(working.await?.len(), 1, "it is still to be carried out");
        assert_eq!(carries_out(store, id, 8).await?, more);
        // Whoever opens the file now sees the same.
        let path = bench.dir.path().join("warbler.db");
        let other = Store::open(&StoreOptions::new(path))?;
        assert_eq!(counts(&other, id).await?, all);
        other.close().await;
    }
    let working = bench
        .store
        .read(move |db| db.campaigns().at_work(super::NOW));
    assert!(working.await?.is_empty());
    assert!(!carries_out(&bench.store, id, 8).await?);
    assert_eq!(counts(&bench.store, id).await?, all);
    Ok(())
}

#[tokio::test]
async fn whoever_is_tried_again_is_planned_once_though_it_fails_in_between() -> Result<()> {
    let bench = Bench::new()?;
    let store = &bench.store;
    let id = made(&bench, 10).await?;
    fails(store, id, 3..=10).await?;
    takes(store, id, Turn::Retry).await?;
    assert_eq!(counts(store, id).await?.planned, 10);
    assert!(store.read(move |db| db.campaigns().is_open(id)).await?);
    assert!(carries_out(store, id, 3).await?);
    // One that was moved on fails at once; it is not moved on again.
    fails(store, id, 3..=3).await?;
    assert_eq!(places(store, id, RecipientState::Failed).await?, [3]);
    assert_eq!(counts(store, id).await?.planned, 9);
    assert!(carries_out(store, id, 3).await?);
    assert!(!carries_out(store, id, 3).await?);
    assert_eq!(places(store, id, RecipientState::Failed).await?, [3]);
    // A step in the middle of another takes its place.
    fails(store, id, 4..=10).await?;
    takes(store, id, Turn::Retry).await?;
    assert!(carries_out(store, id, 2).await?);
    takes(store, id, Turn::Cancel).await?;
    let left = counts(store, id).await?;
    assert_eq!((left.planned, left.cancelled, left.failed), (0, 4, 6));
    Ok(())
}
