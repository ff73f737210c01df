//! The host dies at the worst moments, and goes on from what was on disk.

use anyhow::Result;
use warbler_app::driver::InboundMessage;
use warbler_domain::Content;

use crate::world::{Lids, Session, WORLDS, World};

/// Hears `text`; messages from before the crash may come again.
async fn hears(session: &Session, text: &str) -> Result<InboundMessage> {
    loop {
        let message = session.hears().await?;
        if message.content == Content::text(text) {
            return Ok(message);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_the_first_message_of_a_contact_costs_nothing() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550080", "Olive")?;
        let customer = world.person("+15550180", "Carl")?;
        let session = world.connected(&owner).await?;
        customer.says(owner.number(), "first").await?;
        session.hears().await?;

        let world = world.crashed()?;
        let session = world.open(session.id).await?;
        session.connected().await?;
        customer.says(owner.number(), "second").await?;
        hears(&session, "second").await?;
        session
            .link
            .send(&world.text(&customer.jid(), "answer")?)
            .await?;
        assert_eq!(customer.hears().await?.text(), "answer", "{lids:?}");
        customer.says(owner.number(), "third").await?;
        hears(&session, "third").await?;
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_the_middle_of_a_conversation_costs_nothing() -> Result<()> {
    let mut world = World::start(Lids::Told).await?;
    let owner = world.person("+15550081", "Olive")?;
    let customer = world.person("+15550181", "Carl")?;
    let mut session = world.connected(&owner).await?;
    for round in 0..10 {
        let question = format!("question {round}");
        customer.says(owner.number(), &question).await?;
        hears(&session, &question).await?;
        if round % 3 == 0 {
            // Heard and not answered.
            world = world.crashed()?;
            session = world.open(session.id).await?;
            session.connected().await?;
        }
        let answer = format!("answer {round}");
        session
            .link
            .send(&world.text(&customer.jid(), &answer)?)
            .await?;
        assert_eq!(customer.hears().await?.text(), answer);
        if round % 3 == 1 {
            // Answered just now.
            world = world.crashed()?;
            session = world.open(session.id).await?;
            session.connected().await?;
        }
    }
    assert_eq!(customer.duplicates(), 0);
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_the_first_message_of_a_group_costs_nothing() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550082", "Olive")?;
        let carl = world.person("+15550182", "Carl")?;
        let session = world.connected(&owner).await?;
        let group = carl.creates_group("Friends", &[&owner]).await?;
        carl.says(&group, "first").await?;
        hears(&session, "first").await?;

        let world = world.crashed()?;
        let session = world.open(session.id).await?;
        session.connected().await?;
        carl.says(&group, "second").await?;
        hears(&session, "second").await?;
        session.link.send(&world.text(&group, "answer")?).await?;
        assert_eq!(carl.hears().await?.text(), "answer", "{lids:?}");

        let world = world.crashed()?;
        let session = world.open(session.id).await?;
        session.connected().await?;
        session.link.send(&world.text(&group, "again")?).await?;
        assert_eq!(carl.hears().await?.text(), "again", "{lids:?}");
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_right_after_pairing_leaves_a_session_that_can_log_in() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550083", "Olive")?;
    let offering = world.open(world.new_session()).await?;
    // The phone counts on the device as soon as this answers.
    owner.scans(&offering.qr().await?).await?;
    let world = world.crashed()?;
    let session = world.open(offering.id).await?;
    session.connected().await?;
    session.link.close().await;
    Ok(())
}
