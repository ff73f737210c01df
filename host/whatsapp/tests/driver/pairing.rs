//! Linking a phone, and what ends it.

use anyhow::Result;
use warbler_app::driver::{DriverError, LinkEnd, LinkReport};

use crate::world::{Lids, Told, WORLDS, World, jid};

#[tokio::test(flavor = "multi_thread")]
async fn a_scanned_qr_links_the_session_and_it_connects() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550001", "Olive")?;
        let offering = world.open(world.new_session()).await?;
        assert!(!world.driver.is_paired(offering.id).await?);
        owner.scans(&offering.qr().await?).await?;
        let paired = offering
            .reported("pairing", |report| match report {
                LinkReport::Paired(account) => Some(account.clone()),
                _ => None,
            })
            .await?;
        assert_eq!(paired.jid, jid(&owner.jid())?);
        assert_eq!(offering.end().await?, LinkEnd::Restart);
        assert!(world.driver.is_paired(offering.id).await?);

        let session = world.open(offering.id).await?;
        let account = session.connected().await?;
        assert_eq!(account.jid, jid(&owner.jid())?);
        assert_eq!(account.push_name.as_deref(), Some("Olive"));
        session.link.close().await;
        assert_eq!(session.end().await?, LinkEnd::Closed);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_code_links_the_session() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550002", "Olive")?;
    let offering = world.open(world.new_session()).await?;
    offering.qr().await?;
    let code = offering
        .link
        .request_pairing_code(&owner.number().parse()?)
        .await?;
    assert_eq!(code.code.len(), 8);
    owner.types_code(&code.code).await?;
    assert_eq!(offering.end().await?, LinkEnd::Restart);
    let session = world.open(offering.id).await?;
    assert_eq!(session.connected().await?.jid, jid(&owner.jid())?);
    let again = session
        .link
        .request_pairing_code(&owner.number().parse()?)
        .await;
    assert_eq!(again, Err(DriverError::AlreadyPaired));
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_host_comes_back_without_pairing() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550003", "Olive")?;
    let customer = world.person("+15550103", "Carl")?;
    let session = world.connected(&owner).await?;
    let id = session.id;
    customer.says(owner.number(), "before").await?;
    session.hears().await?;
    session.link.close().await;
    drop(session);

    let world = world.restarted().await?;
    assert!(world.driver.is_paired(id).await?);
    let session = world.open(id).await?;
    session.connected().await?;
    customer.says(owner.number(), "after").await?;
    assert_eq!(session.hears().await?.content.readable(), Some("after"));
    let qr = |told: &Told| matches!(told, Told::Report(LinkReport::PairingQr { .. }));
    assert!(!session.inbox.told().iter().any(qr));
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_link_of_a_session_is_open_at_a_time() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let session = world.open(world.new_session()).await?;
    session.qr().await?;
    assert!(world.open(session.id).await.is_err());
    assert!(world.driver.forget(session.id).await.is_err());
    session.link.close().await;
    session.link.close().await;
    assert_eq!(session.end().await?, LinkEnd::Closed);
    world.driver.forget(session.id).await?;
    world.open(session.id).await?.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_by_the_host_unlinks_the_device() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550004", "Olive")?;
    let session = world.connected(&owner).await?;
    assert_eq!(owner.devices().len(), 1);
    session.link.logout().await?;
    assert_eq!(session.end().await?, LinkEnd::Closed);
    let session = world.open(session.id).await?;
    assert!(matches!(session.end().await?, LinkEnd::LoggedOut { .. }));
    assert!(owner.devices().is_empty());
    world.driver.forget(session.id).await?;
    assert!(!world.driver.is_paired(session.id).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_by_the_phone_ends_the_link_as_logged_out() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550005", "Olive")?;
    let session = world.connected(&owner).await?;
    owner.unlinks_all().await;
    assert!(matches!(session.end().await?, LinkEnd::LoggedOut { .. }));
    let session = world.open(session.id).await?;
    assert!(matches!(session.end().await?, LinkEnd::LoggedOut { .. }));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_waits_for_a_phone_lets_go_of_the_database_when_it_is_closed() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let offering = world.open(world.new_session()).await?;
    offering.qr().await?;
    offering.link.close().await;
    drop(offering);
    world.closes().await
}
