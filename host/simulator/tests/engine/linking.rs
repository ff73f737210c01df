//! Linking by QR and by code, coming back, and being thrown out.

use anyhow::Result;
use warbler_simulator::{Network, NetworkOptions};
use whatsapp_rust::prelude::Event;

use super::support::{Engine, SOON};

#[tokio::test]
async fn a_qr_that_is_scanned_links_the_engine() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550100", "Shop")?;
    let mut engine = Engine::new(&network).await?;
    let qr = engine.qr().await?;
    shop.scans(&qr).await?;
    engine.connected().await?;
    assert_eq!(shop.devices(), vec![1]);
    assert_eq!(shop.has_active_device(SOON).await?, 1);
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_code_that_is_typed_links_the_engine() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550101", "Shop")?;
    let mut engine = Engine::with_code(&network, Some("15550101")).await?;
    let code = engine.pair_code().await?;
    shop.is_asked_for_code(SOON).await?;
    shop.types_code(&code).await?;
    engine.connected().await?;
    assert_eq!(shop.devices(), vec![1]);
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_linked_engine_comes_back_without_a_qr() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550102", "Shop")?;
    let mut engine = Engine::linked(&network, &shop).await?;
    engine.stops().await;
    engine.starts().await?;
    engine
        .until(|event| match event {
            Event::Connected(_) => Some(()),
            Event::PairingQrCode(_) => None,
            _ => None,
        })
        .await?;
    assert_eq!(shop.devices(), vec![1]);
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_phone_that_unlinks_logs_the_engine_out() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550103", "Shop")?;
    let mut engine = Engine::linked(&network, &shop).await?;
    shop.unlinks_all().await;
    engine
        .until(|event| matches!(event, Event::LoggedOut(_)).then_some(()))
        .await?;
    assert!(shop.devices().is_empty());
    network.stop().await;
    Ok(())
}
