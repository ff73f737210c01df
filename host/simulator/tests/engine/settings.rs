//! What is set for chats, shared between the phone and its companions.

use anyhow::Result;
use warbler_simulator::{ChatSettings, Muted, Network, NetworkOptions};
use whatsapp_rust::prelude::{Event, Jid};

use super::support::{Engine, SOON};

#[tokio::test]
async fn what_a_session_sets_for_a_chat_the_phone_can_read() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550800", "Shop")?;
    let customer = network.person("+15550801", "Customer")?;
    let engine = Engine::linked(&network, &shop).await?;
    let chat: Jid = customer.jid().parse()?;
    let actions = engine.client.chat_actions();
    actions.archive_chat(&chat, None).await?;
    actions.pin_chat(&chat).await?;
    actions.mute_chat(&chat).await?;
    actions.mark_chat_as_read(&chat, false, None).await?;
    let seen = shop.chat_settings(customer.number()).await?;
    let expected = ChatSettings {
        archived: true,
        pinned: true,
        muted: Some(Muted::ForEver),
        marked_read: Some(false),
    };
    assert_eq!(seen, expected);
    actions.unarchive_chat(&chat, None).await?;
    actions.unmute_chat(&chat).await?;
    let seen = shop
        .sees_chat_settings(customer.number(), SOON, |one| !one.archived)
        .await?;
    assert_eq!((seen.muted, seen.pinned), (None, true));
    let name = Some("Best Customer".to_owned());
    actions
        .save_contact(&chat, name.clone(), None, true)
        .await?;
    assert_eq!(shop.saved_name(customer.number()).await?, name);
    assert_eq!(shop.saved_name(shop.number()).await?, None);
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_the_phone_sets_its_companions_learn() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550810", "Shop")?;
    let customer = network.person("+15550811", "Customer")?;
    shop.saves_contact(customer.number(), "Ada Early").await?;
    let mut engine = Engine::new(&network).await?;
    shop.scans(&engine.qr().await?).await?;
    let name = engine
        .until(|event| match event {
            Event::ContactUpdate(update) => update.action.full_name.clone(),
            _ => None,
        })
        .await?;
    assert_eq!(name, "Ada Early");
    shop.archives(customer.number(), true).await?;
    engine
        .until(|event| match event {
            Event::ArchiveUpdate(update) => (update.action.archived == Some(true)).then_some(()),
            _ => None,
        })
        .await?;
    // Both go on from where the other has stopped.
    let chat: Jid = customer.jid().parse()?;
    engine.client.chat_actions().pin_chat(&chat).await?;
    shop.pins(customer.number(), false).await?;
    shop.marks_chat_read(customer.number(), true).await?;
    shop.mutes(customer.number(), Some(Muted::Until(5_000)))
        .await?;
    engine
        .until(|event| match event {
            Event::PinUpdate(update) => (update.action.pinned == Some(false)).then_some(()),
            _ => None,
        })
        .await?;
    let seen = shop.chat_settings(customer.number()).await?;
    assert_eq!(seen.muted, Some(Muted::Until(5_000)));
    assert_eq!((seen.pinned, seen.marked_read), (false, Some(true)));
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn two_companions_of_an_account_share_their_settings() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550820", "Shop")?;
    let customer = network.person("+15550821", "Customer")?;
    let first = Engine::linked(&network, &shop).await?;
    let mut second = Engine::linked(&network, &shop).await?;
    let chat: Jid = customer.jid().parse()?;
    first.client.chat_actions().pin_chat(&chat).await?;
    second
        .until(|event| matches!(event, Event::PinUpdate(_)).then_some(()))
        .await?;
    network.stop().await;
    Ok(())
}
