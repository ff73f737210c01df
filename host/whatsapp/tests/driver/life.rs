//! Many at once, and how long things take.

use std::time::Instant;

use anyhow::Result;
use warbler_domain::Content;

use crate::world::{Lids, World};

crate::only_with! {
    Order:
    #[tokio::test(flavor = "multi_thread")]
    async fn a_conversation_keeps_its_order() -> Result<()> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550050", "Olive")?;
        let customer = world.person("+15550150", "Carl")?;
        let session = world.connected(&owner).await?;
        for n in 0..100 {
            customer.says(owner.number(), &format!("in {n}")).await?;
        }
        for n in 0..100 {
            let message = session.hears().await?;
            assert_eq!(message.content, Content::text(format!("in {n}")));
            session
                .link
                .send(&world.text(&customer.jid(), &format!("out {n}"))?)
                .await?;
        }
        for n in 0..100 {
            assert_eq!(customer.hears().await?.text(), format!("out {n}"));
        }
        session.link.close().await;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sessions_share_one_database() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let customer = world.person("+15550151", "Carl")?;
    let mut sessions = Vec::new();
    for n in 0..8 {
        let owner = world.person(&format!("+1555006{n}"), &format!("Owner {n}"))?;
        sessions.push((world.connected(&owner).await?, owner));
    }
    for (n, (session, owner)) in sessions.iter().enumerate() {
        customer.says(owner.number(), &format!("to {n}")).await?;
        assert_eq!(
            session.hears().await?.content,
            Content::text(format!("to {n}"))
        );
    }
    for (session, _) in &sessions {
        session.link.close().await;
    }
    Ok(())
}

/// Not a test of time: it prints what a human compares (`--nocapture`).
#[expect(
    clippy::print_stderr,
    reason = "the figures are for whoever runs it by hand"
)]
#[tokio::test(flavor = "multi_thread")]
async fn an_echo_comes_back() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550052", "Olive")?;
    let customer = world.person("+15550152", "Carl")?;
    let first = world.connected(&owner).await?;
    first.link.close().await;
    let opened = Instant::now();
    let session = world.open(first.id).await?;
    session.connected().await?;
    let connected = opened.elapsed();

    let mut trips = Vec::new();
    for n in 0..60 {
        let began = Instant::now();
        customer.says(owner.number(), &format!("ping {n}")).await?;
        let message = session.hears().await?;
        let text = message.content.readable().unwrap_or_default();
        session
            .link
            .send(&world.text(&customer.jid(), text)?)
            .await?;
        assert_eq!(customer.hears().await?.text(), format!("ping {n}"));
        trips.push(began.elapsed());
    }
    trips.sort();
    let median = trips.get(trips.len() / 2).copied().unwrap_or_default();
    eprintln!("open to connected {connected:?}, echo round trip {median:?} (median of 60)");
    session.link.close().await;
    Ok(())
}
