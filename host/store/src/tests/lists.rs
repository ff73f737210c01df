//! Lists of recipients that are written a part at a time.

use std::time::Duration;

use anyhow::Result;
use warbler_domain::campaign::{Campaign, CampaignKind, CampaignRules, CampaignState};
use warbler_domain::{CampaignId, Content, SessionId, WhatsAppId};

use super::{Bench, NOW};
use crate::campaigns::NewRecipient;

fn people(bench: &Bench, first: usize, many: usize) -> Result<Vec<NewRecipient>> {
    let numbers = first..first + many;
    let people = numbers.map(|index| {
        Ok(NewRecipient {
            to: format!("1556{index:07}@s.whatsapp.net").parse()?,
            name: Some(format!("P{index}")),
            fields: vec![("city".into(), "Rome".to_owned())],
            whatsapp_id: WhatsAppId::new(&bench.random),
        })
    });
    people.collect()
}

fn campaign(bench: &Bench, session: SessionId) -> Campaign {
    Campaign {
        id: CampaignId::new(NOW, &bench.random),
        kind: CampaignKind::Campaign,
        owner: None,
        name: "Menu".to_owned(),
        state: CampaignState::Draft,
        reason: None,
        sessions: vec![session],
        content: Content::text("Hi"),
        writer: None,
        columns: vec!["city".to_owned()],
        rules: CampaignRules::default(),
        start_at: None,
        run: 0,
        made_by: "test".to_owned(),
        created_at: NOW,
        started_at: None,
        ended_at: None,
    }
}

/// A stored campaign with so many recipients.
pub(super) async fn made(bench: &Bench, many: usize) -> Result<CampaignId> {
    let menu = campaign(bench, bench.session());
    let (id, people) = (menu.id, people(bench, 0, many)?);
    let soon = NOW.plus(Duration::from_secs(60));
    let making = bench.store.write(move |tx| {
        let list = tx.campaigns_mut().begin_list(soon)?;
        tx.campaigns_mut().extend_list(list, 0, &people, soon)?;
        tx.campaigns_mut().insert(&menu, list)
    });
    assert!(making.await?);
    Ok(id)
}

#[tokio::test]
async fn a_list_is_whole_when_a_campaign_takes_it_and_what_is_left_over_is_swept_up() -> Result<()>
{
    let bench = Bench::new()?;
    let soon = NOW.plus(Duration::from_secs(60));
    let store = &bench.store;
    let list = store
        .write(move |tx| tx.campaigns_mut().begin_list(soon))
        .await?;
    for part in 0..3 {
        let people = people(&bench, part * 10, 10)?;
        let after = u32::try_from(part * 10)?;
        let added =
            store.write(move |tx| tx.campaigns_mut().extend_list(list, after, &people, soon));
        assert!(added.await?);
    }
    let menu = campaign(&bench, bench.session());
    let id = menu.id;
    assert!(
        store
            .write(move |tx| tx.campaigns_mut().insert(&menu, list))
            .await?
    );
    let planned = async || store.read(move |db| db.campaigns().counts(id)).await;
    assert_eq!(planned().await?.planned, 30);

    // One whose host crashed in the middle, and one that takes the place of the first.
    let lost = store
        .write(move |tx| tx.campaigns_mut().begin_list(soon))
        .await?;
    let half = people(&bench, 100, 25)?;
    let added = store.write(move |tx| tx.campaigns_mut().extend_list(lost, 0, &half, soon));
    assert!(added.await?);
    let other = store
        .write(move |tx| tx.campaigns_mut().begin_list(soon))
        .await?;
    let few = people(&bench, 200, 2)?;
    let added = store.write(move |tx| tx.campaigns_mut().extend_list(other, 0, &few, soon));
    assert!(added.await?);
    assert!(
        store
            .write(move |tx| tx.campaigns_mut().take_list(id, other))
            .await?
    );
    assert_eq!(planned().await?.planned, 2);

    // What was let go goes at once, a part at a time; what may still be written stays.
    let sweep = async |now| {
        let swept = store.write(move |tx| tx.campaigns_mut().sweep_lists(now, 20));
        swept.await
    };
    assert_eq!(
        (sweep(NOW).await?, sweep(NOW).await?, sweep(NOW).await?),
        (20, 10, 0)
    );
    let left = async |list| {
        let rows = store.read(move |db| db.campaigns().of_list(list, 0, 100));
        rows.await.map(|rows| rows.len())
    };
    assert_eq!((left(list).await?, left(lost).await?), (0, 25));
    assert_eq!((sweep(soon).await?, sweep(soon).await?), (20, 5));
    assert_eq!((left(lost).await?, left(other).await?), (0, 2));
    let late = people(&bench, 300, 1)?;
    let added = store.write(move |tx| tx.campaigns_mut().extend_list(lost, 25, &late, soon));
    assert!(!added.await?, "its time is over");
    assert!(
        !store
            .write(move |tx| tx.campaigns_mut().take_list(id, lost))
            .await?
    );
    Ok(())
}
