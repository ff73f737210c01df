//! The host dies at the worst moments, and goes on from what was on disk.

use anyhow::Result;
use warbler_app::driver::InboundMessage;
use warbler_domain::Content;
use warbler_simulator::Person;
use warbler_store::Writer;
use warbler_store::device_keys::KeySpace;

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

crate::only_with! {
    StoreBeforeAck:
    #[tokio::test(flavor = "multi_thread")]
    async fn a_message_that_only_its_ratchet_outlived_is_asked_for_again() -> Result<()> {
        /// Where the driver keeps messages that wait for the inbox.
        const WAITING: KeySpace = KeySpace(19);
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550083", "Olive")?;
        let customer = world.person("+15550183", "Carl")?;
        let session = world.connected(&owner).await?;
        customer.says(owner.number(), "before").await?;
        hears(&session, "before").await?;
        crate::world::has_acknowledged(&owner).await?;
        session.inbox.refuse(true);
        let said = customer.says(owner.number(), "lost").await?;
        session.inbox.has_refused().await?;
        session.link.close().await;
        let id = session.id;
        let forget = move |writer: &Writer<'_>| writer.device_keys_mut().clear(id, WAITING);
        assert_eq!(world.store.write(forget).await?, 1, "it was waiting");

        let session = world.open(id).await?;
        let message = hears(&session, "lost").await?;
        assert_eq!(message.whatsapp_id.as_str(), said);
        let asked = customer.receipts();
        assert!(asked.iter().any(|receipt| receipt.kind == "retry"));
        customer.says(owner.number(), "after").await?;
        hears(&session, "after").await?;
        session.link.close().await;
        let session = world.open(id).await?;
        session.connected().await?;
        let asked = |customer: &Person| {
            let receipts = customer.receipts().into_iter();
            receipts.filter(|receipt| receipt.kind == "retry").count()
        };
        assert_eq!(asked(&customer), 1, "once");
        session.link.close().await;
        Ok(())
    }
}
